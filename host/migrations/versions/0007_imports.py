"""Imports of records, and what became of each."""

import sqlalchemy as sa
from alembic import op

from host.db import ID, Json, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "sync_imports",
        sa.Column("batch", ID, nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("kinds", Json, nullable=False),
        sa.Column("chosen", Json, nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("preview", sa.Boolean, nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.PrimaryKeyConstraint("batch", name="pk_sync_imports"),
    )
    op.create_index("ix_sync_imports_connection", "sync_imports", ["connection", "asked_at"])
    op.create_table(
        "sync_import_records",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("batch", ID, nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("remote_id", sa.String(100), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("remote", Json, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("changes", Json, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sync_import_records"),
        sa.UniqueConstraint("batch", "kind", "remote_id", name="uq_sync_import_records_batch_kind_remote_id"),
    )
    op.create_index("ix_sync_import_records_action", "sync_import_records", ["batch", "action", "turn", "id"])
    op.create_index(
        "ix_sync_import_records_record",
        "sync_import_records",
        ["batch", "record_id"],
        sqlite_where=sa.text("record_id <> ''"),
        postgresql_where=sa.text("record_id <> ''"),
    )
