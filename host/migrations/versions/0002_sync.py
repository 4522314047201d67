"""Connections, grants, sync rows, calls and batches."""

import sqlalchemy as sa
from alembic import op

from host.db import ID, Json, Sealed, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "sync_grants",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("token", Sealed),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("claimed_until", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_sync_grants"),
    )
    op.create_table(
        "sync_connections",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("auth", sa.String(20), nullable=False),
        sa.Column("organisation", sa.String(100), nullable=False),
        sa.Column("organisation_name", sa.String(255), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("hold_until", UtcDateTime),
        sa.Column("hold_reason", sa.Text, nullable=False),
        sa.Column("troubles", sa.Integer, nullable=False),
        sa.Column("foreign_calls", sa.Integer, nullable=False),
        sa.Column("foreign_calls_at", UtcDateTime),
        sa.Column("grant_id", ID),
        sa.Column("connected_at", UtcDateTime),
        sa.PrimaryKeyConstraint("key", name="pk_sync_connections"),
        sa.ForeignKeyConstraint(["grant_id"], ["sync_grants.id"], name="fk_sync_connections_grant_id"),
    )
    op.create_index(
        "uq_sync_connections_organisation",
        "sync_connections",
        ["provider", "organisation"],
        unique=True,
        sqlite_where=sa.text("status = 'connected'"),
        postgresql_where=sa.text("status = 'connected'"),
    )
    op.create_table(
        "sync_rows",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("wanted", sa.String(10), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("agreed_generation", sa.Integer, nullable=False),
        sa.Column("inputs", Json, nullable=False),
        sa.Column("sent", Json, nullable=False),
        sa.Column("answered", Json, nullable=False),
        sa.Column("remote_id", sa.String(100), nullable=False),
        sa.Column("remote_number", sa.String(255), nullable=False),
        sa.Column("remote_url", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime),
        sa.Column("batch", ID),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("waits_for", sa.Integer),
        sa.Column("call_id", ID),
        sa.Column("lost_call", ID),
        sa.Column("lost_until", UtcDateTime),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("synced_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_sync_rows"),
        sa.UniqueConstraint("provider", "kind", "record_id", name="uq_sync_rows_provider_kind_record_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_sync_rows_call",
        "sync_rows",
        ["call_id"],
        sqlite_where=sa.text("call_id IS NOT NULL"),
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index(
        "ix_sync_rows_due",
        "sync_rows",
        ["connection", "priority", "kind", "id"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_sync_rows_lost",
        "sync_rows",
        ["connection", "lost_until"],
        sqlite_where=sa.text("lost_until IS NOT NULL"),
        postgresql_where=sa.text("lost_until IS NOT NULL"),
    )
    op.create_index(
        "ix_sync_rows_next",
        "sync_rows",
        ["connection", "due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_sync_rows_record", "sync_rows", ["kind", "record_id"])
    op.create_index("ix_sync_rows_state", "sync_rows", ["state", "kind"])
    op.create_index(
        "ix_sync_rows_waits_for",
        "sync_rows",
        ["waits_for"],
        sqlite_where=sa.text("waits_for IS NOT NULL"),
        postgresql_where=sa.text("waits_for IS NOT NULL"),
    )
    op.create_index(
        "uq_sync_rows_remote",
        "sync_rows",
        ["connection", "kind", "remote_id"],
        unique=True,
        sqlite_where=sa.text("remote_id <> ''"),
        postgresql_where=sa.text("remote_id <> ''"),
    )
    op.create_table(
        "sync_calls",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("speaker", ID, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("lane", sa.String(100), nullable=False),
        sa.Column("idempotency_key", sa.String(128), nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("status", sa.Integer),
        sa.Column("response_headers", Json),
        sa.Column("response_body", sa.LargeBinary),
        sa.Column("fate", sa.String(20)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("running_until", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_sync_calls"),
    )
    op.create_index(
        "ix_sync_calls_open",
        "sync_calls",
        ["connection"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_sync_calls_sent", "sync_calls", ["connection", "sent_at"])
    op.create_table(
        "sync_call_records",
        sa.Column("call_id", ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("row_id", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("verb", sa.String(10), nullable=False),
        sa.Column("findable", sa.Boolean, nullable=False),
        sa.Column("inputs", Json, nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("call_id", "position", name="pk_sync_call_records"),
        sa.ForeignKeyConstraint(["call_id"], ["sync_calls.id"], name="fk_sync_call_records_call_id"),
    )
    op.create_index("ix_sync_call_records_row_id", "sync_call_records", ["row_id"])
    op.create_table(
        "sync_batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("touched_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_sync_batches"),
    )
