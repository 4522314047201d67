"""A desk with a command line that leads to a sandbox."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, select

from host.cli.base.runner import run
from host.db import Database
from plugins.xero.sandbox.world import Options, OrganisationOption
from tests.contract.running import InThread, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ORGANISATIONS = (OrganisationOption("One Ltd"), OrganisationOption("Two Ltd"))


@dataclass
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Desk:
    """A folder with a configuration that leads to a sandbox, and the command line in it."""

    folder: Path
    sandbox: str
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ran:
        self.capsys.readouterr()
        try:
            code = run(arguments)
        except SystemExit as ended:  # the sandbox's own parser
            code = int(str(ended.code))
        out, err = self.capsys.readouterr()
        return Ran(code, self._stable(out), self._stable(err))

    def _stable(self, text: str) -> str:
        """What differs from run to run, by its name."""
        text = text.replace(self.sandbox, "SANDBOX").replace(f"{self.folder}/", "")
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+", "TIME", text)

    def good(self, *arguments: str) -> str:
        ran = self(*arguments)
        assert ran.code == 0, ran.err
        return ran.out

    def change(self, old: str, new: str) -> None:
        path = self.folder / "counterfoil.toml"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def file(self, name: str, *records: dict[str, Any]) -> str:
        (self.folder / name).write_text("".join(f"{json.dumps(record)}\n" for record in records))
        return name

    def contents(self) -> Any:
        """Every row of the database but the logs of calls and commands, which tell of each attempt."""
        database = Database.at(f"sqlite:///{self.folder}/counterfoil.db")
        tables = MetaData()
        tables.reflect(database.engine)
        with database.read() as session:
            found = {
                table.name: sorted(map(str, session.execute(select(table))))
                for table in tables.sorted_tables
                if table.name not in {"sync_calls", "host_occasions"}
            }
        database.close()
        return found


@pytest.fixture(scope="session")
def running() -> Iterator[InThread]:
    served = InThread(Options(ORGANISATIONS))
    yield served
    served.stop()


@pytest.fixture
def sandbox(running: InThread) -> Iterator[Sandbox]:
    found = Sandbox(running.url)
    found.control("POST", "reset")
    yield found
    found.client.close()


@pytest.fixture(scope="session")
def installed(running: InThread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated, and connected to One Ltd under the key ``one``."""
    folder = tmp_path_factory.mktemp("installed")
    config = str(folder / "counterfoil.toml")
    for line in (
        ("init", str(folder), "--sandbox", running.url),
        ("migrate", "-c", config),
        ("xero", "connect", "one", "-c", config),
    ):
        assert run(line) == 0
    return folder


@pytest.fixture
def desk(
    tmp_path: Path,
    installed: Path,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path, sandbox.url, capsys)
