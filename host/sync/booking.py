"""Writing down what became of records: sync rows and billing records in one transaction, whose origin is the connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from hookspecs import Action, EntityEvent
from host import clock
from host.sync.calls import note_outcomes
from host.sync.deciding import Broken, Decision, Nothing
from host.sync.outbox import PERSON, write_row
from host.sync.provider import (
    Adopt,
    Answer,
    Blocked,
    Done,
    Excluded,
    Finish,
    Gone,
    Refuse,
    Rejected,
    Taken,
    Unclear,
    Wanted,
)
from host.sync.rows import (
    Result,
    bring,
    digests,
    links,
    make_urgent,
    owner_of,
    wake_dependents,
    write_result,
    write_results,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore
    from host.sync.provider import Provider
    from host.unit_of_work import Saver, Saving

log: Final = logging.getLogger(__name__)

BROKEN_DATABASE: Final = (OperationalError, InterfaceError)
"""No record's fault: full, locked or gone. The drain stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A record as a call carried it: what an answer is booked against."""

    row_id: int
    kind: str
    record_id: str
    ref: str
    generation: int
    position: int
    wanted: Wanted
    inputs: Mapping[str, str]
    sent: Mapping[str, Any]
    warnings: Sequence[str]


class Booker:
    """Books answers and decisions of one connection."""

    def __init__(self, saver: Saver, store: BillingStore, provider: Provider, connection: str) -> None:
        self._saver = saver
        self._store = store
        self._provider = provider
        self._connection = connection

    # Answers -------------------------------------------------------------------------------------------------------

    def book_answers(
        self, call_id: str, carried: Sequence[Carried], answers: Sequence[Answer], close: Callable[[Session], bool]
    ) -> None:
        """Book a call's answer, and close the call, in one transaction. A record whose booking fails stands alone; the others are booked."""
        try:
            self._book_all(call_id, carried, answers, close)
        except BROKEN_DATABASE:
            raise
        except Exception:
            log.exception("booking call %s as a whole failed; going on record by record", call_id)
            self._book_one_by_one(call_id, carried, answers, close)

    def _book_all(
        self, call_id: str, carried: Sequence[Carried], answers: Sequence[Answer], close: Callable[[Session], bool]
    ) -> None:
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            if not close(work.session):
                return  # a later speaker took us for dead and settles this call
            note_outcomes(
                work.session, call_id, [_outcome(one, answer) for one, answer in zip(carried, answers, strict=True)]
            )
            ledger: dict[str, list[Any]] = {}
            results = [self._book(work, one, answer) for one, answer in zip(carried, answers, strict=True)]
            write_results(work.session, [result for result in results if result], clock.now())
            for one, answer in zip(carried, answers, strict=True):
                if isinstance(answer, Done) and answer.ledger:
                    ledger.setdefault(one.kind, []).append(answer.ledger)
            for kind, states in ledger.items():
                self._store.take_ledger_states(work, kind, states)
            finished = [
                one.row_id
                for one, answer in zip(carried, answers, strict=True)
                if not isinstance(answer, Taken | Unclear)
            ]
            wake_dependents(work.session, finished, clock.now())

    def _book_one_by_one(
        self, call_id: str, carried: Sequence[Carried], answers: Sequence[Answer], close: Callable[[Session], bool]
    ) -> None:
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            if not close(work.session):
                return
        for one, answer in zip(carried, answers, strict=True):
            try:
                self._book_all(call_id, [one], [answer], lambda _session: True)
            except BROKEN_DATABASE:
                raise
            except IntegrityError:
                reason = "it turned out to be a remote record that another of our records is linked with"
                self._book_trouble(call_id, one, state="conflict", reason=reason)
            except Exception as error:
                log.exception("booking %s %s failed", one.kind, one.ref)
                reason = f"the answer could not be booked ({type(error).__name__}: {error})"
                self._book_trouble(call_id, one, state="failed", reason=reason, answer=answer)

    def _book_trouble(
        self, call_id: str, one: Carried, *, state: str, reason: str, answer: Answer | None = None
    ) -> None:
        """The record failed here, whatever became of it there; a link that the answer brought is kept all the same."""
        now = clock.now()
        result = Result(row_id=one.row_id, carried=one.generation, state=state, error=reason, attempted=True)
        if isinstance(answer, Done):
            result = replace(_agreed(one, answer, now), state=state, error=reason)
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            write_result(work.session, result, now)
            wake_dependents(work.session, [one.row_id], now)

    def _book(self, work: Saving, one: Carried, answer: Answer) -> Result | None:
        """What an answer means for its row; ``None`` where the row stays with its call, to be settled next."""
        now = clock.now()
        match answer:
            case Done():
                return _agreed(one, answer, now)
            case Gone(status=status):
                self._store.confirm_deletion(work, one.kind, one.record_id, status=status)
                return _deleted(one.row_id, one.generation, status, now)
            case Rejected(reason=reason) if one.wanted is Wanted.DELETE:
                return self._refuse_deletion(work, one.kind, one.record_id, one.row_id, one.generation, reason)
            case Rejected(reason=reason, conflict=conflict):
                state = "conflict" if conflict else "failed"
                return Result(row_id=one.row_id, carried=one.generation, state=state, error=reason, attempted=True)
            case Taken() | Unclear():
                return None

    def _refuse_deletion(
        self, work: Saving, kind: str, record_id: str, row_id: int, generation: int, reason: str
    ) -> Result:
        self._store.refuse_deletion(work, kind, record_id, reason)
        return Result(
            row_id=row_id,
            carried=generation,
            state="synced",
            reason=f"not deleted: {reason}",
            agreed=True,
            wanted=Wanted.SEND,
        )

    # Decisions -----------------------------------------------------------------------------------------------------

    def apply(self, decisions: Sequence[Decision]) -> None:
        """Write the decisions that need no call. Each row is guarded by its generation: one saved since then keeps waiting.

        One that can't be written stands alone; the others are written.
        """
        if not decisions:
            return
        try:
            self._apply_all(decisions)
        except BROKEN_DATABASE:
            raise
        except Exception:
            log.exception("writing %d decisions at once failed; going on one by one", len(decisions))
            for decision in decisions:
                self._apply_alone(decision)

    def _apply_all(self, decisions: Sequence[Decision]) -> None:
        with self._saver(origin=self._connection) as work:
            results = [self._apply(work, decision) for decision in decisions]
            write_results(work.session, [result for result in results if result], clock.now())
            done = [one.row.row_id for one in decisions if not isinstance(one.step, Blocked)]
            wake_dependents(work.session, done, clock.now())

    def _apply_alone(self, decision: Decision) -> None:
        try:
            self._apply_all([decision])
        except BROKEN_DATABASE:
            raise
        except Exception as error:
            log.exception("writing what was decided for %s %s failed", decision.row.kind, decision.row.ref)
            reason = f"what was decided could not be written ({type(error).__name__}: {error})"
            row = decision.row
            failed = Result(row_id=row.row_id, carried=row.generation, state="failed", error=reason, attempted=True)
            with self._saver(origin=self._connection) as work:
                write_result(work.session, failed, clock.now())

    def _apply(self, work: Saving, decision: Decision) -> Result | None:
        """What a decision means for its row; ``None`` where it is written already."""
        row, step = decision.row, decision.step
        if isinstance(step, Finish):
            self._store.confirm_deletion(work, row.kind, row.record_id, status=step.status)
            return _deleted(row.row_id, row.generation, step.status, clock.now())
        if isinstance(step, Refuse | Broken) and row.wanted is Wanted.DELETE:
            return self._refuse_deletion(work, row.kind, row.record_id, row.row_id, row.generation, step.reason)
        if isinstance(step, Adopt):
            self._adopt(work, row.row_id, row.generation, step)
            return None
        if isinstance(step, Done):
            self._take_as_agreed(work, decision, step)
            return None
        return self._settled(work.session, decision)

    def link(self, row_id: int, generation: int, step: Adopt) -> None:
        """Link a record with what is there already, in a transaction of its own."""
        with self._saver(origin=self._connection) as work:
            self._adopt(work, row_id, generation, step)

    def _adopt(self, work: Saving, row_id: int, generation: int, step: Adopt) -> None:
        """Link, and look at it again at once: what differs is sent next."""
        now = clock.now()
        linked = Result(
            row_id=row_id,
            carried=generation,
            state="waiting",
            due_at=now,
            remote_id=step.remote_id,
            remote_number=step.remote_number,
            remote_url=step.remote_url,
            answered=step.answered,
        )
        self._write_link(work.session, linked)

    def _take_as_agreed(self, work: Saving, decision: Decision, step: Done) -> None:
        """The remote has everything as wanted: agreed without a call."""
        row, prepared = decision.row, decision.prepared
        one = Carried(
            row_id=row.row_id,
            kind=row.kind,
            record_id=row.record_id,
            ref=row.ref,
            generation=row.generation,
            position=0,
            wanted=row.wanted,
            inputs=digests(prepared.inputs) if prepared else {},
            sent=row.agreed.sent,
            warnings=prepared.warnings if prepared else (),
        )
        if self._write_link(work.session, _agreed(one, step, clock.now())) and step.ledger:
            self._store.take_ledger_states(work, row.kind, [step.ledger])

    def _write_link(self, session: Session, linked: Result) -> bool:
        """``False``: another of our records is linked with that remote record, and this one is a conflict now."""
        now = clock.now()
        try:
            with session.begin_nested():
                write_result(session, linked, now)
        except IntegrityError:
            owner = owner_of(session, self._connection, linked.remote_id or "", linked.row_id)
            reason = f"it matches a remote record that {owner} is linked with"
            clash = Result(row_id=linked.row_id, carried=linked.carried, state="conflict", error=reason)
            write_result(session, clash, now)
            return False
        return True

    def _settled(self, session: Session, decision: Decision) -> Result:
        row, step = decision.row, decision.step
        match step:
            case Nothing(reason=reason):
                return Result(row_id=row.row_id, carried=row.generation, state="synced", reason=reason, agreed=True)
            case Excluded(reason=reason):
                return Result(row_id=row.row_id, carried=row.generation, state="excluded", reason=reason)
            case Blocked():
                return self._blocked(session, decision, step)
            case Refuse(reason=reason, conflict=conflict):
                return Result(
                    row_id=row.row_id, carried=row.generation, state="conflict" if conflict else "failed", error=reason
                )
            case Broken(reason=reason):
                return Result(row_id=row.row_id, carried=row.generation, state="failed", error=reason, attempted=True)
        raise TypeError(f"{step!r} is not a decision without a call")

    def _blocked(self, session: Session, decision: Decision, step: Blocked) -> Result:
        row = decision.row
        awaited = None
        if step.waits_for:
            kind, record_id = step.waits_for
            if step.bring:
                self._bring(session, kind, record_id, urgent=row.priority == PERSON)
            awaited = links(session, self._provider.name, kind, [record_id]).get(record_id)
            if awaited and row.priority == PERSON:
                make_urgent(session, [awaited.row_id], clock.now())
        return Result(
            row_id=row.row_id,
            carried=row.generation,
            state="blocked",
            reason=step.reason,
            waits_for=awaited.row_id if awaited else None,
        )

    def _bring(self, session: Session, kind: str, record_id: str, *, urgent: bool) -> None:
        """Ask for a record that another needs; also for one of which nobody told, because it was saved before the provider came."""
        if not links(session, self._provider.name, kind, [record_id]):
            for record in self._store.read(session, kind, [record_id]).values():
                write_row(
                    self._provider,
                    EntityEvent(kind=kind, record=record, action=Action.UPDATED),
                    session,
                    Wanted.SEND,
                )
        bring(session, self._provider.name, self._connection, kind, record_id, urgent=urgent)


def _agreed(one: Carried, answer: Done, now: datetime) -> Result:
    return Result(
        row_id=one.row_id,
        carried=one.generation,
        state="synced",
        remote_id=answer.remote_id,
        remote_number=answer.remote_number,
        remote_url=answer.remote_url,
        inputs=one.inputs,
        sent=one.sent,
        answered=answer.answered,
        warnings=[*one.warnings, *answer.warnings],
        synced_at=now,
        attempted=True,
        agreed=True,
    )


def _deleted(row_id: int, generation: int, status: str, now: datetime) -> Result:
    return Result(row_id=row_id, carried=generation, state="synced", reason=status, synced_at=now, agreed=True)


def _outcome(one: Carried, answer: Answer) -> tuple[int, str, str]:
    match answer:
        case Done():
            return one.position, "done", ""
        case Gone(status=status):
            return one.position, status, ""
        case Rejected(reason=reason):
            return one.position, "rejected", reason
        case Taken(reason=reason):
            return one.position, "taken", reason
        case Unclear(reason=reason):
            return one.position, "unclear", reason
