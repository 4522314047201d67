"""Calls may outlive their bodies."""

import sqlalchemy as sa
from alembic import op

from host.db import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("sync_calls", sa.Column("pruned_at", UtcDateTime))
    whole = sa.text("pruned_at IS NULL")
    op.create_index("ix_sync_calls_whole", "sync_calls", ["id"], sqlite_where=whole, postgresql_where=whole)
