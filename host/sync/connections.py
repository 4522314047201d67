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

DRAFT: Final = "draft"
"""Named, and never saved with an organisation."""
CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"
"""A person ended it."""
NEEDS_ATTENTION: Final = "needs_attention"
"""The remote does not let us in any more: its reason says what a person has to do. Its records keep waiting."""
NOT_WORKING: Final = {NEEDS_ATTENTION: "needs attention", DISCONNECTED: "is disconnected"}
"""In words, what became of a connection that did work."""
NO_CONNECTION: Final = "none"
"""What stands where a key is asked for, for no connection at all: none may be called so."""
LONGEST_NAME: Final = 255
DELETED: Final = "deleted"
"""Shown to nobody; its key stays bound to its organisation, and its links are found again when it is connected anew."""


def connection_states(session: Session, provider: str) -> Sequence[tuple[str, str]]:
    """The keys of a provider's connections that were ever saved and not deleted, and their status, in alphabetical order."""
    found = session.connection().execute(_CONNECTION_STATES, {"provider": provider})
    return [(row.key, row.status) for row in found]


_CONNECTION_STATES: Final = (
    select(connections.c.key, connections.c.status)
    .where(connections.c.provider == bindparam("provider"), connections.c.status.not_in((DRAFT, DELETED)))
    .order_by(connections.c.key)
)


def all_connections(session: Session) -> Sequence[Connection]:
    there = select(connections).where(connections.c.status != DELETED)
    return [_connection(row) for row in session.execute(there.order_by(connections.c.key))]


def find_connection(session: Session, key: str) -> Connection | None:
    found = find_ever(session, key)
    return found if found and found.status != DELETED else None


def find_ever(session: Session, key: str) -> Connection | None:
    """The connection of this key, though it may be deleted."""
    row = session.execute(select(connections).where(connections.c.key == key)).one_or_none()
    return _connection(row) if row else None


def get_connection(session: Session, key: str) -> Connection:
    """The connection of this key. Raises ``AskPerson`` naming those that exist."""
    found = find_connection(session, key)
    if found:
        return found
    known = ", ".join(one.key for one in all_connections(session)) or "none yet"
    raise AskPerson(f"there is no connection {key!r} (connections: {known})")


def get_connected(session: Session, key: str) -> Connection:
    """The same, where it works. Raises ``AskPerson`` saying why it does not."""
    found = get_connection(session, key)
    if found.status == CONNECTED:
        return found
    if found.status == DRAFT:
        raise AskPerson(f"{key} is a draft: authorise and save it first")
    reason = session.scalar(select(connections.c.reason).where(connections.c.key == key))
    if found.status == NEEDS_ATTENTION and reason:
        raise AskPerson(f"{key} needs attention: {reason}")  # which says what to do
    raise AskPerson(f"{key} {NOT_WORKING[found.status]}{f' ({reason})' if reason else ''}: connect it again first")


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


def create_draft(session: Session, *, key: str, provider: str, name: str, auth: str) -> Connection:
    """A connection that has a name and leads nowhere yet. Raises ``AskPerson`` where the key or the name is taken."""
    former = find_ever(session, key)
    if former and former.status != DELETED:
        raise AskPerson(f"there is a connection {key!r} already: choose another key")
    if former and former.provider != provider:
        raise AskPerson(_another_provider(former))
    _require_name(session, key, name)
    if former:
        session.execute(
            update(connections).where(connections.c.key == key).values(name=name, auth=auth, status=DRAFT, reason="")
        )
    else:
        _insert_draft(session, key=key, provider=provider, name=name, auth=auth)
    return get_connection(session, key)


def _insert_draft(session: Session, *, key: str, provider: str, name: str, auth: str) -> None:
    fixed = {"key": key, "provider": provider, "name": name, "auth": auth, "status": DRAFT}
    empty = {"organisation": "", "organisation_name": "", "details": {}, "foreign_calls": 0}
    session.execute(connections.insert().values(**fixed, **empty))


def save_connection(
    session: Session, *, key: str, provider: str, name: str, auth: str, organisation: Organisation, grant_id: str
) -> Connection:
    """Write a connection that has just proved to work. It is bound to its organisation for life. Raises ``AskPerson`` where that does not fit.

    ``name`` is for one that is new, or was deleted; empty: the organisation's, with the key where another connection has that.
    """
    existing = find_ever(session, key)
    _require_bound_to(existing, provider, organisation)
    _require_not_connected_elsewhere(session, key, provider, organisation)
    if existing is None or existing.status == DELETED:
        name = name or _name_after(session, key, organisation)
        _require_name(session, key, name)
    else:
        name = existing.name
    if existing is None:
        _insert_draft(session, key=key, provider=provider, name=name, auth=auth)
    values = {
        "name": name,
        "auth": auth,
        "organisation": organisation.id,
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
            session.execute(update(connections).where(connections.c.key == key).values(**values))
    except IntegrityError as error:  # somebody else has connected it at the same moment
        raise AskPerson(_connected_already(organisation, "another")) from error
    return get_connection(session, key)


def _require_bound_to(existing: Connection | None, provider: str, organisation: Organisation) -> None:
    if existing and existing.provider != provider:
        raise AskPerson(_another_provider(existing))
    if existing and existing.organisation not in {"", organisation.id}:
        raise AskPerson(_another_organisation(existing, organisation))


def _another_organisation(existing: Connection, organisation: Organisation) -> str:
    bound_to = existing.details["organisation_name"]
    if bound_to == organisation.name:
        found = f"another organisation of this name, with the id {organisation.id}: one that was reset, or made anew, is another one"
    else:
        found = f"{organisation.name}: a different organisation is a new connection"
    return f"connection {existing.key!r} is bound to {bound_to}, and these credentials lead to {found}, with a key of its own"


def _another_provider(existing: Connection) -> str:
    return f"connection {existing.key!r} belongs to {existing.provider}: choose another key"


def _require_not_connected_elsewhere(session: Session, key: str, provider: str, organisation: Organisation) -> None:
    holder = session.execute(
        select(connections.c.key).where(
            connections.c.key != key,
            connections.c.provider == provider,
            connections.c.organisation == organisation.id,
            connections.c.status.in_((CONNECTED, NEEDS_ATTENTION)),
        )
    ).scalar()
    if holder is not None:
        raise AskPerson(_connected_already(organisation, repr(holder)))


def _connected_already(organisation: Organisation, holder: str) -> str:
    return f"{organisation.name} is connected already, under the key {holder}: an organisation has one connection"


def name_fault(name: str) -> str:
    """Why a connection can't be shown by this name; empty where it can."""
    fits = 1 <= len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
    return "" if fits else f"must be 1 to {LONGEST_NAME} characters on one line"


def _require_name(session: Session, key: str, name: str) -> None:
    """Two connections of one name could not be told apart wherever records show them."""
    fault = name_fault(name)
    if fault:
        raise AskPerson(f"the name of a connection {fault}, without spaces around them; {name!r} does not fit")
    taken = _named(session, key, name)
    if taken:
        raise AskPerson(f"the connection {taken[0]!r} is named {name!r} already: choose another name")


def _named(session: Session, key: str, name: str) -> Sequence[str]:
    """The keys of the other connections that have this name."""
    return [one.key for one in all_connections(session) if one.key != key and one.name.casefold() == name.casefold()]


def _name_after(session: Session, key: str, organisation: Organisation) -> str:
    name = " ".join(organisation.name.split())[: LONGEST_NAME - len(f" ({key})")]
    if name_fault(name):
        return key
    return f"{name} ({key})" if _named(session, key, name) else name


def rename_connection(session: Session, key: str, name: str) -> None:
    """Raises ``AskPerson`` where another connection has that name."""
    _require_name(session, key, name)
    session.execute(update(connections).where(connections.c.key == key).values(name=name))


def mark_needs_attention(session: Session, key: str, reason: str) -> None:
    """The remote does not let it in. Its records keep waiting. One that a person ended meanwhile stays ended."""
    log.error("%s needs attention: %s", key, reason)
    session.execute(
        update(connections)
        .where(connections.c.key == key, connections.c.status == CONNECTED)
        .values(status=NEEDS_ATTENTION, reason=reason)
    )


def mark_ended(session: Session, key: str, status: str, reason: str) -> None:
    """A person ended it: nothing of it leaves any more, and its credentials are forgotten."""
    session.execute(
        update(connections).where(connections.c.key == key).values(status=status, reason=reason, grant_id=None)
    )


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
