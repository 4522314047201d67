"""A person steers: these once more now, those not at all until somebody says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import not_, or_, select, update

from host import clock
from host.sync.outbox import PARKED, chunks
from host.sync.rows import WAITING
from host.sync.tables import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

GOES_OR_STUCK: Final = ("failed", "conflict", "blocked", "waiting", "deleting")
"""What can be tried at once or put aside. A record whose call has no known outcome is settled first, by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which records: those of this connection, this kind, with these refs; ``None`` leaves it open."""

    connection: str | None = None
    kind: str | None = None
    refs: Sequence[str] | None = None

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        named = {rows.c.connection: self.connection, rows.c.kind: self.kind}
        return [column == value for column, value in named.items() if value is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """How many records follow, and which of those that were chosen by ``ref`` do not, each with its state."""

    count: int
    left: Sequence[Mapping[str, str]] = field(default=())


def retry(session: Session, chosen: Chosen) -> Steered:
    """Try at once what failed, what is blocked, and what waits for a later time."""
    return _steer(session, chosen, rows.c.state.in_(GOES_OR_STUCK), {**_at_once(), "waits_for": None})


def park(session: Session, chosen: Chosen, reason: str) -> Steered:
    """Leave these alone, also when they are saved again, until they are unparked."""
    now = clock.now()
    # A create that may still land has to be settled first: a record put aside would forget it.
    may = rows.c.state.in_(GOES_OR_STUCK) & or_(rows.c.lost_until.is_(None), rows.c.lost_until <= now)
    aside = {"due_at": None, "waits_for": None, "state": PARKED, "reason": reason, "changed_at": now}
    return _steer(session, chosen, may, aside)


def unpark(session: Session, chosen: Chosen) -> Steered:
    """Go on with these, as they are now."""
    return _steer(session, chosen, rows.c.state == PARKED, _at_once())


def _at_once() -> Mapping[str, Any]:
    now = clock.now()
    return {"due_at": now, "state": WAITING, "reason": "", "error": "", "attempts": 0, "changed_at": now}


def _steer(session: Session, chosen: Chosen, may: ColumnElement[bool], values: Mapping[str, Any]) -> Steered:
    # A record in a call belongs to its drain, until the call has an end.
    may = may & rows.c.call_id.is_(None)
    if chosen.refs is None:
        return Steered(count=_update(session, [*chosen.conditions(), may], values))
    count = 0
    left: list[Mapping[str, str]] = []
    for some in chunks(list(dict.fromkeys(chosen.refs)), 500):
        of_them = [*chosen.conditions(), rows.c.ref.in_(some)]
        others = select(rows.c.kind, rows.c.ref, rows.c.state).where(*of_them, not_(may)).order_by(rows.c.id)
        left += [{"kind": one.kind, "ref": one.ref, "state": one.state} for one in session.execute(others)]
        count += _update(session, [*of_them, may], values)
    return Steered(count=count, left=left)


def _update(session: Session, conditions: Sequence[ColumnElement[bool]], values: Mapping[str, Any]) -> int:
    return session.connection().execute(update(rows).where(*conditions).values(**values)).rowcount
