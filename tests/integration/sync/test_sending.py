"""A saved record is at the remote, once, as it is now; what equals it is not sent, and what can't go says why."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from host.sync import Limits, Refuse
from host.sync.applying import Applier
from tests.integration.sync.world import Death

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.sync.conftest import Opener
    from tests.integration.sync.world import World


def test_a_saved_record_is_created_once(world: World) -> None:
    world.save("customers", "c1")
    world.drain()
    [made] = world.remote.of("customers")
    assert (made["text"], made["mark"]) == ("Ada", "abcdef-c1")
    state = world.state("customers", "c1")
    assert (state["state"], state["remote_id"]) == ("synced", made["id"])
    assert len(world.remote.writes()) == 1


def test_a_changed_record_is_updated_by_its_id(world: World) -> None:
    world.linked(invoices=1)
    world.save("invoices", "i1", reference="changed")
    world.drain()
    [call] = world.remote.writes()
    assert (call.method, call.elements[0]["id"], call.elements[0]["text"]) == ("POST", "r1", "changed")
    assert [call.query for call in world.remote.reads()] == ["ids=r1"]
    assert [one["text"] for one in world.remote.of("invoices")] == ["changed"]


def test_what_equals_the_agreed_version_is_not_sent(world: World) -> None:
    world.linked(invoices=1)
    world.save("invoices", "i1")
    world.drain()
    assert world.remote.calls == []
    assert world.state("invoices", "i1")["state"] == "synced"


def test_a_later_drain_reads_the_remote_anew_before_it_updates(world: World) -> None:
    """What was read for one update is no ground for the next."""
    world.linked(invoices=1)
    world.save("invoices", "i1", reference="one")
    world.time.after(2, lambda: world.save("invoices", "i1", reference="two"))
    world.save("customers", "late")
    world.remote.fails("slow", "PUT /customers", seconds=5)
    world.drain()
    assert [call.elements[0]["text"] for call in world.remote.writes("invoices")] == ["one", "two"]
    assert len(world.remote.reads("invoices")) == 2


def test_an_excluded_record_is_written_down_and_stays_here(world_with: Opener) -> None:
    with world_with(only=["invoices"]) as world:
        world.save("customers", "c1")
        world.drain()
        assert world.remote.calls == []
        state = world.state("customers", "c1")
        assert (state["state"], state["reason"]) == ("excluded", "customers are not synced")


def test_an_excluded_record_goes_where_another_needs_it(world_with: Opener) -> None:
    with world_with(only=["invoices"]) as world:
        world.save("customers", "c1")
        world.save("invoices", "i1")
        world.drain()
        assert [call.path for call in world.remote.writes()] == ["/customers", "/invoices"]
        assert world.state("customers", "c1")["state"] == "synced"


def test_a_needed_record_of_which_nobody_told_is_fetched_from_the_books(world: World) -> None:
    """A plugin that came later was not told of what was saved before."""
    from sqlalchemy import delete

    from host.sync.tables import rows

    world.save("customers", "c1")
    with world.database.write() as session:
        session.execute(delete(rows))
    world.save("invoices", "i1")
    world.drain()
    assert [call.path for call in world.remote.writes()] == ["/customers", "/invoices"]


def test_a_record_waits_for_what_it_needs_and_follows_it(world: World) -> None:
    world.save("customers", "c1", name="reject")
    world.save("invoices", "i1")
    world.drain()
    state = world.state("invoices", "i1")
    assert (state["state"], state["reason"]) == ("blocked", "its customers c1: this text is not allowed")
    world.save("customers", "c1", name="Ada")
    world.drain()
    assert world.state("invoices", "i1")["state"] == "synced"


def test_a_persons_save_goes_before_bulk_and_brings_what_it_needs(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=0, day=0, concurrent=1)) as world:
        batch = world.engine.open_batch("load")
        world.save("customers", *(f"c{number}" for number in range(200)), batch=batch)
        world.engine.close_batch(batch)
        world.time.after(0.1, lambda: world.save("invoices", "i1", contact="c199"))
        world.drain()
        carried = [[element["ours"] for element in call.elements] for call in world.remote.writes()]
        assert carried[1] == ["abcdef-c199"], "its customer leaves bulk and goes next"
        assert carried[2] == ["abcdef-i1"]
        assert sum(len(call) for call in carried) == 201


def test_bulk_goes_in_full_calls_and_the_rest_when_the_batch_is_closed(world: World) -> None:
    """82 calls for 59 contacts, 3,503 items and 412 invoices is 2 + 71 + 9; here in small."""
    customers = world.engine.open_batch("load", "customers")
    for start in range(0, 59, 10):
        world.save("customers", *(f"c{number}" for number in range(start, min(start + 10, 59))), batch=customers)
        world.time.after(start / 50, lambda: None)
    world.time.after(10, lambda: world.engine.close_batch(customers))
    world.drain()
    invoices = world.engine.open_batch("load", "invoices")
    world.time.after(10, lambda: world.save("invoices", *(f"i{number}" for number in range(60, 112)), batch=invoices))
    world.save("invoices", *(f"i{number}" for number in range(60)), batch=invoices)
    world.time.after(20, lambda: world.engine.close_batch(invoices))
    world.drain()
    assert [len(call.elements) for call in world.remote.writes("customers")] == [50, 9]
    assert [len(call.elements) for call in world.remote.writes("invoices")] == [50, 50, 12]


def test_a_batch_that_nobody_fills_any_more_closes_by_itself(world: World) -> None:
    batch = world.engine.open_batch("load", "customers")
    world.save("customers", "c1", batch=batch)
    started = world.time.now
    world.drain()
    [call] = world.remote.writes()
    assert 30 <= (call.at - started).total_seconds() < 33


def test_one_bad_record_in_a_call_refused_as_a_whole_stands_alone(world: World) -> None:
    batch = world.engine.open_batch("load")
    world.save("customers", *(f"c{number}" for number in range(50)), batch=batch)
    world.save("customers", "c17", name="poison", batch=batch)
    world.engine.close_batch(batch)
    world.drain()
    assert len(world.remote.of("customers")) == 49
    state = world.state("customers", "c17")
    assert (state["state"], state["error"]) == ("failed", "the remote refused the call with status 400")
    assert len(world.remote.writes()) <= 1 + 2 * 6


def test_halving_goes_on_where_only_one_call_may_be_out(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=0, day=0, concurrent=1)) as world:
        batch = world.engine.open_batch("load")
        world.save("customers", *(f"c{number}" for number in range(50)), batch=batch)
        world.save("customers", "c17", "c49", name="poison", batch=batch)
        world.engine.close_batch(batch)
        world.drain()
        assert len(world.remote.of("customers")) == 48
        assert len(world.remote.writes()) <= 1 + 4 * 6


def test_one_record_rejected_does_not_hold_up_the_others_of_its_call(world: World) -> None:
    world.save("customers", "c1", "c2")
    world.save("customers", "c1", name="reject")
    world.drain()
    assert world.states("customers") == {"c1": "failed", "c2": "synced"}
    assert world.state("customers", "c1")["error"] == "this text is not allowed"
    assert len(world.remote.writes()) == 1


def _over_one(record_id: str, original: Callable[..., Any], wishes_of: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*arguments: Any) -> Any:
        if any(wish.record_id == record_id for wish in wishes_of(arguments)):
            raise RuntimeError("a bug over one record")
        return original(*arguments)

    return broken


FAULTY = {
    "prepare": lambda arguments: arguments[2],
    "plan": lambda arguments: [arguments[0]],
    "request": lambda arguments: [one.wish for one in arguments[0]],
}


@pytest.mark.parametrize("method", FAULTY)
def test_our_own_fault_over_one_record_does_not_hold_up_the_others(
    world: World, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _over_one("c2", getattr(world.provider, method), FAULTY[method])
    monkeypatch.setattr(world.provider, method, broken, raising=True)
    world.save("customers", "c1", "c2", "c3")
    world.drain()
    assert world.states("customers") == {"c1": "synced", "c2": "failed", "c3": "synced"}
    assert "a bug over one record" in world.state("customers", "c2")["error"]


def test_a_record_that_the_books_cannot_take_keeps_its_link_and_holds_up_nobody(world: World) -> None:
    world.linked()
    world.store.broken = {"i2"}
    world.save("invoices", "i1", "i2", "i3")
    world.drain()
    assert world.states("invoices") == {"i1": "synced", "i2": "failed", "i3": "synced"}
    state = world.state("invoices", "i2")
    assert "the books cannot take i2" in state["error"]
    assert state["remote_id"] == "r2", "what it became there is known, and must not be made twice"


def test_an_answer_that_the_provider_cannot_read_is_settled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> Any:
        monkeypatch.undo()
        raise RuntimeError("a bug over an answer")

    with monkeypatch.context() as patch:
        monkeypatch = patch
        patch.setattr(world.provider, "answers", broken)
        world.save("customers", "c1")
        world.drain()
    assert world.states("customers") == {"c1": "synced"}
    assert len(world.remote.of("customers")) == 1


def test_a_change_that_came_from_a_connection_is_not_sent_back_there(world: World) -> None:
    world.linked(invoices=1)
    with world.saver(origin="acme") as work:
        world.store.put(work, "invoices", "i1", contact="c1", reference="said by the remote")
    world.drain()
    assert world.remote.calls == []


def test_a_change_that_came_from_one_connection_goes_to_another(world: World) -> None:
    world.connect("other")
    world.save("customers", "c1", connection="other")
    world.drain("other")
    with world.saver(origin="acme") as work:
        world.store.put(work, "customers", "c1", name="said by acme")
    world.drain("other")
    assert [one["text"] for one in world.remote.of("customers", "other")] == ["said by acme"]


def test_a_save_and_its_sync_row_are_kept_together_or_not_at_all(world: World) -> None:
    """Wherever the saving process dies: at each statement and commit in turn."""
    kept: list[set[str]] = []
    for steps in range(1, 30):
        world.dies_after(steps)
        with suppress(Death):
            world.save("customers", f"c{steps}")
        world.revive()
        with world.database.read() as session:
            kept.append(set(world.store.read(session, "customers", [f"c{steps}"])))
        assert kept[-1] == {f"c{steps}"} & set(world.states("customers"))
    assert kept[0] == set(), "it did die"
    assert kept[-1] == {"c29"}, "and it lived to commit"


def test_a_reading_that_the_provider_cannot_understand_fails_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.linked(invoices=3)
    look_answer = world.provider.look_answer

    def broken(planned: Any, responses: Any) -> Any:
        if any(one.wish.record_id == "i2" for one in planned):
            raise RuntimeError("a bug over what was read")
        return look_answer(planned, responses)

    monkeypatch.setattr(world.provider, "look_answer", broken)
    world.save("invoices", "i1", "i2", "i3", reference="changed")
    world.drain()
    assert world.states("invoices") == {"i1": "synced", "i2": "failed", "i3": "synced"}
    assert "a bug over what was read" in world.state("invoices", "i2")["error"]


def test_what_waits_for_a_record_whose_decision_cannot_be_written_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = Applier._settled

    def broken(applier: Applier, session: Any, decision: Any) -> Any:
        if decision.row.record_id == "c1" and isinstance(decision.step, Refuse):
            raise RuntimeError("a bug over one decision")
        return settled(applier, session, decision)

    monkeypatch.setattr(Applier, "_settled", broken)
    plan = world.provider.plan
    monkeypatch.setattr(
        world.provider, "plan", lambda wish, *rest: Refuse(reason="no") if wish.record_id == "c1" else plan(wish, *rest)
    )
    world.save("invoices", "i1")
    world.save("customers", "c1")
    world.drain()
    assert world.state("customers", "c1")["state"] == "failed"
    assert "a bug over one decision" in world.state("invoices", "i1")["reason"]


def test_the_next_call_is_planned_while_no_other_may_leave(world_with: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.sync.lanes.most", lambda _lane, _ready: 1)
    monkeypatch.setattr("host.sync.filling.AT_ONCE", 1)
    with world_with(limits=Limits(minute=0, day=0, concurrent=2)) as world:
        planned: list[float] = []
        prepare = world.provider.prepare

        def noting(*given: Any) -> Any:
            planned.append((world.time.now - started).total_seconds())
            return prepare(*given)

        monkeypatch.setattr(world.provider, "prepare", noting)
        world.remote.latency = 1.0
        batch = world.engine.open_batch("load")
        world.save("customers", "c1", "c2", "c3", "c4", batch=batch)
        world.engine.close_batch(batch)
        started = world.time.now
        world.drain()
        assert planned == [0, 0, 0, 1], "the third before the first two were answered"
        assert set(world.states("customers").values()) == {"synced"}
