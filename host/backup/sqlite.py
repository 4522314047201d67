"""One moment of an SQLite database, copied while others write, and put where there was none."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from host.backup.archive import sync_folder
from host.errors import Stop

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "database.sqlite"
BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database. One that is left from a former database would be read into the new one."""


def copy(database: Path, target: Path) -> None:
    """By SQLite's online backup, in one step: it reads one moment and keeps no writer waiting (https://sqlite.org/backup.html)."""
    with (
        closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(target)) as into,
    ):
        source.backup(into)
        into.execute("PRAGMA journal_mode=DELETE").fetchone()  # one file, with nothing beside it
    check(target)


def check(database: Path) -> None:
    """Raises ``Stop`` where the database is spoilt."""
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        [(found,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise Stop(f"the database is spoilt: {found}")


def require_absent(database: Path) -> None:
    """Raises ``Stop`` where something stands that a restored database would take the place of, or be mixed with."""
    if not database.parent.is_dir():
        raise Stop(
            f"the folder {database.parent} for the database does not exist: make it, or correct [host] database_url"
        )
    left = [database, *(database.with_name(database.name + end) for end in BESIDE)]
    for path in left:
        if path.exists() and (path.stat().st_size or path != database):
            raise Stop(f"{path} exists: a backup is put back only where there is no database; move it away first")


def place(copy: Path, database: Path) -> None:
    """Give a copy that is whole the database's name."""
    copy.replace(database)
    os.chmod(database, 0o600)  # noqa: PTH101
    sync_folder(database.parent)
