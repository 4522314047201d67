"""A document with everything inherited taken in and its amounts computed, from its rows and what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, or_, select

from hookspecs import Document, Line
from plugins.core_billing import tables
from plugins.core_billing.inheritance import ContactFacts, Inherited, ProductFacts, Side, line_account, line_tax
from plugins.core_billing.kinds import products_with_inherited
from plugins.core_billing.lookup import among, as_rows, in_chunks
from plugins.core_billing.reference_data import NO_DEFAULTS, AccountCodes, Rates, known_connections
from plugins.core_billing.totals import NO_TAX, LineAmounts, Totals, line_amounts, sum_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import Defaults
    from plugins.core_billing.lookup import Row
    from plugins.core_billing.records import Holders

SIDES: Final = {"invoices": Side.SALES}


@dataclass(slots=True)
class Surroundings:
    """What documents refer to, loaded for many documents at once."""

    contacts: dict[str, ContactFacts] = field(default_factory=dict)
    products: dict[str, ProductFacts] = field(default_factory=dict)
    connections: Mapping[str, Defaults] = field(default_factory=dict)
    held_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    accounts: AccountCodes = field(default_factory=AccountCodes)

    def home(self, contact: ContactFacts) -> str:
        """The connection whose lists a contact's documents use: its own, else the only one there is, else the one that keeps it already."""
        if contact.connection:
            return contact.connection
        if len(self.connections) == 1:
            return next(iter(self.connections))
        holders = self.held_by.get(contact.id, frozenset())
        return next(iter(holders)) if len(holders) == 1 else ""

    def defaults(self, home: str) -> Defaults:
        return self.connections.get(home, NO_DEFAULTS)


def load_surroundings(
    session: Session, contacts: Iterable[ContactFacts], products: Iterable[ProductFacts], holders: Holders
) -> Surroundings:
    around = Surroundings(
        contacts={contact.id: contact for contact in contacts},
        products={product.id: product for product in products},
        connections=known_connections(session),
    )
    if len(around.connections) > 1:
        around.held_by = _held(session, [one for one in around.contacts.values() if not one.connection], holders)
    return around


def _held(session: Session, contacts: Sequence[ContactFacts], holders: Holders) -> Mapping[str, frozenset[str]]:
    held: dict[str, frozenset[str]] = {}
    for kind in {contact.kind for contact in contacts}:
        held.update(holders(session, kind, [contact.id for contact in contacts if contact.kind == kind]))
    return held


_contacts = tables.parties.c
_OF_KIND: Final = select(
    *(_contacts[name] for name in ("id", "ref", "kind", "connection", "currency", "sales_tax", "purchase_tax"))
).where(_contacts.kind == bindparam("kind"))
# Asked apart, and only for what is named: as one with "or", or for an empty list, SQLite reads every contact of the kind.
_CONTACTS: Final = {"refs": _OF_KIND.where(among(_contacts.ref)), "ids": _OF_KIND.where(among(_contacts.id))}

_own = tables.products.c
_PRODUCTS: Final = products_with_inherited(
    *(_own[name] for name in ("id", "ref", "connection", "parent")),
    *(_own[f"{side.value}_{what}"] for side in Side for what in ("account", "tax")),
).where(or_(among(_own.ref, "refs"), among(_own.id, "ids")))


def find_contacts(
    session: Session, kind: str, *, refs: Iterable[str] = (), ids: Iterable[str] = ()
) -> list[ContactFacts]:
    found: dict[str, ContactFacts] = {}
    for asked, values in (("refs", refs), ("ids", ids)):
        for some in in_chunks(one for one in values if one):
            rows = session.execute(_CONTACTS[asked], {"kind": kind, "values": some})
            found.update((row[0], ContactFacts(*row)) for row in rows)
    return list(found.values())


def find_products(session: Session, *, refs: Iterable[str] = (), ids: Iterable[str] = ()) -> list[ProductFacts]:
    found: dict[str, ProductFacts] = {}
    for some_refs, some_ids in _side_by_side(refs, ids):
        result = session.connection().execute(_PRODUCTS, {"refs": some_refs, "ids": some_ids})
        found.update((row["id"], ProductFacts.of(row)) for row in as_rows(result))
    return list(found.values())


def _side_by_side(refs: Iterable[str], ids: Iterable[str]) -> Iterable[tuple[Sequence[str], Sequence[str]]]:
    return zip_longest(in_chunks(ref for ref in refs if ref), in_chunks(id for id in ids if id), fillvalue=())


@dataclass(slots=True)
class WorkedLine:
    row: Row
    product: ProductFacts | None
    account: Inherited
    tax_rate: Inherited
    amounts: LineAmounts

    def line(self) -> Line:
        row = self.row
        return Line(
            id=row["id"],
            description=row["description"],
            quantity=row["quantity"],
            unit_price=row["unit_price"],
            discount_percent=row["discount_percent"],
            product=row["product"],
            item=self.product.item if self.product else "",
            item_code=row["item_code"],
            account=row["account"],
            tax_rate=row["tax_rate"],
            tracking=row["tracking"],
            effective_account=self.account.value,
            effective_tax_rate=self.tax_rate.value,
            net=self.amounts.net,
            tax=self.amounts.tax or NOTHING_YET,
        )

    def row_to_store(self) -> Row:
        known = self.amounts.tax is not None
        return self.row | {
            "net": self.amounts.net,
            "tax": self.amounts.tax or NOTHING_YET,
            "taxed_by": self.tax_rate.value if known else "",
        }


NOTHING_YET: Final = sum_up(()).tax_total


@dataclass(slots=True)
class Worked:
    """A document worked out. ``row`` and its lines are as stored or as about to be."""

    row: Row
    contact: ContactFacts
    home: str
    lines: list[WorkedLine]
    totals: Totals

    @property
    def amount_due(self) -> Any:
        """What the ledger said, moved by what our total has moved since."""
        return self.row["amount_due"] + self.totals.total - self.row["total"]

    def totals_to_store(self) -> Row:
        return {
            "subtotal": self.totals.subtotal,
            "tax_total": self.totals.tax_total,
            "total": self.totals.total,
            "totals_known": self.totals.known,
        }

    def document(self) -> Document:
        row = self.row
        return Document(
            id=row["id"],
            ref=row["ref"],
            connection=self.contact.connection,
            active=row["ended_at"] is None,
            kind=row["kind"],
            number=row["number"],
            contact=row["contact"],
            contact_kind=self.contact.kind,
            issue_date=row["issue_date"],
            due_date=row["due_date"],
            currency=row["currency"],
            currency_rate=row["currency_rate"],
            reference=row["reference"],
            line_amounts=row["line_amounts"],
            accounting_status=row["accounting_status"],
            branding_theme=row["branding_theme"],
            lines=tuple(line.line() for line in self.lines),
            status=row["status"],
            status_reason=row["status_reason"],
            amount_paid=row["amount_paid"],
            amount_due=self.amount_due,
            **self.totals_to_store(),
        )


def work_out(
    session: Session, documents: Sequence[tuple[Row, Sequence[Row]]], around: Surroundings, *, anew: bool
) -> list[Worked]:
    """Work out these documents (rows with their lines). ``anew``: with today's rates; else a tax once computed with a line's rate stands,
    as it does in the ledger when the rate changes."""
    worked = [_inherit(row, lines, around) for row, lines in documents]
    open_lines = [(one, line) for one in worked for line in one.lines if anew or not _stands(one.row, line)]
    around.rates.load(session, {line.tax_rate.value for one, line in open_lines if one.row["line_amounts"] != NO_TAX})
    for one, line in open_lines:
        line.amounts = _compute(one, line, around.rates)
    for one in worked:
        one.totals = sum_up(line.amounts for line in one.lines)
    return worked


def _inherit(row: Row, lines: Sequence[Row], around: Surroundings) -> Worked:
    contact = around.contacts[row["contact"]]
    home = around.home(contact)
    defaults, side = around.defaults(home), SIDES[row["kind"]]
    worked = []
    for line in lines:
        product = around.products[line["product"]] if line["product"] else None
        worked.append(
            WorkedLine(
                row=line,
                product=product,
                account=line_account(line["account"], product, defaults, side),
                tax_rate=line_tax(line["tax_rate"], product, contact, defaults, side),
                amounts=LineAmounts(line["net"], line["tax"]),
            )
        )
    return Worked(row=row, contact=contact, home=home, lines=worked, totals=sum_up(()))


def _stands(row: Row, line: WorkedLine) -> bool:
    if row["line_amounts"] == NO_TAX:
        return True
    return bool(line.row["taxed_by"]) and line.row["taxed_by"] == line.tax_rate.value


def _compute(worked: Worked, line: WorkedLine, rates: Rates) -> LineAmounts:
    percent = rates.percent(worked.home, line.tax_rate.value) if line.tax_rate.value else None
    row = line.row
    return line_amounts(
        row["quantity"], row["unit_price"], row["discount_percent"], percent, worked.row["line_amounts"]
    )
