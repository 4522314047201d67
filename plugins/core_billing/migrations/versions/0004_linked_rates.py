"""Tax rates of one's own stand for a rate of the ledger's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "core_billing_tax_rates", sa.Column("linked_to", sa.Text, nullable=False, server_default=sa.text("''"))
    )


def downgrade() -> None:
    op.drop_column("core_billing_tax_rates", "linked_to")
