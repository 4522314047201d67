"""Codes that were made here are told apart from those that people gave."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("core_billing_parties", "core_billing_products")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("code_generated", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "code_generated")
