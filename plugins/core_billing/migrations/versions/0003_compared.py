"""Names and codes stand a second time as people compare them, so that an import finds whom it brings."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from host.folding import folded

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COMPARED = {"core_billing_parties": ("name", "accounts_code"), "core_billing_products": ("name", "code")}
AT_ONCE = 1000


def upgrade() -> None:
    for table, fields in COMPARED.items():
        for field in fields:
            op.add_column(table, sa.Column(f"{field}_key", sa.Text, nullable=False, server_default=sa.text("''")))
        _fill(table, fields)
        for field in fields:
            key = f"{field}_key"
            op.create_index(f"ix_{table}_{key}", table, ["kind", key] if table.endswith("parties") else [key])


def downgrade() -> None:
    for table, fields in COMPARED.items():
        for field in fields:
            op.drop_index(f"ix_{table}_{field}_key", table)
            op.drop_column(table, f"{field}_key")


def _fill(name: str, fields: tuple[str, ...]) -> None:
    table = sa.table(name, sa.column("id"), *(sa.column(f"{one}{end}") for one in fields for end in ("", "_key")))
    values: Mapping[str, Any] = {f"{field}_key": sa.bindparam(f"key_of_{field}") for field in fields}
    change = sa.update(table).where(table.c.id == sa.bindparam("of")).values(values)
    last = ""
    while found := _next(table, fields, last):
        last = found[-1].id
        op.get_bind().execute(
            change,
            [{"of": row.id, **{f"key_of_{one}": folded(getattr(row, one)) for one in fields}} for row in found],
        )


def _next(table: Any, fields: tuple[str, ...], last: str) -> Any:
    asked = sa.select(table.c.id, *(table.c[one] for one in fields)).where(table.c.id > last)
    return op.get_bind().execute(asked.order_by(table.c.id).limit(AT_ONCE)).all()
