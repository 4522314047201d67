"""What travels together, what waits, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from host.sync.lanes import FOUND_KEEPS, STALE, Found, Halves, Lane, Lanes
from host.sync.outbox import BULK, PERSON
from host.sync.provider import Agreed, Look, Planned, Send, Verb, Wanted, Wish

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _planned(
    row_id: int, *, lane: str = "create", kind: str = "invoices", most: int = 3, look: bool = False
) -> Planned:
    wish = Wish(
        row_id=row_id,
        kind=kind,
        record_id=str(row_id),
        record=None,
        wanted=Wanted.SEND,
        generation=1,
        remote_id="",
        agreed=Agreed(),
    )
    step = Look(lane=lane, value="x", most=most) if look else Send(lane=lane, verb=Verb.CREATE, body={}, most=most)
    return Planned(wish=wish, prepared=None, step=step)


def _filled(*planned: Planned, priority: int = BULK) -> Lanes:
    lanes = Lanes()
    for one in planned:
        lanes.add(one, priority, NOW)
    return lanes


def _ids(planned: list[Planned]) -> list[int]:
    return [one.wish.row_id for one in planned]


def test_a_call_takes_as_many_as_fit_in_the_order_in_which_they_came() -> None:
    lanes = _filled(*(_planned(number) for number in range(5)))
    lane = lanes.full(BULK)
    assert lane
    assert _ids(lanes.take(lane)) == [0, 1, 2]
    assert lanes.full(BULK) is None
    assert lanes.row_ids(BULK) == {3, 4}


def test_a_step_that_allows_fewer_makes_the_call_smaller() -> None:
    lanes = _filled(_planned(1), _planned(2, most=2), _planned(3))
    lane = lanes.full(BULK)
    assert lane
    assert _ids(lanes.take(lane)) == [1, 2]


def test_fewer_travel_together_each_time_they_are_lost_again() -> None:
    sizes = []
    for lost in range(7):
        lanes = Lanes()
        for number in range(10):
            lanes.add(_planned(number, most=8), BULK, NOW, lost=lost)
        lane = lanes.full(BULK)
        assert lane
        sizes.append(len(lanes.take(lane)))
    assert sizes == [8, 8, 4, 2, 1, 1, 1]


def test_kinds_lanes_priorities_and_looks_never_mix() -> None:
    lanes = _filled(_planned(1), _planned(2, kind="bills"), _planned(3, lane="update"), _planned(4, look=True))
    lanes.add(_planned(5), PERSON, NOW)
    assert [lanes.row_ids(BULK), lanes.row_ids(PERSON)] == [{1, 2, 3, 4}, {5}]
    assert lanes.fullest(PERSON) == Lane("invoices", "create", PERSON, looking=False)
    assert lanes.full(BULK) is None


def test_looks_go_first_and_then_what_holds_most() -> None:
    lanes = _filled(_planned(1), _planned(2), _planned(3, lane="ids", look=True))
    first = lanes.fullest(BULK)
    assert first
    assert first.looking
    lanes.take(first)
    assert lanes.fullest(BULK) == Lane("invoices", "create", BULK, looking=False)


def test_a_kind_that_is_still_filled_waits_but_its_looks_do_not() -> None:
    lanes = _filled(_planned(1), _planned(2, lane="ids", look=True))
    lane = lanes.fullest(BULK, not_kinds=["invoices"])
    assert lane
    assert lane.looking
    lanes.take(lane)
    assert lanes.fullest(BULK, not_kinds=["invoices"]) is None
    assert lanes.any(BULK)


def test_what_was_planned_a_while_ago_is_planned_again() -> None:
    lanes = _filled(_planned(1))
    lanes.add(_planned(2), BULK, NOW + timedelta(seconds=1))
    lanes.drop_stale(NOW + STALE)
    assert lanes.row_ids(BULK) == {2}


def test_a_row_that_travels_otherwise_leaves_its_lane() -> None:
    lanes = _filled(_planned(1), _planned(2))
    lanes.drop([1])
    assert lanes.row_ids(BULK) == {2}


def test_a_half_stays_until_it_is_gone_and_keeps_its_priority() -> None:
    halves = Halves()
    halves.split([1, 2, 3], BULK)
    assert halves.next(PERSON) is None
    first = halves.next(BULK)
    assert first
    assert first.row_ids == [1]
    assert halves.next(BULK) is first
    halves.done(first)
    second = halves.next(BULK)
    assert second
    assert second.row_ids == [2, 3]
    assert halves.row_ids() == {2, 3}


def test_what_was_found_serves_until_it_is_used_or_old() -> None:
    found = Found()
    found.put(1, "one", NOW)
    found.put(2, None, NOW)
    found.put(3, "three", NOW + timedelta(seconds=1))
    assert found.known() == {1: "one", 2: None, 3: "three"}
    found.forget([1])
    found.drop_old(NOW + FOUND_KEEPS)
    assert found.known() == {3: "three"}
