"""Every kind of record but documents: what each is made of, declared."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlalchemy import and_, false, func, literal, select

from hookspecs import Account, Address, Customer, Product, ProductGroup, Saved, Supplier
from host.db import Json
from plugins.core_billing import lookup, tables
from plugins.core_billing.amounts import optional_money_text, quantity_text
from plugins.core_billing.codes import GENERATED, CodedRecords
from plugins.core_billing.inheritance import Side, product_account
from plugins.core_billing.linked_rates import check_links, tax_rate
from plugins.core_billing.listing import Listing, equals, is_flag, refers_to
from plugins.core_billing.records import Entry, Records
from plugins.core_billing.schemas import (
    ADDRESS_PARTS,
    AccountInput,
    PartyInput,
    ProductGroupInput,
    ProductInput,
    TaxRateInput,
)
from plugins.core_billing.shown_schemas import product_fields
from plugins.core_billing.tracking import Offer, new_choices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from marshmallow import fields
    from sqlalchemy import Column, Select
    from sqlalchemy.orm import Session

    from hookspecs import JSON, Record, UnitOfWork
    from hookspecs.records import Party
    from plugins.core_billing.lookup import Place, Row, Rows


# ---------------------------------------------------------------------------------------------- customers and suppliers

_parties = tables.parties.c


class Parties(CodedRecords):
    entry_type = Entry
    schema = PartyInput
    held = True
    code_field = "accounts_code"
    code_noun = "accounts code"
    shares_codes = (lookup.CUSTOMERS.kind, lookup.SUPPLIERS.kind)  # both are contacts of the ledger
    record_type: type[Party]
    compared = ("name", "accounts_code")
    uses: ClassVar[Sequence[tuple[Column[Any], str]]] = ((tables.documents.c.contact, "a document"),)

    def _compose(self, session: Session, entries: Sequence[Entry], *, partial: bool) -> None:
        super()._compose(session, entries, partial=partial)
        for entry in entries:
            before = entry.old["billing_address"] if partial and entry.old else {}
            address = before | entry.given.values.get("billing_address", {})
            entry.row["billing_address"] = {name: part for name, part in address.items() if part}

    def record(self, row: Row) -> Record:
        other = {"kind", "billing_address", GENERATED, *self._keys}
        values = {name: value for name, value in row.items() if name not in other}
        address = Address(**row["billing_address"])
        return self.record_type(**values, billing_address=address, generated=self.generated(row))

    def shown(self, row: Row) -> JSON:
        address = {part: row["billing_address"].get(part, "") for part in ADDRESS_PARTS}
        return {**self.named(row), "billing_address": address}


def _party_listing(place: Place) -> Listing:
    return Listing(
        table=tables.parties,
        filters={
            **{
                name: equals(_parties[name])
                for name in ("ref", "name", "email", "accounts_code", "currency", "connection")
            },
            "active": is_flag(_parties.active),
        },
        sorts={name: _parties[name] for name in ("ref", "name", "accounts_code")},
        searched=(_parties.name, _parties.ref, _parties.accounts_code, _parties.email),
        conditions=place.condition,
    )


class Customers(Parties):
    place = lookup.CUSTOMERS
    record_type = Customer
    listing = _party_listing(lookup.CUSTOMERS)


class Suppliers(Parties):
    place = lookup.SUPPLIERS
    record_type = Supplier
    listing = _party_listing(lookup.SUPPLIERS)


# ------------------------------------------------------------------------------------------- product groups and products

_groups = tables.product_groups.c


class ProductGroups(Records[Entry]):
    entry_type = Entry
    place = lookup.PRODUCT_GROUPS
    schema = ProductGroupInput
    uses: ClassVar[Sequence[tuple[Column[Any], str]]] = ((tables.products.c.group, "a product"),)
    listing = Listing(
        table=tables.product_groups,
        filters={
            **{name: equals(_groups[name]) for name in ("ref", "name")},
            **{name: is_flag(_groups[name]) for name in ("exclude_from_accounting", "use_for_items")},
        },
        sorts={name: _groups[name] for name in ("ref", "name")},
        searched=(_groups.name, _groups.ref),
    )

    def _check(self, session: Session, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.row["exclude_from_accounting"] and not entry.row["use_for_items"]:
                entry.refuse("exclude_from_accounting", "can be set only when use_for_items is true")
        chosen = [
            (entry, new_choices(entry.row["tracking"], (entry.old or {}).get("tracking", {}))) for entry in entries
        ]
        if any(new for _, new in chosen):
            offer = Offer.load(session)
            for entry, new in chosen:
                for problem in offer.wrong(new):
                    entry.refuse("tracking", problem)

    def record(self, row: Row) -> Record:
        return ProductGroup(**row)

    def shown(self, row: Row) -> JSON:
        return self.named(row)


_products = tables.products.c
_parent = tables.products.alias("parent")
_own_group = tables.product_groups.alias("own_group")
_parent_group = tables.product_groups.alias("parent_group")
_SIDES = ("sales_account", "purchase_account", "sales_tax", "purchase_tax")


def products_with_inherited(*columns: Any) -> Select[Any]:
    """Products (these columns, or all) with what they inherit beside: ``parent_…`` and ``group_…``, and whether they are ``excluded``."""
    parents = [func.coalesce(_parent.c[name], "").label(f"parent_{name}") for name in _SIDES]
    groups = [
        func.coalesce(_own_group.c[name], _parent_group.c[name], "").label(f"group_{name}")
        for name in ("sales_account", "purchase_account")
    ]
    groups.append(
        func.coalesce(_own_group.c.tracking, _parent_group.c.tracking, literal({}, Json), type_=Json()).label(
            "group_tracking"
        )
    )
    excluded = func.coalesce(
        and_(_own_group.c.exclude_from_accounting, _own_group.c.use_for_items),
        and_(_parent_group.c.exclude_from_accounting, _parent_group.c.use_for_items),
        false(),
    )
    source = (
        tables.products.outerjoin(_own_group, _own_group.c.id == _products.group)
        .outerjoin(_parent, _parent.c.id == _products.parent)
        .outerjoin(_parent_group, _parent_group.c.id == _parent.c.group)
    )
    own = columns or (tables.products,)
    return select(*own, *parents, *groups, excluded.label("excluded")).select_from(source)


_PRODUCTS: Final = products_with_inherited().where(lookup.among(_products.id))


class Products(CodedRecords):
    entry_type = Entry
    place = lookup.PRODUCTS
    schema = ProductInput
    held = True
    code_field = "code"
    code_noun = "code"
    shares_codes = (lookup.PRODUCTS.kind,)
    references: ClassVar[Mapping[str, Place]] = {"group": lookup.PRODUCT_GROUPS, "parent": lookup.PRODUCTS}
    read_only = frozenset({"id", "sync", "effective"})
    compared = ("name", "code")
    uses: ClassVar[Sequence[tuple[Column[Any], str]]] = (
        (tables.lines.c.product, "a document"),
        (_products.parent, "a child product"),
    )
    listing = Listing(
        table=tables.products,
        filters={
            **{name: equals(_products[name]) for name in ("ref", "name", "code", "connection")},
            "group": refers_to(_products.group, lookup.PRODUCT_GROUPS),
            "parent": refers_to(_products.parent, lookup.PRODUCTS),
            "active": is_flag(_products.active),
        },
        sorts={name: _products[name] for name in ("ref", "name", "code")},
        searched=(_products.name, _products.ref, _products.code),
    )

    def shown_more(self) -> Mapping[str, fields.Field[Any]]:
        return product_fields()

    def _check(self, session: Session, entries: Sequence[Entry]) -> None:
        super()._check(session, entries)
        self._refuse_new_parents(entries)
        parents = {entry.row["id"]: entry.row["parent"] for entry in entries}
        named = {parent for parent in parents.values() if parent}
        if not named:
            return
        parents = _stored_parents(session, named) | parents
        with_children = _having_children(session, parents)
        for entry in entries:
            parent = entry.row["parent"]
            if parent and parent != (entry.old or {}).get("parent"):
                if parent == entry.row["id"] or parents.get(parent):
                    ref = entry.given.values["parent"]
                    entry.refuse("parent", f"{ref} is a child product itself: a parent has no parent")
                elif entry.row["id"] in with_children:
                    entry.refuse("parent", f"{entry.ref} is the parent of other products: it cannot have one itself")
                else:
                    with_children.add(parent)

    def _refuse_new_parents(self, entries: Sequence[Entry]) -> None:
        """Those that have a parent keep it when the setting is switched off."""
        if self._settings.parent_products:
            return
        for entry in entries:
            if entry.row["parent"] and entry.row["parent"] != (entry.old or {}).get("parent"):
                entry.refuse("parent", "products have no parents here: [plugins.core_billing] parent_products is false")

    def _complete(self, session: Session, entries: Sequence[Entry]) -> None:
        super()._complete(session, entries)
        new = [entry for entry in entries if entry.created and not entry.given.imported and not entry.row["parent"]]
        groups = lookup.rows_by_id(session, tables.product_groups, {entry.row["group"] for entry in new})
        of_group = {group["id"]: group for group in groups}
        for entry in new:
            self._fill_in_accounts(entry, of_group.get(entry.row["group"], {}))

    def _fill_in_accounts(self, entry: Entry, group: Mapping[str, Any]) -> None:
        """The settings' accounts for a new product that does not speak of them, and whose group has none: one that is named empty stays so."""
        for name, code in self._settings.product_accounts.items():
            if code and name not in entry.given.named and not group.get(name):
                entry.row[name] = code
                entry.changed |= {name}

    def rows(self, session: Session, ids: Iterable[str], *, lock: bool = False) -> Rows:
        found: Rows = []
        for chunk in lookup.in_chunks(ids):
            found.extend(lookup.as_rows(session.connection().execute(_PRODUCTS, {"values": chunk})))
        return found

    def _records(self, session: Session, entries: Sequence[Entry]) -> Mapping[str, Record]:
        return self.read(session, [entry.row["id"] for entry in entries])

    def record(self, row: Row) -> Record:
        own = {
            name: value
            for name, value in row.items()
            if not name.startswith(("parent_", "group_")) and name not in {GENERATED, *self._keys}
        }
        return Product(
            **own,
            generated=self.generated(row),
            effective_sales_account=product_account(row, Side.SALES).value,
            effective_purchase_account=product_account(row, Side.PURCHASE).value,
        )

    def shown(self, row: Row) -> JSON:
        effective: dict[str, str] = {}
        for side in Side:
            account = product_account(row, side)
            effective |= {f"{side.value}_account": account.value, f"{side.value}_account_from": account.source}
        return {
            **self.named(row),
            "sales_price": optional_money_text(row["sales_price"]),
            "purchase_price": optional_money_text(row["purchase_price"]),
            "effective": effective,
        }


def _stored_parents(session: Session, ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in lookup.in_chunks(ids):
        query = select(_products.id, _products.parent).where(_products.id.in_(chunk))
        found.update((row.id, row.parent) for row in session.execute(query))
    return found


def _having_children(session: Session, ids: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for chunk in lookup.in_chunks(ids):
        found.update(session.scalars(select(_products.parent).where(_products.parent.in_(chunk)).distinct()))
    return found


# ---------------------------------------------------------------------------------------------- tax rates and accounts


class Coded(Records[Entry]):
    """Tax rates and accounts: known by a code, people's own or brought from a connection."""

    entry_type = Entry
    blank = MappingProxyType({"connection": "", "remote_id": ""})

    def _check(self, session: Session, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.old and entry.old["remote_id"] and entry.row["connection"] != entry.old["connection"]:
                entry.refuse("connection", f"cannot change: this {self.place.noun} came from {entry.old['connection']}")


def _coded_listing(table: Any, *more: str) -> Listing:
    return Listing(
        table=table,
        filters={name: equals(table.c[name]) for name in ("ref", "code", "name", "connection", *more)},
        sorts={name: table.c[name] for name in ("ref", "code", "name")},
        searched=(table.c.code, table.c.name, table.c.ref),
    )


class Accounts(Coded):
    place = lookup.ACCOUNTS
    schema = AccountInput
    listing = _coded_listing(tables.accounts, "type")

    def record(self, row: Row) -> Record:
        return Account(**row)

    def shown(self, row: Row) -> JSON:
        return self.named(row)


class TaxRates(Coded):
    """``on_saved`` is called after rates were saved: documents may have waited for them."""

    place = lookup.TAX_RATES
    schema = TaxRateInput
    blank = MappingProxyType({"connection": "", "remote_id": "", "linked_to": ""})
    listing = _coded_listing(tables.tax_rates, "linked_to")
    on_saved: Callable[[UnitOfWork], None]

    def put(self, unit_of_work: UnitOfWork, inputs: Sequence[JSON], *, partial: bool = False) -> Sequence[Saved]:
        answers = super().put(unit_of_work, inputs, partial=partial)
        if any(answer.changed for answer in answers):
            self.on_saved(unit_of_work)
        return answers

    def _check(self, session: Session, entries: Sequence[Entry]) -> None:
        super()._check(session, entries)
        check_links(session, [entry for entry in entries if entry.row["linked_to"]])

    def record(self, row: Row) -> Record:
        return tax_rate(**row)

    def shown(self, row: Row) -> JSON:
        return {**self.named(row), "rate": quantity_text(row["rate"])}
