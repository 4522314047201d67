"""A person steers: these once more now, those not at all until somebody says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select, update

from host import clock
from host.sync.outbox import PARKED, chunks
from host.sync.rows import WAITING
from host.sync.tables import rows

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

GOES_OR_STUCK: Final = ("failed", "conflict", "blocked", "waiting", "deleting")
"""What can be tried at once or put aside. A record whose call has no known outcome is settled first, by itself."""
_STAYS: Final[Mapping[str, str]] = {
    "synced": "it is in step already",
    "excluded": "it is meant to stay here",
    "parked": "it is parked",
}


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
    """How many records follow, and which of those that were chosen by ``ref`` do not, each with its state and why."""

    count: int
    left: Sequence[Mapping[str, str]] = field(default=())


def retry(session: Session, chosen: Chosen) -> Steered:
    """Try at once what failed, what is blocked, and what waits for a later time."""
    return _steer(session, chosen, rows.c.state.in_(GOES_OR_STUCK), {**_at_once(), "waits_for": None}, _STAYS)


def park(session: Session, chosen: Chosen, reason: str) -> Steered:
    """Leave these alone, also when they are saved again, until they are unparked."""
    now = clock.now()
    # A create that may still land has to be settled first: a record put aside would forget it.
    may = rows.c.state.in_(GOES_OR_STUCK) & or_(rows.c.lost_until.is_(None), rows.c.lost_until <= now)
    aside = {"due_at": None, "waits_for": None, "state": PARKED, "reason": reason, "changed_at": now}
    return _steer(session, chosen, may, aside, _STAYS)


def unpark(session: Session, chosen: Chosen) -> Steered:
    """Go on with these, as they are now."""
    return _steer(session, chosen, rows.c.state == PARKED, _at_once(), {})


def _at_once() -> Mapping[str, Any]:
    now = clock.now()
    return {"due_at": now, "state": WAITING, "reason": "", "error": "", "attempts": 0, "changed_at": now}


def _steer(
    session: Session, chosen: Chosen, may: ColumnElement[bool], values: Mapping[str, Any], stays: Mapping[str, str]
) -> Steered:
    # A record in a call belongs to its drain, until the call has an end.
    may = may & rows.c.call_id.is_(None)
    if chosen.refs is None:
        return Steered(count=_update(session, [*chosen.conditions(), may], values))
    count = 0
    left: list[Mapping[str, str]] = []
    for some in chunks(list(dict.fromkeys(chosen.refs)), 500):
        of_them = [*chosen.conditions(), rows.c.ref.in_(some)]
        found = select(rows.c.kind, rows.c.ref, rows.c.state, rows.c.call_id, may.label("follows")).where(*of_them)
        known = session.execute(found.order_by(rows.c.id)).all()
        left += [_left(one, stays) for one in known if not one.follows]
        heard_of = {one.ref for one in known}
        left += [_unheard_of(chosen, ref) for ref in some if ref not in heard_of]
        count += _update(session, [*of_them, may], values)
    return Steered(count=count, left=left)


def _left(one: Row[Any], stays: Mapping[str, str]) -> Mapping[str, str]:
    if one.call_id is not None:
        why = "a call for it has no known outcome yet: that is found out first, by itself"
    elif one.state in stays:
        why = stays[one.state]
    elif stays:
        why = "an earlier call for it may still arrive: that is found out first, by itself"
    else:
        why = "it is not parked"
    return {"kind": one.kind, "ref": one.ref, "state": one.state, "why": why}


def _unheard_of(chosen: Chosen, ref: str) -> Mapping[str, str]:
    why = "it was never to be sent" if chosen.connection is None else f"{chosen.connection} has nothing of it to send"
    return {"kind": chosen.kind or "", "ref": ref, "state": "not_sent", "why": why}


def _update(session: Session, conditions: Sequence[ColumnElement[bool]], values: Mapping[str, Any]) -> int:
    return session.connection().execute(update(rows).where(*conditions).values(**values)).rowcount
