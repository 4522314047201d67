"""What saving an invoice costs with the Xero plugin on, against off; and how soon a saved one arrives at the sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench import shop
from bench.figures import Figure, at_most, percentile, reported
from bench.stage import DATABASE, Stages, arrived, load_shop
from tests.e2e.processes import Host, Sandbox, Server

SAVES: Final = 150
SAVES_FULL: Final = 1000
WARM_UP: Final = 10
TYPING_SECONDS: Final = 0.1
MOST_TIMES: Final = 1.25
MOST_SECONDS_TO_ARRIVE: Final = 0.15


def run(stages: Stages) -> Iterator[Figure]:
    for name in ("SQLite", "PostgreSQL"):
        stages.say(f"saving on {name}, with the plugin and without")
        with ExitStack() as stack:
            on, off, sandbox = _servers(stages, stack, sqlite=name == "SQLite")
            yield from _figures(name, Saving(on, off, sandbox), SAVES_FULL if stages.full else SAVES)


def _figures(name: str, saving: Saving, count: int) -> Iterator[Figure]:
    saving.alternate(count)
    on, off = median(saving.with_plugin), median(saving.without)
    yield reported(f"{name}: PUT of a new invoice, plugin off, median", off * 1000, "ms")
    yield reported(f"{name}: PUT of a new invoice, plugin on, median", on * 1000, "ms")
    yield at_most(f"{name}: on against off", on / off, MOST_TIMES, "times")
    waits = saving.waits()
    yield at_most(f"{name}: save to arrival, median", median(waits), MOST_SECONDS_TO_ARRIVE, "s")
    yield reported(f"{name}: save to arrival, 95 of 100", percentile(waits, 0.95), "s")


class Saving:
    """Saves invoices at one server and at the other in turn."""

    def __init__(self, on: Server, off: Server, sandbox: Sandbox) -> None:
        self._on, self._off, self._sandbox = on, off, sandbox
        self._saved: dict[str, float] = {}
        self.with_plugin: list[float] = []
        self.without: list[float] = []

    def alternate(self, count: int) -> None:
        """Each save waits until the one before has arrived and is booked, and a moment longer: nobody saves the next one before he has typed anything,
        and by then the drain has looked whether there is more, and gone to sleep."""
        for n in range(count + WARM_UP):
            time.sleep(TYPING_SECONDS)
            record = shop.invoice(n, "SAVED")
            self._saved[record["number"]] = time.time()
            taken = self._seconds(self._on, record)
            self._on.wait_for_state(f"/invoices/{record['ref']}", "synced")
            self.with_plugin.append(taken)
            self.without.append(self._seconds(self._off, record))
        del self.with_plugin[:WARM_UP], self.without[:WARM_UP]

    @staticmethod
    def _seconds(server: Server, record: dict[str, object]) -> float:
        begun = time.perf_counter()
        server.put(f"/invoices/{record['ref']}", record)
        return time.perf_counter() - begun

    def waits(self) -> list[float]:
        """From asking to save to the arrival of the call at the sandbox."""
        found = []
        for call in self._sandbox.calls():
            if call["method"] == "PUT" and "Invoices" in call["path"]:
                body = self._sandbox.control("GET", f"calls/{call['id']}")["request_body"]
                found += [arrived(call) - begun for number, begun in self._saved.items() if f'"{number}"' in body]
        return found[WARM_UP:]


def _servers(stages: Stages, stack: ExitStack, *, sqlite: bool) -> tuple[Server, Server, Sandbox]:
    """Two servers with the same shop, one of them without the plugin."""
    folder = stages.new_folder("saving")
    (folder / "sandbox").mkdir()
    sandbox = stack.enter_context(Sandbox(folder / "sandbox", ("--no-limits",)))
    hosts = []
    for name in ("on", "off"):
        database = f"sqlite:///{folder / name / DATABASE}" if sqlite else stages.postgresql_url()
        hosts.append(stack.enter_context(_host(folder / name, database, sandbox)))
    on, off = hosts
    off.replace('plugins = ["core_billing", "xero"]', 'plugins = ["core_billing"]')
    return on.serve(), off.serve(), sandbox


def _host(folder: Path, database: str, sandbox: Sandbox) -> Host:
    """Set up with the plugin in both cases, so that both know the same rates and accounts; only one goes on with it."""
    host = Host(folder, database, sandbox)
    host.set_up()
    load_shop(host)
    if folder.name == "on":
        host.run("sync", "--wait")
    return host
