"""Commits of other processes are noticed, whatever happens to the database in between."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
from contextlib import contextmanager
from decimal import DivisionByZero
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from host.db import Database
from host.db.migrate import make_file
from host.db.watch import Watch, announce

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER_PROCESS = """
import sys
from sqlalchemy import text
from host.db import Database
from host.db.watch import announce
with Database.at(sys.argv[1]).write() as session:
    session.execute(text("INSERT INTO notes VALUES ('from outside')"))
    announce(session)
"""


class Told:
    """Counts the calls of ``on_change``."""

    def __init__(self) -> None:
        self.calls: queue.Queue[None] = queue.Queue()

    def __call__(self) -> None:
        self.calls.put(None)

    def expect(self) -> None:
        self.calls.get(timeout=10)

    def expect_nothing(self, seconds: float) -> None:
        with pytest.raises(queue.Empty):
            self.calls.get(timeout=seconds)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.at(database_url)
    make_file(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE notes (note VARCHAR(20))"))
    yield database
    database.close()


@contextmanager
def watching(database: Database) -> Iterator[Told]:
    """A watch that has connected."""
    told = Told()
    watch = Watch(database, told)
    watch.start()
    try:
        told.expect()
        yield told
    finally:
        watch.stop()


def commit(database: Database) -> None:
    with database.write() as session:
        session.execute(text("INSERT INTO notes VALUES ('x')"))
        announce(session)


def fail_after_announcing(database: Database) -> None:
    with database.write() as session:
        announce(session)
        raise DivisionByZero


def test_a_commit_of_another_process_is_noticed(database: Database, database_url: str) -> None:
    with watching(database) as told:
        for _ in range(2):
            subprocess.run([sys.executable, "-c", OTHER_PROCESS, database_url], check=True)
            told.expect()


def test_another_host_in_this_process_counts_as_another(database: Database, database_url: str) -> None:
    other = Database.at(database_url)
    with watching(database) as told:
        commit(other)
        told.expect()
    other.close()


def test_what_is_rolled_back_is_not_announced(database: Database, database_url: str) -> None:
    other = Database.at(database_url)
    with watching(database) as told:
        with pytest.raises(DivisionByZero):
            fail_after_announcing(other)
        told.expect_nothing(0.6)
        commit(other)
        told.expect()
    other.close()


def test_our_own_commits_do_not_wake_us_twice(postgresql_url: str) -> None:
    database = Database.at(postgresql_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE notes (note VARCHAR(20))"))
    other = Database.at(postgresql_url)
    with watching(database) as told:
        commit(database)
        told.expect_nothing(0.6)
        commit(other)
        told.expect()
    other.close()
    database.close()


def test_a_failing_listener_is_called_again(database: Database, database_url: str) -> None:
    other = Database.at(database_url)
    calls: queue.Queue[None] = queue.Queue()

    def failing() -> None:
        calls.put(None)
        raise ValueError("on purpose")

    watch = Watch(database, failing)
    watch.start()
    calls.get(timeout=10)
    commit(other)
    calls.get(timeout=10)
    watch.stop()
    other.close()


def test_it_goes_on_when_the_server_ended_the_session(postgresql_url: str, caplog: pytest.LogCaptureFixture) -> None:
    database = Database.at(postgresql_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE notes (note VARCHAR(20))"))
    other = Database.at(postgresql_url)
    with watching(database) as told:
        with psycopg.connect(postgresql_url, autocommit=True) as session:
            session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        told.expect()  # it has connected again
        commit(other)
        told.expect()
    assert caplog.text.count("cannot be watched") == 1
    other.close()
    database.close()


def test_it_goes_on_when_the_file_went_away_and_came_back(sqlite_url: str, tmp_path: Path) -> None:
    database = Database.at(sqlite_url)
    make_file(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE notes (note VARCHAR(20))"))
    database.close()
    backup = tmp_path / "backup"
    with watching(database) as told:
        shutil.move(tmp_path / "counterfoil.db", backup)
        shutil.copy(backup, tmp_path / "counterfoil.db")
        told.expect()
        commit(Database.at(sqlite_url))
        told.expect()


def test_a_watch_that_never_started_can_be_stopped(database: Database) -> None:
    Watch(database, lambda: None).stop()
