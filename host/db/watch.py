"""Notices that another process committed something, so that nobody has to wait for the next tick."""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from host.db.engine import file_id
from host.db.sessions import own_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from host.db.database import Database

CHANNEL: Final = "counterfoil"
LOOK_EVERY_SECONDS: Final = 0.25
RECONNECT_AFTER_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)
_process: Final = secrets.token_hex(4)


def announce(session: Session) -> None:
    """Tell the other processes, when this write transaction commits, that there is something to look at. On SQLite they notice by themselves."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        payload = _sender(connection.engine)
        connection.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": payload})


def _sender(engine: Engine) -> str:
    # A process id would not do: in two containers both may be 1.
    return f"{_process}.{id(engine):x}"


class Watch:
    """A thread that calls ``on_change`` soon after another process committed, and each time it has (re)connected: something may have happened before.

    On SQLite commits of this process count too. ``on_change`` has to be quick; many commits may come as one call, and a call may come for nothing.
    """

    def __init__(self, database: Database, on_change: Callable[[], None]) -> None:
        self._engine = database.engine
        self._changes = self._file_changes if database.is_sqlite else self._notifications
        self._on_change = on_change
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counterfoil-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends within a quarter of a second or so."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        from psycopg import Error

        known_lost = False
        while not self._stopping.is_set():
            try:
                for _ in self._changes():
                    known_lost = False
                    self._tell()
            except (SQLAlchemyError, Error, sqlite3.Error, OSError) as error:
                if not known_lost:
                    _log.warning("the database cannot be watched for changes of other processes: %s", error)
                known_lost = True
                self._stopping.wait(RECONNECT_AFTER_SECONDS)

    def _tell(self) -> None:
        try:
            self._on_change()
        except Exception:  # noqa: BLE001 - whatever one wake-up met, the next commit must be noticed again
            _log.exception("waking up after a commit of another process failed")

    def _notifications(self) -> Iterator[None]:
        ours = _sender(self._engine)
        with closing(own_session(self._engine)) as session:
            session.execute(f"LISTEN {CHANNEL}")
            yield
            while not self._stopping.is_set():
                arrived = session.notifies(timeout=LOOK_EVERY_SECONDS, stop_after=1)
                if any(notice.payload != ours for notice in list(arrived)):
                    yield

    def _file_changes(self) -> Iterator[None]:
        path = Path(self._engine.url.database or "").resolve()
        # Opened, never created: a database that went away must not come back empty.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)) as connection:
            file, version = file_id(path), _data_version(connection)
            yield
            while not self._stopping.wait(LOOK_EVERY_SECONDS):
                if file_id(path) != file:
                    return  # another file has taken its place (a backup was put back): open that one
                now = _data_version(connection)
                if now != version:
                    version = now
                    yield


def _data_version(connection: sqlite3.Connection) -> Any:
    return connection.execute("PRAGMA data_version").fetchone()[0]
