"""The rows of a batch are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    in_one = sa.text("batch IS NOT NULL")
    op.create_index("ix_sync_rows_batch", "sync_rows", ["batch"], sqlite_where=in_one, postgresql_where=in_one)
