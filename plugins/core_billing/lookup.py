"""Finding records by ref and by id, many in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from plugins.core_billing import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.orm import Session

AT_ONCE: Final = 500
"""Values in one query: both databases take thirty thousand, and plan a few hundred best."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records of a kind are. Kinds that share a table are told apart by its column ``kind``."""

    kind: str
    noun: str
    table: Table

    @property
    def shared(self) -> bool:
        return "kind" in self.table.c

    @property
    def condition(self) -> list[ColumnElement[bool]]:
        """What a row must meet to be a standing record of this kind."""
        conditions = [self.table.c.kind == self.kind] if self.shared else []
        if "ended_at" in self.table.c:
            conditions.append(self.table.c.ended_at.is_(None))
        return conditions


CUSTOMERS: Final = Place("customers", "customer", tables.parties)
SUPPLIERS: Final = Place("suppliers", "supplier", tables.parties)
PRODUCT_GROUPS: Final = Place("product-groups", "product group", tables.product_groups)
PRODUCTS: Final = Place("products", "product", tables.products)
TAX_RATES: Final = Place("tax-rates", "tax rate", tables.tax_rates)
ACCOUNTS: Final = Place("accounts", "account", tables.accounts)
INVOICES: Final = Place("invoices", "invoice", tables.documents)


def in_chunks(values: Iterable[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    """The distinct values, sorted, in handy portions. Sorted, so that two transactions lock the same rows in the same order."""
    distinct = sorted(set(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def ids_by_ref(session: Session, place: Place, refs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    table = place.table
    for chunk in in_chunks(refs):
        query = select(table.c.ref, table.c.id).where(table.c.ref.in_(chunk), *place.condition)
        found.update((row.ref, row.id) for row in session.execute(query))
    return found


def refs_by_id(session: Session, table: Table, ids: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in in_chunks(id for id in ids if id):
        found.update(
            (row.id, row.ref) for row in session.execute(select(table.c.id, table.c.ref).where(table.c.id.in_(chunk)))
        )
    return found


def rows_where(
    session: Session,
    table: Table,
    column: ColumnElement[Any],
    values: Iterable[str],
    *more: ColumnElement[bool],
    lock: bool = False,
) -> list[Mapping[str, Any]]:
    """Whole rows whose ``column`` has one of these values. ``lock`` keeps others from changing them until the end of the transaction."""
    rows: list[Mapping[str, Any]] = []
    for chunk in in_chunks(values):
        query = select(table).where(column.in_(chunk), *more)
        if lock:  # Without effect on SQLite, where a transaction that may write is alone anyway.
            query = query.order_by(table.c.id).with_for_update()
        rows.extend(row._asdict() for row in session.execute(query))
    return rows
