"""Tracking categories, and what the settings of each connection mean by the names that lines are tracked by."""

import sqlalchemy as sa
from alembic import op

from host.db import Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CATEGORIES = "core_billing_tracking_categories"


def upgrade() -> None:
    op.create_table(
        CATEGORIES,
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{CATEGORIES}"),
    )
    op.create_index(f"uq_{CATEGORIES}_ref", CATEGORIES, ["ref"], unique=True)
    op.create_index(f"ix_{CATEGORIES}_connection", CATEGORIES, ["connection"])
    op.add_column(
        "core_billing_connections", sa.Column("tracking", Json, nullable=False, server_default=sa.text("'{}'"))
    )


def downgrade() -> None:
    op.drop_column("core_billing_connections", "tracking")
    op.drop_table(CATEGORIES)
