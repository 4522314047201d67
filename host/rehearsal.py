"""Saving as if: what would be created and changed, with nothing kept.

On SQLite it runs on a copy, so that nobody's save waits for it. On PostgreSQL it runs in one transaction that is rolled back: until then saves of the very
records that it touches wait, all others go on. Plugins' hooks are not called: they may do what cannot be taken back.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from hookspecs import LOCAL
from host.db import Database
from host.ids import new_id
from host.unit_of_work import Saving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.loading import Saves


@contextmanager
def rehearsing(database: Database) -> Iterator[Saves]:
    """Opens saving transactions that see each other's records, and of which nothing remains at the end of the ``with`` block."""
    with _stage(database) as stage, stage.undone() as session:
        lost: list[DBAPIError] = []

        @contextmanager
        def save(*, correlation_id: str = "", batch: str | None = None) -> Iterator[Saving]:
            if lost:
                raise lost[0]  # what came before is gone with the connection: nothing further can be said
            try:
                with session.begin_nested():
                    yield Saving(session, origin=LOCAL, correlation_id=correlation_id or new_id(), batch=batch)
            except DBAPIError as error:
                lost.extend([error] if error.connection_invalidated else [])
                raise

        yield save


@contextmanager
def _stage(database: Database) -> Iterator[Database]:
    if not database.is_sqlite:
        yield database
        return
    with TemporaryDirectory(prefix="counterfoil-") as folder:
        copy = Path(folder) / "rehearsal.db"
        _copy(Path(database.engine.url.database or ""), copy)
        stage = Database.at(f"sqlite:///{copy}")
        try:
            yield stage
        finally:
            stage.close()


def _copy(source: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as there,
        closing(sqlite3.connect(copy)) as here,
    ):
        there.backup(here)


class NoBatch:
    """For a load of which nothing remains there is nothing to send."""

    def open_batch(self, purpose: str, kind: str = "") -> str:
        return ""

    def touch_batch(self, batch: str) -> None:
        pass

    def close_batch(self, batch: str) -> None:
        pass
