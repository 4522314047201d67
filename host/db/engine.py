"""Engines for SQLite and PostgreSQL, set up so that a transaction means the same on both."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from host.db.sessions import WITHIN_SECONDS
from host.errors import Stop

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Dialect
    from sqlalchemy.pool import ConnectionPoolEntry

READ_ONLY: Final = "counterfoil_read_only"
_FILE: Final = "counterfoil_file"
BUSY_TIMEOUT_MS: Final = 10_000
LOOK_EVERY_SECONDS: Final = 0.002
BREATH_SECONDS: Final = 2 * LOOK_EVERY_SECONDS


def breathe() -> None:
    """Between two of many transactions: on SQLite whoever writes without a pause keeps everybody else from writing."""
    time.sleep(BREATH_SECONDS)


def open_engine(url: str) -> Engine:
    """An engine for ``sqlite:///file`` or ``postgresql://…``. Connects to nothing yet; raises ``Stop`` for any other address."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Stop(
            f"database_url {url!r} is not a database address: use sqlite:///counterfoil.db or postgresql://user@host/name"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url)
    if parsed.get_backend_name() == "postgresql":
        unsaid = {name: value for name, value in WITHIN_SECONDS.items() if name not in parsed.query}
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, connect_args=unsaid)
    raise Stop(
        f"database_url names {parsed.get_backend_name()!r}: use sqlite:///counterfoil.db or postgresql://user@host/name"
    )


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, pool_size=10, max_overflow=10)
    path = Path(engine.url.database or "").absolute()
    event.listen(engine, "do_connect", partial(_open_existing, path))
    event.listen(engine, "connect", partial(_remember_file, path))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "checkout", partial(_require_same_file, path))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def file_id(path: Path) -> tuple[int, int] | None:
    """Which file is there, by whatever names it goes."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _open_existing(path: Path, _dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
    """Never make the file: a database that went away must not come back empty."""
    arguments[0], named["uri"] = f"{path.as_uri()}?mode=rw", True


def _remember_file(path: Path, _connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    record.info[_FILE] = file_id(path)


def _require_same_file(path: Path, _connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    # SQLite itself would go on in the file that it once opened, wherever that is now.
    if record.info[_FILE] != file_id(path):
        raise DisconnectionError("the database's file is not where it was")


def _prepare_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # The driver's own transaction control is off: with it, a savepoint that is a transaction's first statement commits.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A read that turns into a write fails at once when another process wrote in between, whatever the busy timeout: whoever may write says so first.
    options: Any = connection.get_execution_options()
    if options.get(READ_ONLY):
        connection.exec_driver_sql("BEGIN")
    elif not _begun_writing(cast("sqlite3.Connection", connection.connection.driver_connection)):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # waits no more, and says why not


def _begun_writing(connection: sqlite3.Connection) -> bool:
    """Begin to write as soon as nobody else does.

    SQLite's own waiting looks ten times a second: whoever writes one transaction after another is then hardly ever met between two, and a person's save
    beside a load waits for seconds.
    """
    import sqlite3

    connection.execute("PRAGMA busy_timeout=0")
    try:
        deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    return False
                time.sleep(LOOK_EVERY_SECONDS)
            else:
                return True
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
