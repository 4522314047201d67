"""What people and programs see of the sync: states on records, errors, requests, the whole at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select

from host import clock
from host.sync.authorising import show_authorisations
from host.sync.connections import CONNECTED, DELETED, DRAFT, NOT_WORKING
from host.sync.imports.staging import not_well
from host.sync.limiter import DAY
from host.sync.outbox import chunks
from host.sync.tables import call_records, calls, connections, rows

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.orm import Session

NEEDS_A_PERSON: Final = ("failed", "conflict", "blocked", "unknown")
GOING: Final = ("waiting", "deleting")
"""On their way, as soon as their connection lets them."""
IN_OUTBOX: Final = (*GOING, "sending", *NEEDS_A_PERSON, "parked")
"""What waits or is stuck."""


def states(session: Session, kind: str, record_ids: Iterable[str]) -> Mapping[str, list[dict[str, Any]]]:
    """The sync state of these records, by record id; a record that no provider ever heard of is missing."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for chunk in chunks(sorted(set(record_ids)), 500):
        for row in session.execute(states_statement().where(rows.c.kind == kind, rows.c.record_id.in_(chunk))):
            shown.setdefault(row.record_id, []).append(show_state(row))
    return shown


_OF_ROW: Final = [column for column in rows.c if column not in (rows.c.inputs, rows.c.sent, rows.c.answered)]


def states_statement() -> Select[Any]:
    """Sync rows with how their connection stands, for ``show_state``; without what was sent and answered, which takes longer to read than all the rest."""
    return select(
        *_OF_ROW,
        connections.c.name.label("connection_name"),
        connections.c.status.label("connection_status"),
        connections.c.reason.label("connection_reason"),
        connections.c.hold_until,
        connections.c.hold_reason,
    ).outerjoin(connections, connections.c.key == rows.c.connection)


def show_state(row: Row[Any]) -> dict[str, Any]:
    """One record's state with one connection, as the API shows it."""
    until, reason = _until(row)
    return {
        "connection": row.connection,
        "connection_name": row.connection_name or "",
        "state": row.state,
        "until": _time(until),
        "remote_id": row.remote_id,
        "remote_number": row.remote_number,
        "remote_url": row.remote_url,
        "synced_at": _time(row.synced_at),
        "reason": reason or row.reason,
        "error": row.error,
        "warnings": list(row.warnings),
    }


def _until(row: Row[Any]) -> tuple[datetime | None, str]:
    """Until when a waiting record waits, and why, where it is the connection that holds it up."""
    if row.state not in GOING:
        return None, ""
    if row.connection_status is None:
        return None, f"there is no connection {row.connection!r}: connect it, or let the record name another"
    if row.connection_status != CONNECTED:
        return None, _not_connected(row.connection, row.connection_status, row.connection_reason)
    now = clock.now()
    if row.hold_until and row.hold_until > now:
        return row.hold_until, row.hold_reason
    return (row.due_at, "") if row.due_at and row.due_at > now else (None, "")


def _not_connected(key: str, status: str, reason: str) -> str:
    if status in {DRAFT, DELETED}:
        return f"the connection {key} {'was never saved' if status == DRAFT else 'was deleted'}: connect it, or let the record name another"
    return f"{key} {NOT_WORKING[status]}: {reason}"


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def stuck() -> ColumnElement[bool]:
    """What does not go on by itself. For statements that outer join the connections."""
    nowhere_to_go = and_(rows.c.state.in_(GOING), connections.c.key.is_(None))
    return or_(rows.c.state.in_(NEEDS_A_PERSON), nowhere_to_go)


def errors(session: Session, *, connection: str | None = None, limit: int = 500) -> Sequence[dict[str, Any]]:
    """What does not go on by itself, in the order in which it happened: each with its record, its state and the reason."""
    statement = states_statement().where(stuck())
    if connection is not None:
        statement = statement.where(rows.c.connection == connection)
    found = session.execute(statement.order_by(rows.c.changed_at, rows.c.id).limit(limit))
    return [
        {
            "connection": row.connection,
            "kind": row.kind,
            "ref": row.ref,
            "state": row.state,
            "error": row.error or row.reason or _until(row)[1],
            "attempts": row.attempts,
            "since": _time(row.changed_at),
            "correlation_id": row.correlation_id,
        }
        for row in found
    ]


def outbox(
    session: Session,
    *,
    connection: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    page: int = 1,
    page_size: int = 50,
) -> tuple[Sequence[dict[str, Any]], int]:
    """A page of what waits or is stuck, in the order in which the records came in, and how many there are on all pages."""
    named = {rows.c.connection: connection, rows.c.kind: kind, rows.c.state: state}
    conditions = [column == value for column, value in named.items() if value is not None]
    conditions.append(rows.c.state.in_(IN_OUTBOX))
    total = session.execute(select(func.count()).select_from(rows).where(*conditions)).scalar_one()
    found = session.execute(
        states_statement().where(*conditions).order_by(rows.c.id).limit(page_size).offset((page - 1) * page_size)
    )
    return [_show_waiting(row) for row in found], total


def _show_waiting(row: Row[Any]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "ref": row.ref,
        "wanted": row.wanted,
        **show_state(row),
        "attempts": row.attempts,
        "since": _time(row.changed_at),
        "correlation_id": row.correlation_id,
    }


def news(session: Session, known: Mapping[int, str], *, limit: int | None = 200) -> Sequence[dict[str, Any]]:
    """Records that came to rest in another state than the known one (by row id), in the order in which that happened."""
    resting = (*NEEDS_A_PERSON, "synced", "excluded", "not_sent")
    found = session.execute(
        select(rows).where(rows.c.state.in_(resting), rows.c.due_at.is_(None)).order_by(rows.c.synced_at, rows.c.id)
    )
    told = (
        {
            "row_id": row.id,
            "kind": row.kind,
            "ref": row.ref,
            "state": row.state,
            "reason": row.reason,
            "error": row.error,
            "remote_id": row.remote_id,
            "remote_number": row.remote_number,
        }
        for row in found
        if known.get(row.id) != row.state
    )
    return list(islice(told, limit))


def show_connections(session: Session) -> Sequence[dict[str, Any]]:
    """Every connection with how it stands, and the consent for it that is not saved yet; no secrets."""
    found = session.execute(select(connections).where(connections.c.status != DELETED).order_by(connections.c.key))
    asked, now = show_authorisations(session), clock.now()
    return [
        {
            "key": row.key,
            "provider": row.provider,
            "name": row.name,
            "auth": row.auth,
            "organisation": row.organisation,
            "organisation_name": row.organisation_name,
            "status": row.status,
            "reason": row.reason,
            "held_until": _time(row.hold_until) if row.hold_until and row.hold_until > now else None,
            "held_because": row.hold_reason if row.hold_until and row.hold_until > now else "",
            "connected_at": _time(row.connected_at),
            "details": row.details,
            "authorisation": asked.get(row.key),
        }
        for row in found
    ]


def status(session: Session) -> dict[str, Any]:
    """The whole at a glance: connections, records by kind and state, the oldest that waits, calls of the last day, imports that are not at a good end."""
    counted = session.execute(
        select(rows.c.connection, rows.c.kind, rows.c.state, func.count())
        .group_by(rows.c.connection, rows.c.kind, rows.c.state)
        .order_by(rows.c.connection, rows.c.kind, rows.c.state)
    ).all()
    oldest = session.execute(select(func.min(rows.c.changed_at)).where(rows.c.due_at.is_not(None))).scalar()
    return {
        "connections": [{**one, "calls_today": _calls_today(session, one["key"])} for one in show_connections(session)],
        "records": [{"connection": one[0], "kind": one[1], "state": one[2], "count": one[3]} for one in counted],
        "oldest_waiting_since": _time(oldest),
        "imports": not_well(session),
    }


def _calls_today(session: Session, connection: str) -> int:
    return session.execute(
        select(func.count()).where(
            calls.c.connection == connection, calls.c.purpose != "token", calls.c.sent_at > clock.now() - DAY
        )
    ).scalar_one()


_OF_CALL: Final = [column for column in calls.c if column not in (calls.c.body, calls.c.response_body)]


def requests(
    session: Session, *, connection: str | None = None, page: int = 1, page_size: int = 50
) -> tuple[Sequence[dict[str, Any]], int]:
    """The request log, newest first, without bodies."""
    condition = calls.c.connection == connection if connection is not None else calls.c.id.is_not(None)
    total = session.execute(select(func.count()).select_from(calls).where(condition)).scalar_one()
    found = session.execute(
        select(*_OF_CALL).where(condition).order_by(calls.c.id.desc()).limit(page_size).offset((page - 1) * page_size)
    )
    return [_show_call(row) for row in found], total


def request(session: Session, call_id: str) -> dict[str, Any] | None:
    """One call with both bodies, and what it carried: each record with its action and outcome."""
    row = session.execute(select(calls).where(calls.c.id == call_id)).one_or_none()
    if row is None:
        return None
    carried = session.execute(
        select(call_records, rows.c.kind, rows.c.ref, rows.c.remote_number)
        .join(rows, rows.c.id == call_records.c.row_id)
        .where(call_records.c.call_id == call_id)
        .order_by(call_records.c.position)
    )
    return {
        **_show_call(row),
        "request_body": _text(row.body),
        "response_headers": row.response_headers or {},
        "response_body": _text(row.response_body or b""),
        "records": [
            {
                "kind": one.kind,
                "ref": one.ref,
                "number": one.remote_number,
                "action": one.verb,
                "outcome": one.outcome,
                "reason": one.reason,
                "correlation_id": one.correlation_id,
            }
            for one in carried
        ],
    }


def _show_call(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "connection": row.connection,
        "purpose": row.purpose,
        "kind": row.kind,
        "method": row.method,
        "address": row.address,
        "idempotency_key": row.idempotency_key,
        "sent_at": _time(row.sent_at),
        "closed_at": _time(row.closed_at),
        "status": row.status,
        "fate": row.fate,
        "reason": row.reason,
        "correlation_id": row.correlation_id,
        "remote_correlation_id": row.remote_correlation_id,
        "bodies_gone_since": _time(row.pruned_at),
    }


def _text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")
