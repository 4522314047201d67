"""Customers and suppliers, products and their groups, reference data, documents and their lines, sequences of numbers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from host.db import ID, Json, Scaled, UtcDateTime

revision = "0001"
down_revision = None

RATE_DECIMALS = 6
# What has not ended. A document that has leaves its ref and its number to another.
STANDING: dict[str, Any] = {
    "sqlite_where": sa.text("ended_at IS NULL"),
    "postgresql_where": sa.text("ended_at IS NULL"),
}


def upgrade() -> None:
    op.create_table(
        "core_billing_accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_accounts"),
    )
    op.create_index("ix_core_billing_accounts_code", "core_billing_accounts", ["code", "connection"])
    op.create_index("uq_core_billing_accounts_ref", "core_billing_accounts", ["ref"], unique=True)
    op.create_table(
        "core_billing_branding_themes",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_branding_themes"),
    )
    op.create_index("ix_core_billing_branding_themes_connection", "core_billing_branding_themes", ["connection"])
    op.create_table(
        "core_billing_connections",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("sales_account", sa.Text, nullable=False),
        sa.Column("purchase_account", sa.Text, nullable=False),
        sa.Column("sales_tax", sa.Text, nullable=False),
        sa.Column("purchase_tax", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_core_billing_connections"),
    )
    op.create_table(
        "core_billing_currencies",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_currencies"),
    )
    op.create_index("ix_core_billing_currencies_connection", "core_billing_currencies", ["connection"])
    op.create_table(
        "core_billing_parties",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("tax_number", sa.Text, nullable=False),
        sa.Column("accounts_code", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("billing_address", Json, nullable=False),
        sa.Column("sales_tax", sa.Text, nullable=False),
        sa.Column("purchase_tax", sa.Text, nullable=False),
        sa.Column("branding_theme", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_parties"),
    )
    op.create_index("ix_core_billing_parties_accounts_code", "core_billing_parties", ["kind", "accounts_code"])
    op.create_index("ix_core_billing_parties_name", "core_billing_parties", ["kind", "name", "id"])
    op.create_index("uq_core_billing_parties_ref", "core_billing_parties", ["kind", "ref"], unique=True)
    op.create_table(
        "core_billing_product_groups",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sales_account", sa.Text, nullable=False),
        sa.Column("purchase_account", sa.Text, nullable=False),
        sa.Column("tracking", Json, nullable=False),
        sa.Column("exclude_from_accounting", sa.Boolean, nullable=False),
        sa.Column("use_for_items", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_product_groups"),
    )
    op.create_index("uq_core_billing_product_groups_ref", "core_billing_product_groups", ["ref"], unique=True)
    op.create_table(
        "core_billing_sequences",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_core_billing_sequences"),
    )
    op.create_table(
        "core_billing_tax_rates",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rate", Scaled(), nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_tax_rates"),
    )
    op.create_index("ix_core_billing_tax_rates_code", "core_billing_tax_rates", ["code", "connection"])
    op.create_index("uq_core_billing_tax_rates_ref", "core_billing_tax_rates", ["ref"], unique=True)
    op.create_table(
        "core_billing_documents",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("issue_date", sa.Date, nullable=False),
        sa.Column("due_date", sa.Date),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("currency_rate", Scaled(RATE_DECIMALS)),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("line_amounts", sa.String(20), nullable=False),
        sa.Column("accounting_status", sa.String(20), nullable=False),
        sa.Column("branding_theme", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("status_reason", sa.Text, nullable=False),
        sa.Column("former_status", sa.String(20), nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("subtotal", Scaled(), nullable=False),
        sa.Column("tax_total", Scaled(), nullable=False),
        sa.Column("total", Scaled(), nullable=False),
        sa.Column("amount_paid", Scaled(), nullable=False),
        sa.Column("amount_due", Scaled(), nullable=False),
        sa.Column("totals_known", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["contact"], ["core_billing_parties.id"], name="fk_core_billing_documents_contact"),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_documents"),
    )
    op.create_index("ix_core_billing_documents_contact", "core_billing_documents", ["contact", "issue_date", "id"])
    op.create_index(
        "ix_core_billing_documents_due_date", "core_billing_documents", ["kind", "due_date", "id"], **STANDING
    )
    op.create_index("ix_core_billing_documents_id", "core_billing_documents", ["kind", "id"], **STANDING)
    op.create_index(
        "ix_core_billing_documents_issue_date", "core_billing_documents", ["kind", "issue_date", "id"], **STANDING
    )
    op.create_index(
        "ix_core_billing_documents_status", "core_billing_documents", ["kind", "status", "issue_date", "id"], **STANDING
    )
    op.create_index("ix_core_billing_documents_total", "core_billing_documents", ["kind", "total", "id"], **STANDING)
    op.create_index("ix_core_billing_documents_totals_known", "core_billing_documents", ["totals_known", "id"])
    op.create_index(
        "uq_core_billing_documents_number", "core_billing_documents", ["kind", "number"], unique=True, **STANDING
    )
    op.create_index("uq_core_billing_documents_ref", "core_billing_documents", ["kind", "ref"], unique=True, **STANDING)
    op.create_table(
        "core_billing_products",
        sa.Column("id", ID, nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("purchase_description", sa.Text, nullable=False),
        sa.Column("group", ID),
        sa.Column("sales_price", Scaled()),
        sa.Column("purchase_price", Scaled()),
        sa.Column("sales_account", sa.Text, nullable=False),
        sa.Column("purchase_account", sa.Text, nullable=False),
        sa.Column("sales_tax", sa.Text, nullable=False),
        sa.Column("purchase_tax", sa.Text, nullable=False),
        sa.Column("parent", ID),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["group"], ["core_billing_product_groups.id"], name="fk_core_billing_products_group"),
        sa.ForeignKeyConstraint(["parent"], ["core_billing_products.id"], name="fk_core_billing_products_parent"),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_products"),
    )
    op.create_index("ix_core_billing_products_code", "core_billing_products", ["code"])
    op.create_index("ix_core_billing_products_group", "core_billing_products", ["group"])
    op.create_index("ix_core_billing_products_name", "core_billing_products", ["name", "id"])
    op.create_index("ix_core_billing_products_parent", "core_billing_products", ["parent"])
    op.create_index("uq_core_billing_products_ref", "core_billing_products", ["ref"], unique=True)
    op.create_table(
        "core_billing_lines",
        sa.Column("id", ID, nullable=False),
        sa.Column("document", ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("product", ID),
        sa.Column("item_code", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("quantity", Scaled(), nullable=False),
        sa.Column("unit_price", Scaled(), nullable=False),
        sa.Column("discount_percent", Scaled(), nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("tax_rate", sa.Text, nullable=False),
        sa.Column("tracking", Json, nullable=False),
        sa.Column("net", Scaled(), nullable=False),
        sa.Column("tax", Scaled(), nullable=False),
        sa.Column("taxed_by", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["document"], ["core_billing_documents.id"], name="fk_core_billing_lines_document"),
        sa.ForeignKeyConstraint(["product"], ["core_billing_products.id"], name="fk_core_billing_lines_product"),
        sa.PrimaryKeyConstraint("id", name="pk_core_billing_lines"),
    )
    op.create_index("ix_core_billing_lines_document", "core_billing_lines", ["document", "position"])
    op.create_index("ix_core_billing_lines_product", "core_billing_lines", ["product"])
