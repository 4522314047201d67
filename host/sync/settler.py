"""Settling: asking the remote for what calls without a known outcome did, and booking what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from host import clock
from host.sync import guarded
from host.sync.calls import Unsettled, bodies_of, unsettled
from host.sync.carrier import Load
from host.sync.lanes import Lane, Lanes
from host.sync.outbox import PERSON
from host.sync.provider import (
    JSON,
    Adopt,
    Agreed,
    Answer,
    Done,
    Fate,
    Planned,
    Refuse,
    Rejected,
    Verb,
    Verdict,
    Wanted,
    Wish,
)
from host.sync.results import Carried
from host.sync.retry import pause_of_record
from host.sync.rows import (
    Waiting,
    any_may_land,
    forget_agreed,
    generation_now,
    held_by,
    look_later,
    owner_of,
    release,
    release_lost,
    rows_by_id,
)
from host.sync.settling import Way, held_until, may_send_anew, way_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Record
    from host.sync.applying import Applier
    from host.sync.booking import Booker
    from host.sync.carrier import Carrier
    from host.sync.talk import Talk

AT_ONCE: Final = 1000
NOT_SHOWN: Final = timedelta(minutes=5)
"""When to ask again for a record that could not be asked for: it stays unknown, and a person sees why."""


class Settler:
    """Settles the lost calls of one connection."""

    def __init__(self, talk: Talk, store: BillingStore, booker: Booker, applier: Applier, carrier: Carrier) -> None:
        self._talk = talk
        self._store = store
        self._booker = booker
        self._applier = applier
        self._carrier = carrier
        self._taken: set[tuple[int, int]] = set()
        self._alone: set[int] = set()

    # Asking --------------------------------------------------------------------------------------------------------

    def open_ones(self) -> Sequence[Unsettled]:
        """Records whose last call is over without a known outcome, and that no look is out for."""
        with self._talk.database.read() as session:
            return unsettled(session, self._talk.key, limit=AT_ONCE, beyond=self._carrier.busy_rows())

    def release_or_hold(self, open_ones: Sequence[Unsettled]) -> datetime | None:
        """Let those be planned anew whose call is over. Answers when to look at a held one again."""
        now = clock.now()
        by_row = {one.row_id: one for one in open_ones}
        ways = {one.row_id: way_of(one, now) for one in open_ones}
        released = [row_id for row_id, way in ways.items() if way is Way.RELEASE]
        if released:
            with self._talk.database.write() as session:
                self._release(session, [by_row[row_id] for row_id in released], now)
                # The remote may have what was sent, so that a record saved back to what was agreed before does not equal what is there.
                forget_agreed(session, [row_id for row_id in released if by_row[row_id].verb is Verb.UPDATE])
        return min((held_until(one, now) for one in open_ones if ways[one.row_id] is Way.HOLD), default=None)

    def _release(self, session: Session, lost: Sequence[Unsettled], now: datetime) -> None:
        for times, some in groupby(sorted(lost, key=_lost), key=_lost):
            ids = [one.row_id for one in some]
            reason = "its last call had no known outcome: looked at anew"
            release(session, ids, due_at=now + pause_of_record(times + 1), reason=reason, lost=True)

    def looks(self, open_ones: Sequence[Unsettled]) -> Sequence[Load]:
        """The calls that ask for the marks of these, as many in one as fit."""
        now = clock.now()
        asked = [one for one in open_ones if way_of(one, now) is Way.LOOK]
        if not asked:
            return []
        lanes, by_row = Lanes(), {one.row_id: one for one in asked}
        for planned in self._marks(asked):
            lanes.add(planned, PERSON, now)
        loads = []
        while lane := lanes.fullest(PERSON):
            for some in self._apart(lanes.take(lane)):
                load = self._load(lane, some, {one.wish.row_id: by_row[one.wish.row_id] for one in some})
                loads.extend([load] if load else [])
        return loads

    def _apart(self, planned: Sequence[Planned]) -> Sequence[Sequence[Planned]]:
        """Those whose look was refused together with others go alone."""
        alone = [[one] for one in planned if one.wish.row_id in self._alone]
        together = [one for one in planned if one.wish.row_id not in self._alone]
        return [*alone, together] if together else alone

    def _load(self, lane: Lane, planned: Sequence[Planned], settles: Mapping[int, Unsettled]) -> Load | None:
        request = guarded.look_request(self._talk.provider, planned)
        if isinstance(request, str):
            for one in settles.values():
                self._ask_later(one, request)
            return None
        return Load(
            purpose="look",
            kind=lane.kind,
            lane=lane.name,
            priority=PERSON,
            planned=planned,
            request=request,
            settles=settles,
        )

    def _marks(self, asked: Sequence[Unsettled]) -> Sequence[Planned]:
        rows, sent = self._as_sent(asked)
        looks = []
        for one in asked:
            wish, element = _wish(one, rows[one.row_id], None), sent.get(one.row_id)
            look = (
                guarded.mark(self._talk.provider, wish, element, self._talk.prefix)
                if element is not None
                else "what was sent can't be read back"
            )
            if isinstance(look, str):
                self._ask_later(one, look)
            else:
                looks.append(Planned(wish=wish, prepared=None, step=look))
        return looks

    def _as_sent(self, lost: Sequence[Unsettled]) -> tuple[Mapping[int, Waiting], Mapping[int, JSON]]:
        """The rows of these, and their elements as the lost calls carried them, by row."""
        with self._talk.database.read() as session:
            rows = rows_by_id(session, [one.row_id for one in lost])
            bodies = bodies_of(session, [one.call_id for one in lost])
        elements = guarded.elements(self._talk.provider, bodies)
        sent = {
            one.row_id: elements[one.call_id][one.position] for one in lost if one.position < len(elements[one.call_id])
        }
        return rows, sent

    def _ask_later(self, one: Unsettled, why: str) -> None:
        with self._talk.database.write() as session:
            reason = f"its outcome is not known, and could not be asked for: {why}"
            look_later(session, [one.row_id], at=clock.now() + NOT_SHOWN, reason=reason)

    def look_failed(self, load: Load, verdict: Verdict) -> None:
        """The remote would not be asked like this: each is asked for alone, and who is refused alone is asked for later."""
        if verdict.fate is not Fate.REFUSED:
            return
        if len(load.settles) > 1:
            self._alone |= load.settles.keys()
            return
        for one in load.settles.values():
            self._ask_later(one, verdict.reason)

    # Booking -------------------------------------------------------------------------------------------------------

    def settle(self, shown: Sequence[tuple[Planned, Unsettled, Any]]) -> None:
        """Book what lost calls turned out to have done, or let their records be planned anew."""
        rows, sent = self._as_sent([lost for _, lost, _ in shown])
        records = self._records(rows.values())
        settled: dict[str, list[tuple[Carried, Answer]]] = {}
        for _, lost, found in shown:
            row, element = rows[lost.row_id], sent[lost.row_id]
            wish = _wish(lost, row, records.get((row.kind, row.record_id)))
            known = guarded.recognise(self._talk.provider, wish, element, found, self._talk.prefix)
            if isinstance(known, str):
                self._ask_later(lost, known)
            elif isinstance(known, Adopt):
                self._applier.link(lost.row_id, lost.generation, known)
            elif known is None and not self._taken_again(lost):
                self._not_there(lost)
            else:
                carried = _carried(lost, row, element)
                settled.setdefault(lost.call_id, []).append((carried, self._as_answer(lost, known)))
        for call_id, some in settled.items():
            self._booker.book_answers(
                call_id, [one for one, _ in some], [one for _, one in some], lambda _session: True
            )

    def _as_answer(self, lost: Unsettled, known: Done | Refuse | None) -> Answer:
        if isinstance(known, Refuse):
            return Rejected(reason=known.reason, conflict=known.conflict)
        if known is None:
            return Rejected(reason="the remote says that it is there already, and does not show it")
        with self._talk.database.read() as session:
            owner = owner_of(session, self._talk.key, known.remote_id, lost.row_id)
        return Rejected(reason=held_by(owner), conflict=True) if owner else known

    def _records(self, rows: Iterable[Waiting]) -> Mapping[tuple[str, str], Record]:
        """Today's records, by kind and id: which line of the remote's is which of ours is told by them."""
        ids: dict[str, list[str]] = {}
        for row in rows:
            ids.setdefault(row.kind, []).append(row.record_id)
        with self._talk.database.read() as session:
            read = {kind: self._store.read(session, kind, some) for kind, some in ids.items()}
        return {(kind, id): record for kind, some in read.items() for id, record in some.items()}

    def _taken_again(self, lost: Unsettled) -> bool:
        """Whether the remote says for the second time that it has this version already, and shows nothing: then a person must look."""
        if lost.outcome != "taken":
            return False
        again = (lost.row_id, lost.generation) in self._taken
        self._taken.add((lost.row_id, lost.generation))
        return again

    def _not_there(self, lost: Unsettled) -> None:
        now = clock.now()
        due_at, reason = now + pause_of_record(lost.lost + 1), _not_arrived(lost)
        with self._talk.database.write() as session:
            if not may_send_anew(lost, generation_now(session, lost.row_id), now):
                reason = "its last call may still be at work: it is looked for once more when that is over"
                look_later(session, [lost.row_id], at=lost.running_until, reason=reason)
            elif now < lost.running_until:
                release_lost(session, lost.row_id, due_at=due_at, until=lost.running_until, reason=reason)
            else:
                release(session, [lost.row_id], due_at=due_at, reason=reason, lost=True)

    def any_may_land(self) -> bool:
        """Whether a create that was not found may still land: a record that is changed meanwhile comes back here."""
        with self._talk.database.read() as session:
            return any_may_land(session, self._talk.key, clock.now())


def _lost(one: Unsettled) -> int:
    return one.lost


def _not_arrived(one: Unsettled) -> str:
    times = f" {one.lost + 1} times in a row" if one.lost else ""
    because = f" ({one.reason})" if one.reason else ""
    return f"its call did not arrive{times}{because}: it is sent anew"


def _wish(one: Unsettled, row: Waiting, record: Record | None) -> Wish:
    return Wish(
        row_id=row.row_id,
        kind=row.kind,
        record_id=row.record_id,
        record=record,
        wanted=row.wanted,
        generation=one.generation,
        remote_id="",
        agreed=Agreed(),
        correlation_id=row.correlation_id,
    )


def _carried(lost: Unsettled, row: Waiting, sent: Mapping[str, Any]) -> Carried:
    return Carried(
        row_id=lost.row_id,
        kind=lost.kind,
        record_id=row.record_id,
        ref=row.ref,
        correlation_id=row.correlation_id,
        generation=lost.generation,
        position=lost.position,
        wanted=Wanted.SEND,
        inputs=lost.inputs,
        sent=sent,
        warnings=lost.warnings,
    )
