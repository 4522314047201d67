"""Connections: our links to organisations, as rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from host import clock
from host.errors import AskPerson
from host.sync.provider import Connection, Organisation
from host.sync.retry import pause_after
from host.sync.tables import connections

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import Session

log: Final = logging.getLogger(__name__)

CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"


def connection_states(session: Session, provider: str) -> Sequence[tuple[str, str]]:
    """The keys of a provider's connections and their status, in alphabetical order."""
    found = session.connection().execute(_CONNECTION_STATES, {"provider": provider})
    return [(row.key, row.status) for row in found]


_CONNECTION_STATES: Final = (
    select(connections.c.key, connections.c.status)
    .where(connections.c.provider == bindparam("provider"))
    .order_by(connections.c.key)
)


def all_connections(session: Session) -> Sequence[Connection]:
    return [_connection(row) for row in session.execute(select(connections).order_by(connections.c.key))]


def find_connection(session: Session, key: str) -> Connection | None:
    row = session.execute(select(connections).where(connections.c.key == key)).one_or_none()
    return _connection(row) if row else None


def get_connection(session: Session, key: str) -> Connection:
    """The connection of this key. Raises ``AskPerson`` naming those that exist."""
    found = find_connection(session, key)
    if found:
        return found
    known = ", ".join(one.key for one in all_connections(session)) or "none yet"
    raise AskPerson(f"there is no connection {key!r} (connections: {known})")


def _connection(row: Row[Any]) -> Connection:
    return Connection(
        key=row.key,
        provider=row.provider,
        name=row.name,
        organisation=row.organisation,
        auth=row.auth,
        status=row.status,
        details={**row.details, "organisation_name": row.organisation_name},
    )


def save_connection(
    session: Session, *, key: str, provider: str, name: str, auth: str, organisation: Organisation, grant_id: str
) -> Connection:
    """Write a connection that has just proved to work. It is bound to its organisation for life. Raises ``AskPerson`` where that does not fit."""
    existing = find_connection(session, key)
    if existing and existing.provider != provider:
        raise AskPerson(f"connection {key!r} belongs to {existing.provider}: choose another key")
    if existing and existing.organisation != organisation.id:
        raise AskPerson(
            f"connection {key!r} is bound to {existing.details['organisation_name']}, and these credentials lead to {organisation.name}: "
            "a different organisation is a new connection, with a key of its own"
        )
    values = {
        "name": existing.name if existing else name,
        "auth": auth,
        "organisation_name": organisation.name,
        "details": dict(organisation.details),
        "status": CONNECTED,
        "reason": "",
        "hold_until": None,
        "hold_reason": "",
        "troubles": 0,
        "grant_id": grant_id,
        "connected_at": clock.now(),
    }
    try:
        with session.begin_nested():
            if existing:
                session.execute(update(connections).where(connections.c.key == key).values(**values))
            else:
                fixed = {"key": key, "provider": provider, "organisation": organisation.id, "foreign_calls": 0}
                session.execute(connections.insert().values(**fixed, **values))
    except IntegrityError as error:
        holder = session.execute(
            select(connections.c.key).where(
                connections.c.provider == provider,
                connections.c.organisation == organisation.id,
                connections.c.status == CONNECTED,
            )
        ).scalar()
        raise AskPerson(
            f"{organisation.name} is connected already, under the key {holder!r}: an organisation has one connection"
        ) from error
    return get_connection(session, key)


def rename_connection(session: Session, key: str, name: str) -> None:
    session.execute(update(connections).where(connections.c.key == key).values(name=name))


def mark_disconnected(session: Session, key: str, reason: str) -> None:
    """The connection needs a person. Its records keep waiting."""
    log.error("%s is disconnected: %s", key, reason)
    session.execute(update(connections).where(connections.c.key == key).values(status=DISCONNECTED, reason=reason))


def hold(session: Session, key: str, *, until: datetime, reason: str) -> None:
    """Let no call of this connection leave before ``until``, or later where it is held for longer already."""
    held = connections.c.hold_until
    session.execute(
        update(connections)
        .where(connections.c.key == key, or_(held.is_(None), held < until))
        .values(hold_until=until, hold_reason=reason)
    )


def pause(session: Session, key: str, *, at_least: timedelta, reason: str) -> datetime:
    """Leave a remote alone that failed in passing, for longer each time in a row. Calls that failed together count once."""
    now = clock.now()
    row = session.execute(
        select(connections.c.hold_until, connections.c.troubles).where(connections.c.key == key).with_for_update()
    ).one()
    paused = bool(row.hold_until and row.hold_until > now)
    until = now + (at_least if paused else max(at_least, pause_after(row.troubles)))
    if not paused:
        log.warning("%s: %s: no call before %s UTC", key, reason, f"{until:%H:%M:%S}")
        session.execute(update(connections).where(connections.c.key == key).values(troubles=connections.c.troubles + 1))
    hold(session, key, until=until, reason=reason)
    return max(until, row.hold_until) if paused else until


def clear_troubles(session: Session, key: str) -> None:
    """It answers again: the next pause is a short one. A pause that the remote asked for itself is kept to its end."""
    session.execute(update(connections).where(connections.c.key == key, connections.c.troubles > 0).values(troubles=0))
