"""What waits, counted: quick enough to be asked every few seconds, however much there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, literal, select, true, union_all

from host.sync.limiter import WINDOW, measure
from host.sync.tables import connections, grants, rows

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from host.sync.provider import Limits

QUEUED: Final = ("waiting", "deleting", "sending", "blocked", "failed", "conflict", "unknown", "parked")
"""Every state but those in which a record rests as it should: synced, excluded, not_sent."""


@dataclass(frozen=True, slots=True)
class Queued:
    connection: str
    kind: str
    state: str
    records: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class CallsLeft:
    """``None`` is no limit."""

    today: int | None
    this_minute: int | None


def _distinct(name: str, *conditions: ColumnElement[bool]) -> Any:
    """The different texts of a column that leads an index, each found by one look into it."""
    text = rows.c[name]
    first = select(func.min(text).label("text")).where(*conditions).cte(f"found_{name}", recursive=True)
    following = select(func.min(text)).where(text > first.c.text, *conditions).scalar_subquery()
    found = first.union_all(select(following).where(first.c.text.is_not(None)))
    return select(found.c.text).where(found.c.text.is_not(None))


def _counted() -> Any:
    """Each count reads one stretch of an index. Grouped, all that wait would be compared one with the next, which takes five times as long."""
    # Not a VALUES list, which SQLAlchemy would compile anew each time.
    states = union_all(*(select(literal(state).label("text")) for state in QUEUED)).cte("each_state")
    kinds = _distinct("kind").cte("each_kind")
    waiting = _distinct("connection", rows.c.due_at.is_not(None))
    keys = waiting.union(select(connections.c.key), select(literal(""))).cte("each_connection")
    these = (rows.c.state == states.c.text) & (rows.c.kind == kinds.c.text) & (rows.c.connection == keys.c.text)
    counted = select(func.count()).select_from(rows).where(these).scalar_subquery()
    oldest = select(func.min(rows.c.changed_at, type_=rows.c.changed_at.type)).where(these).scalar_subquery()
    each = states.join(kinds, true()).join(keys, true())
    return select(keys.c.text, kinds.c.text, states.c.text, counted, oldest).select_from(each)


# Built once: building it takes as long as a third of the counting.
_COUNTED: Final = _counted()


def queue(session: Session) -> Sequence[Queued]:
    """The records that are not at rest, by connection, kind and state."""
    return [Queued(*one) for one in session.connection().execute(_COUNTED) if one[3]]


def calls_left(session: Session, key: str, limits: Limits, now: datetime) -> CallsLeft:
    """How many calls of a connection the limits still let go: of the last 24 hours, of the last minute."""
    use = measure(session, key, limits, now)
    recent = sum(1 for at in use.recent if at > now - WINDOW)
    return CallsLeft(
        today=max(0, limits.day - use.today) if limits.day else None,
        this_minute=max(0, limits.minute - use.foreign - recent) if limits.minute else None,
    )


@dataclass(frozen=True, slots=True)
class GrantAge:
    """When a connection's token was given, and until when it is good."""

    connection: str
    renewed_at: datetime | None
    expires_at: datetime | None


def grant_ages(session: Session) -> Sequence[GrantAge]:
    asked = select(connections.c.key, grants.c.renewed_at, grants.c.expires_at)
    joined = asked.join(grants, grants.c.id == connections.c.grant_id).order_by(connections.c.key)
    return [GrantAge(*one) for one in session.execute(joined)]
