"""Batches: one load, bulk send or import. Their records go when a call is full or the batch is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from host import clock
from host.ids import new_id
from host.sync.imports import staging
from host.sync.tables import batches, rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def open_batch(session: Session, purpose: str, kind: str = "") -> str:
    """Open a batch that will bring records of ``kind`` (empty: of any). Touch it at least every 20 seconds while it is filled, and close it."""
    batch, now = new_id(), clock.now()
    session.execute(insert(batches).values(id=batch, purpose=purpose, kind=kind, opened_at=now, touched_at=now))
    return batch


def touch_batch(session: Session, batch: str) -> None:
    """Say that the batch is still being filled; one that nobody touches for half a minute counts as closed."""
    session.execute(update(batches).where(batches.c.id == batch).values(touched_at=clock.now()))


def close_batch(session: Session, batch: str) -> None:
    """Nothing more will come: what waits goes, in calls that are not full too."""
    session.execute(
        update(batches).where(batches.c.id == batch, batches.c.closed_at.is_(None)).values(closed_at=clock.now())
    )


def show_batch(session: Session, batch: str) -> dict[str, Any] | None:
    """How far a batch is: its records by state."""
    found = session.execute(select(batches).where(batches.c.id == batch)).one_or_none()
    if found is None:
        return None
    states = session.execute(
        select(rows.c.state, func.count()).where(rows.c.batch == batch).group_by(rows.c.state)
    ).all()
    return {
        "id": found.id,
        "purpose": found.purpose,
        "kind": found.kind,
        "opened_at": found.opened_at.isoformat(),
        "closed_at": found.closed_at.isoformat() if found.closed_at else None,
        "records": dict(states),
        "total": sum(count for _, count in states),
        "imported": staging.show(session, batch),
    }
