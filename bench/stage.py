"""Where benchmarks take place: a host and a sandbox as processes, prepared once and copied for each run."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text, update

from bench import shop
from host import clock
from host.db import Database
from host.sync.tables import calls
from tests.e2e.processes import Host, Sandbox, wait_until
from tests.postgres import PostgresServer, running_postgres

DATABASE: Final = "counterfoil.db"
LIMITS: Final = "[plugins.xero.limits]"


@dataclass
class Stage:
    """One run's host and sandbox."""

    host: Host
    sandbox: Sandbox
    calls_before: int = 0

    def calls(self) -> list[dict[str, Any]]:
        """The calls of this run, in the order of their arrival; the ones for tokens are among them."""
        return self.sandbox.calls()[self.calls_before :]

    def unsent(self, kind: str = "invoices") -> int:
        """How many records of this kind are not synced: asked of the database's file, so that asking costs the server nothing."""
        with closing(sqlite3.connect(f"file:{self.host.folder / DATABASE}?mode=ro", uri=True)) as connection:
            wanted = "SELECT count(*) FROM sync_rows WHERE kind = ? AND state <> 'synced'"
            count: int = connection.execute(wanted, (kind,)).fetchone()[0]
        return count

    def wait_until_sent(self, *, seconds: float) -> float:
        """Answers when the last one was booked, on the machine's clock."""
        wait_until(lambda: self.unsent() == 0, seconds=seconds, what="all invoices to be booked", pause=0.1)
        return time.time()

    def begun(self) -> float:
        """When the first call of this run arrived."""
        return arrived(self.calls()[0])


def arrived(call: Mapping[str, Any]) -> float:
    """When a call arrived at the sandbox, on the machine's clock."""
    return datetime.fromisoformat(call["time"]).timestamp()


@dataclass
class Stages:
    """Makes stages below one folder. ``full`` asks for the long versions."""

    folder: Path
    full: bool
    _stack: ExitStack
    _prepared: dict[int, Path] = field(default_factory=dict)
    _postgres: PostgresServer | None = None
    _count: int = 0

    def say(self, text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    def new_folder(self, name: str) -> Path:
        self._count += 1
        folder = self.folder / f"{self._count}-{name}"
        folder.mkdir()
        return folder

    def postgresql_url(self) -> str:
        """An empty database of a server that is started when first asked for."""
        if self._postgres is None:
            self._postgres = self._stack.enter_context(running_postgres())
        return self._postgres.url(self._postgres.create_database())

    @contextmanager
    def with_invoices_waiting(
        self, count: int, *options: str, limits: Mapping[str, int] | None = None
    ) -> Iterator[Stage]:
        """So many invoices wait to be sent; their customers and products are at the sandbox, which has these options of its command line."""
        source = self._waiting(count)
        with self._copied(source, *options) as stage:
            stage.host.replace("minute = 0", f"minute = {(limits or {}).get('minute', 0)}")
            stage.host.replace("day = 0", f"day = {(limits or {}).get('day', 0)}")
            yield stage

    def _waiting(self, count: int) -> Path:
        if count not in self._prepared:
            if count == 0:
                self._prepared[0] = self._shop()
            else:
                self.say(f"loading {count:,} invoices")
                folder = self.new_folder(f"waiting-{count}")
                with self._copied(self._waiting(0), "--no-limits", folder=folder) as stage:
                    file = shop.write(folder / "invoices.jsonl", shop.invoices(count))
                    stage.host.run("load", "invoices", str(file))
                    assert stage.unsent() == count
                    stage.sandbox.program.stop()
                self._prepared[count] = folder
        return self._prepared[count]

    def _shop(self) -> Path:
        """Customers and products, synced."""
        self.say("sending the shop's customers and products")
        folder = self.new_folder("shop")
        (folder / "sandbox").mkdir()
        database = f"sqlite:///{folder / 'host' / DATABASE}"
        with Sandbox(folder / "sandbox", ("--no-limits",)) as sandbox, Host(folder / "host", database, sandbox) as host:
            host.set_up()
            load_shop(host)
            host.run("sync", "--wait")
            sandbox.program.stop()
        return folder

    @contextmanager
    def _copied(self, source: Path, *options: str, folder: Path | None = None) -> Iterator[Stage]:
        folder = folder or self.new_folder("run")
        for part in ("host", "sandbox"):
            shutil.copytree(source / part, folder / part)
        with (
            Sandbox(folder / "sandbox", options) as sandbox,
            Host(folder / "host", f"sqlite:///{folder / 'host' / DATABASE}", sandbox) as host,
        ):
            _point_at(host, sandbox)
            _long_ago(host)
            yield Stage(host, sandbox, calls_before=len(sandbox.calls()))


def keep_house(database: Database) -> None:
    """What PostgreSQL does by itself within a minute after so much was written: it knows how much is where, and counting needs the index alone."""
    if database.is_sqlite:
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(2):  # the first finds pages that were just written, the second that everybody sees them
            connection.execute(text("VACUUM ANALYZE"))


def load_shop(host: Host) -> None:
    for kind, records in (("customers", shop.customers()), ("products", shop.products())):
        host.run("load", kind, str(shop.write(host.folder / f"{kind}.jsonl", records)))


def _long_ago(host: Host) -> None:
    """The calls of the preparation take nothing from a run's limits: to the sandbox, which has just started, they never were."""
    database = Database.at(host.database_url)
    with database.write() as session:
        session.execute(update(calls).values(sent_at=clock.now() - timedelta(days=2)))
    database.close()


def _point_at(host: Host, sandbox: Sandbox) -> None:
    """The copy's own database and sandbox instead of the original's."""
    lines = host.config.read_text().splitlines()
    for name in ("login", "identity", "api"):
        lines = [f'{name} = "{sandbox.url}"' if line.startswith(f"{name} =") else line for line in lines]
    host.config.write_text("\n".join(lines) + "\n")
    host.set(database_url=host.database_url)
