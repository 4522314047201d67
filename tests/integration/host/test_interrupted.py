"""Whatever ends a command, Ctrl-C or kill -9: it is quiet, nothing is half there, and the same command again goes on."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import httpx

from host.db import Database
from host.db.migrate import Standing
from tests.e2e.processes import wait_until
from tests.integration.host.terminal import PROGRAM, Terminal

if TYPE_CHECKING:
    from host.testing.place import Place
    from tests.contract.running import Sandbox
    from tests.integration.host.conftest import Desk


def started(desk: Desk, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *arguments], cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_a_sync_that_waits_is_interrupted_and_the_next_one_goes_on(desk: Desk, sandbox: Sandbox) -> None:
    desk.good("load", "customers", desk.file("c.jsonl", {"ref": "ada", "name": "Ada"}, {"ref": "bea", "name": "Bea"}))
    sandbox.fault(method="PUT", path="Contacts", kind="delay", seconds=1, times=1)
    process = started(desk, "sync", "--wait")
    wait_until(lambda: sandbox.logged("Contacts"), what="the call to be out")
    assert interrupted(process) == (130, "", "")
    assert desk.good("sync", "--wait") == "2 synced\n"
    assert sorted(one["Name"] for one in sandbox.listed("Contacts")) == ["Ada", "Bea"]


def test_an_import_is_interrupted_and_the_next_one_goes_on(desk: Desk, sandbox: Sandbox) -> None:
    sandbox.fault(method="GET", path="Accounts", kind="delay", seconds=1, times=1)
    process = started(desk, "import", "all", "--connection", "one")
    wait_until(lambda: sandbox.logged("Accounts"), what="the call to be out")
    assert interrupted(process) == (130, "", "")
    imported = json.loads(desk.good("import", "all", "--connection", "one", "--json"))
    assert imported["accounts"]["created"] > 0
    assert imported["rates"]["created"] == 0, "kept from the first time"


def test_an_import_of_records_is_interrupted_and_the_next_one_goes_on(desk: Desk, sandbox: Sandbox) -> None:
    [tenant] = [one["tenant_id"] for one in sandbox.control("GET", "organisations") if one["name"] == "One Ltd"]
    sandbox.control("POST", "fill", {"tenant_id": tenant, "contacts": 3})
    sandbox.fault(method="GET", path="Contacts", kind="delay", seconds=1, times=1)
    process = started(desk, "import", "customers", "--connection", "one")
    wait_until(lambda: sandbox.logged("Contacts"), what="the call to be out")
    code, out, err = interrupted(process)
    assert (code, out) == (130, "")
    assert err == (
        "error: stopped: what was imported is kept; a running server, or the next import, goes on with the rest\n"
    )
    assert desk.good("import", "customers", "--connection", "one") == "customers: 3 unchanged\n", "the first went on"


MIGRATION = """
import threading
from pathlib import Path
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

def upgrade():
    op.create_table("slow_things", sa.Column("id", sa.Integer, primary_key=True))
    if not Path({begun!r}).exists():
        Path({begun!r}).touch()
        threading.Event().wait()
"""


def test_a_migration_that_is_killed_leaves_nothing_and_is_done_by_the_next(place: Place) -> None:
    begun = place.folder / "begun"
    (place.folder / "versions").mkdir()
    (place.folder / "versions" / "0001.py").write_text(MIGRATION.format(begun=str(begun)))
    place.plugin(
        "slow",
        "from pathlib import Path\n@hookimpl\ndef migrations():\n"
        f"    return Migrations(versions=Path({str(place.folder / 'versions')!r}))",
    )
    place.write()
    process = subprocess.Popen([*PROGRAM, "migrate", "-c", str(place.config)], stdout=subprocess.PIPE)
    wait_until(begun.exists, what="the migration to be under way")
    process.kill()
    process.communicate()

    assert standing(place) == {"host": Standing.CURRENT, "slow": Standing.MISSING}
    done = subprocess.run([*PROGRAM, "migrate", "-c", str(place.config)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert standing(place) == {"host": Standing.CURRENT, "slow": Standing.CURRENT}


def standing(place: Place) -> dict[str, Any]:
    from host.app import open_installation

    installation = open_installation(place.config)
    found = {line.name: line.standing for line in installation.standing()}
    installation.close()
    return found


def test_the_first_migration_of_all_is_killed_before_it_commits(place: Place) -> None:
    """The host's own tables: stopped at the last statement before the commit."""
    place.write()
    code = (
        "import os, signal; from host.db import migrate; from host.cli import main\n"
        "real = migrate._upgrade\n"
        "def upgrade(line, connection):\n    real(line, connection); os.kill(os.getpid(), signal.SIGKILL)\n"
        "migrate._upgrade = upgrade; main()"
    )
    killed = subprocess.run([PROGRAM[0], "-c", code, "migrate", "-c", str(place.config)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert standing(place) == {"host": Standing.MISSING}
    assert [line.standing for line in place.migrate()] == [Standing.CURRENT]
    database = Database.at(place.database_url)
    with database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM host_settings").scalar() == 1
    database.close()


def test_a_configuration_that_is_edited_while_serving_counts_from_the_next_start(desk: Desk) -> None:
    process = started(desk, "serve", "--port", "0")
    assert process.stdout is not None
    ready = process.stdout.readline()
    url = ready.split()[4]
    desk.change('daily_at = "02:30"', "daily_at = soon")
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    again = desk("serve", "--port", "0")
    assert (again.code, again.err) == (1, "error: counterfoil.toml:12: this is not TOML: Invalid value\n")


def test_a_load_at_a_terminal_forty_columns_wide_shows_how_far_it_is(desk: Desk) -> None:
    records = [{"ref": f"c{number}", "name": f"C {number}"} for number in range(900)]
    name = desk.file("a-file-with-a-name-that-is-long.jsonl", *records, {"ref": "bad"})
    arguments = ("load", "customers", str(desk.folder / name), "-c", str(desk.folder / "counterfoil.toml"))
    with Terminal(*arguments, columns=40) as terminal:
        assert terminal.end() == 1
    assert "%" in terminal.shown
    bars = [part for part in terminal.parts if "%" in part]
    assert bars
    assert max(map(len, bars)) <= 40
    assert f"{desk.folder}/{name}:901: name: is required" in terminal.lines
    assert terminal.lines[-2:] == ["customers: 900 created, 1 bad", ""]
