"""Steps that are ready to travel, by lane: filled from the rows that are due, emptied a call at a time. In memory only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from host.sync.provider import Look, Planned

STALE: Final = timedelta(seconds=2)
"""A step planned longer ago is planned again: what it inherits (a rate, an account) may have changed without its record."""
FOUND_KEEPS: Final = timedelta(minutes=3)
"""How long what was read of the remote serves: longer than the limits keep a call waiting, and no longer than need be."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What may travel in one call. Looks and sends never mix; people's saves do not wait for a bulk call to fill."""

    kind: str
    name: str
    priority: int
    looking: bool
    lost: int = 0
    """How many calls in a row were lost with these: fewer travel together each time, so that in the end the one over which the remote breaks stands alone."""


@dataclass(frozen=True, slots=True)
class Ready:
    planned: Planned
    since: datetime


@dataclass(slots=True)
class Lanes:
    _lanes: dict[Lane, list[Ready]] = field(default_factory=dict)

    def add(self, planned: Planned, priority: int, now: datetime, *, lost: int = 0) -> None:
        step = planned.step
        looking = isinstance(step, Look)
        lane = Lane(planned.wish.kind, step.lane, priority, looking, 0 if looking else lost)
        self._lanes.setdefault(lane, []).append(Ready(planned, now))

    def row_ids(self, priority: int) -> set[int]:
        """The rows in lanes of this priority."""
        return {ready.planned.wish.row_id for _, lane in self._of(priority) for ready in lane}

    def drop(self, row_ids: Iterable[int]) -> None:
        """These travel otherwise."""
        gone = set(row_ids)
        self._keep(lambda ready: ready.planned.wish.row_id not in gone)

    def drop_stale(self, now: datetime) -> None:
        self._keep(lambda ready: now - ready.since < STALE)

    def _keep(self, wanted: Callable[[Ready], bool]) -> None:
        self._lanes = {
            lane: kept for lane, ready in self._lanes.items() if (kept := [one for one in ready if wanted(one)])
        }

    def full(self, priority: int) -> Lane | None:
        """A lane of this priority that fills a call."""
        return next((lane for lane, ready in self._of(priority) if len(ready) >= most(lane, ready)), None)

    def fullest(self, priority: int, *, not_kinds: Iterable[str] = ()) -> Lane | None:
        """The lane of this priority that holds most, looks first: they let others go on."""
        lanes = [(lane, ready) for lane, ready in self._of(priority) if lane.looking or lane.kind not in set(not_kinds)]
        return max(lanes, key=lambda one: (one[0].looking, len(one[1])))[0] if lanes else None

    def any(self, priority: int) -> bool:
        return bool(self._of(priority))

    def take(self, lane: Lane) -> list[Planned]:
        """As many as fit one call, in the order in which they came."""
        ready = self._lanes.pop(lane)
        size = most(lane, ready)
        if ready[size:]:
            self._lanes[lane] = ready[size:]
        return [one.planned for one in ready[:size]]

    def _of(self, priority: int) -> list[tuple[Lane, list[Ready]]]:
        return [(lane, ready) for lane, ready in self._lanes.items() if lane.priority == priority]


def most(lane: Lane, ready: list[Ready]) -> int:
    """How many of a lane fit one call: the smallest that any of its steps allows, and half of that for each time that they were lost again."""
    return max(1, min(one.planned.step.most for one in ready) >> max(0, lane.lost - 1))


@dataclass(frozen=True, slots=True)
class Half:
    """A part of a call that was refused as a whole or was too large: sent on its own, so that in the end the guilty record stands alone."""

    row_ids: Sequence[int]
    priority: int


@dataclass(slots=True)
class Halves:
    _waiting: deque[Half] = field(default_factory=deque)

    def add(self, row_ids: Sequence[int], priority: int) -> None:
        self._waiting.append(Half(row_ids, priority))

    def split(self, row_ids: Sequence[int], priority: int) -> None:
        middle = len(row_ids) // 2
        self.add(row_ids[:middle], priority)
        self.add(row_ids[middle:], priority)

    def next(self, priority: int) -> Half | None:
        """The next half of this priority; it stays until it is ``done``: the limits may not let it go yet."""
        return next((half for half in self._waiting if half.priority == priority), None)

    def done(self, half: Half) -> None:
        self._waiting.remove(half)

    def row_ids(self) -> set[int]:
        return {row_id for half in self._waiting for row_id in half.row_ids}


@dataclass(slots=True)
class Found:
    """What reading the remote brought, by row, until it is used. A write makes it old: what is planned after that reads again.

    ``ask_first``: a row that must not be sent before this was read, because the numbers by which it names others are outdated.
    """

    _found: dict[int, tuple[Any, datetime]] = field(default_factory=dict)
    _first: dict[int, Look] = field(default_factory=dict)

    def ask_first(self, row_id: int, look: Look) -> None:
        self._first[row_id] = look

    def first_look(self, row_id: int) -> Look | None:
        return self._first.get(row_id)

    def asked(self, row_id: int) -> bool:
        """Whether that was what was read just now; then it need not be asked again."""
        return self._first.pop(row_id, None) is not None

    def put(self, row_id: int, found: Any, now: datetime) -> None:
        self._found[row_id] = found, now

    def forget(self, row_ids: Iterable[int]) -> None:
        for row_id in row_ids:
            self._found.pop(row_id, None)

    def drop_old(self, now: datetime) -> None:
        self._found = {row_id: one for row_id, one in self._found.items() if now - one[1] < FOUND_KEEPS}

    def known(self) -> Mapping[int, Any]:
        return {row_id: found for row_id, (found, _) in self._found.items()}
