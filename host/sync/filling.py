"""Which call goes next: rows that are due are planned into lanes until one fills a call, and the call is built."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from host import clock
from host.sync.carrier import LARGEST_BODY, Carrier, Load
from host.sync.deciding import Broken, Decider, Decision
from host.sync.guarded import own_fault
from host.sync.lanes import Found, Half, Halves, Lane, Lanes
from host.sync.outbox import BULK, PERSON
from host.sync.provider import Blocked, Look, Planned, Send
from host.sync.rows import anything_due, due_rows, open_batch_kinds, rows_by_id

if TYPE_CHECKING:
    from host.sync.applying import Applier
    from host.sync.talk import Talk

log: Final = logging.getLogger(__name__)

BATCH_IDLE: Final = timedelta(seconds=30)
AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A call that may go, and the half it carries, where it is one."""

    load: Load
    half: Half | None = None


class Filling:
    """Fills the calls of one drain."""

    def __init__(
        self, talk: Talk, decider: Decider, applier: Applier, carrier: Carrier, *, halves: Halves, found: Found
    ) -> None:
        self._talk = talk
        self._decider = decider
        self._applier = applier
        self._carrier = carrier
        self._halves = halves
        self._found = found
        self._lanes = Lanes()
        self._ranks = {rule.kind: rule.rank for rule in talk.provider.kinds}

    def drop_stale(self) -> None:
        """What was planned or read too long ago is planned or read again."""
        now = clock.now()
        self._lanes.drop_stale(now)
        self._found.drop_old(now)

    def filling(self, priority: int) -> bool:
        """Whether records are planned that wait for their call to fill."""
        return self._lanes.any(priority)

    def anything_due(self, priority: int) -> bool:
        return self._due(priority, sorted(self._ranks))

    def next(self, priority: int) -> Filled | None:
        """The call that goes next, if there is one. A half has to be said to be ``gone``; other records are simply due again."""
        while half := self._halves.next(priority):
            load = self._of_half(half)
            if load:
                return Filled(load=load, half=half)
            self._halves.done(half)
        while lane := self._fill(priority):
            load = self._load(self._lanes.take(lane), lane)
            if load:
                return Filled(load=load)
        return None

    def gone(self, filled: Filled) -> None:
        if filled.half:
            self._halves.done(filled.half)

    # Planning ------------------------------------------------------------------------------------------------------

    def _fill(self, priority: int) -> Lane | None:
        """Plan rows until a lane is full or none is left; answers the lane that goes next."""
        kinds = self._kinds_now(priority)
        while kinds:
            full = self._lanes.full(priority)
            if full:
                return full
            if not self._plan_more(priority, kinds):
                break
        return self._lanes.fullest(priority, not_kinds=self._still_filling() if priority == BULK else ())

    def plan_ahead(self) -> None:
        """Plan the next bulk call while no other can leave: it goes as soon as one comes back."""
        kinds = self._kinds_now(BULK)
        if kinds and not self._lanes.full(BULK):
            self._plan_more(BULK, kinds)

    def _kinds_now(self, priority: int) -> Sequence[str]:
        """All kinds for people; for bulk those of the lowest rank of which anything waits or is out."""
        kinds = sorted(self._ranks, key=lambda kind: self._ranks[kind])
        if priority == PERSON:
            return kinds
        busy = {out.load.kind for out in self._carrier.out.values() if out.load.priority == BULK}
        for rank in sorted(set(self._ranks.values())):
            of_rank = [kind for kind in kinds if self._ranks[kind] == rank]
            if busy & set(of_rank) or self._due(BULK, of_rank):
                return of_rank
        return []

    def _due(self, priority: int, kinds: Sequence[str]) -> bool:
        with self._talk.database.read() as session:
            return anything_due(session, self._talk.key, now=clock.now(), kinds=kinds, priorities=[priority])

    def _still_filling(self) -> frozenset[str]:
        """The kinds that an open batch may bring more of: a call of these waits until it is full."""
        with self._talk.database.read() as session:
            kinds = open_batch_kinds(session, clock.now(), idle=BATCH_IDLE)
        return frozenset(self._ranks) if "" in kinds else kinds

    def _plan_more(self, priority: int, kinds: Sequence[str]) -> bool:
        """Plan some rows that are due. ``False``: there are none."""
        # A row that a person's save made urgent leaves the bulk lane in which it stands.
        busy = self._lanes.row_ids(priority) | self._carrier.busy_rows() | self._halves.row_ids()
        with self._talk.database.read() as session:
            waiting = due_rows(
                session,
                self._talk.key,
                priority=priority,
                now=clock.now(),
                limit=AT_ONCE,
                kinds=kinds,
                beyond=busy,
            )
        if not waiting:
            return False
        self._lanes.drop(row.row_id for row in waiting)
        self._sort(self._decider.decide(waiting, self._found.known()), self._lanes)
        return True

    def _sort(self, decisions: Sequence[Decision], lanes: Lanes, priority: int | None = None) -> None:
        """Steps that need a call go to their lanes; the others are written down."""
        now = clock.now()
        rest = []
        for one in decisions:
            if isinstance(one.step, Send | Look):
                step = self._found.first_look(one.row.row_id) or one.step
                planned = Planned(wish=one.wish, prepared=one.prepared, step=step)
                lanes.add(planned, one.row.priority if priority is None else priority, now, lost=one.row.attempts)
            else:
                rest.append(one)
        self._applier.apply(rest)
        self._found.forget(one.row.row_id for one in rest if not isinstance(one.step, Blocked))

    # Building ------------------------------------------------------------------------------------------------------

    def _load(self, planned: Sequence[Planned], lane: Lane) -> Load | None:
        """Build the call. A body that is too large is halved; a record that can't be built fails alone."""
        build = self._talk.provider.look_request if lane.looking else self._talk.provider.request
        try:
            request = build(planned)
        except Exception as error:  # noqa: BLE001 - a provider's bug over one record must not stop the others; logged once it stands alone
            return self._without_guilty(planned, lane, error)
        if len(request.body) > LARGEST_BODY and len(planned) > 1:
            return self._first_half(planned, lane)
        return Load(
            purpose="look" if lane.looking else "send",
            kind=lane.kind,
            lane=lane.name,
            priority=lane.priority,
            planned=planned,
            request=request,
        )

    def _first_half(self, planned: Sequence[Planned], lane: Lane) -> Load | None:
        middle = len(planned) // 2
        self._halves.add([one.wish.row_id for one in planned[middle:]], lane.priority)
        return self._load(planned[:middle], lane)

    def _without_guilty(self, planned: Sequence[Planned], lane: Lane, error: Exception) -> Load | None:
        if len(planned) > 1:
            return self._first_half(planned, lane)
        [one] = planned
        log.error("building a call for %s %s failed", lane.kind, one.wish.record_id, exc_info=error)
        with self._talk.database.read() as session:
            row = rows_by_id(session, [one.wish.row_id])[one.wish.row_id]
        broken = Broken(reason=own_fault("building its call", error))
        self._applier.apply([Decision(row=row, wish=one.wish, prepared=None, step=broken)])
        return None

    def _of_half(self, half: Half) -> Load | None:
        """Plan one half of a refused call, alone: nothing else travels with it."""
        with self._talk.database.read() as session:
            waiting = [row for row in rows_by_id(session, half.row_ids).values() if row.free]
        alone = Lanes()
        self._sort(self._decider.decide(waiting, self._found.known()), alone, half.priority)
        lane = alone.fullest(half.priority)
        return self._load(alone.take(lane), lane) if lane else None
