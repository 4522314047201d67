"""Frozen records: what hooks and providers see of the billing data.

Money and quantities are ``Decimal`` with at most four decimals. Dates of documents are plain dates in the host's time zone. ``id`` is the record's own
identity and is never used again; ``ref`` is only the name that the caller gave it. A field that refers to another record holds that record's ``id``;
``account``, ``tax_rate``, ``branding_theme`` and ``currency`` hold codes, looked up among the reference data of the document's connection. An empty
string means "not set". ``extra`` carries fields that a provider of yours needs and this contract does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def _nothing() -> Mapping[str, str]:
    return NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record has. ``connection`` is the key of the connection it names itself, empty for the default one. ``generated`` are fields whose value was
    made up here (``accounts_code``): whoever bears the same outside is somebody else.
    """

    id: str
    ref: str
    connection: str = ""
    active: bool = True
    extra: Mapping[str, str] = field(default_factory=_nothing)
    generated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party(Record):
    """A customer or a supplier. ``accounts_code`` is the number by which the ledger knows it."""

    name: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    tax_number: str = ""
    accounts_code: str = ""
    currency: str = ""
    billing_address: Address = Address()
    sales_tax: str = ""
    purchase_tax: str = ""
    branding_theme: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(Party):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier(Party):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductGroup(Record):
    """``tracking`` is what a line that names a product of the group is tracked by from then on, unless it says otherwise: tracking name to option name."""

    name: str
    sales_account: str = ""
    purchase_account: str = ""
    tracking: Mapping[str, str] = field(default_factory=_nothing)
    exclude_from_accounting: bool = False
    use_for_items: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Record):
    """``sales_account`` and the like are the product's own; the ``effective_…`` fields have its parent's and its group's taken in.

    ``excluded`` is true where its group keeps its items out of accounting. A product with a ``parent`` is never sent itself: a line that names it
    carries the parent's item.
    """

    name: str
    code: str = ""
    description: str = ""
    purchase_description: str = ""
    group: str = ""
    sales_price: Decimal | None = None
    purchase_price: Decimal | None = None
    sales_account: str = ""
    purchase_account: str = ""
    sales_tax: str = ""
    purchase_tax: str = ""
    parent: str = ""
    effective_sales_account: str = ""
    effective_purchase_account: str = ""
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate(Record):
    """``rate`` is a percentage: 20 means 20 %. ``remote_id`` is that of the connection's rate that this one is, or stands for; empty where it is neither."""

    code: str
    name: str
    rate: Decimal
    remote_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Record):
    code: str
    name: str
    type: str = ""
    remote_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandingTheme(Record):
    """``code`` is the provider's id of the theme; a record may name a theme by its code or by its name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency(Record):
    """A currency that the connection's organisation can use."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingOption:
    """One choice within a tracking category. One that is not ``active`` may stay on lines that bear it already, and is chosen for none."""

    name: str
    remote_id: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingCategory(Record):
    """What the connection's organisation tells lines apart by, such as a region: a name, and the options that a line has one of.

    Product groups and lines do not name it: they name a *tracking name*, which the settings give and which means one category in each connection
    (``Defaults.tracking``). ``stands_for`` is that name, set by the store; empty where none means this category.
    """

    name: str
    remote_id: str
    options: tuple[TrackingOption, ...] = ()
    stands_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a document.

    ``id`` identifies the line for as long as it lives. ``product`` is the id of the product the line names, ``item`` that of the product whose item
    the ledger should get (the parent of a child product, else the same); ``item_code`` was typed on the line. The ``effective_…`` codes have everything
    inherited taken in (line, product, parent, group or customer, connection's default) and are empty where nothing gave a value. ``tracking`` is the line's
    own, tracking name to option name: it took over what its product's group said when the product was put on it, and keeps that.
    """

    id: str
    description: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = Decimal(0)
    discount_percent: Decimal = Decimal(0)
    product: str = ""
    item: str = ""
    charge_rate: str = ""
    item_code: str = ""
    account: str = ""
    tax_rate: str = ""
    tracking: Mapping[str, str] = field(default_factory=_nothing)
    time_entries: tuple[str, ...] = ()
    effective_account: str = ""
    effective_tax_rate: str = ""
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Record):
    """An invoice, credit note, bill or purchase order; ``kind`` says which, in the API's plural name.

    ``contact`` is the id of its customer or supplier (``contact_kind`` says which). ``status`` is where the document stands
    (draft submitted authorised part_paid paid voided deleting deleted), ``accounting_status`` what is wanted in the ledger (draft submitted authorised).
    ``line_amounts`` is exclusive, inclusive or no_tax. ``totals_known`` is false while a line's tax rate is not known here yet.
    """

    kind: str
    number: str
    contact: str
    contact_kind: str
    issue_date: date
    due_date: date | None = None
    currency: str = ""
    currency_rate: Decimal | None = None
    reference: str = ""
    line_amounts: str = "exclusive"
    accounting_status: str = "draft"
    branding_theme: str = ""
    lines: tuple[Line, ...] = ()
    status: str = "draft"
    status_reason: str = ""
    subtotal: Decimal = Decimal(0)
    tax_total: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    amount_paid: Decimal = Decimal(0)
    amount_due: Decimal = Decimal(0)
    totals_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Record):
    """Money against one document. ``account`` is the code of the bank account it went through."""

    document: str
    document_kind: str
    date: date
    amount: Decimal
    account: str = ""
    reference: str = ""
