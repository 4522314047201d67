"""Consents that were asked for and not saved yet; tokens know whose they are."""

import sqlalchemy as sa
from alembic import op

from host.db import ID, Json, Sealed, UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("sync_grants", sa.Column("account", sa.String(200), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "sync_authorisations",
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("verifier", Sealed, nullable=False),
        sa.Column("redirect", sa.Text, nullable=False),
        sa.Column("begun_at", UtcDateTime, nullable=False),
        sa.Column("answered_at", UtcDateTime),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("grant_id", ID),
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("organisations", Json, nullable=False),
        sa.Column("organisation", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_sync_authorisations"),
        sa.ForeignKeyConstraint(["connection"], ["sync_connections.key"], name="fk_sync_authorisations_connection"),
        sa.ForeignKeyConstraint(["grant_id"], ["sync_grants.id"], name="fk_sync_authorisations_grant_id"),
        sa.UniqueConstraint("state_hash", name="uq_sync_authorisations_state_hash"),
    )
