"""When a call may leave."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any

import pytest

from host.sync.limiter import BUSY_AGAIN, DAY, RELEASE, WINDOW, Use, free_at
from host.sync.outbox import BULK, PERSON
from host.sync.provider import Limits

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIMITS = Limits(minute=10, concurrent=5, day=100, reserve=3)


def _ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=one) for one in seconds]


def _use(**values: Any) -> Use:
    return Use(**{"recent": [], "today": 0, "first_today": None, "out": 0, **values})


def _in(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


CASES = {
    "nothing used": (_use(), BULK, NOW),
    "room for bulk": (_use(recent=_ago(*[5.0] * 6)), BULK, NOW),
    "only the reserve is left: bulk waits for the window's last seconds": (
        _use(recent=_ago(40, *[5.0] * 6)),
        BULK,
        _in(20.5 - RELEASE.total_seconds()),
    ),
    "only the reserve is left: a person goes": (_use(recent=_ago(40, *[5.0] * 6)), PERSON, NOW),
    "in the last seconds the reserve is everybody's": (_use(recent=_ago(56, *[5.0] * 6)), BULK, NOW),
    "all used: the oldest has to leave the window": (_use(recent=_ago(40, *[5.0] * 9)), PERSON, _in(20.5)),
    "half a second of guard": (_use(recent=_ago(*[60.2] * 10)), PERSON, _in(0.3)),
    "older calls do not count": (_use(recent=_ago(*[60.5] * 10)), PERSON, NOW),
    "others use six: four are ours": (_use(recent=_ago(30, 5, 5, 5), foreign=6), PERSON, _in(30.5)),
    "others use more than all: one is ours": (_use(recent=_ago(30), foreign=60), PERSON, _in(30.5)),
    "five are out": (_use(out=5), PERSON, NOW + BUSY_AGAIN),
    "dead ones may still run": (_use(out=2, dead=3), PERSON, NOW + BUSY_AGAIN),
    "dead ones never stop us altogether": (_use(dead=5), PERSON, NOW),
    "the day is used up": (
        _use(today=100, first_today=NOW - timedelta(hours=3)),
        PERSON,
        NOW + DAY - timedelta(hours=3),
    ),
    "held": (_use(held_until=_in(7)), PERSON, _in(7)),
    "no longer held": (_use(held_until=_in(-7)), PERSON, NOW),
    "the latest of all reasons": (
        _use(held_until=_in(7), today=100, first_today=NOW - timedelta(hours=3)),
        PERSON,
        NOW + DAY - timedelta(hours=3),
    ),
}


@pytest.mark.parametrize(("use", "priority", "expected"), CASES.values(), ids=list(CASES))
def test_when_a_call_may_leave(use: Use, priority: int, expected: datetime) -> None:
    assert free_at(use, LIMITS, priority, NOW) == expected


def test_no_limits_are_none() -> None:
    free = Limits(minute=0, day=0, concurrent=1000)
    assert free_at(_use(recent=_ago(*[1.0] * 500), today=9999, first_today=NOW), free, BULK, NOW) == NOW


class Simulated:
    """An organisation whose calls answer after a second: what leaves when, under these limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left: list[datetime] = []
        self.now = NOW

    def go(self, priority: int) -> datetime:
        """The next call of this priority leaves as soon as it may."""
        while (at := self.free_at(priority)) > self.now:
            self.now = at
        self.left.append(self.now)
        return self.now

    def free_at(self, priority: int) -> datetime:
        recent = [at for at in self.left if at > self.now - WINDOW]
        out = len([at for at in self.left if at > self.now - timedelta(seconds=1)])
        return free_at(_use(recent=recent, out=out), self.limits, priority, self.now)


@pytest.mark.parametrize("seed", range(5))
def test_no_fixed_window_of_any_phase_sees_more_arrivals_than_the_limit(seed: int) -> None:
    """Calls arrive up to half a second after they were counted, and the remote's minutes begin when they like."""
    dice = random.Random(seed)
    organisation = Simulated(Limits(minute=60, day=0))
    for _ in range(400):
        organisation.now += timedelta(seconds=dice.choice([0, 0, 0, dice.uniform(0, 3)]))
        organisation.go(PERSON)
    arrivals = sorted((at - NOW).total_seconds() + dice.uniform(0, 0.5) for at in organisation.left)
    # A window fills most where it begins with an arrival.
    fullest = max(sum(begin <= at < begin + 60 for at in arrivals) for begin in arrivals)
    assert fullest == 60


def test_bulk_of_200_calls_ends_in_time_and_a_person_waits_little() -> None:
    """PLATFORM's policy: six kept back until a window's last six seconds: 186 s, a person's median 0 s, 95th percentile 14 s."""
    ends, waits = [], []
    for seed in range(12):
        dice = random.Random(seed)
        organisation = Simulated(Limits(minute=60, day=0, reserve=6))
        comes = NOW + timedelta(seconds=dice.uniform(0, 10))
        sent = 0
        while sent < 200:
            if organisation.now >= comes:
                waits.append((organisation.go(PERSON) - comes).total_seconds())
                comes += timedelta(seconds=10)
            elif (at := organisation.free_at(BULK)) > organisation.now:
                organisation.now = min(at, comes)
            else:
                organisation.go(BULK)
                sent += 1
        ends.append((organisation.now - NOW).total_seconds())
    assert median(ends) < 215, "190 s and what the persons' own calls take"
    assert median(waits) < 1
    assert quantiles(waits, n=20)[-1] < 20


def test_bulk_alone_ends_as_early_as_the_limit_lets_it() -> None:
    organisation = Simulated(Limits(minute=60, day=0, reserve=6))
    for _ in range(200):
        organisation.go(BULK)
    floor = 3 * WINDOW.total_seconds() + 20 / 5
    assert (organisation.now - NOW).total_seconds() < floor * 1.03
