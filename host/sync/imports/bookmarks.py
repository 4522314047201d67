"""How far each kind of a connection was imported: from there on, only what changed is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from host import clock
from host.db.upsert import insert_or
from host.sync.imports.tables import bookmarks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

OVERLAP: Final = timedelta(minutes=5)
"""What is written there while it is read may bear a time from before, and whether the second itself counts nobody says."""
WHOLE_EVERY: Final = timedelta(days=7)
"""What no remote reports as changed (what was deleted, say) is noticed when everything is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """Everything of a kind that had changed by ``read_at``, on the remote's clock, has come. ``whole_at`` is on ours."""

    read_at: datetime
    whole_at: datetime
    basis: str
    batch: str | None = None


def since_when(kinds: Sequence[str], known: Mapping[str, Bookmark], basis: str, now: datetime) -> datetime | None:
    """From when on changes suffice for these kinds, which are read together; ``None``: everything is to be read. Pure."""
    found = [known[kind] for kind in kinds if kind in known]
    if len(found) < len(kinds) or not basis:
        return None
    if any(one.basis != basis or not one.whole_at <= now < one.whole_at + WHOLE_EVERY for one in found):
        return None
    return min(one.read_at for one in found) - OVERLAP


def digest(basis: str) -> str:
    return hashlib.sha256(basis.encode()).hexdigest() if basis else ""


def known_bookmarks(session: Session, connection: str, kinds: Sequence[str]) -> Mapping[str, Bookmark]:
    query = select(bookmarks).where(bookmarks.c.connection == connection, bookmarks.c.kind.in_(kinds))
    return {
        row.kind: Bookmark(read_at=row.read_at, whole_at=row.whole_at, basis=row.basis, batch=row.batch)
        for row in session.execute(query)
    }


def put_bookmarks(
    session: Session,
    connection: str,
    kinds: Sequence[str],
    *,
    read_at: datetime,
    basis: str,
    whole: bool,
    batch: str | None = None,
) -> None:
    """These kinds were read: all of them, or (not ``whole``) what had changed since their bookmarks. One that was forgotten meanwhile stays so."""
    known = known_bookmarks(session, connection, kinds)
    new = [
        {
            "connection": connection,
            "kind": kind,
            "read_at": read_at,
            "whole_at": clock.now() if whole else known[kind].whole_at,
            "basis": basis,
            "batch": batch,
        }
        for kind in kinds
        if whole or kind in known
    ]
    if new:
        statement = insert_or(bookmarks, session.connection().dialect.name)
        changed = {name: getattr(statement.excluded, name) for name in ("read_at", "whole_at", "basis", "batch")}
        keys = [bookmarks.c.connection, bookmarks.c.kind]
        session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), new)


def forget_bookmarks(session: Session, connection: str, kinds: Sequence[str]) -> None:
    """The next import of these kinds reads everything."""
    session.execute(delete(bookmarks).where(bookmarks.c.connection == connection, bookmarks.c.kind.in_(kinds)))
