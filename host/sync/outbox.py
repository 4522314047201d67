"""The write side of the sync rows: what hooks put there in the saving transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, case, exists, func, literal, null, or_, select, update

from host import clock
from host.correlation import correlation_id
from host.db.upsert import insert_or
from host.sync.belonging import Belonging
from host.sync.connections import NO_CONNECTION
from host.sync.provider import Provider, Wanted
from host.sync.tables import rows

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from hookspecs import EntityEvent, UnitOfWork

PERSON: Final = 0
BULK: Final = 1
PARKED: Final = "parked"
"""The state of a record that a person put aside: whatever is saved, it stays there until it is unparked."""


def note(provider: Provider, event: EntityEvent, unit_of_work: UnitOfWork) -> None:
    """Write down that this record wants to be sent: a provider plugin calls it from ``on_entity_saved``.

    It raises the generation of the record's sync row, or makes the row. The row is written also when nothing will be sent, with the reason.
    What came from the connection that the record belongs to is not sent back there. No network; the events of one round take a few statements together;
    safe to run again.
    """
    unit_of_work.together(_write_down, (provider, event, Wanted.SEND))


def note_deletion(provider: Provider, event: EntityEvent, unit_of_work: UnitOfWork) -> None:
    """Write down that this document is to be deleted: a provider plugin calls it from ``on_invoice_deleted``."""
    unit_of_work.together(_write_down, (provider, event, Wanted.DELETE))


def _write_down(session: Session, noted: Sequence[tuple[Provider, EntityEvent, Wanted]]) -> None:
    for (provider, wanted), group in groupby(noted, lambda one: (one[0], one[2])):
        write_rows(provider, [event for _, event, _ in group], session, wanted)


def write_rows(provider: Provider, events: Iterable[EntityEvent], session: Session, wanted: Wanted) -> None:
    """Raise the generation of these records' sync rows, or make the rows."""
    kinds = {rule.kind for rule in provider.kinds}
    events = list(events)
    known = [event for event in events if event.kind in kinds]
    if known:
        write_rows_of(Belonging(provider, known, session), provider, known, session, wanted)
    # What is not sent itself is what records name (a tax rate, a product group): it may be what others lacked.
    for connection in {event.record.connection for event in events if event.kind not in kinds}:
        look_again_at_blocked(session, connection)


def look_again_at_blocked(session: Session, connection: str) -> None:
    """Look again at what waits for nothing that will come by itself: an import, or a person, may have brought what was missing. ``""``: everywhere."""
    of_it = [rows.c.connection == connection] if connection else []
    session.execute(
        update(rows)
        .where(*of_it, rows.c.state == "blocked", _nothing_comes(), rows.c.call_id.is_(None))
        .values(state="waiting", due_at=clock.now(), reason="", waits_for=None)
    )


def _nothing_comes() -> ColumnElement[bool]:
    """It waits for no record, or for one that rests."""
    awaited = rows.alias("awaited")
    moves = or_(awaited.c.due_at.is_not(None), awaited.c.call_id.is_not(None))
    return or_(rows.c.waits_for.is_(None), ~exists().where(awaited.c.id == rows.c.waits_for, moves))


def write_rows_of(
    belonging: Belonging, provider: Provider, events: Sequence[EntityEvent], session: Session, wanted: Wanted
) -> None:
    """The same, where it is known already to which connections these records belong."""
    new = []
    for event in events:
        connection = belonging.of(event)
        if not event.origin or event.origin != connection:
            new.append(_row(provider, event, wanted, connection, _why_not(provider, event, connection, wanted)))
    _upsert(session, new)
    _tell_dependents(session, [row for row in new if row["due_at"] is None])


def _why_not(provider: Provider, event: EntityEvent, connection: str, wanted: Wanted) -> tuple[str, str] | None:
    """The state and the reason where nothing will be sent. What is there is deleted there, meant to go or not: else the document would stay ``deleting``
    for ever."""
    excluded = provider.excluded(event.kind, event.record) if wanted is Wanted.SEND else None
    if excluded:
        return "excluded", excluded
    return None if connection else ("not_sent", _no_connection(provider))


def _no_connection(provider: Provider) -> str:
    if provider.default_connection == NO_CONNECTION:
        return "no connection: the record names none, and default_connection is none"
    return "no connection: the record names none, and there is no default one (connect an organisation, or set default_connection)"


def _row(
    provider: Provider, event: EntityEvent, wanted: Wanted, connection: str, why_not: tuple[str, str] | None
) -> dict[str, Any]:
    now = clock.now()
    state, reason = why_not or ("deleting" if wanted is Wanted.DELETE else "waiting", "")
    return {
        "provider": provider.name,
        "connection": connection,
        "kind": event.kind,
        "record_id": event.id,
        "ref": event.record.ref,
        "wanted": wanted.value,
        "generation": 1,
        "priority": PERSON if event.urgent else BULK,
        "due_at": None if why_not else now,
        "batch": event.batch,
        "correlation_id": event.correlation_id or correlation_id(),
        "state": state,
        "reason": reason,
        "changed_at": now,
    }


_ROW: Final = (
    "provider",
    "connection",
    "kind",
    "record_id",
    "ref",
    "wanted",
    "generation",
    "priority",
    "due_at",
    "batch",
    "correlation_id",
    "state",
    "reason",
    "changed_at",
)


def _tell_dependents(session: Session, new: Sequence[Mapping[str, Any]]) -> None:
    """What waits for a record that will not go is looked at again, and says why."""
    ids: dict[tuple[str, str], list[str]] = {}
    for row in new:
        ids.setdefault((row["provider"], row["kind"]), []).append(row["record_id"])
    for (provider, kind), all_of_them in ids.items():
        for some in chunks(all_of_them, 500):
            of_them = select(rows.c.id).where(
                rows.c.provider == provider, rows.c.kind == kind, rows.c.record_id.in_(some)
            )
            session.execute(
                update(rows)
                .where(rows.c.waits_for.in_(of_them), rows.c.call_id.is_(None))
                .values(due_at=clock.now(), waits_for=None, state="waiting", reason="")
            )


_FRESH: Final = {
    "inputs": {},
    "sent": {},
    "answered": {},
    "warnings": [],
    "agreed_generation": 0,
    "attempts": 0,
    "error": "",
}


def _upsert(session: Session, new: Sequence[Mapping[str, Any]]) -> None:
    if new:
        connection = session.connection()
        connection.execute(_upsert_statement(connection.dialect.name), [{**_FRESH, **row} for row in new])


@lru_cache
def _upsert_statement(dialect: str) -> Any:
    """Built once: building it takes twenty times as long as running it, and every save runs it."""
    columns = (*_FRESH, *_ROW)
    insert = insert_or(rows, dialect).values({name: bindparam(name, type_=rows.c[name].type) for name in columns})
    new = insert.excluded
    # What changes or is to go while a lost create may still land goes back to that call, to be settled first: under a new mark it would be made twice.
    may_land = and_(rows.c.remote_id == literal(""), rows.c.lost_until > new.changed_at)
    # A record that was sent, or whose call is out, stays with its connection; an urgent save is never made to wait by a later bulk one.
    held = or_(rows.c.remote_id != literal(""), rows.c.call_id.is_not(None), may_land)
    parked = and_(rows.c.state == PARKED, rows.c.call_id.is_(None))
    return insert.on_conflict_do_update(
        index_elements=[rows.c.provider, rows.c.kind, rows.c.record_id],
        set_={
            "generation": rows.c.generation + 1,
            "connection": case((held, rows.c.connection), else_=new.connection),
            "ref": new.ref,
            "wanted": new.wanted,
            "priority": case((rows.c.due_at.is_(None), new.priority), else_=_least(rows.c.priority, new.priority)),
            "due_at": case((parked, null()), else_=new.due_at),
            "batch": new.batch,
            "correlation_id": new.correlation_id,
            "state": case((parked, rows.c.state), else_=new.state),
            "reason": case((parked, rows.c.reason), else_=new.reason),
            "error": case((parked, rows.c.error), else_=literal("")),
            "attempts": literal(0),
            "waits_for": null(),
            "call_id": case((may_land, func.coalesce(rows.c.call_id, rows.c.lost_call)), else_=rows.c.call_id),
            "changed_at": new.changed_at,
        },
    )


def _least(one: Any, other: Any) -> Any:
    return case((one < other, one), else_=other)


def holders(
    session: Session, kind: str, record_ids: Iterable[str], *, lock: bool = False
) -> Mapping[str, frozenset[str]]:
    """The keys of the connections that hold each of these records, or may hold it: it is linked, or a call that carries it has no known end.

    A record that is missing from the answer is held by none. ``lock``, for who writes by the answer: it stays true until the transaction ends, because no
    call that carries one of these can leave before.
    """
    held: dict[str, set[str]] = {}
    may_hold = or_(rows.c.remote_id != "", rows.c.call_id.is_not(None), rows.c.lost_until > clock.now())
    asked = select(rows.c.record_id, rows.c.connection, may_hold.label("may_hold")).order_by(rows.c.id)
    for chunk in chunks(sorted(record_ids), 500):
        statement = asked.where(rows.c.kind == kind, rows.c.record_id.in_(chunk))
        # All of them are locked, not only those that are held now: it is the others that a call is about to carry.
        for one in session.execute(statement.with_for_update() if lock else statement):
            if one.may_hold:
                held.setdefault(one.record_id, set()).add(one.connection)
    return {record_id: frozenset(keys) for record_id, keys in held.items()}


def chunks(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """The items in pieces that fit a statement's parameters."""
    return (items[start : start + size] for start in range(0, len(items), size))
