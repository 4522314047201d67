"""Writers of one SQLite file take turns."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from host.db import Database
from host.db import engine as engine_module
from host.db.migrate import make_file

HELD_SECONDS = 0.05
BETWEEN_SECONDS = 0.005
SAVES = 6
INSERT = text("INSERT INTO notes VALUES ('a writer')")


@pytest.fixture
def database(sqlite_url: str) -> Database:
    database = Database.at(sqlite_url)
    make_file(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE notes (writer TEXT)"))
    return database


def test_who_writes_one_transaction_after_another_lets_others_in_between(database: Database) -> None:
    done, turn, turns = threading.Event(), threading.Semaphore(0), [0]

    def load() -> None:
        while not done.is_set():
            with database.write() as session:
                session.execute(INSERT)
                turns[0] += 1
                turn.release()
                time.sleep(HELD_SECONDS)
            time.sleep(BETWEEN_SECONDS)

    loading = threading.Thread(target=load)
    loading.start()
    passed = []
    for _ in range(SAVES):
        while turn.acquire(blocking=False):
            pass
        turn.acquire()  # a transaction of the load is open now
        before = turns[0]
        with database.write() as session:
            session.execute(INSERT)  # the first statement begins the transaction
            passed.append(turns[0] - before)
    done.set()
    loading.join()
    database.close()
    # Looking ten times a second, a person would find the file locked ten times in eleven, while about twenty turns pass.
    assert sum(passed) <= 3 * SAVES, passed


def test_a_writer_that_waited_long_enough_is_told_that_it_is_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 50)
    with database.write() as first:
        first.execute(INSERT)
        with pytest.raises(OperationalError, match="database is locked"), database.write() as second:
            second.execute(INSERT)
    with database.write() as second:  # and nothing is left locked behind
        second.execute(INSERT)
    database.close()
