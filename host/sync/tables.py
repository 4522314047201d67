"""The engine's tables."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from host.db import ID, Json, Sealed, UtcDateTime, metadata

KEY = String(100)
PROVIDER = String(50)
KIND = String(50)
CORRELATION = String(64)

grants = Table(
    "sync_grants",
    metadata,
    Column("id", ID, primary_key=True),
    Column("provider", PROVIDER, nullable=False),
    Column("token", Sealed),
    Column("expires_at", UtcDateTime),
    Column("renewed_at", UtcDateTime),
    Column("version", Integer, nullable=False, default=0),
    Column("claimed_until", UtcDateTime),
    Column("account", String(200), nullable=False, default="", server_default=text("''")),
)
"""Credentials that the remote gave us, sealed. Connections that one person made with one app (``account``) share one: a new token is everybody's at once.
``version`` is compared and swapped when a new token is stored."""

authorisations = Table(
    "sync_authorisations",
    metadata,
    Column("connection", KEY, ForeignKey("sync_connections.key"), primary_key=True),
    Column("state_hash", String(64), nullable=False),
    Column("verifier", Sealed, nullable=False),
    Column("redirect", Text, nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("error", Text, nullable=False, default=""),
    Column("grant_id", ID, ForeignKey("sync_grants.id")),
    Column("person", String(255), nullable=False, default=""),
    Column("organisations", Json, nullable=False, default=list),
    Column("organisation", String(100), nullable=False, default=""),
    UniqueConstraint("state_hash"),
)
"""A consent that was asked for, and what it brought, until it is saved. The connection itself is not touched by it: it goes on as it was, or stays a draft."""

connections = Table(
    "sync_connections",
    metadata,
    Column("key", KEY, primary_key=True),
    Column("provider", PROVIDER, nullable=False),
    Column("name", String(255), nullable=False),
    Column("auth", String(20), nullable=False),
    Column("organisation", String(100), nullable=False),
    Column("organisation_name", String(255), nullable=False),
    Column("details", Json, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("hold_until", UtcDateTime),
    Column("hold_reason", Text, nullable=False, default=""),
    Column("troubles", Integer, nullable=False, default=0),
    Column("foreign_calls", Integer, nullable=False, default=0),
    Column("foreign_calls_at", UtcDateTime),
    Column("grant_id", ID, ForeignKey("sync_grants.id")),
    Column("connected_at", UtcDateTime),
    # An active organisation appears once: two connections to it would each keep half of the limits and of the links.
    Index(
        "uq_sync_connections_organisation",
        "provider",
        "organisation",
        unique=True,
        sqlite_where=text("status = 'connected'"),
        postgresql_where=text("status = 'connected'"),
    ),
)

rows = Table(
    "sync_rows",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("provider", PROVIDER, nullable=False),
    Column("connection", KEY, nullable=False),
    Column("kind", KIND, nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("ref", String(100), nullable=False),
    Column("wanted", String(10), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("agreed_generation", Integer, nullable=False, default=0),
    Column("inputs", Json, nullable=False, default=dict),
    Column("sent", Json, nullable=False, default=dict),
    Column("answered", Json, nullable=False, default=dict),
    Column("remote_id", String(100), nullable=False, default=""),
    Column("remote_number", String(255), nullable=False, default=""),
    Column("remote_url", Text, nullable=False, default=""),
    Column("priority", Integer, nullable=False),
    Column("due_at", UtcDateTime),
    Column("batch", ID),
    Column("correlation_id", CORRELATION, nullable=False, default="", server_default=text("''")),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("warnings", Json, nullable=False, default=list),
    Column("waits_for", Integer),
    Column("call_id", ID),
    Column("lost_call", ID),
    Column("lost_until", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("synced_at", UtcDateTime),
    UniqueConstraint("provider", "kind", "record_id"),
    Index(
        "uq_sync_rows_remote",
        "connection",
        "kind",
        "remote_id",
        unique=True,
        sqlite_where=text("remote_id <> ''"),
        postgresql_where=text("remote_id <> ''"),
    ),
    Index(
        "ix_sync_rows_due",
        "connection",
        "priority",
        "kind",
        "id",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    # When is the next row due, and is any: asked at every wake, however many wait.
    Index(
        "ix_sync_rows_next",
        "connection",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_sync_rows_call",
        "call_id",
        sqlite_where=text("call_id IS NOT NULL"),
        postgresql_where=text("call_id IS NOT NULL"),
    ),
    Index(
        "ix_sync_rows_waits_for",
        "waits_for",
        sqlite_where=text("waits_for IS NOT NULL"),
        postgresql_where=text("waits_for IS NOT NULL"),
    ),
    Index(
        "ix_sync_rows_lost",
        "connection",
        "lost_until",
        sqlite_where=text("lost_until IS NOT NULL"),
        postgresql_where=text("lost_until IS NOT NULL"),
    ),
    Index(
        "ix_sync_rows_correlation",
        "correlation_id",
        sqlite_where=text("correlation_id <> ''"),
        postgresql_where=text("correlation_id <> ''"),
    ),
    # Ends with the time, so that the oldest of each state is found, and all are counted, without looking at a row.
    Index("ix_sync_rows_state", "state", "kind", "connection", "changed_at"),
    Index("ix_sync_rows_record", "kind", "record_id"),
    # A batch is asked for again and again while it is on its way, and is a few of all the rows there are.
    Index(
        "ix_sync_rows_batch",
        "batch",
        sqlite_where=text("batch IS NOT NULL"),
        postgresql_where=text("batch IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""One row per provider and record: outbox, link and sync state in one (decision 0002). ``lost_call`` is a create that was not found and may still land
until ``lost_until``: till then the same may be made anew (its mark lets only one of both land), and nothing else. ``correlation_id`` is that of the last
save."""

IS_LINKED: Final = rows.c.remote_id != literal_column("''")
"""Who looks for rows by remote ids says this as well, in just these words: by them a database knows that the index of linked rows serves. Without, it reads
every row of the kind."""

calls = Table(
    "sync_calls",
    metadata,
    Column("id", ID, primary_key=True),
    Column("connection", KEY, nullable=False),
    Column("speaker", ID, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("kind", KIND, nullable=False, default=""),
    Column("lane", String(100), nullable=False, default=""),
    Column("idempotency_key", String(128), nullable=False, default=""),
    Column("method", String(10), nullable=False),
    Column("address", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("status", Integer),
    Column("response_headers", Json),
    Column("response_body", LargeBinary),
    Column("fate", String(20)),
    Column("reason", Text, nullable=False, default=""),
    Column("running_until", UtcDateTime),
    Column("correlation_id", CORRELATION, nullable=False, default="", server_default=text("''")),
    Column("remote_correlation_id", String(100), nullable=False, default="", server_default=text("''")),
    Column("pruned_at", UtcDateTime),
    # Ends with the purpose, so that calls are counted without reading them.
    Index("ix_sync_calls_sent", "connection", "sent_at", "purpose"),
    Index(
        "ix_sync_calls_correlation",
        "correlation_id",
        sqlite_where=text("correlation_id <> ''"),
        postgresql_where=text("correlation_id <> ''"),
    ),
    Index(
        "ix_sync_calls_remote_correlation",
        "remote_correlation_id",
        sqlite_where=text("remote_correlation_id <> ''"),
        postgresql_where=text("remote_correlation_id <> ''"),
    ),
    # The oldest calls that still have their bodies, however many older ones are kept without.
    Index(
        "ix_sync_calls_whole",
        "id",
        sqlite_where=text("pruned_at IS NULL"),
        postgresql_where=text("pruned_at IS NULL"),
    ),
    Index(
        "ix_sync_calls_open",
        "connection",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)
"""One HTTP call: committed before it leaves, closed when its answer is booked. Also the request log. ``remote_correlation_id`` is the remote's own name for
it, by which its support finds it; ``correlation_id`` names what it was made for, where that was not what it carries (an import, a connection made). Since
``pruned_at`` it is kept without its bodies."""

call_records = Table(
    "sync_call_records",
    metadata,
    Column("call_id", ID, ForeignKey("sync_calls.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("row_id", Integer, nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("verb", String(10), nullable=False),
    Column("findable", Boolean, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("outcome", String(20), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("correlation_id", CORRELATION, nullable=False, default="", server_default=text("''")),
    Index(
        "ix_sync_call_records_correlation",
        "correlation_id",
        sqlite_where=text("correlation_id <> ''"),
        postgresql_where=text("correlation_id <> ''"),
    ),
)
"""What a call carried at each position, and how it went for that record. ``correlation_id`` is that of the save which it carried: the row's own moves on."""

IMPORT, PREVIEW = "import", "preview"
"""The purposes of batches that bring what a remote has: nothing of them is sent."""

batches = Table(
    "sync_batches",
    metadata,
    Column("id", ID, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("kind", KIND, nullable=False, default=""),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("touched_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
)
