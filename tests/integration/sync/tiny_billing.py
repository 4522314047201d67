"""The smallest billing: one table, its services, and the ``BillingStore`` a provider reads and writes it by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, MetaData, String, Table, delete, insert, select, update

import host.sync
from hookspecs import (
    Action,
    Catalogue,
    Customer,
    Document,
    EntityEvent,
    Incoming,
    LedgerState,
    Payment,
    Record,
    ReferenceData,
    Saved,
    Taken,
)
from host.db import NAMING, Json

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import UnitOfWork
    from host.sync import Provider
    from host.unit_of_work import Dispatch, Saving

metadata = MetaData(naming_convention=NAMING)

records = Table(
    "tiny_records",
    metadata,
    Column("kind", String(50), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("connection", String(100), nullable=False, default=""),
    Column("status", String(20), nullable=False, default="draft"),
    Column("status_reason", String(500), nullable=False, default=""),
    Column("active", Boolean, nullable=False, default=True),
    Column("fields", Json, nullable=False),
)


def _customer(row: Any) -> Customer:
    return Customer(id=row.id, ref=row.id, connection=row.connection, active=row.active, **row.fields)


def _invoice(row: Any) -> Document:
    return Document(
        id=row.id,
        ref=row.id,
        connection=row.connection,
        kind="invoices",
        contact_kind="customers",
        issue_date=date(2026, 1, 2),
        status=row.status,
        status_reason=row.status_reason,
        **{"number": row.id, **row.fields},
    )


def _payment(row: Any) -> Payment:
    amount = Decimal(row.fields["amount"])
    document = row.fields["document"]
    return Payment(
        id=row.id, ref=row.id, document=document, document_kind="invoices", date=date(2026, 1, 2), amount=amount
    )


MAKERS: Mapping[str, Callable[[Any], Record]] = {"customers": _customer, "invoices": _invoice, "payments": _payment}


class TinyBilling:
    """Services and store. ``broken`` names records over which taking the ledger's word raises."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.reference: dict[str, ReferenceData] = {}

    # Services ------------------------------------------------------------------------------------------------------

    def put(self, work: UnitOfWork, kind: str, id: str, *, connection: str = "", **fields: Any) -> None:
        there = self.read(work.session, kind, [id])
        if there:
            work.session.execute(update(records).where(_is(kind, id)).values(fields=fields))
        else:
            work.session.execute(insert(records).values(kind=kind, id=id, connection=connection, fields=fields))
        action = Action.UPDATED if there else Action.CREATED
        work.save(kind, self._one(work.session, kind, id), action=action, changed=frozenset(fields))

    def delete(self, work: UnitOfWork, kind: str, id: str) -> bool:
        """Whether it has to be asked for: a connection holds it, or may."""
        record = self._one(work.session, kind, id)
        if host.sync.holders(work.session, kind, [id], lock=True):
            work.session.execute(update(records).where(_is(kind, id)).values(status="deleting"))
            work.ask_deletion(kind, self._one(work.session, kind, id))
            return True
        work.session.execute(delete(records).where(_is(kind, id)))
        work.save(kind, record, action=Action.DELETED, changed=frozenset())
        return False

    def _one(self, session: Session, kind: str, id: str) -> Record:
        return self.read(session, kind, [id])[id]

    # The store -----------------------------------------------------------------------------------------------------

    def read(self, session: Session, kind: str, ids: Iterable[str]) -> Mapping[str, Record]:
        found = session.execute(select(records).where(records.c.kind == kind, records.c.id.in_(list(ids))))
        return {row.id: MAKERS[kind](row) for row in found}

    def find(
        self, session: Session, kind: str, connection: str, field: str, values: Iterable[str]
    ) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for record in self.stream(session, kind):
            if getattr(record, field) in values:
                found.setdefault(getattr(record, field), []).append(record.id)
        return found

    def stream(self, session: Session, kind: str, *, refs: Sequence[str] | None = None) -> Iterator[Record]:
        for row in session.execute(select(records).where(records.c.kind == kind).order_by(records.c.id)):
            if refs is None or row.id in refs:
                yield MAKERS[kind](row)

    def catalogue(self, session: Session, connection: str) -> Catalogue:
        return Catalogue(accounts=self.reference[connection].accounts or ())

    def put_reference(self, unit_of_work: UnitOfWork, connection: str, data: ReferenceData) -> Mapping[str, Taken]:
        self.reference[connection] = data
        return {"accounts": Taken(created=len(data.accounts))} if data.accounts is not None else {}

    def take_records(self, unit_of_work: UnitOfWork, kind: str, incoming: Sequence[Incoming]) -> Sequence[Saved]:
        saved = []
        for one in incoming:
            there = self.read(unit_of_work.session, kind, [one.id]) if one.id else {}
            id = one.id or str(one.fields["name"])
            before = {"name": getattr(there[id], "name", "")} if there else {}
            fields = {name: value for name, value in one.fields.items() if name != "connection"}
            connection = str(one.fields.get("connection", ""))
            self.put(unit_of_work, kind, id, connection=connection, **{**before, **fields})
            saved.append(Saved(ref=id, id=id, created=not there, changed=True))
        return saved

    def take_ledger_states(self, unit_of_work: UnitOfWork, kind: str, states: Sequence[LedgerState]) -> None:
        for state in states:
            if state.id in self.broken:
                raise RuntimeError(f"the books cannot take {state.id}")
            unit_of_work.session.execute(update(records).where(_is(kind, state.id)).values(status=state.status))

    def confirm_deletion(self, unit_of_work: UnitOfWork, kind: str, id: str, *, status: str) -> None:
        if id in self.broken:
            raise RuntimeError(f"the books cannot let {id} go")
        unit_of_work.session.execute(update(records).where(_is(kind, id)).values(status=status))
        record = self._one(unit_of_work.session, kind, id)
        unit_of_work.save(kind, record, action=Action.DELETED, changed=frozenset({"status"}))

    def refuse_deletion(self, unit_of_work: UnitOfWork, kind: str, id: str, reason: str) -> None:
        changes = {"status": "draft", "status_reason": reason}
        unit_of_work.session.execute(update(records).where(_is(kind, id)).values(**changes))
        record = self._one(unit_of_work.session, kind, id)
        unit_of_work.save(kind, record, action=Action.UPDATED, changed=frozenset(changes))


def _is(kind: str, id: str) -> Any:
    return (records.c.kind == kind) & (records.c.id == id)


def dispatch_to(provider: Provider) -> Dispatch:
    """The hooks of a provider plugin that does what the engine asks of it, and nothing else."""

    def dispatch(hook: str, events: list[EntityEvent], unit_of_work: Saving) -> None:
        tell = host.sync.note if hook == "on_entity_saved" else host.sync.note_deletion
        for event in events:
            tell(provider, event, unit_of_work)
        unit_of_work.do_together()

    return dispatch
