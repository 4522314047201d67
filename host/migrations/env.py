"""Run by Alembic for every line of migrations, on the connection and in the transaction that ``host.db.migrate`` opened."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    target_metadata=given.get("metadata"),
    # SQLite cannot alter most of a table: there the table is made anew, as batch_alter_table says.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
