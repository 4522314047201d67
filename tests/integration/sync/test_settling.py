"""A call without a known outcome is settled before its records are sent, deleted or matched again: nothing doubled, nothing lost."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from host.testing.tiny_remote import PATIENCE_SECONDS

if TYPE_CHECKING:
    from host.sync import Look
    from tests.integration.sync.world import World

OVER = 90
"""Patience, and a minute in which the call may still be at work."""

UNKNOWN = {
    "the answer is lost": {"kind": "lose"},
    "cut before it": {"kind": "cut"},
    "500 after it": {"kind": "status", "status": 500, "done": True},
    "500 before it": {"kind": "status", "status": 500},
    "503 after it": {"kind": "status", "status": 503, "done": True},
    "503 before it": {"kind": "status", "status": 503},
    "half an answer": {"kind": "truncate"},
    "half of it done": {"kind": "partial"},
}


@pytest.mark.parametrize("fault", UNKNOWN.values(), ids=list(UNKNOWN))
def test_a_create_with_a_unique_mark_is_looked_for_and_linked_or_sent_anew(world: World, fault: dict[str, Any]) -> None:
    world.linked()
    world.remote.fails(match="PUT /invoices", **fault)
    world.save("invoices", "i1", "i2", "i3", "i4")
    world.drain()
    assert sorted(one["mark"] for one in world.remote.of("invoices")) == ["i1", "i2", "i3", "i4"]
    assert set(world.states("invoices").values()) == {"synced"}
    keys = [call.key for call in world.remote.writes()]
    assert len(set(keys)) == len(keys), "a key is used once"
    assert len(world.remote.reads()) == 1, "one look for all of them"


@pytest.mark.parametrize("fault", UNKNOWN.values(), ids=list(UNKNOWN))
def test_a_create_without_a_mark_is_held_until_it_cannot_run_any_more(world: World, fault: dict[str, Any]) -> None:
    world.linked(invoices=2)
    world.remote.fails(match="PUT /payments", **fault)
    world.save("payments", "p1", document="i1", amount="10.00")
    world.save("payments", "p2", document="i2", amount="20.00")
    world.drain()
    again = world.drain()
    while again.again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
        again = world.drain()
    assert sorted(one["amount"] for one in world.remote.of("payments")) == ["10.00", "20.00"]
    assert set(world.states("payments").values()) == {"synced"}
    [first, *_] = world.remote.writes("payments")
    [look, *_] = world.remote.reads("payments")
    known_to_be_over = fault["kind"] == "partial" or fault.get("status") == 500
    waited = (look.at - first.at).total_seconds()
    assert waited < 10 if known_to_be_over else waited >= 60


def test_a_lost_create_that_lands_late_is_not_doubled_where_there_is_no_mark(world: World) -> None:
    world.linked(invoices=1)
    world.remote.fails("late", "PUT /payments", seconds=80)
    world.save("payments", "p1", document="i1", amount="10.00")
    started = world.time.now
    while world.drain().again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
    assert len(world.remote.of("payments")) == 1
    assert len(world.remote.writes("payments")) == 1
    [look] = world.remote.reads("payments")
    assert (look.at - started) >= timedelta(seconds=2 * PATIENCE_SECONDS)


def test_a_lost_create_that_lands_after_it_was_sent_anew_is_refused_for_its_mark(world: World) -> None:
    world.remote.fails("late", "PUT /customers", seconds=60)
    world.save("customers", "c1")
    world.drain()
    world.time.pass_whole(60)
    assert len(world.remote.of("customers")) == 1
    assert world.state("customers", "c1")["state"] == "synced"


def test_a_lost_create_that_lands_between_look_and_new_call_is_linked(world: World) -> None:
    """The new call is refused for the mark; the remote is asked again, and what it shows is ours."""
    world.remote.fails("late", "PUT /customers", seconds=31.1)
    world.save("customers", "c1")
    world.drain()
    assert [call.method for call in world.remote.calls] == ["PUT", "GET", "PUT", "GET"]
    assert len(world.remote.of("customers")) == 1
    assert world.state("customers", "c1")["state"] == "synced"


def test_a_lost_create_whose_mark_changed_meanwhile_is_held_until_it_cannot_land(world: World) -> None:
    """Renumbered while lost: under its new number it would be made a second time."""
    world.linked()
    world.remote.fails("late", "PUT /invoices", seconds=75)
    world.time.after(2, lambda: world.save("invoices", "i1", number="renumbered"))
    world.save("invoices", "i1", number="first")
    while world.drain().again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
    world.time.pass_whole(100)
    assert [one["mark"] for one in world.remote.of("invoices")] == ["renumbered"]
    assert world.state("invoices", "i1")["state"] == "synced"


@pytest.mark.parametrize(("meanwhile", "there"), [("renumbered", ["renumbered"]), ("deleted", [])])
def test_what_happens_to_a_lost_create_before_it_goes_anew_waits_until_it_cannot_land(
    world: World, meanwhile: str, there: list[str]
) -> None:
    """Looked for in vain and about to go anew, which the limits hold up: a new number would be a second mark, and a deletion would leave the first behind."""
    world.linked()
    world.remote.fails("late", "PUT /invoices", seconds=75)
    world.remote.fails("status", "PUT /invoices", status=429, headers={"Retry-After": "20"})
    change = {
        "renumbered": lambda: world.save("invoices", "i1", number="renumbered"),
        "deleted": lambda: world.delete("invoices", "i1"),
    }
    world.time.after(40, change[meanwhile])
    world.save("invoices", "i1", number="first")
    while world.drain().again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
    world.time.pass_whole(OVER)
    assert [one["mark"] for one in world.remote.of("invoices")] == there
    assert world.state("invoices", "i1")["state"] == "synced"


def test_what_was_found_is_recognised_beside_todays_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which line there is which of ours is told by the record: without it the lines would go as new ones with the next change."""
    recognise = world.provider.recognise
    seen: list[Any] = []

    def note(wish: Any, *rest: Any) -> Any:
        seen.append(wish.record)
        return recognise(wish, *rest)

    monkeypatch.setattr(world.provider, "recognise", note)
    world.linked()
    world.remote.fails("lose", "PUT /invoices")
    world.save("invoices", "i1", "i2", reference="today's")
    world.drain()
    assert [(record.id, record.reference) for record in seen] == [("i1", "today's"), ("i2", "today's")]


def test_a_mark_that_something_of_ours_bears_is_linked(world: World) -> None:
    world.linked()
    ours = {"id": "r9", "mark": "i1", "ours": "abcdef-i1", "text": "", "contact": "r1", "status": "draft"}
    world.remote.elements["acme/invoices"] = {"r9": ours}
    world.save("invoices", "i1")
    world.drain()
    assert (world.state("invoices", "i1")["state"], world.state("invoices", "i1")["remote_id"]) == ("synced", "r9")
    assert len(world.remote.of("invoices")) == 1


def test_a_mark_that_somebody_elses_record_bears_is_a_conflict_never_a_link(world: World) -> None:
    world.linked()
    theirs = {"id": "r9", "mark": "i1", "ours": "", "text": "", "status": "draft"}
    world.remote.elements["acme/invoices"] = {"r9": theirs}
    world.save("invoices", "i1", "i2")
    world.drain()
    state = world.state("invoices", "i1")
    assert (state["state"], state["remote_id"]) == ("conflict", "")
    assert state["error"] == "i1 is taken by something that is not ours"
    assert world.state("invoices", "i2")["state"] == "synced"


def test_a_mark_said_to_be_taken_and_not_shown_is_put_before_a_person(world: World) -> None:
    world.linked()
    hidden = {"id": "r9", "mark": "i1", "ours": "", "text": "", "status": "draft"}
    world.remote.elements["acme/invoices"] = {"r9": hidden}
    world.remote.hidden.add("r9")
    world.save("invoices", "i1")
    world.drain()
    assert world.state("invoices", "i1")["state"] == "failed"
    assert "is there already" in world.state("invoices", "i1")["error"]
    assert len(world.remote.writes()) == 2


def test_a_lost_update_is_held_and_then_sent_as_the_record_is_by_then(world: World) -> None:
    world.linked()
    world.remote.fails("late", "POST /customers", seconds=70)
    world.save("customers", "c1", name="lost")
    world.time.after(40, lambda: world.save("customers", "c1", name="by then"))
    while world.drain().again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
    assert [one["text"] for one in world.remote.of("customers")] == ["by then"]
    first, second = world.remote.writes()
    assert (second.at - first.at).total_seconds() >= OVER


def test_a_lost_update_is_undone_where_the_record_was_saved_back_meanwhile(world: World) -> None:
    """It equals what was agreed before, and not what the lost call left there. While held it is compared with nothing."""
    world.linked()
    world.remote.fails("late", "POST /customers", seconds=70)
    world.save("customers", "c1", name="lost")
    seen: list[str] = []
    world.time.after(40, lambda: world.save("customers", "c1", name="Ada"))
    world.time.after(45, lambda: seen.append(world.state("customers", "c1")["state"]))
    while world.drain().again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
    assert seen == ["waiting"]
    assert [one["text"] for one in world.remote.of("customers")] == ["Ada"]


def test_a_record_whose_mark_cannot_be_told_stays_unknown_and_holds_up_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = world.provider.mark

    def broken(wish: Any, *rest: Any) -> Look:
        if wish.record_id == "c2":
            raise RuntimeError("a bug over one mark")
        return mark(wish, *rest)

    monkeypatch.setattr(world.provider, "mark", broken)
    world.remote.fails("lose", "PUT /customers")
    world.save("customers", "c1", "c2", "c3")
    world.drain()
    assert world.states("customers") == {"c1": "synced", "c2": "unknown", "c3": "synced"}
    assert "a bug over one mark" in world.state("customers", "c2")["reason"]


def test_a_look_that_is_refused_for_one_odd_value_settles_the_others(world: World) -> None:
    world.remote.fails("lose", "PUT /customers")
    world.remote.odd_mark = "abcdef-c2"
    world.save("customers", "c1", "c2", "c3")
    world.drain()
    assert world.states("customers") == {"c1": "synced", "c2": "unknown", "c3": "synced"}
    assert len(world.remote.reads()) <= 4
    world.remote.odd_mark = ""
    world.time.pass_whole(300)
    world.drain()
    assert world.states("customers") == {"c1": "synced", "c2": "synced", "c3": "synced"}
    assert len(world.remote.of("customers")) == 3


def test_a_look_whose_answer_is_cut_off_is_asked_again_after_a_pause(world: World) -> None:
    world.remote.fails("lose", "PUT /customers")
    world.remote.fails("truncate", "GET /customers", times=3)
    world.save("customers", "c1")
    world.drain()
    assert world.state("customers", "c1")["state"] == "synced"
    looks = [call.at for call in world.remote.reads()]
    assert len(looks) == 4
    assert all((later - sooner).total_seconds() >= 1 for sooner, later in itertools.pairwise(looks))


@pytest.mark.parametrize("there", [False, True], ids=["create", "update"])
def test_a_record_over_which_the_remote_breaks_stands_alone_in_the_end(world: World, *, there: bool) -> None:
    """It never says what became of such a call: sent together for ever, one would keep all others from arriving, and use up the day's calls."""
    world.linked(invoices=8 if there else 0)
    world.save("invoices", "i1", "i2", "i3", "i4", "i6", "i7", "i8", reference="fine")
    world.save("invoices", "i5", reference="breaks")
    world.time.after(600, world.engine.stop)
    world.drain()
    states = world.states("invoices")
    assert {states.pop("i5")} <= {"waiting", "unknown"}
    assert set(states.values()) == {"synced"}
    assert there or "times in a row (the remote answered 500)" in world.state("invoices", "i5")["reason"]
    assert len(world.remote.calls) < 50


def test_a_record_over_which_the_remote_broke_goes_when_it_is_mended(world: World) -> None:
    world.linked()
    world.save("invoices", "i1", reference="breaks")
    world.time.after(100, lambda: world.save("invoices", "i1", reference="mended"))
    world.drain()
    world.time.pass_whole(300)
    world.drain()
    assert world.state("invoices", "i1")["state"] == "synced"
    assert [one["text"] for one in world.remote.of("invoices")] == ["mended"]
