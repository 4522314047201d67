"""The sandbox's state: JSON documents in SQLite, with columns for what is looked up.

One connection, used by one thread at a time (the worker of gateway.py), so nothing here locks. Without a file SQLite
keeps the data in a temporary file of its own that goes with the process: memory stays small however much is kept.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plugins.xero.sandbox.wire import Doc, dumps, fold, loads

# Columns beside id, organisation, time of last change and body. Texts are folded (wire.fold).
KINDS: dict[str, tuple[str, ...]] = {
    "contact": ("name", "number", "status", "account_number"),
    "item": ("code",),
    "account": ("code", "name", "status"),
    "tax_rate": ("tax_type", "name", "status"),
    "currency": ("code",),
    "branding_theme": ("name",),
    "tracking_category": ("name", "status"),
    "invoice": ("number", "type", "status", "contact", "reference", "date", "app"),
    "payment": ("invoice", "status"),
}
# Columns with few rows to a value: where one is asked for, its index beats the one that has the rows in order.
SELECTIVE = frozenset({"id", "name", "number", "account_number", "code", "contact", "reference", "invoice"})
# More than one column: contacts are listed by status, and looked up by the name that only active ones have for themselves.
TOGETHER = {"contact": ("status, updated, id", "name, status")}
# What lines refer to: small sets, read whole for nearly every write, so they are kept parsed until one changes.
REFERENCE_KINDS = frozenset({"account", "tax_rate", "currency", "branding_theme", "tracking_category"})

BASE = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS organisation (
    org INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (
    org INTEGER NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (org, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS app (
    client_id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL, org INTEGER, scopes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS user (user_id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS consented (
    client_id TEXT NOT NULL, user TEXT NOT NULL, scopes TEXT NOT NULL, PRIMARY KEY (client_id, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS authorisation_code (
    value TEXT PRIMARY KEY, client_id TEXT NOT NULL, user TEXT NOT NULL, scopes TEXT NOT NULL, auth_event TEXT NOT NULL,
    redirect TEXT NOT NULL, challenge TEXT, nonce TEXT, expires REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS token (
    value TEXT PRIMARY KEY, client_id TEXT NOT NULL, user TEXT NOT NULL, scopes TEXT NOT NULL, expires REAL NOT NULL,
    auth_event TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grant_token (
    value TEXT PRIMARY KEY, family TEXT NOT NULL, client_id TEXT NOT NULL, user TEXT NOT NULL, scopes TEXT NOT NULL,
    auth_event TEXT NOT NULL, issued REAL NOT NULL, superseded REAL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS grant_token_family ON grant_token (family);
CREATE TABLE IF NOT EXISTS connection (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL, user TEXT NOT NULL, org INTEGER NOT NULL, auth_event TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL, removed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS connection_user ON connection (client_id, user);
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    status INTEGER, tenant TEXT, key TEXT, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL DEFAULT 0,
    client_id TEXT, request BLOB NOT NULL, response BLOB);
CREATE TABLE IF NOT EXISTS idempotency (
    client_id TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, first_used REAL NOT NULL,
    status INTEGER NOT NULL, content_type TEXT, body BLOB NOT NULL, PRIMARY KEY (client_id, key));
CREATE INDEX IF NOT EXISTS idempotency_age ON idempotency (first_used);
CREATE TABLE IF NOT EXISTS egress (client_id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
"""
# Columns that a state file from before they were needed does not have.
ADDED = {
    "app": {
        "public": "INTEGER NOT NULL DEFAULT 0",
        "redirects": "TEXT NOT NULL DEFAULT '[]'",
        "bulk": "INTEGER NOT NULL DEFAULT 0",
        "certified": "INTEGER NOT NULL DEFAULT 0",
    }
}


def _schema(kind: str, columns: tuple[str, ...]) -> Iterator[str]:
    named = "".join(f"{column} TEXT, " for column in columns)
    yield (
        f"CREATE TABLE IF NOT EXISTS {kind} (seq INTEGER PRIMARY KEY, org INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,"
        f" updated INTEGER NOT NULL, {named} body TEXT NOT NULL)"
    )
    yield f"CREATE INDEX IF NOT EXISTS {kind}_updated ON {kind} (org, updated, id)"
    together = TOGETHER.get(kind, ())
    for number, wanted in enumerate(together):
        yield f"CREATE INDEX IF NOT EXISTS {kind}_together_{number} ON {kind} (org, {wanted})"
    leading = [wanted.partition(",")[0] for wanted in together]
    for column in (column for column in columns if column not in leading):
        yield f"CREATE INDEX IF NOT EXISTS {kind}_{column} ON {kind} (org, {column}) WHERE {column} IS NOT NULL"


class Store:
    def __init__(self, path: Path | None = None) -> None:
        self.sql = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False, cached_statements=256)
        self.sql.row_factory = sqlite3.Row
        self.sql.create_function("fold", 1, lambda text: text and fold(text), deterministic=True)
        self._cached: dict[tuple[str, int], list[Doc]] = {}
        self._derived: dict[tuple[str, int], dict[str, dict[str, Doc]]] = {}
        self._organisations: dict[int, Doc] = {}
        self.sql.execute(f"PRAGMA journal_mode = {'WAL' if path else 'MEMORY'}")
        self.sql.execute(f"PRAGMA synchronous = {'NORMAL' if path else 'OFF'}")
        self.sql.executescript(BASE)
        for kind, columns in KINDS.items():
            for statement in _schema(kind, columns):
                self.sql.execute(statement)
        self._add_columns()

    def _add_columns(self) -> None:
        for table, columns in ADDED.items():
            known = {row["name"] for row in self.sql.execute(f"PRAGMA table_info({table})")}
            for name, declared in columns.items():
                if name not in known:
                    self.sql.execute(f"ALTER TABLE {table} ADD COLUMN {name} {declared}")

    def close(self) -> None:
        self.sql.close()

    # ---------------------------------------------------------------------------------------------- transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK")
            self.forget()
            raise
        self.sql.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.sql.execute("SAVEPOINT element")
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK TO element")
            self.sql.execute("RELEASE element")
            self.forget()
            raise
        self.sql.execute("RELEASE element")

    def forget(self) -> None:
        """Drops what is kept parsed."""
        self._cached.clear()
        self._derived.clear()
        self._organisations.clear()

    # ------------------------------------------------------------------------------------------------- documents

    def save(self, kind: str, org: int, document_id: str, updated: int, columns: Doc, document: Doc) -> None:
        names = KINDS[kind]
        values = [columns.get(name) for name in names]
        listed = ", ".join(names)
        changes = ", ".join(f"{name} = excluded.{name}" for name in ("updated", *names, "body"))
        marks = ", ".join("?" * (len(names) + 4))
        self.sql.execute(
            f"INSERT INTO {kind} (org, id, updated, {listed}, body) VALUES ({marks})"  # noqa: S608 names are KINDS'
            f" ON CONFLICT (id) DO UPDATE SET {changes}",
            (org, document_id, updated, *values, dumps(document)),
        )
        self._changed(kind, org)

    def save_many(self, kind: str, org: int, rows: Iterable[tuple[str, int, Doc, Doc]]) -> None:
        """New documents: id, time of change, columns, document."""
        names = KINDS[kind]
        marks = ", ".join("?" * (len(names) + 4))
        self.sql.executemany(
            f"INSERT INTO {kind} (org, id, updated, {', '.join(names)}, body) VALUES ({marks})",  # noqa: S608 KINDS' names
            (
                (org, document_id, updated, *(columns.get(name) for name in names), dumps(document))
                for document_id, updated, columns, document in rows
            ),
        )
        self._changed(kind, org)

    def touch(self, kind: str, org: int, document_id: str, updated: int) -> bool:
        """A later time of change and nothing else; whether there is such a document."""
        touched = self.sql.execute(
            f"UPDATE {kind} SET updated = ?, body = json_set(body, '$.Updated', ?) WHERE org = ? AND id = ?",  # noqa: S608
            (updated, updated, org, document_id),
        )
        self._changed(kind, org)
        return touched.rowcount == 1

    def delete(self, kind: str, org: int, document_id: str) -> None:
        self.sql.execute(f"DELETE FROM {kind} WHERE org = ? AND id = ?", (org, document_id))  # noqa: S608
        self._changed(kind, org)

    def _changed(self, kind: str, org: int) -> None:
        self._cached.pop((kind, org), None)
        self._derived.pop((kind, org), None)

    def get(self, kind: str, org: int, document_id: str) -> Doc | None:
        return self.first(kind, org, "id", document_id)

    def first(self, kind: str, org: int, column: str, value: object) -> Doc | None:
        return next(iter(self.find(kind, org, column, value)), None)

    def find(self, kind: str, org: int, column: str, value: object) -> list[Doc]:
        """Every document whose column has this value, oldest first."""
        return self.select(kind, org, [(f"{column} = ?", [value])], order="seq")

    def select(
        self,
        kind: str,
        org: int,
        conditions: Iterable[tuple[str, Sequence[object]]] = (),
        *,
        order: str = "updated, id",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Doc]:
        return list(self.stream(kind, org, conditions, order=order, limit=limit, offset=offset))

    def stream(
        self,
        kind: str,
        org: int,
        conditions: Iterable[tuple[str, Sequence[object]]] = (),
        *,
        order: str = "updated, id",
        limit: int = -1,
        offset: int = 0,
    ) -> Iterator[Doc]:
        conditions = list(conditions)
        where, values = _where(org, conditions)
        if any(text.partition(" ")[0] in SELECTIVE for text, _ in conditions):
            order = f"+{order}"  # hides the order from SQLite's planner, which without statistics would follow it
        query = f"SELECT body FROM {kind} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        for row in self.sql.execute(query, (*values, limit, offset)):
            yield loads(row["body"])

    def count(self, kind: str, org: int, conditions: Iterable[tuple[str, Sequence[object]]] = ()) -> int:
        where, values = _where(org, conditions)
        return int(self.sql.execute(f"SELECT count(*) FROM {kind} WHERE {where}", values).fetchone()[0])  # noqa: S608

    def all(self, kind: str, org: int) -> list[Doc]:
        """Every document of a reference kind; treat them as read-only."""
        known = self._cached.get((kind, org))
        if known is None:
            known = self.select(kind, org, order="seq")
            if kind in REFERENCE_KINDS:
                self._cached[kind, org] = known
        return known

    def by_key(self, kind: str, org: int, name: str, key: Callable[[Doc], str | None]) -> dict[str, Doc]:
        """The documents of a reference kind by a key, the first of equal ones; kept until one changes."""
        made = self._derived.setdefault((kind, org), {})
        if name not in made:
            keyed = ((key(document), document) for document in reversed(self.all(kind, org)))
            made[name] = {found: document for found, document in keyed if found is not None}
        return made[name]

    # --------------------------------------------------------------------------------------- organisations, numbers

    def organisation(self, org: int) -> Doc:
        known = self._organisations.get(org)
        if known is None:
            row = self.sql.execute("SELECT body FROM organisation WHERE org = ?", (org,)).fetchone()
            known = self._organisations[org] = loads(row["body"])
        return known

    def save_organisation(self, org: int, document: Doc) -> None:
        self.sql.execute("UPDATE organisation SET body = ? WHERE org = ?", (dumps(document), org))
        self._organisations.pop(org, None)

    def add_organisation(self, tenant_id: str, document: Doc, org: int | None = None) -> int:
        added = self.sql.execute(
            "INSERT INTO organisation (org, tenant_id, body) VALUES (?, ?, ?)", (org, tenant_id, dumps(document))
        )
        assert added.lastrowid is not None
        return added.lastrowid

    def organisation_of(self, tenant_id: str) -> int | None:
        row = self.sql.execute("SELECT org FROM organisation WHERE tenant_id = ?", (tenant_id.lower(),)).fetchone()
        return None if row is None else int(row["org"])

    def next_number(self, org: int, name: str) -> int:
        return self.next_numbers(org, name, 1)

    def next_numbers(self, org: int, name: str, count: int) -> int:
        """The first of as many numbers, none of which comes again."""
        row = self.sql.execute(
            "INSERT INTO counter (org, name, value) VALUES (:org, :name, :count)"
            " ON CONFLICT (org, name) DO UPDATE SET value = value + :count RETURNING value",
            {"org": org, "name": name, "count": count},
        ).fetchone()
        return int(row["value"]) - count + 1

    def next_stamp(self, org: int, now: int) -> int:
        """The time of a change in milliseconds, later than every change before it, so that order by time is exact."""
        row = self.sql.execute(
            "INSERT INTO counter (org, name, value) VALUES (?, 'stamp', ?)"
            " ON CONFLICT (org, name) DO UPDATE SET value = max(value + 1, excluded.value) RETURNING value",
            (org, now),
        ).fetchone()
        return int(row["value"])

    def stamps(self, org: int, now: int, count: int) -> list[int]:
        """Times of as many changes that were made before now as far as there is room, several at once if need be: an
        organisation that is filled at once must not have changed in the future."""
        row = self.sql.execute("SELECT value FROM counter WHERE org = ? AND name = 'stamp'", (org,)).fetchone()
        earliest = int(row["value"]) + 1 if row else 0
        latest = max(now, earliest)
        first = max(earliest, latest - count + 1)
        stamps = [first + (latest - first + 1) * place // count for place in range(count)]
        if stamps:
            self.next_stamp(org, stamps[-1])
        return stamps

    # ---------------------------------------------------------------------------------------------------- settings

    def setting(self, name: str) -> Any:
        row = self.sql.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else loads(row["value"])

    def keep_setting(self, name: str, value: object) -> None:
        self.sql.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, dumps(value)))


def _where(org: int, conditions: Iterable[tuple[str, Sequence[object]]]) -> tuple[str, list[object]]:
    texts, values = ["org = ?"], [org]
    for text, needed in conditions:
        texts.append(text)
        values.extend(needed)  # type: ignore[arg-type]
    return " AND ".join(texts), values  # type: ignore[return-value]
