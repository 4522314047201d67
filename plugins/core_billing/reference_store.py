"""A connection's own lists: taken over from an import, and read as a catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from hookspecs import Account, Action, BrandingTheme, Catalogue, Currency, Record, Taken
from host.ids import new_id
from plugins.core_billing import lookup, tables
from plugins.core_billing.amounts import parse_decimal
from plugins.core_billing.linked_rates import follow, tax_rate
from plugins.core_billing.lookup import as_rows, delete_rows, insert_rows, update_rows
from plugins.core_billing.reference_data import NO_DEFAULTS, known_connections
from plugins.core_billing.tracking import category_of, meanings, names_of, stored_meanings

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.orm import Session

    from hookspecs import Defaults, ReferenceData, UnitOfWork
    from plugins.core_billing.lookup import Row, Rows


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """One list of ``ReferenceData``. ``kind`` where its entries are records of the API; ``known_by``: the field that tells them apart here."""

    name: str
    table: Table
    record: Callable[..., Record]
    kind: str = ""
    known_by: str = "code"


CODES: Final = ("sales_account", "purchase_account", "sales_tax", "purchase_tax")
LISTS: Final = (
    ReferenceList("rates", tables.tax_rates, tax_rate, "tax-rates"),
    ReferenceList("accounts", tables.accounts, Account, "accounts"),
    ReferenceList("themes", tables.branding_themes, BrandingTheme),
    ReferenceList("currencies", tables.currencies, Currency),
    ReferenceList("tracking", tables.tracking_categories, category_of, "tracking-categories", "name"),
)


def read_catalogue(session: Session, connection: str) -> Catalogue:
    lists = {one.name: _entries(session, one, connection) for one in LISTS}
    names = names_of(stored_meanings(session).get(connection, {}))
    lists["tracking"] = [replace(one, stands_for=names.get(one.remote_id, "")) for one in lists["tracking"]]
    return Catalogue(**lists, defaults=known_connections(session).get(connection, NO_DEFAULTS))


def _entries(session: Session, one: ReferenceList, connection: str) -> Any:
    query = select(one.table).where(one.table.c.connection.in_({connection, ""})).order_by(one.table.c.id)
    return [one.record(**row) for row in as_rows(session.connection().execute(query))]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a list. ``changed`` are rows as they are and as they were."""

    taken: Taken
    changed: Sequence[tuple[Row, Row]]


def put_reference(unit_of_work: UnitOfWork, connection: str, data: ReferenceData) -> dict[str, Replaced]:
    """Replace the lists that are named. Entries are known again by the remote's id, else by their code."""
    _put_connection(unit_of_work.session, connection, data.defaults)
    replaced = {}
    for one in LISTS:
        entries: Sequence[Record] | None = getattr(data, one.name)
        if entries is not None:
            replaced[one.name] = _replace(unit_of_work, one, connection, entries)
    if data.tracking is not None or data.defaults is not None:
        _put_meanings(unit_of_work.session, connection, data.defaults)
    return replaced


def _put_connection(session: Session, key: str, defaults: Defaults | None) -> None:
    """The connection is known from its first list on; its defaults stay as they are where none are named."""
    known = known_connections(session).get(key)
    codes = {name: getattr(defaults or NO_DEFAULTS, name) for name in CODES}
    if known is None:
        insert_rows(session, tables.connections, [{"key": key, **codes, "tracking": {}}])
    elif defaults is not None and defaults != known:
        session.execute(update(tables.connections).where(tables.connections.c.key == key).values(codes))


def _put_meanings(session: Session, key: str, defaults: Defaults | None) -> None:
    """What the tracking names mean follows the settings and what the ledger calls its categories now."""
    before = stored_meanings(session)[key]
    wanted = {name: one["category"] for name, one in before.items()} if defaults is None else defaults.tracking
    categories = tables.tracking_categories
    after = meanings(wanted, before, _rows(session, categories, categories.c.connection == key))
    if after != before:
        table = tables.connections
        session.execute(update(table).where(table.c.key == key).values(tracking=after))


def _replace(unit_of_work: UnitOfWork, one: ReferenceList, connection: str, entries: Sequence[Record]) -> Replaced:
    session = unit_of_work.session
    there = _rows(session, one.table, one.table.c.connection == connection)
    brought = [_columns(one, connection, entry) for entry in entries]
    changed = list(follow([row for row in there if row.get("linked_to")], brought))
    left = {row["id"]: row for row in there if not row.get("linked_to")}
    made, unchanged = [], 0
    for given in brought:
        known = _known(left, given, one.known_by)
        if known is None:
            made.append({"id": new_id(), **given})
        elif (row := known | given | {"ref": known["ref"]}) != left.pop(known["id"]):
            changed.append((row, known))
        else:
            unchanged += 1
    gone = [*left.values(), *_left_behind(session, one)]
    _name(session, one, connection, made)
    delete_rows(session, one.table, one.table.c.id, [row["id"] for row in gone])
    update_rows(session, one.table, [row for row, _ in changed])
    insert_rows(session, one.table, made)
    if one.kind:
        _tell(unit_of_work, one, made, changed, gone)
    return Replaced(Taken(created=len(made), updated=len(changed), unchanged=unchanged, removed=len(gone)), changed)


def _columns(one: ReferenceList, connection: str, entry: Record) -> Row:
    names = {column.name for column in one.table.columns} - {"id", "connection", "linked_to"}
    row = {name: getattr(entry, name) for name in names}
    if "rate" in row:
        row["rate"] = parse_decimal(row["rate"])
    if "linked_to" in one.table.c:
        row["linked_to"] = ""  # what the ledger brings stands for itself
    if "options" in row:
        row["options"] = [asdict(option) for option in row["options"]]
    return row | {"connection": connection}


def _known(left: Mapping[str, Row], given: Row, known_by: str) -> Row | None:
    remote_id = given.get("remote_id", "")
    for row in left.values():
        if remote_id and row["remote_id"] == remote_id:
            return row
    for row in left.values():
        # An archived account leaves its code to a new one: two that the remote tells apart are two.
        if row[known_by] == given[known_by] and not (remote_id and row["remote_id"]):
            return row
    return None


def _left_behind(session: Session, one: ReferenceList) -> Rows:
    """Rates that people made before and gave to no connection go when an import brings the ledger's own, but not a zero rate (H-27, H-28)."""
    if one.table is not tables.tax_rates:
        return []
    rates = tables.tax_rates.c
    return _rows(session, one.table, (rates.connection == "") & (rates.rate != parse_decimal(0)))


def _rows(session: Session, table: Table, condition: Any) -> Rows:
    return as_rows(session.connection().execute(select(table).where(condition).order_by(table.c.id)))


def _name(session: Session, one: ReferenceList, connection: str, made: Rows) -> None:
    """Give new entries a ref of their own: connection and code (or name), with the id behind it where that is taken already."""
    table = one.table
    for row in made:
        called = row[one.known_by] or row["id"]
        row["ref"] = row["ref"] or re.sub(r"[^A-Za-z0-9._:@-]", "-", f"{connection}:{called}")[:60]
    taken: set[str] = set()
    for chunk in lookup.in_chunks(row["ref"] for row in made):
        taken.update(session.scalars(select(table.c.ref).where(table.c.ref.in_(chunk))))
    for row in made:
        if row["ref"] in taken:
            row["ref"] = f"{row['ref']}:{row['id']}"
        taken.add(row["ref"])


def _tell(
    unit_of_work: UnitOfWork, one: ReferenceList, made: Rows, changed: Sequence[tuple[Row, Row]], gone: Rows
) -> None:
    for row in made:
        unit_of_work.save(one.kind, one.record(**row), action=Action.CREATED, changed=frozenset(row) - {"id"})
    for row, before in changed:
        names = frozenset(name for name in row if row[name] != before[name])
        unit_of_work.save(one.kind, one.record(**row), action=Action.UPDATED, changed=names)
    for row in gone:
        unit_of_work.save(one.kind, one.record(**row), action=Action.DELETED, changed=frozenset())
