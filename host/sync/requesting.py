"""Asking for records to be looked at and sent where they differ: what ``sync`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from hookspecs import Action, Document, EntityEvent
from host.db.engine import breathe
from host.db.watch import announce
from host.errors import AskPerson
from host.occasions import keep_occasion
from host.sync.batches import close_batch, open_batch, touch_batch
from host.sync.belonging import Belonging
from host.sync.connections import get_connection
from host.sync.outbox import write_rows_of
from host.sync.provider import Provider, Wanted
from host.sync.tables import rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Record
    from host.db import Database

AT_ONCE: Final = 500
SETTLED: Final = frozenset({"deleted", "voided"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What is asked for: everything, or what belongs to this connection, kind or these refs. ``remap``: also what equals the agreed version."""

    connection: str | None = None
    kind: str | None = None
    refs: Sequence[str] | None = None
    remap: bool = False


@dataclass(frozen=True, slots=True)
class Requesting:
    """Queues what is asked for, some hundred records a transaction, in one batch."""

    database: Database
    store: BillingStore
    providers: Sequence[Provider]
    wake: Callable[[], None]

    def request(self, asked: Requested) -> str:
        for provider in self.providers:
            _check_kind(provider, asked.kind)
        with self.database.write() as session:
            if asked.connection is not None:
                get_connection(session, asked.connection)
            batch = open_batch(session, "sync", asked.kind or "")
            keep_occasion(session)
        for provider in self.providers:
            for rule in provider.kinds:
                if asked.kind in {None, rule.kind}:
                    self._queue(provider, rule.kind, batch, asked)
        with self.database.write() as session:
            close_batch(session, batch)
            announce(session)
        self.wake()
        return batch

    def _queue(self, provider: Provider, kind: str, batch: str, asked: Requested) -> None:
        ids = self._ids(kind, asked.refs)
        for start in range(0, len(ids), AT_ONCE):
            with self.database.write() as session:
                touch_batch(session, batch)
                self._queue_some(session, provider, kind, ids[start : start + AT_ONCE], batch, asked)
                announce(session)
            self.wake()
            breathe()

    def _ids(self, kind: str, refs: Sequence[str] | None) -> Sequence[str]:
        """Whose turn it is; of a kind that the billing plugin does not keep, none."""
        with self.database.read() as session:
            try:
                return [record.id for record in self.store.stream(session, kind, refs=refs) if _wants_sync(record)]
            except LookupError:
                return []

    def _queue_some(
        self, session: Session, provider: Provider, kind: str, ids: Sequence[str], batch: str, asked: Requested
    ) -> None:
        records = list(self.store.read(session, kind, ids).values())
        events = [EntityEvent(kind=kind, record=one, action=Action.UPDATED, batch=batch) for one in records]
        belonging = Belonging(provider, events, session)
        chosen = [event for event in events if asked.connection in {None, belonging.of(event)}]
        for wanted in Wanted:
            of_it = [event for event in chosen if _wanted(event.record) is wanted]
            write_rows_of(belonging, provider, of_it, session, wanted)
        if asked.remap:
            forget_agreed(session, provider.name, kind, [event.id for event in chosen])


def forget_agreed(session: Session, provider: str, kind: str, record_ids: Sequence[str]) -> None:
    """Send these even where they equal what was agreed: our mapping changed."""
    session.execute(
        update(rows)
        .where(rows.c.provider == provider, rows.c.kind == kind, rows.c.record_id.in_(record_ids))
        .values(inputs={})
    )


def _check_kind(provider: Provider, kind: str | None) -> None:
    known = [rule.kind for rule in provider.kinds]
    if kind is not None and kind not in known:
        raise AskPerson(f"{provider.name} does not sync {kind!r} (it syncs {', '.join(known)})")


def _wanted(record: Record) -> Wanted:
    leaving = isinstance(record, Document) and record.status == "deleting"
    return Wanted.DELETE if leaving else Wanted.SEND


def _wants_sync(record: Record) -> bool:
    return not (isinstance(record, Document) and record.status in SETTLED)
