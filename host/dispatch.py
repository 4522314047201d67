"""Calls the plugins' hooks for what was saved: one plugin at a time, each behind a savepoint, and what fails becomes a row."""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from hookspecs import Action
from host import clock
from host.db.trouble import meets_everybody
from host.db.upsert import insert_or
from host.errors import CounterfoilError
from host.ids import new_id
from host.tables import hook_failures
from host.words import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session, SessionTransaction

    from hookspecs import EntityEvent
    from host.plugins import Listener, Plugins
    from host.unit_of_work import Saving

SLOW_SECONDS: Final = 0.05
_MOST_TRACEBACK: Final = 20_000
_log = logging.getLogger(__name__)


class BrokeTransaction(CounterfoilError):
    """A plugin committed or rolled back a transaction that is not its own: what was saved cannot be kept whole."""


class NotRunning(CounterfoilError):
    """Why a plugin did not hear of a record."""


class Dispatcher:
    """The ``Dispatch`` of ``host.unit_of_work``: one round of events to every plugin that listens, in call order."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    def __call__(self, hook: str, events: list[EntityEvent], unit_of_work: Saving) -> None:
        if not events:
            return
        for listener in self._plugins.listeners(hook):
            deliver(listener, events, unit_of_work)
        # A plugin that is not running is owed what it would have heard; it gets that when it runs again.
        for plugin in self._plugins.failed:
            if hook in plugin.hooks or not plugin.hooks:
                for event in events:
                    keep_failure(unit_of_work.session, plugin.name, hook, event, NotRunning(plugin.reason))


def deliver(listener: Listener, events: Sequence[EntityEvent], work: Saving) -> set[str]:
    """These events to one plugin. Answers the ids of the records that the hook failed over; each is a row by then.

    All in one savepoint first, which is fast; when one raises, one by one, so that only the guilty ones are lost to the plugin.
    """
    error = _attempt(listener, events, work)
    if error is None:
        return set()
    failed = set()
    for event in events:
        if len(events) > 1:
            error = _attempt(listener, [event], work)
        if error is not None:
            keep_failure(work.session, listener.plugin.name, listener.hook, event, error)
            _tell(listener, event, error)
            failed.add(event.id)
    return failed


def _tell(listener: Listener, event: EntityEvent, error: Exception) -> None:
    where = (listener.plugin.name, listener.hook, event.kind, event.record.ref)
    _log.warning("plugin %s failed in %s for %s %s: %s", *where, one_line(error))


def _attempt(listener: Listener, events: Sequence[EntityEvent], work: Saving) -> Exception | None:
    mark = work.mark()
    savepoint = work.session.begin_nested()
    try:
        for event in events:
            _timed(listener, event, work)
        work.do_together()
        _still_ours(listener, work.session, savepoint)
        savepoint.commit()
    except BrokeTransaction:
        raise
    except Exception as error:
        if meets_everybody(error):
            raise  # no plugin's fault, and the whole transaction is lost
        _still_ours(listener, work.session, savepoint)
        savepoint.rollback()
        work.back_to(mark)
        return error
    return None


def _timed(listener: Listener, event: EntityEvent, work: Saving) -> None:
    begun = time.perf_counter()
    listener.call(event=event, unit_of_work=work)
    taken = time.perf_counter() - begun
    if taken > SLOW_SECONDS:
        _log.warning(
            "plugin %s took %d ms in %s for %s %s: everybody's saves wait that long (limit %d ms)",
            listener.plugin.name,
            taken * 1000,
            listener.hook,
            event.kind,
            event.record.ref,
            SLOW_SECONDS * 1000,
        )


def _still_ours(listener: Listener, session: Session, savepoint: SessionTransaction) -> None:
    if session.get_nested_transaction() is not savepoint:
        raise BrokeTransaction(
            f"plugin {listener.plugin.name!r} committed or rolled back in {listener.hook}: a hook may only flush; nothing was saved"
        )


def keep_failure(session: Session, plugin: str, hook: str, event: EntityEvent, error: Exception) -> None:
    """Write down that a plugin owes this record a hook: one row, however often it fails, with all that changed since it was last heard."""
    now = clock.now()
    owed = _owed(session, plugin, hook, event)
    action = Action.CREATED if owed.action == Action.CREATED and event.action is Action.UPDATED else event.action
    values = {
        "plugin": plugin,
        "hook": hook,
        "kind": event.kind,
        "record_id": event.id,
        "ref": event.record.ref,
        "connection": event.record.connection,
        "origin": event.origin,
        "action": action.value,
        "changed": sorted(event.changed | set(owed.changed)),
        "correlation_id": event.correlation_id,
        "error": _storable(one_line(error)),
        "traceback": _storable("".join(traceback.format_exception(error))[-_MOST_TRACEBACK:]),
        "last_failed_at": now,
    }
    statement = insert_or(hook_failures, session.get_bind().dialect.name).values(
        id=new_id(), attempts=1, first_failed_at=now, **values
    )
    again = {**values, "attempts": hook_failures.c.attempts + 1}
    session.execute(statement.on_conflict_do_update(index_elements=["plugin", "hook", "kind", "record_id"], set_=again))


@dataclass(frozen=True, slots=True)
class _Owed:
    action: str = ""
    changed: Sequence[str] = ()


def _owed(session: Session, plugin: str, hook: str, event: EntityEvent) -> _Owed:
    """What this plugin has not heard of this record before."""
    table = hook_failures.c
    found = session.execute(
        select(table.action, table.changed).where(
            table.plugin == plugin, table.hook == hook, table.kind == event.kind, table.record_id == event.id
        )
    ).one_or_none()
    return _Owed() if found is None else _Owed(found.action, found.changed)


def _storable(text: str) -> str:
    return text.replace("\x00", "\\x00")  # PostgreSQL has no NUL in a text
