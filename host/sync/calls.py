"""Calls as rows: committed before they leave, closed when their answer is booked, left open by a worker that died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from host.correlation import correlation_id
from host.ids import new_id
from host.sync.provider import Fate, Planned, Request, Response, Send, Trouble, Verb
from host.sync.rows import digests
from host.sync.tables import call_records, calls, rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RUNNING_ON: Final = timedelta(seconds=60)
"""How long after our patience ended a call may still be at work on the other side."""

LONGEST_NAME: Final = 100
KEPT_HEADERS: Final = ("content-type", "retry-after", "date")
KEPT_PREFIXES: Final = ("x-",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """A record whose last call has no known outcome."""

    row_id: int
    kind: str
    call_id: str
    position: int
    generation: int
    verb: Verb
    findable: bool
    inputs: Mapping[str, str]
    warnings: Sequence[str]
    outcome: str
    running_until: datetime
    look_at: datetime | None
    reason: str = ""
    lost: int = 0
    """How many calls in a row were lost with it before this one."""


def open_call(
    session: Session,
    *,
    connection: str,
    speaker: str,
    purpose: str,
    request: Request,
    address: str,
    now: datetime,
    kind: str = "",
    lane: str = "",
) -> str:
    """Write a call down before it leaves. Answers its id, which is also a write's idempotency key (made unique over applications by the connection)."""
    call_id = new_id()
    session.execute(
        insert(calls).values(
            id=call_id,
            connection=connection,
            speaker=speaker,
            purpose=purpose,
            kind=kind,
            lane=lane,
            idempotency_key=call_id if request.writes and purpose != "token" else "",
            method=request.method,
            address=address,
            body=b"" if purpose == "token" else request.body,
            sent_at=now,
            correlation_id=correlation_id(),
        )
    )
    return call_id


def carry(session: Session, call_id: str, planned: Sequence[Planned]) -> bool:
    """Bind records to a call: each must still be at the generation it was planned with, and in no other call. ``False``: one was not."""
    values = []
    for position, one in enumerate(planned):
        step = one.step
        assert isinstance(step, Send)
        values.append(
            {
                "call_id": call_id,
                "position": position,
                "row_id": one.wish.row_id,
                "generation": one.wish.generation,
                "verb": step.verb.value,
                "findable": step.findable,
                "inputs": digests(one.prepared.inputs) if one.prepared else {},
                "warnings": [*(one.prepared.warnings if one.prepared else ()), *step.warnings],
                "correlation_id": one.wish.correlation_id,
            }
        )
    session.execute(insert(call_records), values)
    bound = session.connection().execute(
        update(rows)
        .where(rows.c.id == bindparam("b_id"), rows.c.generation == bindparam("b_generation"), rows.c.call_id.is_(None))
        .values(call_id=call_id, due_at=None, state="sending", waits_for=None),
        [{"b_id": one.wish.row_id, "b_generation": one.wish.generation} for one in planned],
    )
    return bound.rowcount == len(planned)


def close_call(
    session: Session,
    call_id: str,
    outcome: Response | Trouble | None,
    *,
    fate: Fate,
    reason: str,
    patience: timedelta,
    now: datetime,
) -> bool:
    """Write down how a call ended. ``False``: it is closed already, by a later speaker that took this one for dead; then nothing may be booked."""
    values: dict[str, Any] = {"closed_at": now, "fate": fate.value, "reason": reason}
    if isinstance(outcome, Response):
        values["status"] = outcome.status
        values["response_headers"] = kept_headers(outcome.headers)
        values["response_body"] = outcome.body
        values["remote_correlation_id"] = outcome.correlation_id[:LONGEST_NAME]
    if fate is Fate.UNKNOWN:
        values["running_until"] = now + patience + RUNNING_ON
    closed = session.execute(update(calls).where(calls.c.id == call_id, calls.c.closed_at.is_(None)).values(**values))
    return bool(closed.rowcount)  # type: ignore[attr-defined]


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The answer's headers that say something about the call; cookies and the like are not kept."""
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS or name.startswith(KEPT_PREFIXES)}


def abandon_calls(session: Session, connection: str, speaker: str, *, patience: timedelta, now: datetime) -> int:
    """Close the calls that another worker left open: their outcome is unknown. Only who has the right to speak may do this."""
    left = session.execute(
        update(calls)
        .where(
            calls.c.connection == connection,
            calls.c.closed_at.is_(None),
            calls.c.speaker != speaker,
            calls.c.purpose.in_(("send", "look")),
        )
        .values(
            closed_at=now,
            fate=Fate.UNKNOWN.value,
            reason="the process that sent it ended before the answer was booked",
            running_until=now + patience + RUNNING_ON,
        )
    )
    return int(left.rowcount)  # type: ignore[attr-defined]


def unsettled(session: Session, connection: str, *, limit: int, beyond: Iterable[int] = ()) -> Sequence[Unsettled]:
    """Records of this connection whose last call is closed without a known outcome for them, oldest call first. ``look_at``: not before then."""
    found = session.execute(
        select(
            rows.c.id,
            rows.c.kind,
            rows.c.due_at,
            rows.c.attempts,
            calls.c.reason,
            calls.c.id.label("call_id"),
            calls.c.running_until,
            calls.c.closed_at,
            call_records.c.position,
            call_records.c.generation,
            call_records.c.verb,
            call_records.c.findable,
            call_records.c.inputs,
            call_records.c.warnings,
            call_records.c.outcome,
        )
        .join(calls, calls.c.id == rows.c.call_id)
        .join(call_records, (call_records.c.call_id == calls.c.id) & (call_records.c.row_id == rows.c.id))
        .where(
            rows.c.connection == connection,
            rows.c.call_id.is_not(None),
            calls.c.closed_at.is_not(None),
            rows.c.id.not_in(list(beyond)),
        )
        .order_by(calls.c.id, call_records.c.position)
        .limit(limit)
    )
    return [
        Unsettled(
            row_id=one.id,
            kind=one.kind,
            call_id=one.call_id,
            position=one.position,
            generation=one.generation,
            verb=Verb(one.verb),
            findable=one.findable,
            inputs=one.inputs,
            warnings=one.warnings,
            outcome=one.outcome,
            running_until=one.running_until or one.closed_at,
            look_at=one.due_at,
            reason=one.reason,
            lost=one.attempts,
        )
        for one in found
    ]


def bodies_of(session: Session, call_ids: Iterable[str]) -> Mapping[str, bytes]:
    """What these calls carried, by call: read apart from the records, of which a call has many."""
    found = session.execute(select(calls.c.id, calls.c.body).where(calls.c.id.in_(set(call_ids))))
    return {one.id: one.body for one in found}


def note_outcomes(session: Session, call_id: str, outcomes: Iterable[tuple[int, str, str]]) -> None:
    """Write down how a call went for its records: (position, outcome, reason)."""
    values = [
        {"b_position": position, "b_outcome": outcome, "b_reason": reason} for position, outcome, reason in outcomes
    ]
    if values:
        session.connection().execute(
            update(call_records)
            .where(call_records.c.call_id == call_id, call_records.c.position == bindparam("b_position"))
            .values(outcome=bindparam("b_outcome"), reason=bindparam("b_reason")),
            values,
        )
