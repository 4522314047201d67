"""The drain: the one voice that speaks to one organisation.

One thread decides and writes; a few carry calls. Each round books the answers that came, settles what has no known outcome, and starts calls while the
limits let it: what people saved first, then bulk in the order of the kinds. It ends when nothing is out and nothing will be due soon.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from host import clock
from host.errors import AskPerson, Retry
from host.sync import connections as connection_rows
from host.sync.answering import Answering
from host.sync.calls import Unsettled, abandon_calls, unsettled
from host.sync.carrier import LARGEST_BODY, Carrier, Load, NotYet, Stale
from host.sync.deciding import Broken, Decider, Decision
from host.sync.lanes import Lane, Lanes
from host.sync.outbox import BULK, PERSON
from host.sync.provider import Agreed, Connection, Look, Planned, Provider, Send, Wish
from host.sync.retry import pause_after
from host.sync.rows import due_rows, next_due, open_batch_kinds, release, rows_by_id
from host.sync.settling import Way, way_of

if TYPE_CHECKING:
    from host.db import Database
    from host.sync.booking import Booker

log: Final = logging.getLogger(__name__)

LINGER: Final = timedelta(seconds=65)
"""How long a drain stays for work that is due later: one window of the minute limit. Later work is taken up by the next drain."""
LOOK_UP_SECONDS: Final = 1.0
"""How long it waits at most before it looks at the clock again: the clock may be shifted, and another process may have written."""
BATCH_IDLE: Final = timedelta(seconds=30)
AT_ONCE: Final = 100


@dataclass(slots=True)
class Wakeup:
    """Something changed: look again."""

    event: threading.Event

    def __call__(self) -> None:
        self.event.set()

    def wait(self, seconds: float) -> None:
        self.event.wait(seconds)
        self.event.clear()


class Drain:
    """One run of draining one connection, by whoever has the right to speak for it."""

    def __init__(
        self,
        *,
        database: Database,
        provider: Provider,
        connection: Connection,
        prefix: str,
        decider: Decider,
        booker: Booker,
        carrier: Carrier,
        speaker: str,
        patience: timedelta,
        wakeup: Wakeup,
        still_speaking: Callable[[], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self._database = database
        self._provider = provider
        self._connection = connection
        self._prefix = prefix
        self._decider = decider
        self._booker = booker
        self._carrier = carrier
        self._speaker = speaker
        self._patience = patience
        self._wakeup = wakeup
        self._still_speaking = still_speaking
        self._stopping = stopping
        self._lanes = Lanes()
        self._answering = Answering(
            database=database,
            provider=provider,
            connection=connection,
            prefix=prefix,
            booker=booker,
            carrier=carrier,
            patience=patience,
        )
        self._ranks = {rule.kind: rule.rank for rule in provider.kinds}

    def run(self) -> datetime | None:
        """Drain until nothing is out and nothing is due soon. Answers when to come back, if a row is due later."""
        self._take_over()
        try:
            while not self._stopping() and self._still_speaking() and not self._answering.disconnected:
                self._answering.book(self._carrier.answered())
                until = self._start_calls()
                if not self._carrier.out and (until is None or until - clock.now() > LINGER):
                    return until
                self._wait(until)
            return None
        finally:
            self._carrier.close()
            self._answering.book_last(self._carrier.answered(), speaking=self._still_speaking())

    def _take_over(self) -> None:
        """What a dead worker left out has no known outcome."""
        with self._database.write() as session:
            left = abandon_calls(session, self._connection.key, self._speaker, patience=self._patience, now=clock.now())
        if left:
            log.warning("%s: %d calls were left without an answer and will be settled", self._connection.key, left)

    def _wait(self, until: datetime | None) -> None:
        seconds = LOOK_UP_SECONDS
        if until is not None:
            seconds = min(seconds, max(0.0, (until - clock.now()).total_seconds()))
        self._wakeup.wait(seconds)

    # Starting calls ------------------------------------------------------------------------------------------------

    def _start_calls(self) -> datetime | None:
        """Start what may start. Answers when there may be more to do; ``None``: nothing waits."""
        self._lanes.drop_stale(clock.now())
        try:
            at = self._follow_up()
            held = self._settle()
            later = [
                at for at in (at, held, self._start(PERSON), self._start(BULK), self._next_row()) if at is not None
            ]
        except (Retry, AskPerson) as error:
            return self._no_token(error)
        return min(later, default=None)

    def _follow_up(self) -> datetime | None:
        try:
            self._carrier.send_follow_ups(self._wakeup)
        except NotYet as later:
            return later.at
        return None

    def _start(self, priority: int) -> datetime | None:
        """Start calls of this priority until none is left or none may leave. Answers when one may, if something waits for that."""
        while True:
            if priority == BULK and (at := self._carrier.free_at(priority)) > clock.now():
                return at if self._anything_due(priority) else None
            load = self._next_load(priority)
            if load is None:
                return self._when_filled(priority)
            try:
                self._carrier.send(load, self._wakeup)
            except Stale:
                continue
            except NotYet as later:
                self._lanes.put_back(load.planned, priority, clock.now())
                return later.at

    def _when_filled(self, priority: int) -> datetime | None:
        """When to look again at a call that an open batch may still fill."""
        return clock.now() + timedelta(seconds=LOOK_UP_SECONDS) if self._lanes.any(priority) else None

    def _anything_due(self, priority: int) -> bool:
        with self._database.read() as session:
            found = due_rows(session, self._connection.key, priority=priority, now=clock.now(), limit=1)
        return bool(found)

    def _next_row(self) -> datetime | None:
        """When the next row is due that nothing else keeps waiting."""
        with self._database.read() as session:
            at = next_due(session, self._connection.key)
        return at if at and at > clock.now() else None

    def _next_load(self, priority: int) -> Load | None:
        halved = self._answering.next_half()
        if halved:
            load = self._again(halved, priority)
            if load:
                return load
        lane = self._fill(priority)
        while lane:
            load = self._load(self._lanes.take(lane), lane)
            if load:
                return load
            lane = self._fill(priority)
        return None

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

    def _kinds_now(self, priority: int) -> Sequence[str]:
        """All kinds for people; for bulk those of the lowest rank of which anything waits or is out."""
        kinds = sorted(self._ranks, key=lambda kind: self._ranks[kind])
        if priority == PERSON:
            return kinds
        busy = {out.load.kind for out in self._carrier.out.values() if out.load.priority == BULK}
        for rank in sorted(set(self._ranks.values())):
            of_rank = [kind for kind in kinds if self._ranks[kind] == rank]
            if busy & set(of_rank) or self._waits(of_rank):
                return of_rank
        return []

    def _waits(self, kinds: Sequence[str]) -> bool:
        with self._database.read() as session:
            found = due_rows(session, self._connection.key, priority=BULK, now=clock.now(), limit=1, kinds=kinds)
        return bool(found)

    def _still_filling(self) -> frozenset[str]:
        """The kinds that an open batch may bring more of: a call of these waits until it is full."""
        with self._database.read() as session:
            kinds = open_batch_kinds(session, clock.now(), idle=BATCH_IDLE)
        return frozenset(self._ranks) if "" in kinds else kinds

    def _plan_more(self, priority: int, kinds: Sequence[str]) -> bool:
        """Plan some rows that are due. ``False``: there are none."""
        busy = self._lanes.row_ids() | self._carrier.busy_rows()
        with self._database.read() as session:
            waiting = due_rows(
                session,
                self._connection.key,
                priority=priority,
                now=clock.now(),
                limit=AT_ONCE,
                kinds=kinds,
                beyond=busy,
            )
        if not waiting:
            return False
        self._sort(self._decider.decide(waiting, self._answering.found))
        return True

    def _sort(self, decisions: Sequence[Decision]) -> None:
        """Steps that need a call go to their lanes; the others are written down."""
        calls = [one for one in decisions if isinstance(one.step, Send | Look)]
        rest = [one for one in decisions if not isinstance(one.step, Send | Look)]
        now = clock.now()
        for one in calls:
            assert isinstance(one.step, Send | Look)
            planned = Planned(wish=one.wish, prepared=one.prepared, step=one.step)
            self._lanes.add(planned, one.row.priority, now)
        self._booker.apply(rest)

    # Building ------------------------------------------------------------------------------------------------------

    def _load(self, planned: Sequence[Planned], lane: Lane) -> Load | None:
        """Build the call. A body that is too large is halved; a record that can't be built fails alone."""
        try:
            request = (self._provider.look_request if lane.looking else self._provider.request)(planned)
        except Exception as error:  # noqa: BLE001 - a provider's bug over one record must not stop the others
            return self._build_one_by_one(planned, lane, error)
        if len(request.body) > LARGEST_BODY and len(planned) > 1:
            middle = len(planned) // 2
            self._answering.halve([one.wish.row_id for one in planned[middle:]])
            return self._load(planned[:middle], lane)
        return Load(
            purpose="look" if lane.looking else "send",
            kind=lane.kind,
            lane=lane.name,
            priority=lane.priority,
            planned=planned,
            request=request,
        )

    def _build_one_by_one(self, planned: Sequence[Planned], lane: Lane, error: Exception) -> Load | None:
        if len(planned) > 1:
            self._answering.halve([one.wish.row_id for one in planned[len(planned) // 2 :]])
            return self._load(planned[: len(planned) // 2], lane)
        log.error("building a call for %s %s failed", lane.kind, planned[0].wish.record_id, exc_info=error)
        reason = f"Counterfoil failed building its call ({type(error).__name__}: {error}): this is our fault, please report it"
        with self._database.read() as session:
            row = rows_by_id(session, [planned[0].wish.row_id])[planned[0].wish.row_id]
        self._booker.apply([Decision(row=row, wish=planned[0].wish, prepared=None, step=Broken(reason=reason))])
        return None

    def _again(self, row_ids: Sequence[int], priority: int) -> Load | None:
        """Plan one half of a refused call, alone: nothing else travels with it."""
        with self._database.read() as session:
            waiting = list(rows_by_id(session, row_ids).values())
        decisions = self._decider.decide(waiting, self._answering.found)
        alone = Lanes()
        now = clock.now()
        for one in decisions:
            if isinstance(one.step, Send | Look):
                alone.add(Planned(wish=one.wish, prepared=one.prepared, step=one.step), priority, now)
        self._booker.apply([one for one in decisions if not isinstance(one.step, Send | Look)])
        lane = alone.fullest(priority)
        return self._load(alone.take(lane), lane) if lane else None

    # Settling ------------------------------------------------------------------------------------------------------

    def _settle(self) -> datetime | None:
        """Ask for, hold or release the records of calls without a known outcome. Answers when a held one may be released."""
        if not self._answering.may_be_unsettled:
            return None
        now = clock.now()
        with self._database.read() as session:
            open_ones = unsettled(session, self._connection.key, limit=500, beyond=self._carrier.busy_rows())
        if not open_ones and not self._carrier.out:
            self._answering.may_be_unsettled = False
        ways = {one.row_id: way_of(one, now) for one in open_ones}
        released = [one.row_id for one in open_ones if ways[one.row_id] is Way.RELEASE]
        if released:
            with self._database.write() as session:
                release(session, released, due_at=now, reason="its last call had no known outcome: looked at anew")
        held = [one.running_until for one in open_ones if ways[one.row_id] is Way.HOLD]
        at = self._ask_for([one for one in open_ones if ways[one.row_id] is Way.LOOK])
        return min([moment for moment in (*held, at) if moment is not None], default=None)

    def _ask_for(self, open_ones: Sequence[Unsettled]) -> datetime | None:
        """Look for the marks of these, as many at once as fit. Answers when to go on, if the limits stop it."""
        if not open_ones:
            return None
        lanes, by_row = Lanes(), {one.row_id: one for one in open_ones}
        for planned in self._mark_looks(open_ones):
            lanes.add(planned, PERSON, clock.now())
        while lane := lanes.fullest(PERSON):
            load = self._load(lanes.take(lane), lane)
            if load is None:
                continue
            settles = {one.wish.row_id: by_row[one.wish.row_id] for one in load.planned}
            try:
                self._carrier.send(replace(load, settles=settles), self._wakeup)
            except NotYet as later:
                return later.at
        return None

    def _mark_looks(self, open_ones: Sequence[Unsettled]) -> Sequence[Planned]:
        with self._database.read() as session:
            rows = rows_by_id(session, [one.row_id for one in open_ones])
        looks = []
        for one in open_ones:
            row = rows[one.row_id]
            wish = Wish(
                row_id=row.row_id,
                kind=row.kind,
                record_id=row.record_id,
                record=None,
                wanted=row.wanted,
                generation=one.generation,
                remote_id="",
                agreed=Agreed(),
            )
            sent = self._provider.elements(one.body)[one.position]
            looks.append(Planned(wish=wish, prepared=None, step=self._provider.mark(wish, sent, self._prefix)))
        return looks

    # Trouble with the connection itself ----------------------------------------------------------------------------

    def _no_token(self, error: Retry | AskPerson) -> datetime | None:
        with self._database.write() as session:
            if isinstance(error, AskPerson):
                connection_rows.mark_disconnected(session, self._connection.key, str(error))
                self._answering.disconnected = True
                return None
            _, _, troubles = connection_rows.pause_of(session, self._connection.key)
            until = clock.now() + pause_after(troubles)
            connection_rows.hold(session, self._connection.key, until=until, reason=str(error), trouble=True)
        return until
