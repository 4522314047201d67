"""Says that somebody works on a database, so that nobody puts another under it.

An SQLite file that takes another's place is not noticed by those who have the former open: some of their connections go on with the one, some with the
other. PostgreSQL knows who is there by itself.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final, Self

from host.db.locks import lock_path
from host.errors import Stop

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from host.db.database import Database

NAME: Final = "open"


class Presence:
    """Held by each process that has a host open. Ends with the process, however that ends.

    ``alone``: held by whoever must have the file to itself. Raises ``Stop`` where the other is held.
    """

    def __init__(self, database: Database, *, alone: bool = False) -> None:
        self._descriptor: int | None = None
        if database.is_sqlite:
            self._descriptor = _opened(lock_path(database.engine, NAME))
            self._take(database.engine.url.database or "", alone=alone)

    def _take(self, path: str, *, alone: bool) -> None:
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.end()
            if alone:
                raise Stop(
                    f"another process has the database {path} open: stop the server that uses it first"
                ) from None
            raise Stop(f"a backup is being put back into {path}: try again when that has finished") from None

    def end(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}") from error
