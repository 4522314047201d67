"""What became of a row: written so that a call finishes only the generation it carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, bindparam, case, func, null, update

from host.sync.provider import Done, Wanted
from host.sync.tables import rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one row: a link and an agreed version, or a state with its reason. ``carried`` is the generation this is about."""

    row_id: int
    carried: int
    state: str
    reason: str = ""
    error: str = ""
    remote_id: str | None = None
    remote_number: str = ""
    remote_url: str = ""
    inputs: Mapping[str, str] | None = None
    sent: Mapping[str, Any] | None = None
    answered: Mapping[str, Any] | None = None
    warnings: Sequence[str] | None = None
    synced_at: datetime | None = None
    due_at: datetime | None = None
    waits_for: int | None = None
    goes_on: bool = False
    """What it waits for is on its way itself: nobody has to do anything."""
    attempted: bool = False
    agreed: bool = False
    wanted: Wanted | None = None


def write_result(session: Session, result: Result, now: datetime) -> None:
    """Write what became of a row. Whatever was saved since keeps waiting: a call finishes only the generation it carried."""
    write_results(session, [result], now)


def write_results(session: Session, results: Sequence[Result], now: datetime) -> None:
    """Write what became of many rows, in one statement."""
    if results:
        session.connection().execute(_write_statement(), [_parameters(result, now) for result in results])


def _parameters(result: Result, now: datetime) -> dict[str, Any]:
    linked = bool(result.remote_id)
    return {
        "p_id": result.row_id,
        "p_carried": result.carried,
        "p_state": result.state,
        "p_reason": result.reason,
        "p_error": result.error,
        "p_due_at": result.due_at,
        "p_now": now,
        "p_waits_for": result.waits_for,
        "p_wanted": result.wanted.value if result.wanted else None,
        "p_attempts_kept": 0 if result.agreed else 1,
        "p_attempts_more": 1 if result.attempted and not result.agreed else 0,
        "p_agreed_generation": result.carried if result.agreed else None,
        "p_remote_id": result.remote_id,
        "p_remote_number": result.remote_number if linked else None,
        "p_remote_url": result.remote_url if linked else None,
        "p_inputs": result.inputs,
        "p_sent": result.sent,
        "p_answered": result.answered,
        "p_warnings": list(result.warnings) if result.warnings is not None else None,
        "p_synced_at": result.synced_at,
    }


@lru_cache
def _write_statement() -> Any:
    """Built once: it is written for every record of every answer."""
    current = rows.c.generation == bindparam("p_carried")

    def given(name: str) -> Any:
        return bindparam(f"p_{name}", type_=rows.c[name].type)

    def if_given(name: str) -> Any:
        return func.coalesce(given(name), rows.c[name])

    kept = (
        "remote_id",
        "remote_number",
        "remote_url",
        "inputs",
        "sent",
        "answered",
        "warnings",
        "synced_at",
        "agreed_generation",
    )
    return (
        update(rows)
        .where(rows.c.id == bindparam("p_id"))
        .values(
            {
                "call_id": null(),
                "state": case(
                    (current, given("state")), (if_given("wanted") == Wanted.DELETE.value, "deleting"), else_="waiting"
                ),
                "reason": case((current, given("reason")), else_=""),
                "error": case((current, given("error")), else_=""),
                "due_at": case((current, given("due_at")), else_=bindparam("p_now", type_=rows.c.due_at.type)),
                "waits_for": case((current, given("waits_for")), else_=null()),
                # A refused deletion is wanted no more, whatever was asked for since: the record has its former status back.
                "wanted": if_given("wanted"),
                "attempts": rows.c.attempts * bindparam("p_attempts_kept", type_=Integer)
                + bindparam("p_attempts_more", type_=Integer),
                **{name: if_given(name) for name in kept},
            }
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A record as a call carried it: what an answer is booked against."""

    row_id: int
    kind: str
    record_id: str
    ref: str
    correlation_id: str
    generation: int
    position: int
    wanted: Wanted
    inputs: Mapping[str, str]
    sent: Mapping[str, Any]
    warnings: Sequence[str]


def agreed(one: Carried, answer: Done, now: datetime) -> Result:
    return Result(
        row_id=one.row_id,
        carried=one.generation,
        state="synced",
        remote_id=answer.remote_id,
        remote_number=answer.remote_number,
        remote_url=answer.remote_url,
        inputs=one.inputs,
        sent=one.sent,
        answered=answer.answered,
        warnings=[*one.warnings, *answer.warnings],
        synced_at=now,
        attempted=True,
        agreed=True,
    )


def deleted(row_id: int, generation: int, status: str, now: datetime) -> Result:
    return Result(row_id=row_id, carried=generation, state="synced", reason=status, synced_at=now, agreed=True)


NOT_DELETED: Final = "not deleted: "


def kept(row_id: int, generation: int, reason: str, now: datetime) -> Result:
    """The remote, or we, refuse to delete it. It is looked at again: what was saved before the deletion was asked for may not be there yet."""
    return Result(
        row_id=row_id,
        carried=generation,
        state="waiting",
        reason=NOT_DELETED + reason,
        due_at=now,
        agreed=True,
        wanted=Wanted.SEND,
    )
