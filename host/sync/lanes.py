"""Steps that are ready to travel, by lane: filled from the rows that are due, emptied a call at a time. In memory only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from host.sync.provider import Look, Planned, Send

STALE: Final = timedelta(seconds=2)
"""A step planned longer ago is planned again: what it inherits (a rate, an account) may have changed without its record."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What may travel in one call. Looks and sends never mix; people's saves do not wait for a bulk call to fill."""

    kind: str
    name: str
    priority: int
    looking: bool


@dataclass(frozen=True, slots=True)
class Ready:
    planned: Planned
    since: datetime


@dataclass(slots=True)
class Lanes:
    _lanes: dict[Lane, list[Ready]] = field(default_factory=dict)

    def add(self, planned: Planned, priority: int, now: datetime) -> None:
        step = planned.step
        lane = Lane(planned.wish.kind, step.lane, priority, isinstance(step, Look))
        self._lanes.setdefault(lane, []).append(Ready(planned, now))

    def row_ids(self) -> set[int]:
        return {ready.planned.wish.row_id for lane in self._lanes.values() for ready in lane}

    def drop_stale(self, now: datetime) -> None:
        for lane, ready in list(self._lanes.items()):
            fresh = [one for one in ready if now - one.since < STALE]
            if fresh:
                self._lanes[lane] = fresh
            else:
                del self._lanes[lane]

    def full(self, priority: int) -> Lane | None:
        """A lane of this priority that fills a call."""
        return next((lane for lane, ready in self._of(priority) if len(ready) >= most(ready)), None)

    def fullest(self, priority: int, *, not_kinds: Iterable[str] = ()) -> Lane | None:
        """The lane of this priority that holds most, looks first: they let others go on."""
        lanes = [(lane, ready) for lane, ready in self._of(priority) if lane.looking or lane.kind not in set(not_kinds)]
        return max(lanes, key=lambda one: (one[0].looking, len(one[1])))[0] if lanes else None

    def any(self, priority: int) -> bool:
        return bool(self._of(priority))

    def take(self, lane: Lane) -> list[Planned]:
        """As many as fit one call, in the order in which they came."""
        ready = self._lanes.pop(lane)
        size = most(ready)
        if ready[size:]:
            self._lanes[lane] = ready[size:]
        return [one.planned for one in ready[:size]]

    def put_back(self, planned: Iterable[Planned], priority: int, now: datetime) -> None:
        """They could not leave yet."""
        for one in planned:
            self.add(one, priority, now)

    def _of(self, priority: int) -> list[tuple[Lane, list[Ready]]]:
        return [(lane, ready) for lane, ready in self._lanes.items() if lane.priority == priority]


def most(ready: list[Ready]) -> int:
    """How many of a lane fit one call: the smallest that any of its steps allows."""
    step = ready[0].planned.step
    assert isinstance(step, Send | Look)
    return step.most
