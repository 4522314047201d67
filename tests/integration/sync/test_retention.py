"""The request log is kept for so many days; what may still be asked for is kept for longer, and the sync goes on as if nothing had been removed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, update

from host import clock
from host.correlation import correlated
from host.ids import _Ticks
from host.occasions import keep_occasion
from host.sync import Limits, retention, views
from host.sync.limiter import free_at, measure
from host.sync.retention import Keep, Pruned, prune
from host.sync.tables import batches, call_records, calls, rows
from host.tables import occasions

if TYPE_CHECKING:
    from tests.integration.sync.world import World

YEAR = Keep(requests=timedelta(days=400), bodies=timedelta(days=90))
LEAST = Keep(requests=timedelta(hours=1), bodies=timedelta(hours=1))
"""Less than the settings can say."""
FOR_EVER = Keep(requests=None, bodies=None)


@pytest.fixture(autouse=True)
def new_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identities never go back in one process, but the clocks of tests do."""
    monkeypatch.setattr("host.ids._ticks", _Ticks())


def days(world: World, count: float) -> None:
    world.time.now += timedelta(days=count)


def how_many(world: World, table: Any) -> int:
    with world.database.read() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def change(world: World, statement: Any) -> None:
    with world.database.write() as session:
        session.execute(statement)


def test_first_the_bodies_go_and_then_the_calls(world: World) -> None:
    world.linked(customers=2)
    made, (sent,) = len(world.calls()), [call for call in world.calls() if call.purpose == "send"]
    days(world, 89.9)
    assert prune(world.database, YEAR) == Pruned()
    days(world, 0.2)
    gone_at = clock.now()
    assert prune(world.database, YEAR) == Pruned(bodies=made)
    assert prune(world.database, YEAR) == Pruned()
    [kept] = [call for call in world.calls() if call.id == sent.id]
    assert (kept.body, kept.response_body, kept.pruned_at) == (b"", None, gone_at)
    assert (kept.address, kept.status, kept.response_headers) == (sent.address, sent.status, sent.response_headers)
    with world.database.read() as session:
        shown = views.request(session, sent.id)
    assert shown
    assert shown["bodies_gone_since"] == gone_at.isoformat()
    assert (shown["request_body"], shown["response_body"]) == ("", "")
    assert [record["ref"] for record in shown["records"]] == ["c1", "c2"]
    days(world, 309.8)
    assert prune(world.database, YEAR).requests == 0
    days(world, 0.2)
    assert prune(world.database, YEAR).requests == made
    assert how_many(world, calls) == how_many(world, call_records) == 0


def test_what_is_kept_for_ever_is_kept(world: World) -> None:
    world.linked()
    days(world, 20_000)
    before = world.calls()
    assert prune(world.database, FOR_EVER) == Pruned()
    assert world.calls() == before
    assert prune(world.database, Keep(requests=None, bodies=timedelta(days=90))) == Pruned(bodies=len(before))


STILL_ASKED_FOR: dict[str, Any] = {
    "it has no answer yet": lambda call, _now: update(calls).where(calls.c.id == call).values(closed_at=None),
    "it may still be running": lambda call, now: (
        update(calls).where(calls.c.id == call).values(running_until=now + timedelta(seconds=1))
    ),
    "a record is in it": lambda call, _now: update(rows).values(call_id=call),
    "it was lost": lambda call, now: update(rows).values(lost_call=call, lost_until=now - timedelta(days=900)),
}


@pytest.mark.parametrize("why", STILL_ASKED_FOR.values(), ids=list(STILL_ASKED_FOR))
def test_a_call_that_may_still_be_asked_for_stays_whole(world: World, why: Any) -> None:
    world.linked()
    [sent] = [call for call in world.calls() if call.purpose == "send"]
    days(world, 1000)
    change(world, why(sent.id, clock.now()))
    prune(world.database, LEAST)
    [kept] = world.calls()
    assert (kept.id, kept.body, kept.response_body) == (sent.id, sent.body, sent.response_body)
    assert how_many(world, call_records) == 1
    change(world, update(calls).values(closed_at=clock.now(), running_until=None))
    change(world, update(rows).values(call_id=None, lost_call=None, lost_until=None))
    assert prune(world.database, LEAST).requests == 1


def test_the_last_two_days_stay_whatever_the_settings_say(world: World) -> None:
    world.linked()
    made = len(world.calls())
    days(world, 1.99)
    assert prune(world.database, LEAST) == Pruned()
    days(world, 0.02)
    pruned = prune(world.database, LEAST)
    assert (pruned.bodies, pruned.requests) == (made, made)


def test_the_limits_count_what_was_called(world: World) -> None:
    world.linked()
    limits = Limits(minute=0, day=len(world.calls()) - 1, reserve=0)  # the call for the token is not counted

    def allowed_at() -> Any:
        with world.database.read() as session:
            return free_at(measure(session, "acme", limits, clock.now()), limits, 0, clock.now())

    days(world, 0.99)
    before = allowed_at()
    assert before > clock.now(), "they are used up"
    prune(world.database, LEAST)
    assert allowed_at() == before


@pytest.mark.parametrize("pruned", [True, False])
def test_the_sync_goes_on_as_it_would_have(world: World, pruned: bool) -> None:
    world.linked(customers=3)
    world.save("customers", "c3", name="reject")
    world.drain()
    world.remote.calls.clear()
    days(world, 1000)
    if pruned:
        assert prune(world.database, LEAST).requests > 0
    world.save("customers", "c1", name="Ada")  # as it is there already
    world.save("customers", "c2", name="Countess")
    world.save("invoices", "i1", contact="c2")
    assert world.state("customers", "c3")["error"] == "this text is not allowed"
    world.drain()
    [update_of_c2, create_of_i1] = world.remote.writes()
    assert [(one["id"], one["text"]) for one in update_of_c2.elements] == [("r2", "Countess")]
    assert [one["mark"] for one in create_of_i1.elements] == ["i1"]
    assert world.states("customers") == {"c1": "synced", "c2": "synced", "c3": "failed"}


def test_what_a_dead_worker_left_out_is_settled_however_old_it_is(world: World) -> None:
    world.remote.fails("lose", "PUT /customers")
    world.save("customers", "c1")
    world.time.after(1, world.engine.stop)
    world.drain()  # it ends with the answer lost, before it was asked for
    world.revive()
    days(world, 1000)
    prune(world.database, LEAST)
    world.drain()
    assert [one["mark"] for one in world.remote.of("customers")] == ["abcdef-c1"]
    assert len(world.remote.writes()) == 1, "it was found, not sent anew"
    assert world.states("customers") == {"c1": "synced"}


def test_batches_go_when_no_record_came_with_them_last(world: World) -> None:
    first, second = (_batch(world) for _ in range(2))
    left_open = world.engine.open_batch("load")
    days(world, 401)
    prune(world.database, YEAR)
    with world.database.read() as session:
        kept = set(session.execute(select(batches.c.id)).scalars())
    assert kept == {second}, f"not {first}, whose records came again with the second, nor {left_open}"


def _batch(world: World) -> str:
    batch = world.engine.open_batch("load")
    world.save("customers", "c1", batch=batch)
    world.engine.close_batch(batch)
    return batch


def test_occasions_go_with_the_calls(world: World) -> None:
    def happens(name: str) -> None:
        with correlated(f"PUT /{name}", given=name), world.database.write() as session:
            keep_occasion(session)

    happens("old")
    days(world, 300)
    happens("newer")
    days(world, 101)
    assert prune(world.database, YEAR).occasions == 1
    with world.database.read() as session:
        assert session.execute(select(occasions.c.correlation_id)).scalars().all() == ["newer"]


def test_people_save_in_between_and_an_end_is_heeded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.linked()
    many = retention.CALLS_AT_ONCE * 3 + 1
    change(world, _copies(world, many))
    days(world, 1000)
    breaths: list[int] = []

    def somebody_saves() -> None:
        breaths.append(how_many(world, calls))
        world.save("customers", f"c{len(breaths) + 10}")

    monkeypatch.setattr(retention, "breathe", somebody_saves)
    all_of_them = how_many(world, calls)
    only_requests = Keep(requests=timedelta(days=400), bodies=None)
    assert prune(world.database, only_requests, lambda: len(breaths) == 2).requests == 2 * retention.CALLS_AT_ONCE
    assert breaths == [all_of_them - retention.CALLS_AT_ONCE, all_of_them - 2 * retention.CALLS_AT_ONCE]
    assert prune(world.database, only_requests).requests == all_of_them - 2 * retention.CALLS_AT_ONCE
    assert how_many(world, rows) == 1 + len(breaths)


def _copies(world: World, count: int) -> Any:
    [sent] = [dict(call._mapping) for call in world.calls() if call.purpose == "send"]
    return insert(calls).values([{**sent, "id": f"{sent['id'][:-4]}{n:04x}"} for n in range(count)])
