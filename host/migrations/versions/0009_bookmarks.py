"""How far each kind was imported, and imports that wait."""

import sqlalchemy as sa
from alembic import op

from host.db import ID, UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "sync_bookmarks",
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("read_at", UtcDateTime, nullable=False),
        sa.Column("whole_at", UtcDateTime, nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("batch", ID),
        sa.PrimaryKeyConstraint("connection", "kind", name="pk_sync_bookmarks"),
    )
    added = (
        sa.Column("whole", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("since", UtcDateTime),
        sa.Column("read_at", UtcDateTime),
        sa.Column("basis", sa.String(64), nullable=False, server_default=sa.text("''")),
        sa.Column("due_at", UtcDateTime),
    )
    for column in added:
        op.add_column("sync_imports", column)
