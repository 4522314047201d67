"""What a person decides about the outbox: once more now, not at all, on again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.sync.steering import Chosen

if TYPE_CHECKING:
    from tests.integration.sync.world import World


def test_what_failed_is_tried_again_and_succeeds_once_its_cause_is_gone(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=400, times=1)
    world.save("customers", "c1")
    world.drain()
    assert world.state("customers", "c1")["state"] == "failed"
    steered = world.engine.retry(Chosen())
    assert (steered.count, steered.left) == (1, ())
    world.drain()
    state = world.state("customers", "c1")
    assert (state["state"], state["error"]) == ("synced", "")


def test_only_those_that_were_chosen_are_tried(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=400, times=3)
    world.save("customers", "c1", "c2")
    world.drain()
    assert world.states("customers") == {"c1": "failed", "c2": "failed"}
    assert world.engine.retry(Chosen(kind="invoices")).count == 0
    assert world.engine.retry(Chosen(connection="other")).count == 0
    assert world.engine.retry(Chosen(kind="customers", refs=["c2"])).count == 1
    world.drain()
    assert world.states("customers") == {"c1": "failed", "c2": "synced"}


def test_what_was_named_and_does_not_follow_is_told_with_its_state(world: World) -> None:
    world.linked()
    steered = world.engine.retry(Chosen(refs=["c1", "c1", "new"]))
    left = [(one["kind"], one["ref"], one["state"], one["why"]) for one in steered.left]
    assert left == [
        ("customers", "c1", "synced", "it is in step already"),
        ("", "new", "not_sent", "it was never to be sent"),
    ]
    assert steered.count == 0
    [not_parked] = world.engine.unpark(Chosen(kind="customers", refs=["c1"])).left
    assert not_parked["why"] == "it is not parked"


def test_a_record_whose_call_is_out_is_not_touched(world: World) -> None:
    found = []

    def steer_all() -> None:
        before = world.row("customers", "c1")
        chosen = Chosen(refs=["c1"])
        found.extend([world.engine.retry(chosen), world.engine.park(chosen, "no"), world.engine.unpark(chosen)])
        assert world.row("customers", "c1") == before

    world.remote.fails("slow", "PUT /customers", seconds=20)
    world.time.after(10, steer_all)
    world.save("customers", "c1")
    world.drain()
    assert [(one.count, one.left[0]["state"]) for one in found] == [(0, "sending")] * 3
    assert {one.left[0]["why"].partition(" yet")[0] for one in found} == {"a call for it has no known outcome"}
    assert world.state("customers", "c1")["state"] == "synced"


def test_a_parked_record_stays_whatever_is_saved_until_it_is_unparked(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=400)
    world.save("customers", "c1")
    world.drain()
    assert world.engine.park(Chosen(refs=["c1"]), "parked by ann").count == 1
    world.remote.calls.clear()
    world.save("customers", "c1", name="Another")
    world.engine.request_sync()
    world.drain()
    state = world.state("customers", "c1")
    assert (state["state"], state["reason"]) == ("parked", "parked by ann")
    assert world.remote.writes() == []

    assert world.engine.unpark(Chosen(refs=["c1"])).count == 1
    world.drain()
    assert world.state("customers", "c1")["state"] == "synced"
    assert [one["text"] for one in world.remote.of("customers")] == ["Another"]


def test_what_needs_a_parked_record_says_so(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=400)
    world.save("customers", "c1")
    world.drain()
    world.engine.park(Chosen(kind="customers"), "parked by ann")
    world.save("invoices", "i1")
    world.drain()
    state = world.state("invoices", "i1")
    assert state["state"] == "blocked"
    world.engine.unpark(Chosen())
    world.drain()
    world.engine.retry(Chosen())
    world.drain()
    assert world.state("invoices", "i1")["state"] == "synced"


def test_a_create_that_may_still_land_is_settled_before_its_record_can_be_parked(world: World) -> None:
    """Looked for in vain and about to go anew, which the limits hold up."""
    found = []
    world.remote.fails("late", "PUT /customers", seconds=75)
    world.remote.fails("status", "PUT /customers", status=429, headers={"Retry-After": "20"})
    world.time.after(40, lambda: found.append(world.engine.park(Chosen(refs=["c1"]), "no")))
    world.save("customers", "c1")
    while world.drain().again_at or world.engine.connections_with_work():
        world.time.pass_whole(10)
    told = {"kind": "customers", "ref": "c1", "state": "waiting"}
    why = "an earlier call for it may still arrive: that is found out first, by itself"
    assert [(one.count, list(one.left)) for one in found] == [(0, [{**told, "why": why}])]
    assert len(world.remote.of("customers")) == 1
    assert world.state("customers", "c1")["state"] == "synced"
