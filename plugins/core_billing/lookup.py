"""Finding records by ref and by id, many in one query. Statements are built once: building costs more than running them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from plugins.core_billing import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, CursorResult, Select, Table
    from sqlalchemy.orm import Session

AT_ONCE: Final = 500
"""Values in one query: both databases take thirty thousand, and plan a few hundred best."""

Row = dict[str, Any]
Rows = list[Row]


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
TRACKING_CATEGORIES: Final = Place("tracking-categories", "tracking category", tables.tracking_categories)
INVOICES: Final = Place("invoices", "invoice", tables.documents)


def in_chunks(values: Iterable[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    """The distinct values, sorted, in handy portions. Sorted, so that two transactions lock the same rows in the same order."""
    distinct = sorted(set(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def among(column: ColumnElement[Any], name: str = "values") -> ColumnElement[bool]:
    """``column`` is one of a list that is handed over under this name when the statement runs."""
    return column.in_(bindparam(name, expanding=True))


def as_rows(result: CursorResult[Any]) -> Rows:
    names = tuple(result.keys())
    # All at once: asked one by one, each row costs three calls more.
    return [dict(zip(names, row, strict=True)) for row in result.all()]


# ------------------------------------------------------------------------------------------------------------- reading


def ids_by_ref(session: Session, place: Place, refs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in in_chunks(refs):
        found.update((ref, id) for ref, id in session.execute(_ids_by_ref(place), {"values": chunk}))
    return found


@cache
def _ids_by_ref(place: Place) -> Select[Any]:
    table = place.table.c
    return select(table.ref, table.id).where(among(table.ref), *place.condition)


def refs_by_id(session: Session, table: Table, ids: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in in_chunks(id for id in ids if id):
        found.update((id, ref) for id, ref in session.execute(_refs_by_id(table), {"values": chunk}))
    return found


@cache
def _refs_by_id(table: Table) -> Select[Any]:
    return select(table.c.id, table.c.ref).where(among(table.c.id))


def rows_by_ref(session: Session, place: Place, refs: Iterable[str]) -> dict[str, Row]:
    """The rows with these refs, by ref. Others cannot change them until the end of the transaction."""
    found: dict[str, Row] = {}
    for chunk in in_chunks(refs):
        rows = as_rows(session.connection().execute(_rows_by_ref(place), {"values": chunk}))
        found.update((row["ref"], row) for row in rows)
    return found


@cache
def _rows_by_ref(place: Place) -> Select[Any]:
    # The lock is without effect on SQLite, where a transaction that may write is alone anyway.
    table = place.table
    return select(table).where(among(table.c.ref), *place.condition).order_by(table.c.id).with_for_update()


def rows_by_id(session: Session, table: Table, ids: Iterable[str], *, lock: bool = False) -> Rows:
    found: Rows = []
    for chunk in in_chunks(ids):
        found.extend(as_rows(session.connection().execute(_rows_by_id(table, lock=lock), {"values": chunk})))
    return found


@cache
def _rows_by_id(table: Table, *, lock: bool) -> Select[Any]:
    query = select(table).where(among(table.c.id))
    return query.order_by(table.c.id).with_for_update() if lock else query


# ------------------------------------------------------------------------------------------------------------- writing


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        session.connection().execute(_insert(table), rows)


@cache
def _insert(table: Table) -> Any:
    return insert(table)


def update_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Write whole rows over those with the same id."""
    if rows:
        named = [(column.name, f"new_{column.name}") for column in table.columns]
        values = [{new: row[name] for name, new in named} for row in rows]
        session.connection().execute(_update(table), values)


@cache
def _update(table: Table) -> Any:
    values: dict[str, Any] = {
        column.name: bindparam(f"new_{column.name}") for column in table.columns if column.name != "id"
    }
    return update(table).where(table.c.id == bindparam("new_id")).values(values)


def delete_rows(session: Session, table: Table, column: ColumnElement[Any], values: Iterable[str]) -> None:
    for chunk in in_chunks(values):
        session.execute(delete(table).where(column.in_(chunk)))
