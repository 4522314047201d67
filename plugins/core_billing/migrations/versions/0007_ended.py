"""Documents that have ended are found by an index, as those that stand are."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = "ix_core_billing_documents_ended"


def upgrade() -> None:
    ended = sa.text("ended_at IS NOT NULL")
    op.create_index(NAME, "core_billing_documents", ["kind", "ref", "id"], sqlite_where=ended, postgresql_where=ended)


def downgrade() -> None:
    op.drop_index(NAME, "core_billing_documents")
