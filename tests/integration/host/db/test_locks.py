"""Named locks: one holder over all processes, and none once it is dead."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from host.db import Database
from host.db.locks import LockBusy, NamedLock, lock_key, lock_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import sys
from host.db import Database
from host.db.locks import NamedLock
lock = NamedLock(Database.at(sys.argv[1]), sys.argv[2])
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.at(database_url)
    yield database
    database.close()


@pytest.fixture
def holder(database_url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock ``drain``."""
    command = [sys.executable, "-c", HOLDER, database_url, "drain"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_two_locks_of_one_name_exclude_each_other(database: Database) -> None:
    first, second = NamedLock(database, "drain"), NamedLock(database, "drain")
    assert first.acquire()
    assert not second.acquire()
    assert first.held()
    assert not second.held()
    first.release()
    assert not first.held()
    assert second.acquire()
    second.release()


def test_locks_of_two_names_do_not(database: Database) -> None:
    with NamedLock(database, "drain.one"), NamedLock(database, "drain/two ü"):
        pass


def test_a_lock_can_be_taken_again(database: Database) -> None:
    lock = NamedLock(database, "drain")
    for _ in range(3):
        assert lock.acquire()
        lock.release()
    lock.release()


def test_one_object_does_not_take_its_lock_twice(database: Database) -> None:
    with NamedLock(database, "drain") as lock, pytest.raises(RuntimeError, match="taken twice"):
        lock.acquire()


def test_a_busy_lock_says_so(database: Database) -> None:
    with NamedLock(database, "drain"), pytest.raises(LockBusy, match="busy with 'drain'"):
        NamedLock(database, "drain").__enter__()


def test_waiting_ends_as_soon_as_the_lock_is_free(database: Database) -> None:
    first, second = NamedLock(database, "drain"), NamedLock(database, "drain")
    assert first.acquire()
    assert not second.acquire(wait_seconds=0.05)
    waiting = threading.Thread(target=second.acquire, kwargs={"wait_seconds": 30})
    waiting.start()
    first.release()
    waiting.join(timeout=10)
    assert second.held()
    second.release()


def test_another_process_keeps_it_until_it_is_killed(database: Database, holder: subprocess.Popen[str]) -> None:
    lock = NamedLock(database, "drain")
    assert not lock.acquire()
    holder.kill()
    assert lock.acquire(wait_seconds=2)
    assert lock.held()
    lock.release()


def test_a_session_that_the_server_ended_is_noticed(postgresql_url: str) -> None:
    database = Database.at(postgresql_url)
    lock, other = NamedLock(database, "drain"), NamedLock(database, "drain")
    assert lock.acquire()
    with database.write() as session:
        session.connection().exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
    assert not lock.held()
    assert other.acquire(wait_seconds=2)
    lock.release()
    assert other.held()
    other.release()
    database.close()


def test_the_lock_keeps_no_transaction_open(postgresql_url: str) -> None:
    database = Database.at(postgresql_url)
    with NamedLock(database, "drain") as lock, database.read() as session:
        assert lock.held()
        states = session.connection().exec_driver_sql(
            "SELECT a.state FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
        )
        assert [state for (state,) in states] == ["idle"]
    database.close()


def test_a_lock_file_taken_away_is_noticed(sqlite_url: str) -> None:
    database = Database.at(sqlite_url)
    lock, other = NamedLock(database, "drain"), NamedLock(database, "drain")
    assert lock.acquire()
    lock_path(database.engine, "drain").unlink()
    assert not lock.held()
    assert other.acquire()
    assert not lock.held()
    lock.release()
    assert other.held()
    other.release()


def test_every_way_to_a_database_file_leads_to_one_lock(tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(tmp_path)
    straight = Database.at(f"sqlite:///{tmp_path}/a.db")
    crooked = Database.at(f"sqlite:///{tmp_path}/way/a.db")
    with NamedLock(straight, "drain"):
        assert not NamedLock(crooked, "drain").acquire()


def test_a_lock_has_the_same_number_everywhere() -> None:
    assert lock_key("drain") == lock_key("drain") == 7260986237679800567
    assert -(2**63) <= lock_key("migrate") < 2**63
