"""The plugin's tables. A reference to another record is its id, kept as NULL where there is none and read as an empty string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

from host.db import ID, NAMING, Json, Scaled, UtcDateTime
from host.db.types import RATE_DECIMALS

if TYPE_CHECKING:
    from sqlalchemy import Dialect

metadata = MetaData(naming_convention=NAMING)


class Reference(TypeDecorator[str]):
    """The id of another record, or an empty string."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value or None

    def process_result_value(self, value: str | None, dialect: Dialect) -> str:
        return value or ""


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _key(field: str) -> Column[str]:
    """A name or code as it is compared (``host.folding``), beside it."""
    return Column(f"{field}_key", Text, nullable=False, server_default=text("''"))


def _generated() -> Column[Any]:
    """Nobody gave the record its code: it was made here."""
    return Column("code_generated", Boolean, nullable=False, server_default=false())


def _amount(name: str) -> Column[Any]:
    return Column(name, Scaled(), nullable=False)


def _identity() -> list[Column[Any]]:
    return [Column("id", ID, primary_key=True), Column("ref", String(100), nullable=False)]


parties: Final = Table(
    "core_billing_parties",
    metadata,
    *_identity(),
    Column("kind", String(20), nullable=False),
    _text("name"),
    _text("first_name"),
    _text("last_name"),
    _text("email"),
    _text("phone"),
    _text("tax_number"),
    _text("accounts_code"),
    _text("currency"),
    Column("billing_address", Json, nullable=False),
    _text("sales_tax"),
    _text("purchase_tax"),
    _text("branding_theme"),
    _text("connection"),
    Column("active", Boolean, nullable=False),
    _key("name"),
    _key("accounts_code"),
    _generated(),
    Index("ix_core_billing_parties_name_key", "kind", "name_key"),
    Index("ix_core_billing_parties_accounts_code_key", "kind", "accounts_code_key"),
    Index("uq_core_billing_parties_ref", "kind", "ref", unique=True),
    Index("ix_core_billing_parties_name", "kind", "name", "id"),
    Index("ix_core_billing_parties_accounts_code", "kind", "accounts_code"),
)
"""Customers and suppliers."""

product_groups: Final = Table(
    "core_billing_product_groups",
    metadata,
    *_identity(),
    _text("name"),
    _text("sales_account"),
    _text("purchase_account"),
    Column("tracking", Json, nullable=False),
    Column("exclude_from_accounting", Boolean, nullable=False),
    Column("use_for_items", Boolean, nullable=False),
    Index("uq_core_billing_product_groups_ref", "ref", unique=True),
)

products: Final = Table(
    "core_billing_products",
    metadata,
    *_identity(),
    _text("code"),
    _text("name"),
    _text("description"),
    _text("purchase_description"),
    Column("group", Reference, ForeignKey(product_groups.c.id), index=True),
    Column("sales_price", Scaled()),
    Column("purchase_price", Scaled()),
    _text("sales_account"),
    _text("purchase_account"),
    _text("sales_tax"),
    _text("purchase_tax"),
    Column("parent", Reference, ForeignKey("core_billing_products.id"), index=True),
    _text("connection"),
    Column("active", Boolean, nullable=False),
    _key("name"),
    _key("code"),
    _generated(),
    Index("ix_core_billing_products_name_key", "name_key"),
    Index("ix_core_billing_products_code_key", "code_key"),
    Index("uq_core_billing_products_ref", "ref", unique=True),
    Index("ix_core_billing_products_code", "code"),
    Index("ix_core_billing_products_name", "name", "id"),
)

tax_rates: Final = Table(
    "core_billing_tax_rates",
    metadata,
    *_identity(),
    _text("code"),
    _text("name"),
    _amount("rate"),
    _text("connection"),
    _text("remote_id"),
    Column("linked_to", Text, nullable=False, server_default=text("''")),
    Index("uq_core_billing_tax_rates_ref", "ref", unique=True),
    Index("ix_core_billing_tax_rates_code", "code", "connection"),
)

"""``remote_id`` is for rates that an import brought; ``linked_to`` is the remote id of the rate that one of people's own stands for."""

accounts: Final = Table(
    "core_billing_accounts",
    metadata,
    *_identity(),
    _text("code"),
    _text("name"),
    _text("type"),
    _text("connection"),
    _text("remote_id"),
    Index("uq_core_billing_accounts_ref", "ref", unique=True),
    Index("ix_core_billing_accounts_code", "code", "connection"),
)

branding_themes: Final = Table(
    "core_billing_branding_themes",
    metadata,
    *_identity(),
    _text("code"),
    _text("name"),
    _text("connection"),
    Index("ix_core_billing_branding_themes_connection", "connection"),
)

currencies: Final = Table(
    "core_billing_currencies",
    metadata,
    *_identity(),
    _text("code"),
    _text("name"),
    _text("connection"),
    Index("ix_core_billing_currencies_connection", "connection"),
)

tracking_categories: Final = Table(
    "core_billing_tracking_categories",
    metadata,
    *_identity(),
    _text("name"),
    Column("options", Json, nullable=False),
    _text("connection"),
    _text("remote_id"),
    Column("active", Boolean, nullable=False),
    Index("uq_core_billing_tracking_categories_ref", "ref", unique=True),
    Index("ix_core_billing_tracking_categories_connection", "connection"),
)
"""``options`` are objects: their ``name``, ``remote_id`` and whether they are ``active``."""

connections: Final = Table(
    "core_billing_connections",
    metadata,
    Column("key", String(100), primary_key=True),
    _text("sales_account"),
    _text("purchase_account"),
    _text("sales_tax"),
    _text("purchase_tax"),
    Column("tracking", Json, nullable=False, server_default=text("'{}'")),
)
"""Connections that brought reference data, with what their settings fill in. ``tracking``: each name with the ``category`` that the settings mean by it, and
that one's ``remote_id`` where it is known."""

documents: Final = Table(
    "core_billing_documents",
    metadata,
    *_identity(),
    Column("kind", String(20), nullable=False),
    _text("number"),
    Column("contact", ID, ForeignKey(parties.c.id), nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("due_date", Date),
    _text("currency"),
    Column("currency_rate", Scaled(RATE_DECIMALS)),
    _text("reference"),
    Column("line_amounts", String(20), nullable=False),
    Column("accounting_status", String(20), nullable=False),
    _text("branding_theme"),
    Column("status", String(20), nullable=False),
    _text("status_reason"),
    Column("former_status", String(20), nullable=False),
    Column("ended_at", UtcDateTime),
    _amount("subtotal"),
    _amount("tax_total"),
    _amount("total"),
    _amount("amount_paid"),
    _amount("amount_due"),
    Column("totals_known", Boolean, nullable=False),
)
"""Invoices, and in time the other kinds of documents. ``ended_at``: its deletion was confirmed; its ref and number may be given again."""

_standing: Final = documents.c.ended_at.is_(None)


def _index(name: str, *columns: str, unique: bool = False) -> None:
    named = [documents.c[column] for column in ("kind", *columns)]
    prefix = "uq" if unique else "ix"
    Index(
        f"{prefix}_core_billing_documents_{name}",
        *named,
        unique=unique,
        sqlite_where=_standing,
        postgresql_where=_standing,
    )


def _listed(name: str, *columns: str) -> None:
    """Lists are pages of what has not ended, in one order or another: each order has its index, so that no page sorts them all.

    ``ended_at`` is in it although it is always empty there: without it, SQLite reads every document to count those that stand.
    """
    _index(name, *columns, "id", "ended_at")


_index("ref", "ref", unique=True)
_index("number", "number", unique=True)
_listed("id")
_listed("issue_date", "issue_date")
_listed("due_date", "due_date")
_listed("total", "total")
_listed("status", "status", "issue_date")
_listed("status_id", "status")
_listed("accounting_status", "accounting_status")
_listed("currency", "currency")
_listed("reference", "reference")
_listed("list_of_contact", "contact", "issue_date")
Index("ix_core_billing_documents_contact", documents.c.contact, documents.c.issue_date, documents.c.id)
Index(
    "ix_core_billing_documents_ended",
    documents.c.kind,
    documents.c.ref,
    documents.c.id,
    sqlite_where=documents.c.ended_at.is_not(None),
    postgresql_where=documents.c.ended_at.is_not(None),
)
Index("ix_core_billing_documents_totals_known", documents.c.totals_known, documents.c.id)

lines: Final = Table(
    "core_billing_lines",
    metadata,
    Column("id", ID, primary_key=True),
    Column("document", ID, ForeignKey(documents.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("product", Reference, ForeignKey(products.c.id), index=True),
    _text("item_code"),
    _text("description"),
    _amount("quantity"),
    _amount("unit_price"),
    _amount("discount_percent"),
    _text("account"),
    _text("tax_rate"),
    Column("tracking", Json, nullable=False),
    _amount("net"),
    _amount("tax"),
    _text("taxed_by"),
    Index("ix_core_billing_lines_document", "document", "position"),
)
"""``taxed_by`` is the code of the rate that ``tax`` was computed with; empty while that is not known (or there is no tax)."""

sequences: Final = Table(
    "core_billing_sequences",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("last", Integer, nullable=False),
)
