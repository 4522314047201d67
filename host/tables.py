"""The host's own tables: failures of hooks, tokens, users, scheduled runs, settings of the installation."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, String, Table, Text, UniqueConstraint

from host.db import ID, Json, UtcDateTime, metadata

PLUGIN = String(50)

hook_failures = Table(
    "host_hook_failures",
    metadata,
    Column("id", ID, primary_key=True),
    Column("plugin", PLUGIN, nullable=False),
    Column("hook", String(50), nullable=False),
    Column("kind", String(50), nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("ref", String(100), nullable=False),
    Column("connection", String(100), nullable=False, default=""),
    Column("origin", String(100), nullable=False, default=""),
    Column("action", String(20), nullable=False),
    Column("changed", Json, nullable=False),
    Column("correlation_id", String(64), nullable=False, default=""),
    Column("error", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=1),
    Column("first_failed_at", UtcDateTime, nullable=False),
    Column("last_failed_at", UtcDateTime, nullable=False),
    UniqueConstraint("plugin", "hook", "kind", "record_id"),
    Index(None, "last_failed_at"),
)
"""A hook that a plugin owes a record: it raised, and has not gone through since. The save itself went through. One row however often it failed."""

tokens = Table(
    "host_tokens",
    metadata,
    Column("id", ID, primary_key=True),
    Column("shown", String(20), nullable=False),
    Column("hashed", String(64), nullable=False),
    Column("role", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("hashed"),
)
"""API tokens, as hashes. ``shown`` is the beginning of the token, by which lists name it."""

users = Table(
    "host_users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("password", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    UniqueConstraint("name"),
)
"""People who may log in. ``password`` is a hash with its salt and parameters."""

runs = Table(
    "host_runs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("plugin", PLUGIN, nullable=False),
    Column("name", String(50), nullable=False),
    Column("local_date", Date, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("plugin", "name", "local_date"),
)
"""Scheduled runs. Whoever inserts the row runs it: over all processes, restarts and changes of the clock it is run once a date."""

occasions = Table(
    "host_occasions",
    metadata,
    Column("correlation_id", String(64), primary_key=True),
    Column("what", String(500), primary_key=True),
    Column("who", String(100), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "at"),
)
"""The requests and commands that saved something. Several may have brought one and the same correlation id."""

settings = Table(
    "host_settings",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("value", Text, nullable=False),
)
"""What was settled once for this installation, such as its prefix."""
