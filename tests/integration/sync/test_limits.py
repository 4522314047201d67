"""The remote's limits hold over all drains and restarts; a person's save finds a place in them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from host.sync import Fate, Limits, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.testing.tiny_remote import Call
    from tests.integration.sync.conftest import Opener
    from tests.integration.sync.world import World


def _load(world: World, count: int, prefix: str = "c") -> None:
    """So many that each needs a call of its own, as bulk."""
    batch = world.engine.open_batch("load")
    world.save("customers", *(f"{prefix}{number:03}" for number in range(count)), batch=batch)
    world.engine.close_batch(batch)


@pytest.fixture(autouse=True)
def one_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty calls with fifty records, or with one each: the limits count calls."""
    monkeypatch.setattr("host.sync.lanes.most", lambda _lane, _ready: 1)


def _most_in_a_window(calls: Sequence[Call], seconds: float) -> int:
    times = [call.at for call in calls]
    return max(sum(start <= at < start + timedelta(seconds=seconds) for at in times) for start in times)


def test_no_window_holds_more_calls_than_the_limit(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=10, day=0, reserve=2)) as world:
        _load(world, 35)
        world.time.pass_whole(120)
        world.drain()
        assert len(world.remote.of("customers")) == 35
        assert _most_in_a_window(world.remote.calls, 60.5) == 10
        took = (world.remote.calls[-1].at - world.remote.calls[0].at).total_seconds()
        assert took < 4 * 60.5, "and the limit is used"


def test_calls_are_counted_over_restarts(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=10, day=0, reserve=2)) as world:
        _load(world, 30)
        world.time.after(3, world.engine.stop)
        world.drain()
        before = len(world.remote.calls)
        assert 0 < before < 30
        world.engine = world.new_engine()
        world.drain()
        assert len(world.remote.of("customers")) == 30
        assert _most_in_a_window(world.remote.calls, 60.5) == 10


def test_a_day_has_its_limit_and_says_when_it_goes_on(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=0, day=5)) as world:
        _load(world, 7)
        drained = world.drain()
        assert len(world.remote.writes()) == 4, "one of the five was for connecting"
        assert drained.again_at
        world.time.pass_whole((drained.again_at - world.time.now).total_seconds())
        world.drain()
        assert len(world.remote.writes()) == 7


def test_no_more_are_out_at_once_than_may_be(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=0, day=0, concurrent=3)) as world:
        _load(world, 12)
        world.drain()
        assert max(pool.most_out for pool in world.pools) == 3
        took = (world.remote.calls[-1].at - world.remote.calls[0].at).total_seconds()
        assert took == pytest.approx(3 * world.remote.latency), "and so many are out"


def test_a_persons_save_goes_at_once_while_bulk_waits_for_the_next_window(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=20, day=0, reserve=4)) as world:
        world.time.pass_whole(120)
        _load(world, 60)
        saved = world.time.now + timedelta(seconds=20)
        world.time.at(saved, lambda: world.save("customers", "person"))
        world.drain()
        [call] = [call for call in world.remote.writes() if call.elements[0]["ours"] == "abcdef-person"]
        assert (call.at - saved).total_seconds() < 0.1
        assert _most_in_a_window(world.remote.calls, 60.5) == 20
        first_window = [call for call in world.remote.calls if call.at < saved]
        assert len(first_window) == 16, "bulk leaves four"


def test_what_was_kept_back_for_people_goes_to_bulk_in_the_last_seconds(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=20, day=0, reserve=4)) as world:
        world.time.pass_whole(120)
        _load(world, 40)
        started = world.time.now
        world.drain()
        at = [(call.at - started).total_seconds() for call in world.remote.calls]
        assert len([moment for moment in at if moment < 54]) == 16
        assert len([moment for moment in at if 54 <= moment < 60]) == 4


def test_calls_of_another_client_of_the_app_lower_the_budget(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=20, day=0, reserve=0)) as world:
        world.time.pass_whole(120)
        world.remote.minute, world.remote.calls_of_others = 20, 10
        _load(world, 40)
        started = world.time.now
        world.time.after(30, world.engine.stop)
        world.drain()
        at = [(call.at - started).total_seconds() for call in world.remote.calls]
        assert 5 < len([moment for moment in at if moment < 30]) <= 14, "ten of the twenty, and what was out unanswered"


@pytest.mark.parametrize("minute", [0, 20])
def test_calls_of_our_own_are_not_taken_for_another_clients(world_with: Opener, minute: int) -> None:
    """Those of a window's start leave our count while later ones come back and say how many there were."""
    with world_with(limits=Limits(minute=20, day=0, reserve=0)) as world:
        world.time.pass_whole(120)
        world.remote.minute, world.remote.latency = minute, 1.0
        _load(world, 60)
        started = world.time.now
        world.drain()
        at = [(call.at - started).total_seconds() for call in world.remote.calls]
        assert at[40:] == [121.0 + number // 5 for number in range(20)]


def test_after_a_429_nothing_leaves_before_the_time_it_names(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=429, headers={"Retry-After": "40"})
    _load(world, 12)
    world.time.after(10, lambda: world.save("customers", "person"))
    world.drain()
    refused, *later = world.remote.calls
    assert refused.status == 429
    together = [call for call in later if call.at == refused.at]
    assert len(together) == 4, "those that were out with it"
    assert min((call.at - refused.at).total_seconds() for call in later if call not in together) >= 40
    assert len(world.remote.of("customers")) == 13


def test_an_answer_does_not_cut_short_the_pause_that_a_429_asked_for(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=0, day=0, concurrent=2)) as world:
        world.remote.fails("status", "PUT /customers", status=503)
        world.remote.fails("status", "PUT /customers", status=429, headers={"Retry-After": "40"})
        _load(world, 4)
        world.drain()
        throttled = next(call for call in world.remote.calls if call.status == 429)
        later = [call for call in world.remote.calls if call.at > throttled.at]
        assert min((call.at - throttled.at).total_seconds() for call in later) >= 40


def test_pauses_grow_while_a_remote_is_down_and_end_when_it_is_back(world: World) -> None:
    world.remote.fails("refuse", "PUT /customers", times=5)
    world.save("customers", "c1")
    world.drain()
    at = [call.at for call in world.remote.calls]
    pauses = [round((later - sooner).total_seconds()) for sooner, later in itertools.pairwise(at)]
    assert pauses == [1, 2, 5, 10, 20]
    assert world.state("customers", "c1")["state"] == "synced"
    world.remote.calls.clear()
    world.remote.fails("refuse", "POST /customers")
    world.save("customers", "c1", name="changed")
    world.drain()
    first, second = world.remote.calls
    assert round((second.at - first.at).total_seconds()) == 1


def test_calls_that_fail_together_make_one_pause(world: World) -> None:
    world.remote.fails("refuse", "PUT /customers", times=5)
    _load(world, 10)
    world.drain()
    first, *_ = world.remote.calls
    again = next(call for call in world.remote.calls if call.status == 200)
    assert (again.at - first.at).total_seconds() < 2


def test_a_day_that_is_used_up_is_not_asked_about_every_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote that says so and not for how long would otherwise be called once a second until the day ends."""
    judge = world.provider.judge

    def used_up(outcome: Any) -> Verdict:
        verdict = judge(outcome)
        return replace(verdict, whole_day=True) if verdict.fate is Fate.THROTTLED else verdict

    monkeypatch.setattr(world.provider, "judge", used_up)
    world.remote.fails("status", "PUT /customers", status=429, times=100)
    world.save("customers", "c1")
    again_at = world.drain().again_at
    assert again_at is not None
    assert (again_at - world.time.now).total_seconds() > 800
    assert len(world.remote.calls) == 1
