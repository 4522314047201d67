"""Where an import stands, so that it goes on where it was."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, false, text

from host.db import ID, Json, UtcDateTime, metadata
from host.sync.tables import KEY, KIND

imports = Table(
    "sync_imports",
    metadata,
    Column("batch", ID, primary_key=True),
    Column("connection", KEY, nullable=False),
    Column("kinds", Json, nullable=False),
    Column("chosen", Json, nullable=False),
    Column("fields", Json, nullable=False),
    Column("preview", Boolean, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("correlation_id", String(64), nullable=False, default=""),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("whole", Boolean, nullable=False, default=False, server_default=false()),
    Column("since", UtcDateTime),
    Column("read_at", UtcDateTime),
    Column("basis", String(64), nullable=False, default="", server_default=text("''")),
    Column("due_at", UtcDateTime),
    Index("ix_sync_imports_connection", "connection", "asked_at"),
)
"""One import, by its batch. ``stage``: reading, deciding, done, failed. ``chosen`` are remote ids, none for all; ``fields`` what new records get
besides, by kind. ``since``: only what changed there since is read; ``whole``: never so. ``read_at`` and ``basis`` become its bookmarks. ``due_at``: until then
it waits, because the remote's limits are used up."""

bookmarks = Table(
    "sync_bookmarks",
    metadata,
    Column("connection", KEY, primary_key=True),
    Column("kind", KIND, primary_key=True),
    Column("read_at", UtcDateTime, nullable=False),
    Column("whole_at", UtcDateTime, nullable=False),
    Column("basis", String(64), nullable=False),
    Column("batch", ID),
)
"""How far a kind was imported: everything that had changed there by ``read_at``, on the remote's clock. ``whole_at``: when all of it was read last.
``batch``: the import that came to this end."""

import_records = Table(
    "sync_import_records",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("batch", ID, nullable=False),
    Column("kind", KIND, nullable=False),
    Column("remote_id", String(100), nullable=False),
    Column("name", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("remote", Json, nullable=False),
    Column("action", String(20), nullable=False, default=""),
    Column("record_id", String(64), nullable=False, default=""),
    Column("ref", String(100), nullable=False, default=""),
    Column("changes", Json, nullable=False, default=dict),
    Column("reason", Text, nullable=False, default=""),
    UniqueConstraint("batch", "kind", "remote_id"),
    Index("ix_sync_import_records_action", "batch", "action", "turn", "id"),
    Index(
        "ix_sync_import_records_record",
        "batch",
        "record_id",
        sqlite_where=text("record_id <> ''"),
        postgresql_where=text("record_id <> ''"),
    ),
)
"""What was read of the remote, and what became of it. Without an ``action`` it is still to be decided, in the order of ``turn``; then ``remote`` is emptied."""
