"""Locks that one process of all holds, and that die with it."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import quote

from sqlalchemy.exc import OperationalError

from host.db.sessions import own_session
from host.errors import Retry, Stop

if TYPE_CHECKING:
    from types import TracebackType

    from psycopg import Connection
    from sqlalchemy import Engine

    from host.db.database import Database


class LockBusy(Retry):
    """Another process, or another part of this one, has the lock."""


class _Lock(Protocol):
    def acquire(self, wait_seconds: float) -> bool: ...
    def held(self) -> bool: ...
    def release(self) -> None: ...


class NamedLock:
    """A lock over all processes on one database. It is lost with its process, however that ends, and is never stolen from a living one.

    Not reentrant: two objects with one name exclude each other, in one process too. It may be asked and released by another thread than took it::

        with NamedLock(database, "migrate"):        # raises LockBusy where somebody else has it
            ...

        lock = NamedLock(database, "drain.acme")
        if lock.acquire(wait_seconds=2):
            ...
            if not lock.held(): ...                 # asked anew, before something that must not be done twice
    """

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._lock: _Lock = (
            _FileLock(database.engine, name) if database.is_sqlite else _SessionLock(database.engine, name)
        )
        self._taken = False

    def acquire(self, *, wait_seconds: float = 0.0) -> bool:
        """Whether it is ours now; waits for it at most that long."""
        if self._taken:
            raise RuntimeError(f"lock {self.name!r} is taken twice by one object")
        self._taken = self._lock.acquire(wait_seconds)
        return self._taken

    def held(self) -> bool:
        """Whether it is still ours at this moment: asks the database or the file system."""
        return self._taken and self._lock.held()

    def release(self) -> None:
        """Let it go; does nothing where it is not ours (any more)."""
        if self._taken:
            self._taken = False
            self._lock.release()

    def __enter__(self) -> Self:
        if not self.acquire():
            raise LockBusy(f"another process is busy with {self.name!r}: try again when it has finished")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class _FileLock:
    """SQLite: the operating system's lock on a file beside the database. The file stays when the lock is released: removing it would race."""

    def __init__(self, engine: Engine, name: str) -> None:
        from filelock import FileLock

        self.path = lock_path(engine, name)
        self._file = FileLock(
            self.path,
            thread_local=False,  # a drain's workers ask whether it is still held
            fallback_to_soft=False,  # a file that merely exists would outlive a killed process
            poll_interval=0.05,
            on_acquired=self._remember,
        )
        self._identity: tuple[int, int] | None = None

    def _remember(self, descriptor: int) -> None:
        self._identity = _identity(os.fstat(descriptor))

    def acquire(self, wait_seconds: float) -> bool:
        from filelock import Timeout

        try:
            self._file.acquire(timeout=wait_seconds)
        except Timeout:
            return False
        return self.held()

    def held(self) -> bool:
        # Somebody may have removed the file and locked a new one: ours then keeps nobody out.
        try:
            return self._file.is_locked and _identity(self.path.stat()) == self._identity
        except FileNotFoundError:
            return False

    def release(self) -> None:
        self._file.release()


def lock_path(engine: Engine, name: str) -> Path:
    """Where SQLite's lock of this name is: beside the database file itself, whichever way leads there."""
    database = engine.url.database
    if not database or database == ":memory:":
        raise Stop("database_url names a database in memory: it needs a file that all processes see")
    path = Path(database).resolve()
    return path.with_name(f"{path.name}.{quote(name, safe='')}.lock")


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class _SessionLock:
    """PostgreSQL: an advisory lock on a session of its own, in no transaction and in no pool, so that it ends only with us or with its connection."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._key = lock_key(name)
        self._connection: Connection[Any] | None = None

    def acquire(self, wait_seconds: float) -> bool:
        from psycopg import Error

        connection = own_session(self._engine)
        try:
            taken = _take(connection, self._key, wait_seconds)
        except Error as error:
            connection.close()
            raise OperationalError("taking a lock", None, error) from error
        except BaseException:
            connection.close()
            raise
        if taken:
            self._connection = connection
        else:
            connection.close()
        return taken

    def held(self) -> bool:
        from psycopg import Error

        connection = self._connection
        if connection is None:
            return False
        try:
            # The lock lives exactly as long as its session: when the session answers, the lock is ours.
            connection.execute("SELECT 1")
        except Error:
            self._connection = None
            connection.close()
            return False
        return True

    def release(self) -> None:
        from psycopg import Error

        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            # Said, not left to closing: the server notices a closed connection only a moment later.
            connection.execute("SELECT pg_advisory_unlock(%s)", (self._key,))
        except Error:
            pass  # the session is gone, and the lock with it
        finally:
            connection.close()


def _take(connection: Connection[Any], key: int, wait_seconds: float) -> bool:
    from psycopg.errors import LockNotAvailable

    if wait_seconds <= 0:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
        return bool(row and row[0])
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{max(1, round(wait_seconds * 1000))}ms",))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (key,))
    except LockNotAvailable:
        return False
    return True


def lock_key(name: str) -> int:
    """The signed 64-bit number by which PostgreSQL knows a lock: the same in every process and release."""
    return int.from_bytes(blake2b(f"counterfoil:{name}".encode(), digest_size=8).digest(), signed=True)
