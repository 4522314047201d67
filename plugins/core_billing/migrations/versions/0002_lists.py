"""Lists are counted without reading the documents, and filtered by what people filter by"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = "core_billing_documents"
STANDING: dict[str, Any] = {
    "sqlite_where": sa.text("ended_at IS NULL"),
    "postgresql_where": sa.text("ended_at IS NULL"),
}
FORMER = {
    "id": ["id"],
    "issue_date": ["issue_date", "id"],
    "due_date": ["due_date", "id"],
    "total": ["total", "id"],
    "status": ["status", "issue_date", "id"],
}
NEW = {
    **{name: [*columns, "ended_at"] for name, columns in FORMER.items()},
    "status_id": ["status", "id", "ended_at"],
    "accounting_status": ["accounting_status", "id", "ended_at"],
    "currency": ["currency", "id", "ended_at"],
    "reference": ["reference", "id", "ended_at"],
    "list_of_contact": ["contact", "issue_date", "id", "ended_at"],
}


def upgrade() -> None:
    _replace(FORMER, NEW)


def downgrade() -> None:
    _replace(NEW, FORMER)


def _replace(old: dict[str, list[str]], new: dict[str, list[str]]) -> None:
    for name in old:
        op.drop_index(f"ix_{TABLE}_{name}", TABLE)
    for name, columns in new.items():
        op.create_index(f"ix_{TABLE}_{name}", TABLE, ["kind", *columns], **STANDING)
