"""Runs again what hooks failed over, at each start and daily, so that no change is lost to a plugin for good."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from hookspecs import Action, EntityEvent, Record
from host.dispatch import deliver
from host.tables import hook_failures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore
    from host.db import Database
    from host.plugins import Listener, Plugins
    from host.unit_of_work import Saver, Saving

_AT_ONCE: Final = 200
Failure = Any
"""A row of ``host_hook_failures``."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """How a pass went: hooks that went through now, and those that failed again."""

    mended: int = 0
    left: int = 0

    def __add__(self, other: Repaired) -> Repaired:
        return Repaired(self.mended + other.mended, self.left + other.left)


def repair(database: Database, saver: Saver, plugins: Plugins) -> Repaired:
    """Call every hook that failed once more, with the record as it is now. Rows of plugins that are not active wait."""
    store = plugins.store
    total = Repaired()
    if store is None:
        return total
    for failures in _pages(database):
        for (plugin, hook, kind, origin), group in groupby(failures, key=_shared):
            owed = list(group)
            listener = plugins.listener(hook, plugin)
            if listener is not None:
                with saver(origin=origin) as work:
                    total += _again(listener, store, kind, owed, work)
            elif any(plugin == active.name for active in plugins.active):
                # Owed while it could not be asked which hooks it has; it does not have this one.
                with database.write() as session:
                    _forget(session, owed)
    return total


def _shared(failure: Failure) -> tuple[str, str, str, str]:
    return failure.plugin, failure.hook, failure.kind, failure.origin


def _pages(database: Database) -> Iterator[Sequence[Failure]]:
    # What fails again keeps its id, so the pass comes to an end.
    last = ""
    while True:
        with database.read() as session:
            page = session.execute(
                select(hook_failures).where(hook_failures.c.id > last).order_by(hook_failures.c.id).limit(_AT_ONCE)
            ).all()
        if not page:
            return
        last = page[-1].id
        yield sorted(page, key=_shared)


def _again(listener: Listener, store: BillingStore, kind: str, failures: Sequence[Failure], work: Saving) -> Repaired:
    records = store.read(work.session, kind, [failure.record_id for failure in failures])
    events = {failure.id: _event(failure, records) for failure in failures}
    failed = deliver(listener, [event for event in events.values() if event is not None], work)
    done = [failure for failure in failures if failure.record_id not in failed]
    _forget(work.session, done)
    return Repaired(mended=len(done), left=len(failed))


def _forget(session: Session, failures: Sequence[Failure]) -> None:
    session.execute(delete(hook_failures).where(hook_failures.c.id.in_([failure.id for failure in failures])))


def _event(failure: Failure, records: Mapping[str, Record]) -> EntityEvent | None:
    """The event as it would be now; ``None`` where there is nothing left to tell: the deletion was asked for and is over."""
    record = records.get(failure.record_id)
    if failure.hook == "on_invoice_deleted" and getattr(record, "status", "") != "deleting":
        return None
    action = Action(failure.action)
    if record is None:
        record = Record(id=failure.record_id, ref=failure.ref, connection=failure.connection)
        action = Action.DELETED
    return EntityEvent(
        kind=failure.kind,
        record=record,
        action=action,
        changed=frozenset(failure.changed),
        origin=failure.origin,
        correlation_id=failure.correlation_id,
    )
