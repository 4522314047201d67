"""Writing down decisions that need no call: nothing to do, blocked, linked, refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from hookspecs import Action, EntityEvent
from host import clock
from host.db.anew import made_anew
from host.db.trouble import UNUSABLE
from host.sync.deciding import Broken, Decision, Nothing
from host.sync.outbox import PERSON, write_rows
from host.sync.provider import Adopt, Blocked, Done, Excluded, Finish, Provider, Refuse, Wanted
from host.sync.results import NOT_DELETED, Carried, Result, agreed, deleted, kept, write_result, write_results
from host.sync.rows import bring, digests, held_by, links, make_urgent, owner_of, wake_dependents
from host.sync.telling import tell_record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import BillingStore
    from host.unit_of_work import Saver, Saving

log: Final = logging.getLogger(__name__)


class Applier:
    """Applies the decisions of one connection."""

    def __init__(self, saver: Saver, store: BillingStore, provider: Provider, connection: str) -> None:
        self._saver = saver
        self._store = store
        self._provider = provider
        self._connection = connection

    def apply(self, decisions: Sequence[Decision]) -> None:
        """Write the decisions that need no call. Each row is guarded by its generation: one saved since then keeps waiting.

        One that can't be written stands alone; the others are written.
        """
        if not decisions:
            return
        try:
            self._apply_all(decisions)
        except UNUSABLE:
            raise
        except Exception:
            log.exception("writing %d decisions at once failed; going on one by one", len(decisions))
            for decision in decisions:
                self._apply_alone(decision)

    @made_anew
    def _apply_all(self, decisions: Sequence[Decision]) -> None:
        with self._saver(origin=self._connection) as work:
            results = [self._apply(work, decision) for decision in decisions]
            write_results(work.session, [result for result in results if result], clock.now())
            done = [one.row.row_id for one in decisions if not isinstance(one.step, Blocked)]
            wake_dependents(work.session, done, clock.now())
        for decision, result in zip(decisions, results, strict=True):
            if result:
                tell_record(self._connection, decision.row, result)

    def _apply_alone(self, decision: Decision) -> None:
        try:
            self._apply_all([decision])
        except UNUSABLE:
            raise
        except Exception as error:
            log.exception("writing what was decided for %s %s failed", decision.row.kind, decision.row.ref)
            reason = f"what was decided could not be written ({type(error).__name__}: {error})"
            row = decision.row
            failed = Result(row_id=row.row_id, carried=row.generation, state="failed", error=reason, attempted=True)
            with self._saver(origin=self._connection) as work:
                write_result(work.session, failed, clock.now())
                wake_dependents(work.session, [row.row_id], clock.now())
            tell_record(self._connection, row, failed)

    def _apply(self, work: Saving, decision: Decision) -> Result | None:
        """What a decision means for its row; ``None`` where it is written already."""
        row, step = decision.row, decision.step
        if isinstance(step, Finish):
            self._store.confirm_deletion(work, row.kind, row.record_id, status=step.status)
            return deleted(row.row_id, row.generation, step.status, clock.now())
        if isinstance(step, Refuse | Broken) and row.wanted is Wanted.DELETE:
            self._store.refuse_deletion(work, row.kind, row.record_id, step.reason)
            return kept(row.row_id, row.generation, step.reason, clock.now())
        if isinstance(step, Adopt):
            self._adopt(work, row.row_id, row.generation, step)
            return None
        if isinstance(step, Done):
            self._take_as_agreed(work, decision, step)
            return None
        return self._settled(work.session, decision)

    @made_anew
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
            correlation_id=row.correlation_id,
            generation=row.generation,
            position=0,
            wanted=row.wanted,
            inputs=digests(prepared.inputs) if prepared else {},
            sent=row.agreed.sent,
            warnings=prepared.warnings if prepared else (),
        )
        if self._write_link(work.session, agreed(one, step, clock.now())) and step.ledger:
            self._store.take_ledger_states(work, row.kind, [step.ledger])

    def _write_link(self, session: Session, linked: Result) -> bool:
        """``False``: another of our records is linked with that remote record, and this one is a conflict now."""
        now = clock.now()
        try:
            with session.begin_nested():
                write_result(session, linked, now)
        except IntegrityError:
            owner = owner_of(session, self._connection, linked.remote_id or "", linked.row_id)
            reason = held_by(owner or "another record")
            clash = Result(row_id=linked.row_id, carried=linked.carried, state="conflict", error=reason)
            write_result(session, clash, now)
            return False
        return True

    def _settled(self, session: Session, decision: Decision) -> Result:
        row, step = decision.row, decision.step
        match step:
            case Nothing(reason=reason):
                why_kept = row.reason if row.reason.startswith(NOT_DELETED) else ""
                return Result(
                    row_id=row.row_id, carried=row.generation, state="synced", reason=reason or why_kept, agreed=True
                )
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
            goes_on=awaited is not None and awaited.on_its_way,
        )

    def _bring(self, session: Session, kind: str, record_id: str, *, urgent: bool) -> None:
        """Ask for a record that another needs; also for one of which nobody told, because it was saved before the provider came."""
        if not links(session, self._provider.name, kind, [record_id]):
            found = self._store.read(session, kind, [record_id]).values()
            events = [EntityEvent(kind=kind, record=record, action=Action.UPDATED) for record in found]
            write_rows(self._provider, events, session, Wanted.SEND)
        bring(session, self._provider.name, self._connection, kind, record_id, urgent=urgent)
