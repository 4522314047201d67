"""Importing 10,000 contacts, without limits, against what the official client needs just to read and parse them; and the memory of the process that does."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import psutil

from bench.figures import Figure, at_most, reported
from bench.stage import DATABASE
from tests.e2e.official import Official
from tests.e2e.processes import Host, Sandbox

if TYPE_CHECKING:
    from bench.stage import Stages

CONTACTS: Final = 10_000
MANY: Final = 30_000
MANY_FULL: Final = 100_000
ROUNDS: Final = 3
MOST_CALLS: Final = 11
MOST_TIMES: Final = 3.0
MOST_GROWTH: Final = 1.1
"""Flat, give or take what an allocator keeps."""
MOST_BYTES: Final = 20_000
LOOK_SECONDS: Final = 0.05


@dataclass
class Import:
    """One import by a running server."""

    seconds: float
    calls: int
    bytes: int
    peak: float
    imported: dict[str, Any] = field(default_factory=dict)


def run(stages: Stages) -> Iterator[Figure]:
    rounds = [_round(stages) for _ in range(ROUNDS)]
    firsts = [one["first"] for one in rounds]
    yield at_most("calls for 10,000 contacts", max(one.calls for one in firsts), MOST_CALLS, "calls")
    yield reported("xero-python reads and parses them", median(one["official"] for one in rounds), "s")
    yield reported("Counterfoil imports them", median(one["first"].seconds for one in rounds), "s")
    against = [one["first"].seconds / one["official"] for one in rounds]
    yield at_most(f"against xero-python, median of {ROUNDS} runs", median(against), MOST_TIMES, "times")
    whole = [one["whole"].seconds / one["official"] for one in rounds]
    yield reported("all of it again, nothing changed: against xero-python", median(whole), "times")
    later = [one["later"] for one in rounds]
    yield reported("a day later, nothing changed", median(one.seconds for one in later), "s")
    yield at_most("a day later: calls", max(one.calls for one in later), 1, "calls")
    yield at_most("a day later: bytes", max(one.bytes for one in later), MOST_BYTES)
    many = MANY_FULL if stages.full else MANY
    with _office(stages, many) as office:
        stages.say(f"importing {many:,} contacts")
        peak = office.imported().peak
    small = median(one.peak for one in firsts)
    yield reported(f"peak memory while {CONTACTS:,} come", small, "MB")
    yield at_most(f"peak memory while {many:,} come, against that", peak / small, MOST_GROWTH, "times")


def _round(stages: Stages) -> dict[str, Any]:
    with _office(stages, CONTACTS) as office:
        stages.say(f"importing {CONTACTS:,} contacts, and reading them with xero-python before and after")
        before = office.official()
        first, whole = office.imported(), office.imported(whole=True)
        after = office.official()
        office.host.advance(86_400)
        office.imported()  # what was made just before the first import lies within the overlap
        office.host.advance(86_400)
        later = office.imported()
    assert first.imported["kinds"]["customers"]["create"] == CONTACTS
    assert whole.imported["kinds"]["customers"]["unchanged"] == CONTACTS
    assert later.imported["since"]
    return {"official": (before + after) / 2, "first": first, "whole": whole, "later": later}


@dataclass
class Office:
    host: Host

    def official(self) -> float:
        official = Official(self.host.sandbox.url)
        begun = time.perf_counter()
        assert len(official.contacts()) >= CONTACTS
        return time.perf_counter() - begun

    def _stage(self, batch: str) -> str:
        """Asked of the database's file, so that asking costs the server nothing."""
        with closing(sqlite3.connect(f"file:{self.host.folder / DATABASE}?mode=ro", uri=True)) as connection:
            return str(connection.execute("SELECT stage FROM sync_imports WHERE batch = ?", (batch,)).fetchone()[0])

    def imported(self, **more: Any) -> Import:
        server = self.host.servers[-1]
        api = server.api  # whose token a command makes first, which is no part of the import
        process, calls = psutil.Process(server.program.process.pid), self.host.sandbox.last_call
        begun = time.perf_counter()
        answer = api.post("/connections/demo/import", json={"kind": "customers", **more})
        assert answer.status_code == 202, answer.text
        batch_id, peak = answer.json()["batch"], 0.0
        while self._stage(batch_id) in {"reading", "deciding"}:
            peak = max(peak, process.memory_info().rss / 1e6)
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - begun
        batch = server.get(f"/batches/{batch_id}")
        assert batch["imported"]["stage"] == "done", batch
        made = [one for one in self.host.sandbox.calls(after=calls) if "/Contacts" in one["path"]]
        return Import(seconds, len(made), sum(one["bytes_out"] for one in made), peak, batch["imported"])


@contextmanager
def _office(stages: Stages, contacts: int) -> Iterator[Office]:
    folder = stages.new_folder(f"import-{contacts}")
    (folder / "sandbox").mkdir()
    database = f"sqlite:///{folder / 'host' / DATABASE}"
    with Sandbox(folder / "sandbox", ("--no-limits",)) as sandbox, Host(folder / "host", database, sandbox) as host:
        host.set_up()
        sandbox.control("POST", "fill", contacts=contacts)
        host.serve()
        yield Office(host)
