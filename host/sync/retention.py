"""How long the request log is kept: first the bodies of a call go, later the call. What may still be asked for stays, whatever the settings say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, or_, select, tuple_, update

from host import clock
from host.db.engine import breathe
from host.ids import first_id_of
from host.sync.outbox import chunks
from host.sync.tables import batches, call_records, calls, rows
from host.tables import occasions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from host.db import Database

log: Final = logging.getLogger(__name__)

CALLS_AT_ONCE: Final = 20
"""In one transaction: full calls, of half a megabyte and fifty records each, take SQLite a tenth of a second."""
ROWS_AT_ONCE: Final = 500
ALWAYS: Final = timedelta(hours=48)
"""Twice as long as the limits of a day look back."""

Some = Callable[["Session"], Sequence[Any]]
"""Prunes some, in one transaction, and answers which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """For how long calls, and their bodies, are kept; ``None`` is for ever. Bodies go with their call at the latest."""

    requests: timedelta | None
    bodies: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    bodies: int = 0
    requests: int = 0
    batches: int = 0
    occasions: int = 0


def prune(database: Database, keep: Keep, stopping: Callable[[], bool] = lambda: False) -> Pruned:
    """Remove what is older than it is kept for, a little at a time. ``stopping``: end after the next few; the rest is found the next time."""
    pruner = _Pruner(database, clock.now(), stopping)
    pruned = Pruned(
        bodies=pruner.bodies(keep.bodies) if keep.bodies else 0,
        requests=pruner.requests(keep.requests) if keep.requests else 0,
        batches=pruner.batches(keep.requests) if keep.requests else 0,
        occasions=pruner.occasions(keep.requests) if keep.requests else 0,
    )
    log.info(
        "the request log was pruned: %d calls, the bodies of %d others, %d batches, %d occasions",
        *(pruned.requests, pruned.bodies, pruned.batches, pruned.occasions),
    )
    return pruned


@dataclass(frozen=True, slots=True)
class _Pruner:
    database: Database
    now: datetime
    stopping: Callable[[], bool]

    def bodies(self, kept: timedelta) -> int:
        whole = (*self._old_calls(kept), calls.c.pruned_at.is_(None))
        return self._all(CALLS_AT_ONCE, lambda session: _empty(session, whole, self.now))

    def requests(self, kept: timedelta) -> int:
        return self._all(CALLS_AT_ONCE, lambda session: _delete_calls(session, self._old_calls(kept)))

    def _old_calls(self, kept: timedelta) -> Sequence[ColumnElement[bool]]:
        """Calls made before then (their ids tell) that are over for good: booked, settled, and counted by no limit."""
        # The second condition is that of the index.
        may_land = select(rows.c.lost_call).where(rows.c.lost_call.is_not(None), rows.c.lost_until.is_not(None))
        return (
            calls.c.id < first_id_of(self._before(kept)),
            calls.c.closed_at.is_not(None),
            or_(calls.c.running_until.is_(None), calls.c.running_until <= self.now),
            ~select(rows.c.id).where(rows.c.call_id == calls.c.id).exists(),
            calls.c.id.not_in(may_land),
        )

    def _before(self, kept: timedelta) -> datetime:
        return self.now - max(kept, ALWAYS)

    def batches(self, kept: timedelta) -> int:
        """Batches that no record came with last. One that nobody touched for so long counts as closed."""
        old = select(batches.c.id).where(batches.c.touched_at < self._before(kept))
        with self.database.read() as session:
            # Every row is read for this: in a transaction that keeps nobody from writing. No batch so old gets another record.
            named = select(rows.c.batch).where(rows.c.batch.is_not(None)).distinct()
            unused = set(session.execute(old).scalars()) - set(session.execute(named).scalars())
        lots = iter(chunks(sorted(unused), ROWS_AT_ONCE))
        return self._all(ROWS_AT_ONCE, lambda session: _delete_batches(session, next(lots, ())))

    def occasions(self, kept: timedelta) -> int:
        old = occasions.c.at < self._before(kept)
        return self._all(ROWS_AT_ONCE, lambda session: _delete_occasions(session, old))

    def _all(self, at_once: int, some: Some) -> int:
        """Some after some until fewer than ``at_once`` are left, with a breath between: on SQLite nobody else writes meanwhile."""
        pruned = 0
        while not self.stopping():
            with self.database.write() as session:
                gone = some(session)
            pruned += len(gone)
            if len(gone) < at_once:
                break
            breathe()
        return pruned


def _few(session: Session, which: Sequence[ColumnElement[bool]]) -> Sequence[str]:
    return session.execute(select(calls.c.id).where(*which).order_by(calls.c.id).limit(CALLS_AT_ONCE)).scalars().all()


def _empty(session: Session, which: Sequence[ColumnElement[bool]], now: datetime) -> Sequence[str]:
    found = _few(session, which)
    session.execute(update(calls).where(calls.c.id.in_(found)).values(body=b"", response_body=None, pruned_at=now))
    return found


def _delete_calls(session: Session, which: Sequence[ColumnElement[bool]]) -> Sequence[str]:
    found = _few(session, which)
    session.execute(delete(call_records).where(call_records.c.call_id.in_(found)))
    session.execute(delete(calls).where(calls.c.id.in_(found)))
    return found


def _delete_batches(session: Session, found: Sequence[str]) -> Sequence[str]:
    session.execute(delete(batches).where(batches.c.id.in_(found)))
    return found


def _delete_occasions(session: Session, old: ColumnElement[bool]) -> Sequence[Any]:
    named = occasions.c.correlation_id, occasions.c.what
    found = [
        tuple(one) for one in session.execute(select(*named).where(old).order_by(occasions.c.at).limit(ROWS_AT_ONCE))
    ]
    session.execute(delete(occasions).where(tuple_(*named).in_(found)))
    return found
