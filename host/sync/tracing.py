"""From one identity to everything about it: what was asked for, the records, the calls with their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select

from host.sync.tables import call_records, calls, rows
from host.sync.views import request, show_state, states_statement
from host.tables import hook_failures, occasions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

MOST_RECORDS: Final = 100
MOST_CALLS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What an identity turned out to be. ``names`` are the correlation ids that belong to it."""

    found_as: str
    names: Sequence[str] = ()
    row_ids: Sequence[int] = ()
    call_ids: Sequence[str] = ()


def trace(session: Session, wanted: str) -> dict[str, Any] | None:
    """Everything about a correlation id, a call's id, the remote's own name for a call, or ``kind/ref``; ``None`` where it is none of these.

    The newest 20 calls with both bodies, and at most 100 records.
    """
    if not wanted:
        return None
    for look in (_correlation, _call, _remote_correlation, _record):
        found = look(session, wanted)
        if found:
            return _shown(session, wanted, found)
    return None


def _correlation(session: Session, wanted: str) -> _Found | None:
    saved = select(rows.c.id).where(*_is(rows.c.correlation_id, wanted))
    carried = select(call_records.c.row_id).where(*_is(call_records.c.correlation_id, wanted))
    row_ids = _all(session, saved.union(carried).limit(MOST_RECORDS))
    sent = select(call_records.c.call_id).where(*_is(call_records.c.correlation_id, wanted))
    made = select(calls.c.id).where(*_is(calls.c.correlation_id, wanted))
    call_ids = _all(session, sent.union(made))
    known = or_(
        select(occasions.c.at).where(occasions.c.correlation_id == wanted).exists(),
        select(hook_failures.c.id).where(hook_failures.c.correlation_id == wanted).exists(),
    )
    if not (row_ids or call_ids or session.execute(select(known)).scalar()):
        return None
    return _Found(found_as="correlation id", names=[wanted], row_ids=row_ids, call_ids=call_ids)


def _call(session: Session, wanted: str) -> _Found | None:
    return _of_calls(session, "call", select(calls.c.id).where(calls.c.id == wanted))


def _remote_correlation(session: Session, wanted: str) -> _Found | None:
    named = select(calls.c.id).where(*_is(calls.c.remote_correlation_id, wanted))
    return _of_calls(session, "the remote's correlation id", named)


def _is(column: ColumnElement[str], wanted: str) -> Sequence[ColumnElement[bool]]:
    """Said twice, because the index leaves out what has no name."""
    return column == wanted, column != ""


def _of_calls(session: Session, found_as: str, wanted: Select[Any]) -> _Found | None:
    call_ids = _all(session, wanted)
    if not call_ids:
        return None
    carried = select(call_records.c.row_id).where(call_records.c.call_id.in_(call_ids)).distinct()
    saved = select(call_records.c.correlation_id).where(call_records.c.call_id.in_(call_ids))
    names = saved.union(select(calls.c.correlation_id).where(calls.c.id.in_(call_ids)))
    return _Found(
        found_as=found_as,
        names=[name for name in _all(session, names) if name],
        row_ids=_all(session, carried.limit(MOST_RECORDS)),
        call_ids=call_ids,
    )


def _record(session: Session, wanted: str) -> _Found | None:
    kind, _, ref = wanted.partition("/")
    found = session.execute(select(rows.c.id, rows.c.correlation_id).where(rows.c.kind == kind, rows.c.ref == ref))
    by_id = {one.id: one.correlation_id for one in found}
    if not by_id:
        return None
    sent = select(call_records.c.call_id, call_records.c.correlation_id).where(call_records.c.row_id.in_(by_id))
    newest = session.execute(sent.order_by(call_records.c.call_id.desc()).limit(MOST_CALLS)).all()
    names = dict.fromkeys([*by_id.values(), *(one.correlation_id for one in newest)])
    return _Found(
        found_as="record",
        names=[name for name in names if name],
        row_ids=list(by_id),
        call_ids=list(dict.fromkeys(one.call_id for one in newest)),
    )


def _all(session: Session, statement: Any) -> list[Any]:
    return list(session.execute(statement).scalars())


# ------------------------------------------------------------------------------------------------------------- as shown


def _shown(session: Session, wanted: str, found: _Found) -> dict[str, Any]:
    newest = sorted(set(found.call_ids), reverse=True)[:MOST_CALLS]
    records = _records(session, found.row_ids)
    return {
        "id": wanted,
        "found_as": found.found_as,
        "requests": _requests(session, found.names),
        "records": records,
        "calls": [_with_ours(request(session, call_id), records) for call_id in sorted(newest)],
        "hook_failures": _hook_failures(session, found.names, records),
    }


def _requests(session: Session, names: Sequence[str]) -> list[dict[str, Any]]:
    asked = select(occasions).where(occasions.c.correlation_id.in_(names)).order_by(occasions.c.at).limit(MOST_RECORDS)
    return [
        {"correlation_id": one.correlation_id, "what": one.what, "who": one.who, "at": one.at.isoformat()}
        for one in session.execute(asked)
    ]


def _records(session: Session, row_ids: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "kind": row.kind,
            "ref": row.ref,
            "changed_at": row.changed_at.isoformat(),
            "correlation_id": row.correlation_id,
            "attempts": row.attempts,
            **show_state(row),
        }
        for row in session.execute(states_statement().where(rows.c.id.in_(row_ids)).order_by(rows.c.id))
    ]


def _with_ours(call: Mapping[str, Any] | None, records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A call carries others' records too: of those only how many there were."""
    assert call is not None
    ours = {(one["kind"], one["ref"]) for one in records}
    mine = [one for one in call["records"] if (one["kind"], one["ref"]) in ours]
    return {**call, "records": mine, "others": len(call["records"]) - len(mine)}


def _hook_failures(
    session: Session, names: Sequence[str], records: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    told = ("plugin", "hook", "kind", "ref", "error", "attempts")
    of_records = [
        (hook_failures.c.kind == one["kind"]) & (hook_failures.c.ref == one["ref"]) for one in records[:MOST_CALLS]
    ]
    asked = select(hook_failures).where(or_(hook_failures.c.correlation_id.in_(names), *of_records))
    return [
        {**{name: one[name] for name in told}, "last_failed_at": one["last_failed_at"].isoformat()}
        for one in session.execute(asked.limit(MOST_RECORDS)).mappings()
    ]
