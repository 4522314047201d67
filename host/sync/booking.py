"""Writing down what answers say of records: sync rows and billing records in one transaction, whose origin is the connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from host import clock
from host.db.anew import made_anew
from host.db.trouble import UNUSABLE
from host.sync.calls import note_outcomes
from host.sync.provider import Answer, Done, Gone, Outdated, Rejected, Taken, Unclear, Wanted
from host.sync.results import Carried, Result, agreed, deleted, kept, write_result, write_results
from host.sync.rows import held_by, owner_of, wake_dependents
from host.sync.telling import tell_record

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, LedgerState
    from host.unit_of_work import Saver, Saving

log: Final = logging.getLogger(__name__)


class Booker:
    """Books the answers of one connection."""

    def __init__(self, saver: Saver, store: BillingStore, connection: str) -> None:
        self._saver = saver
        self._store = store
        self._connection = connection

    def book_answers(
        self, call_id: str, carried: Sequence[Carried], answers: Sequence[Answer], close: Callable[[Session], bool]
    ) -> bool:
        """Book a call's answer, and close the call, in one transaction. A record whose booking fails stands alone; the others are booked.

        ``False``: nothing is booked, because a later speaker took us for dead; the call is settled.
        """
        try:
            return self._book_all(call_id, carried, answers, close)
        except UNUSABLE:
            raise
        except Exception:
            log.exception("booking call %s as a whole failed; going on record by record", call_id)
            return self._book_one_by_one(call_id, carried, answers, close)

    @made_anew
    def _book_all(
        self, call_id: str, carried: Sequence[Carried], answers: Sequence[Answer], close: Callable[[Session], bool]
    ) -> bool:
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            if not close(work.session):
                return False
            note_outcomes(
                work.session, call_id, [_outcome(one, answer) for one, answer in zip(carried, answers, strict=True)]
            )
            # The books first and then the rows, as in a save: two transactions that lock in one order do not wait for each other.
            results = [self._book(work, one, answer) for one, answer in zip(carried, answers, strict=True)]
            self._take_ledger(work, carried, answers)
            write_results(work.session, [result for result in results if result], clock.now())
            finished = [
                one.row_id
                for one, answer in zip(carried, answers, strict=True)
                if not isinstance(answer, Taken | Unclear)
            ]
            wake_dependents(work.session, finished, clock.now())
        for one, result in zip(carried, results, strict=True):
            if result:
                tell_record(self._connection, one, result, call_id=call_id)
        return True

    def _take_ledger(self, work: Saving, carried: Sequence[Carried], answers: Sequence[Answer]) -> None:
        ledger: dict[str, list[LedgerState]] = {}
        for one, answer in zip(carried, answers, strict=True):
            if isinstance(answer, Done) and answer.ledger:
                ledger.setdefault(one.kind, []).append(answer.ledger)
        for kind, states in ledger.items():
            self._store.take_ledger_states(work, kind, states)

    def _book_one_by_one(
        self, call_id: str, carried: Sequence[Carried], answers: Sequence[Answer], close: Callable[[Session], bool]
    ) -> bool:
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            if not close(work.session):
                return False
        for one, answer in zip(carried, answers, strict=True):
            try:
                self._book_all(call_id, [one], [answer], lambda _session: True)
            except UNUSABLE:
                raise
            except IntegrityError:
                self._book_conflict(call_id, one, answer)
            except Exception as error:
                log.exception("booking %s %s failed", one.kind, one.ref)
                reason = f"the answer could not be booked ({type(error).__name__}: {error})"
                self._book_trouble(call_id, one, reason=reason, answer=answer)
        return True

    @made_anew
    def _book_conflict(self, call_id: str, one: Carried, answer: Answer) -> None:
        """It turned out to be a remote record that another of ours is linked with."""
        now = clock.now()
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            remote_id = answer.remote_id if isinstance(answer, Done) else ""
            owner = owner_of(work.session, self._connection, remote_id, one.row_id) or "another record"
            result = Result(
                row_id=one.row_id, carried=one.generation, state="conflict", error=held_by(owner), attempted=True
            )
            self._write_trouble(work, one, result, now)
        tell_record(self._connection, one, result, call_id=call_id)

    @made_anew
    def _book_trouble(self, call_id: str, one: Carried, *, reason: str, answer: Answer) -> None:
        """The record failed here, whatever became of it there; a link that the answer brought is kept all the same."""
        now = clock.now()
        result = Result(row_id=one.row_id, carried=one.generation, state="failed", error=reason, attempted=True)
        if isinstance(answer, Done):
            result = replace(agreed(one, answer, now), state="failed", error=reason)
        with self._saver(origin=self._connection, correlation_id=call_id) as work:
            self._write_trouble(work, one, result, now)
        tell_record(self._connection, one, result, call_id=call_id)

    @staticmethod
    def _write_trouble(work: Saving, one: Carried, result: Result, now: datetime) -> None:
        write_result(work.session, result, now)
        wake_dependents(work.session, [one.row_id], now)

    def _book(self, work: Saving, one: Carried, answer: Answer) -> Result | None:
        """What an answer means for its row; ``None`` where the row stays with its call, to be settled next."""
        now = clock.now()
        match answer:
            case Done():
                return agreed(one, answer, now)
            case Gone(status=status):
                self._store.confirm_deletion(work, one.kind, one.record_id, status=status)
                return deleted(one.row_id, one.generation, status, now)
            case Outdated(reason=reason):
                return Result(row_id=one.row_id, carried=one.generation, state="waiting", reason=reason, due_at=now)
            case Rejected(reason=reason) if one.wanted is Wanted.DELETE:
                self._store.refuse_deletion(work, one.kind, one.record_id, reason)
                return kept(one.row_id, one.generation, reason, now)
            case Rejected(reason=reason, conflict=conflict):
                state = "conflict" if conflict else "failed"
                return Result(row_id=one.row_id, carried=one.generation, state=state, error=reason, attempted=True)
            case Taken() | Unclear():
                return None


def _outcome(one: Carried, answer: Answer) -> tuple[int, str, str]:
    match answer:
        case Done():
            return one.position, "done", ""
        case Gone(status=status):
            return one.position, status, ""
        case Outdated(reason=reason):
            return one.position, "outdated", reason
        case Rejected(reason=reason):
            return one.position, "rejected", reason
        case Taken(reason=reason):
            return one.position, "taken", reason
        case Unclear(reason=reason):
            return one.position, "unclear", reason
