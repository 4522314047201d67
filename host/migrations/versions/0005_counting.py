"""What is counted for the metrics is counted in indexes alone; tokens know their age."""

import sqlalchemy as sa
from alembic import op

from host.db import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("sync_grants", sa.Column("renewed_at", UtcDateTime))
    op.drop_index("ix_sync_rows_state", "sync_rows")
    op.create_index("ix_sync_rows_state", "sync_rows", ["state", "kind", "connection", "changed_at"])
    op.drop_index("ix_sync_calls_sent", "sync_calls")
    op.create_index("ix_sync_calls_sent", "sync_calls", ["connection", "sent_at", "purpose"])
