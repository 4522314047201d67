"""The plugin's ``BillingStore``: the same records and rules as the API's, seen from a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import or_, select

from hookspecs import BillingStore, TellsUse
from host.folding import folded
from plugins.core_billing import ledger, tables
from plugins.core_billing.incoming import take_records
from plugins.core_billing.kinds import ProductGroups
from plugins.core_billing.lookup import AT_ONCE, in_chunks
from plugins.core_billing.naming import uses
from plugins.core_billing.reference_store import put_reference, read_catalogue
from plugins.core_billing.renaming import rename_options, renamed_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from hookspecs import Catalogue, Incoming, LedgerState, Record, ReferenceData, Saved, Taken, UnitOfWork, Use
    from plugins.core_billing.documents import Documents
    from plugins.core_billing.records import Records

Of = TypeVar("Of")


class Store(BillingStore, TellsUse):
    def __init__(self, records: Sequence[Records[Any]], documents: Sequence[Documents]) -> None:
        self._records = {one.place.kind: one for one in records}
        self._documents = {one.place.kind: one for one in documents}

    def read(self, session: Session, kind: str, ids: Iterable[str]) -> Mapping[str, Record]:
        records = _of_kind(self._records, kind)
        found: dict[str, Record] = {}
        for chunk in in_chunks(ids):
            found |= records.read(session, chunk)
        return found

    def find(
        self, session: Session, kind: str, connection: str, field: str, values: Iterable[str]
    ) -> Mapping[str, Sequence[str]]:
        records = _of_kind(self._records, kind)
        fold, column = (folded, f"{field}_key") if field in records.compared else (str, field)
        folds = {value: fold(value) for value in values}
        found: dict[str, list[str]] = {}
        for chunk in in_chunks(folds.values()):
            query = self._finding(kind, connection, column).where(records.place.table.c[column].in_(chunk))
            for key, id in session.execute(query):
                found.setdefault(key, []).append(id)
        return {value: found[key] for value, key in folds.items() if key in found}

    def _finding(self, kind: str, connection: str, field: str) -> Select[str, str]:
        place = _of_kind(self._records, kind).place
        query = select(place.table.c[field], place.table.c.id).where(*place.condition).order_by(place.table.c.id)
        if "connection" in place.table.c:
            return query.where(_of_connection(place.table.c.connection, connection))
        if kind in self._documents:
            contact = place.table.join(tables.parties, tables.parties.c.id == place.table.c.contact)
            return query.select_from(contact).where(_of_connection(tables.parties.c.connection, connection))
        return query

    def stream(self, session: Session, kind: str, *, refs: Sequence[str] | None = None) -> Iterator[Record]:
        """In portions by the order of ids: neither the rows nor an open cursor outlive a portion."""
        records = _of_kind(self._records, kind)
        if refs is not None:
            ids = sorted(records.ids(session, refs).values())
            for start in range(0, len(ids), AT_ONCE):
                yield from _in_order(records.read(session, ids[start : start + AT_ONCE]))
            return
        table, after = records.place.table, ""
        query = select(table.c.id).where(*records.place.condition).order_by(table.c.id).limit(AT_ONCE)
        while ids := list(session.scalars(query.where(table.c.id > after))):
            after = ids[-1]
            yield from _in_order(records.read(session, ids))

    def catalogue(self, session: Session, connection: str) -> Catalogue:
        return read_catalogue(session, connection)

    def uses(self, session: Session, connections: Sequence[str]) -> Sequence[Use]:
        return uses(session, connections)

    def put_reference(self, unit_of_work: UnitOfWork, connection: str, data: ReferenceData) -> Mapping[str, Taken]:
        replaced = put_reference(unit_of_work, connection, data)
        if "tracking" in replaced:
            renamed = renamed_options(unit_of_work.session, connection, replaced["tracking"].changed)
            groups = self._records["product-groups"]
            assert isinstance(groups, ProductGroups)
            rename_options(unit_of_work, connection, renamed, groups, self._documents.values())
        if data.rates is not None or data.defaults is not None:
            self.retotal(unit_of_work)
        return {name: one.taken for name, one in replaced.items()}

    def retotal(self, unit_of_work: UnitOfWork) -> None:
        """Compute the totals that could not be computed before."""
        for documents in self._documents.values():
            ledger.retotal(documents, unit_of_work)

    def take_records(self, unit_of_work: UnitOfWork, kind: str, incoming: Sequence[Incoming]) -> Sequence[Saved]:
        return take_records(_of_kind(self._records, kind), unit_of_work, incoming)

    def take_ledger_states(self, unit_of_work: UnitOfWork, kind: str, states: Sequence[LedgerState]) -> None:
        ledger.take_ledger_states(_of_kind(self._documents, kind), unit_of_work, states)

    def confirm_deletion(self, unit_of_work: UnitOfWork, kind: str, id: str, *, status: str) -> None:
        ledger.confirm_deletion(_of_kind(self._documents, kind), unit_of_work, id, status=status)

    def refuse_deletion(self, unit_of_work: UnitOfWork, kind: str, id: str, reason: str) -> None:
        ledger.refuse_deletion(_of_kind(self._documents, kind), unit_of_work, id, reason)


def _of_kind(kept: Mapping[str, Of], kind: str) -> Of:
    if kind not in kept:
        raise LookupError(f"core_billing keeps no {kind}: it keeps {', '.join(kept)}")
    return kept[kind]


def _of_connection(column: ColumnElement[str], connection: str) -> ColumnElement[bool]:
    return or_(column == connection, column == "")


def _in_order(records: Mapping[str, Record]) -> Iterator[Record]:
    return (records[id] for id in sorted(records))
