"""The database of one host: read transactions, write transactions, and the knowledge whether one is open."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from host.db.engine import READ_ONLY, open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

_open = threading.local()


def transaction_open() -> bool:
    """Whether this thread is inside a transaction of ours. The HTTP client asks before it sends: a call out never happens in one."""
    return getattr(_open, "depth", 0) > 0


@contextmanager
def _counted() -> Iterator[None]:
    _open.depth = getattr(_open, "depth", 0) + 1
    try:
        yield
    finally:
        _open.depth -= 1


class Database:
    """Transactions on one database. Thread-safe; one session belongs to one thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading = engine.execution_options(**{READ_ONLY: True})

    @classmethod
    def at(cls, url: str) -> Database:
        return cls(open_engine(url))

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads: a consistent picture, waits for nobody, holds nobody up."""
        with _counted(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back when anything is raised."""
        with _counted(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def undone(self) -> Iterator[Session]:
        """A transaction that may write, and of which nothing is kept."""
        with _counted(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()
