"""Failures of hooks, tokens, scheduled runs, settings."""

import secrets

import sqlalchemy as sa
from alembic import op

from host.db import ID, Json, UtcDateTime

revision = "0001"
down_revision = None

# No vowels, so that no name of anybody's product can come up in a mark; no digit that looks like a letter.
PREFIX_ALPHABET = "bcdfghjkmnpqrstvwxz23456789"


def upgrade() -> None:
    op.create_table(
        "host_hook_failures",
        sa.Column("id", ID, nullable=False),
        sa.Column("plugin", sa.String(50), nullable=False),
        sa.Column("hook", sa.String(50), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("origin", sa.String(100), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("changed", Json, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("traceback", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_failed_at", UtcDateTime, nullable=False),
        sa.Column("last_failed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_host_hook_failures"),
        sa.UniqueConstraint(
            "plugin", "hook", "kind", "record_id", name="uq_host_hook_failures_plugin_hook_kind_record_id"
        ),
    )
    op.create_index("ix_host_hook_failures_last_failed_at", "host_hook_failures", ["last_failed_at"])
    op.create_table(
        "host_tokens",
        sa.Column("id", ID, nullable=False),
        sa.Column("shown", sa.String(20), nullable=False),
        sa.Column("hashed", sa.String(64), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("last_used_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_host_tokens"),
        sa.UniqueConstraint("hashed", name="uq_host_tokens_hashed"),
    )
    op.create_table(
        "host_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("plugin", sa.String(50), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_host_runs"),
        sa.UniqueConstraint("plugin", "name", "local_date", name="uq_host_runs_plugin_name_local_date"),
    )
    settings = op.create_table(
        "host_settings",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_host_settings"),
    )
    prefix = "".join(secrets.choice(PREFIX_ALPHABET) for _ in range(6))
    op.bulk_insert(settings, [{"name": "prefix", "value": prefix}])
