"""What leads from a correlation id to the save, the record and the call."""

import sqlalchemy as sa
from alembic import op

from host.db import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "host_occasions",
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("what", sa.String(500), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("correlation_id", "what", name="pk_host_occasions"),
    )
    op.create_index("ix_host_occasions_at", "host_occasions", ["at"])
    for table in ("sync_rows", "sync_calls", "sync_call_records"):
        _add(table, "correlation_id", 64, f"ix_{table}_correlation")
    _add("sync_calls", "remote_correlation_id", 100, "ix_sync_calls_remote_correlation")


def _add(table: str, column: str, length: int, index: str) -> None:
    # With a default of the database's own: SQLite then adds the column without making the table anew.
    op.add_column(table, sa.Column(column, sa.String(length), nullable=False, server_default=sa.text("''")))
    known = sa.text(f"{column} <> ''")
    op.create_index(index, table, [column], sqlite_where=known, postgresql_where=known)
