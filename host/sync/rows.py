"""Sync rows: picking what is due, and writing down what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, bindparam, case, exists, func, or_, select, update

from host import clock
from host.canonical_json import encoded_anyhow
from host.sync.outbox import BULK, PERSON, chunks
from host.sync.provider import Agreed, Link, Linked, Wanted
from host.sync.tables import IMPORT, IS_LINKED, PREVIEW, batches, connections, rows

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import Session


WAITING: Final = case((rows.c.wanted == Wanted.DELETE.value, "deleting"), else_="waiting")
"""How a row that waits is shown: a document that is to go is ``deleting`` all the while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A sync row that is due, as the drain sees it."""

    row_id: int
    kind: str
    record_id: str
    ref: str
    wanted: Wanted
    generation: int
    agreed_generation: int
    remote_id: str
    agreed: Agreed
    priority: int
    attempts: int
    state: str
    reason: str
    correlation_id: str
    free: bool
    """In no call."""


def digests(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Inputs as short digests by field: enough to see what changed, small enough to keep for every record.

    Equality is asked per field, so that a field which a later version adds does not make every record look changed.
    """
    return {field: hashlib.sha256(encoded_anyhow(value)).hexdigest()[:12] for field, value in inputs.items()}


def equal_to_agreed(inputs: Mapping[str, Any], agreed: Agreed) -> bool:
    """Whether a record is what was last agreed, over the fields that were agreed."""
    if not agreed.inputs:
        return False
    now = digests(inputs)
    return all(now[field] == digest for field, digest in agreed.inputs.items() if field in now)


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        row_id=row.id,
        kind=row.kind,
        record_id=row.record_id,
        ref=row.ref,
        wanted=Wanted(row.wanted),
        generation=row.generation,
        agreed_generation=row.agreed_generation,
        remote_id=row.remote_id,
        agreed=Agreed(inputs=row.inputs, sent=row.sent, answered=row.answered),
        priority=row.priority,
        attempts=row.attempts,
        state=row.state,
        reason=row.reason,
        correlation_id=row.correlation_id,
        free=row.call_id is None,
    )


# What _waiting reads, and no more: a drain reads every row that it sends.
_COLUMNS_OF_WAITING: Final = [
    rows.c[name]
    for name in (
        "id",
        "kind",
        "record_id",
        "ref",
        "wanted",
        "generation",
        "agreed_generation",
        "remote_id",
        "inputs",
        "sent",
        "answered",
        "priority",
        "attempts",
        "state",
        "reason",
        "correlation_id",
        "call_id",
    )
]

# Built once: a drain asks these several times for every call, and building takes many times as long as running.
_due: Final = (
    (rows.c.connection == bindparam("connection"))
    & (rows.c.due_at <= bindparam("now", type_=rows.c.due_at.type))
    & rows.c.call_id.is_(None)
    & rows.c.kind.in_(bindparam("kinds", expanding=True))
    & rows.c.priority.in_(bindparam("priorities", expanding=True))
)
_DUE_ROWS: Final = (
    select(*_COLUMNS_OF_WAITING)
    .where(_due, rows.c.id.not_in(bindparam("beyond", expanding=True)))
    .order_by(rows.c.id)
    .limit(bindparam("most", type_=Integer))
)
# In no order: to know the first of several kinds, all that wait would be sorted.
_ANYTHING_DUE: Final = select(rows.c.id).where(_due).limit(1)
_NEXT_DUE: Final = select(func.min(rows.c.due_at)).where(
    rows.c.connection == bindparam("connection"),
    rows.c.due_at > bindparam("after", type_=rows.c.due_at.type),
    rows.c.call_id.is_(None),
)


def due_rows(
    session: Session,
    connection: str,
    *,
    priority: int,
    now: datetime,
    limit: int,
    kinds: Sequence[str],
    beyond: Iterable[int] = (),
) -> Sequence[Waiting]:
    """Rows of these kinds of this connection that are due and in no call, in the order of their making; ``beyond`` are left out."""
    asked = {"connection": connection, "now": now, "kinds": kinds, "priorities": [priority]}
    found = session.connection().execute(_DUE_ROWS, {**asked, "beyond": list(beyond), "most": limit})
    return [_waiting(row) for row in found]


def anything_due(
    session: Session,
    connection: str,
    *,
    now: datetime,
    kinds: Sequence[str],
    priorities: Sequence[int] = (PERSON, BULK),
) -> bool:
    asked = {"connection": connection, "now": now, "kinds": kinds, "priorities": priorities}
    return session.connection().execute(_ANYTHING_DUE, asked).first() is not None


def rows_by_id(session: Session, ids: Iterable[int]) -> Mapping[int, Waiting]:
    found = session.execute(select(*_COLUMNS_OF_WAITING).where(rows.c.id.in_(list(ids))))
    return {row.id: _waiting(row) for row in found}


def next_due(session: Session, connection: str, *, after: datetime) -> datetime | None:
    """When the next row of this connection that is in no call will be due."""
    return session.connection().execute(_NEXT_DUE, {"connection": connection, "after": after}).scalar()


def open_batch_kinds(session: Session, now: datetime, *, idle: timedelta) -> frozenset[str]:
    """The kinds that an open batch may still bring more of, to be sent; ``""`` stands for all. A batch not touched for ``idle`` counts as closed."""
    found = session.execute(
        select(batches.c.kind).where(
            batches.c.closed_at.is_(None),
            batches.c.touched_at > now - idle,
            batches.c.purpose.not_in((IMPORT, PREVIEW)),
        )
    )
    return frozenset(found.scalars())


def links(session: Session, provider: str, kind: str, record_ids: Iterable[str]) -> Mapping[str, Link]:
    """How these records stand with a provider, by record id."""
    found: dict[str, Link] = {}
    for chunk in chunks(sorted(set(record_ids)), 500):
        for row in session.execute(
            select(
                rows.c.id,
                rows.c.record_id,
                rows.c.ref,
                rows.c.connection,
                rows.c.remote_id,
                rows.c.remote_number,
                rows.c.state,
                rows.c.reason,
                rows.c.error,
            ).where(rows.c.provider == provider, rows.c.kind == kind, rows.c.record_id.in_(chunk))
        ):
            found[row.record_id] = Link(
                row_id=row.id,
                kind=kind,
                record_id=row.record_id,
                connection=row.connection,
                remote_id=row.remote_id,
                remote_number=row.remote_number,
                state=row.state,
                reason=row.error or row.reason,
                ref=row.ref,
            )
    return found


def linked(session: Session, connection: str, kind: str, remote_ids: Iterable[str]) -> Mapping[str, Linked]:
    """The records of a kind that are linked with these remote ones, by remote id."""
    found: dict[str, Linked] = {}
    for chunk in chunks(sorted(set(remote_ids)), 500):
        for row in session.execute(
            select(rows.c.remote_id, rows.c.record_id, rows.c.answered).where(
                IS_LINKED, rows.c.connection == connection, rows.c.kind == kind, rows.c.remote_id.in_(chunk)
            )
        ):
            found[row.remote_id] = Linked(record_id=row.record_id, answered=row.answered)
    return found


def owner_of(session: Session, connection: str, remote_id: str, row_id: int) -> str | None:
    """The ``ref`` of another record of the same kind that is linked with this remote record."""
    kind = select(rows.c.kind).where(rows.c.id == row_id).scalar_subquery()
    return session.execute(
        select(rows.c.ref).where(
            IS_LINKED,
            rows.c.connection == connection,
            rows.c.kind == kind,
            rows.c.remote_id == remote_id,
            rows.c.id != row_id,
        )
    ).scalar()


def held_by(ref: str) -> str:
    """Why a record can't be linked with what it matches, and what to do."""
    return f"the remote record that it matches is linked with {ref}: give one of the two what sets it apart (a code, a name), or undo that link"


def bring(session: Session, provider: str, connection: str, kind: str, record_id: str, *, urgent: bool) -> None:
    """Send a record because another needs it, although by itself it was not meant to go."""
    session.execute(
        update(rows)
        .where(
            rows.c.provider == provider,
            rows.c.kind == kind,
            rows.c.record_id == record_id,
            rows.c.state.in_(("excluded", "not_sent")),
        )
        .values(
            connection=connection,
            generation=rows.c.generation + 1,
            state="waiting",
            reason="",
            due_at=clock.now(),
            priority=PERSON if urgent else BULK,
        )
    )


def write_numbers(session: Session, connection: str, numbers: Mapping[tuple[str, str], str]) -> None:
    """Take over what linked records are called at the remote now, by kind and remote id."""
    for (kind, remote_id), number in numbers.items():
        session.execute(
            update(rows)
            .where(
                IS_LINKED,
                rows.c.connection == connection,
                rows.c.kind == kind,
                rows.c.remote_id == remote_id,
                rows.c.remote_number != number,
            )
            .values(remote_number=number)
        )


def make_urgent(session: Session, ids: Iterable[int], now: datetime) -> None:
    """A person's save waits for these: they go as a person's own."""
    session.execute(
        update(rows)
        .where(rows.c.id.in_(list(ids)), rows.c.call_id.is_(None), rows.c.priority == BULK, rows.c.due_at.is_not(None))
        .values(priority=PERSON, due_at=now)
    )


def wake_dependents(session: Session, ids: Iterable[int], now: datetime) -> None:
    """Look again at the rows that waited for these."""
    for chunk in _pieces(list(ids), 500):
        session.execute(
            update(rows)
            .where(rows.c.waits_for.in_(chunk), rows.c.call_id.is_(None))
            .values(due_at=now, waits_for=None, state=WAITING, reason="")
        )


def _pieces(ids: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def release(session: Session, ids: Iterable[int], *, due_at: datetime, reason: str = "", lost: bool = False) -> None:
    """Take rows out of their call without a result: planned anew when due. ``lost``: what became of the call was not known, which counts as an attempt."""
    attempts = rows.c.attempts + int(lost)
    for chunk in _pieces(list(ids), 500):
        session.execute(
            update(rows)
            .where(rows.c.id.in_(chunk))
            .values(call_id=None, due_at=due_at, state=WAITING, reason=reason, attempts=attempts)
        )


def generation_now(session: Session, row_id: int) -> int:
    """The generation of a row that nobody raises until the transaction ends."""
    locked = select(rows.c.generation).where(rows.c.id == row_id).with_for_update()
    return int(session.execute(locked).scalar_one())


def release_lost(session: Session, row_id: int, *, due_at: datetime, until: datetime, reason: str) -> None:
    """Take a row out of a create that was not found and may still land until then: what is there now goes anew, and a change meanwhile brings it back."""
    session.execute(update(rows).where(rows.c.id == row_id).values(lost_call=rows.c.call_id, lost_until=until))
    release(session, [row_id], due_at=due_at, reason=reason, lost=True)


def any_may_land(session: Session, connection: str, now: datetime) -> bool:
    """Whether a create of this connection that was not found may still land."""
    found = select(rows.c.id).where(rows.c.connection == connection, rows.c.lost_until > now).limit(1)
    return session.execute(found).first() is not None


def forget_agreed(session: Session, ids: Iterable[int]) -> None:
    """Nothing is agreed about these any more: ours goes wherever it differs, whether we changed it since or not."""
    for chunk in _pieces(list(ids), 500):
        session.execute(update(rows).where(rows.c.id.in_(chunk)).values(inputs={}))


def look_later(session: Session, ids: Iterable[int], *, at: datetime, reason: str) -> None:
    """Leave rows with their call, whose outcome stays unknown: it is asked for again then."""
    for chunk in _pieces(list(ids), 500):
        session.execute(
            update(rows)
            .where(rows.c.id.in_(chunk), rows.c.call_id.is_not(None))
            .values(due_at=at, state="unknown", reason=reason)
        )


def mark_unknown(session: Session, call_id: str, reason: str) -> None:
    session.execute(update(rows).where(rows.c.call_id == call_id).values(state="unknown", reason=reason))


def counts_by_state(session: Session) -> Sequence[tuple[str, str, str, int]]:
    """(connection, kind, state, how many), for ``status``."""
    found = session.execute(
        select(rows.c.connection, rows.c.kind, rows.c.state, func.count())
        .group_by(rows.c.connection, rows.c.kind, rows.c.state)
        .order_by(rows.c.connection, rows.c.kind, rows.c.state)
    )
    return [(one[0], one[1], one[2], one[3]) for one in found]


def connections_with_work(session: Session, now: datetime) -> Sequence[str]:
    """The connections of which a row is due now, or has a call without a known end that is to be asked for now."""
    return list(session.connection().execute(_WITH_WORK, {"now": now}).scalars())


# Asked at every wake: for each connection whether there is one, however many there are.
_of_it: Final = rows.c.connection == connections.c.key
_WITH_WORK: Final = select(connections.c.key).where(
    or_(
        exists().where(_of_it, rows.c.due_at <= bindparam("now", type_=rows.c.due_at.type)),
        exists().where(_of_it, rows.c.call_id.is_not(None), rows.c.due_at.is_(None)),
    )
)
