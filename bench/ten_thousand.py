"""10,000 invoices of five lines under Xero's limits, alone and with a person who saves an invoice now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Final, Self

from bench import shop
from bench.figures import Figure, at_most, nothing, percentile, reported
from bench.stage import Stage, Stages, arrived

if TYPE_CHECKING:
    from tests.e2e.processes import Server

INVOICES: Final = 10_000
LATENCY: Final = 1.0
MINUTE: Final = 60
AT_ONCE: Final = 5
A_CALL: Final = 50
LIMITS: Final = {"minute": MINUTE, "day": 5000}

MOST_CALLS: Final = 206
MOST_TIMES_THE_FLOOR: Final = 1.03
PERSON_EVERY_SECONDS: Final = 10.0
PERSON: Final = "PERSON"


def run(stages: Stages) -> Iterator[Figure]:
    yield from _alone(stages)
    yield from _with_a_person(stages)


def floor(calls: int) -> float:
    """The least time in which the limits let this many calls through: a burst at the start of each minute, five at once, each as long as the latency."""
    windows = ceil(calls / MINUTE)
    in_the_last = calls - MINUTE * (windows - 1)
    return max(60 * (windows - 1) + ceil(in_the_last / AT_ONCE) * LATENCY, ceil(calls / AT_ONCE) * LATENCY)


def _alone(stages: Stages) -> Iterator[Figure]:
    with stages.with_invoices_waiting(INVOICES, "--latency", str(LATENCY), limits=LIMITS) as stage:
        stages.say(f"sending {INVOICES:,} invoices under Xero's limits, which takes three minutes")
        stage.host.serve()
        seconds = stage.wait_until_sent(seconds=600) - stage.begun()
        calls = stage.calls()
    least = floor(ceil(INVOICES / A_CALL))
    yield at_most("calls, the token's among them", len(calls), MOST_CALLS, "calls")
    yield nothing("calls refused for going too fast", _refused(calls))
    yield at_most(f"time against the floor of {least:.0f} s", seconds / least, MOST_TIMES_THE_FLOOR, "times")


def _with_a_person(stages: Stages) -> Iterator[Figure]:
    with stages.with_invoices_waiting(INVOICES, "--latency", str(LATENCY), limits=LIMITS) as stage:
        stages.say("the same again, with a person who saves an invoice every ten seconds")
        person = Person(stage.host.serve())
        with person:
            finished = stage.wait_until_sent(seconds=600)
        seconds = finished - stage.begun()
        calls = stage.calls()
        waits = person.waits(stage)
    count = len(person.saved)
    least = floor(ceil(INVOICES / A_CALL) + count)
    yield reported("with a person: invoices that the person saved", count)
    yield at_most("with a person: calls but the person's", len(calls) - count, MOST_CALLS, "calls")
    yield nothing("with a person: calls refused for going too fast", _refused(calls))
    yield at_most(
        f"with a person: time against the floor of {least:.0f} s", seconds / least, MOST_TIMES_THE_FLOOR, "times"
    )
    yield at_most("with a person: their median wait", percentile(waits, 0.5), 1.0, "s")
    yield at_most("with a person: their wait, 95 of 100", percentile(waits, 0.95), 20.0, "s")
    yield reported("with a person: their longest wait", max(waits), "s")


def _refused(calls: Sequence[dict[str, object]]) -> int:
    return sum(call["status"] == 429 for call in calls)


@dataclass
class Person:
    """Saves a new invoice every ten seconds through the API, until told to stop. ``saved``: when each was asked to be saved."""

    server: Server
    saved: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(PERSON_EVERY_SECONDS):
            record = shop.invoice(len(self.saved), PERSON)
            begun = time.time()
            self.server.put(f"/invoices/{record['ref']}", record)
            self.saved.append(begun)

    def waits(self, stage: Stage) -> list[float]:
        """How long each invoice took from being asked to be saved to its arrival at the sandbox."""
        stage.wait_until_sent(seconds=120)
        found: dict[int, float] = {}
        for call in stage.calls():
            if call["method"] in {"PUT", "POST"} and "Invoices" in call["path"]:
                body = stage.sandbox.control("GET", f"calls/{call['id']}")["request_body"]
                for n in range(len(self.saved)):
                    if f"{PERSON}-{n:06}" in body:
                        found.setdefault(n, arrived(call))
        return [found[n] - begun for n, begun in enumerate(self.saved)]
