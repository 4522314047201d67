"""A sandbox and a host, as processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.processes import Host, Sandbox, Server

if TYPE_CHECKING:
    from tests.conftest import Prepare
    from tests.postgres import PostgresServer

MakeSandbox = Callable[..., Sandbox]
MakeHost = Callable[..., Host]


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[MakeSandbox]:
    """Starts a sandbox with these options of its command line."""
    with ExitStack() as stack:

        def make(*options: str) -> Sandbox:
            folder = tmp_path / "sandbox"
            folder.mkdir()
            return stack.enter_context(Sandbox(folder, options))

        yield make


@pytest.fixture
def make_host(tmp_path: Path, database_url: str) -> Iterator[MakeHost]:
    """Makes an installation on this sandbox; several share nothing but it."""
    with ExitStack() as stack:

        def make(sandbox: Sandbox, *, connect: bool = True) -> Host:
            folder = tmp_path / "host"
            host = stack.enter_context(Host(folder, database_url, sandbox))
            host.set_up(connect=connect)
            return host

        yield make


# ------------------------------------------------------------------------------------- copies of one that is connected

PATIENCE: Final = 1
"""The seconds that these installations give Xero to answer."""


@dataclass
class Blueprint:
    """An installation that is connected to its sandbox, with no limits on either side, made once for each kind of database and then copied:
    six commands take ten times as long as to copy what they made."""

    folder: Path
    sandboxes: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def draw(self, database_url: str) -> None:
        kind = _kind(database_url)
        folder = self.folder / kind
        (folder / "sandbox").mkdir(parents=True)
        with (
            Sandbox(folder / "sandbox", ["--no-limits"]) as sandbox,
            Host(folder / "host", database_url, sandbox) as host,
        ):
            host.set_up()
            self.sandboxes[kind], self.tokens[kind] = sandbox.url, host.admin

    def copy(self, folder: Path, database_url: str, options: tuple[str, ...], stack: ExitStack) -> Host:
        kind = _kind(database_url)
        shutil.copytree(self.folder / kind, folder)
        sandbox = stack.enter_context(Sandbox(folder / "sandbox", options))
        host = stack.enter_context(Host(folder / "host", database_url, sandbox, admin=self.tokens[kind]))
        host.set(database_url=database_url)
        host.replace(self.sandboxes[kind], sandbox.url)
        host.set("plugins.xero.limits", patience=PATIENCE)
        return host


def _kind(database_url: str) -> str:
    return database_url.partition(":")[0]


@pytest.fixture(scope="session")
def blueprint(tmp_path_factory: pytest.TempPathFactory) -> Blueprint:
    return Blueprint(tmp_path_factory.mktemp("blueprint"))


@pytest.fixture(scope="session")
def draw(blueprint: Blueprint) -> Prepare:
    """One and the same preparation for all tests of a process, so that it is done once."""
    return blueprint.draw


@pytest.fixture
def make_connected(
    tmp_path: Path, blueprint: Blueprint, draw: Prepare, database_from: Callable[[Prepare], str]
) -> Iterator[MakeHost]:
    """Starts a sandbox without limits (with these further options), and makes an installation that is connected to it and gives it a second to answer."""
    with ExitStack() as stack:

        def make(*options: str) -> Host:
            return blueprint.copy(tmp_path / "copy", database_from(draw), ("--no-limits", *options), stack)

        yield make


@pytest.fixture
def host(make_connected: MakeHost) -> Host:
    """An installation that is connected to a sandbox of its own."""
    return make_connected()


# --------------------------------------------------------------------------------------------------- one server for many


@dataclass
class SharedServers:
    """A running server for each kind of database, for tests that need nothing but records of their own; a new one when a test left it in trouble."""

    blueprint: Blueprint
    folders: pytest.TempPathFactory
    database_of: Callable[[str], str]
    stack: ExitStack
    running: dict[str, Server] = field(default_factory=dict)

    def of(self, kind: str) -> Server:
        if kind not in self.running or not _all_is_well(self.running[kind]):
            folder = self.folders.mktemp("shared") / "copy"
            host = self.blueprint.copy(folder, self.database_of(kind), ("--no-limits",), self.stack)
            self.running[kind] = host.serve()
        return self.running[kind]


def _all_is_well(server: Server) -> bool:
    if not server.program.alive or server.get("/errors")["items"] or server.host.sandbox.faults_left():
        return False
    [connection] = server.get("/connections")["items"]
    return connection["status"] == "connected" and not connection["held_until"]


@pytest.fixture(scope="session")
def shared_servers(
    tmp_path_factory: pytest.TempPathFactory,
    blueprint: Blueprint,
    draw: Prepare,
    prepared_sqlite: Callable[[Prepare], Path],
    prepared_postgresql: Callable[[Prepare], str],
    postgres_server: PostgresServer,
) -> Iterator[SharedServers]:
    def database_of(kind: str) -> str:
        if kind == "sqlite":
            copy = tmp_path_factory.mktemp("shared") / "counterfoil.db"
            shutil.copy(prepared_sqlite(draw), copy)
            return f"sqlite:///{copy}"
        return postgres_server.url(postgres_server.create_database(template=prepared_postgresql(draw)))

    with ExitStack() as stack:
        yield SharedServers(blueprint, tmp_path_factory, database_of, stack)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, shared_servers: SharedServers) -> Server:
    """A running server, connected to a sandbox. Others use it too: name records with a prefix of your own, and leave it in order."""
    return shared_servers.of(request.param)
