"""The server's memory while it sends a mountain of records that wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import psutil

from bench.figures import Figure, at_most, reported

if TYPE_CHECKING:
    from bench.stage import Stages

WAITING: Final = 10_000
WAITING_FULL: Final = 100_000
EVERY_SECONDS: Final = 0.1
MOST_GROWTH: Final = 1.1
"""Flat: the peak of the last quarter of the way is that of the first, give or take what an allocator keeps."""


def run(stages: Stages) -> Iterator[Figure]:
    waiting = WAITING_FULL if stages.full else WAITING
    with stages.with_invoices_waiting(waiting, "--no-limits") as stage:
        stages.say(f"watching the server's memory while it sends {waiting:,} invoices")
        process = psutil.Process(stage.host.serve().program.process.pid)
        samples: list[tuple[int, float]] = []
        while unsent := stage.unsent():
            samples.append((unsent, process.memory_info().rss / 1e6))
            time.sleep(EVERY_SECONDS)
    first = max(size for unsent, size in samples if unsent > waiting * 3 / 4)
    last = max(size for unsent, size in samples if unsent <= waiting / 4)
    yield reported(f"peak while {waiting:,} wait", max(size for _, size in samples), "MB")
    yield at_most("last quarter against the first", last / first, MOST_GROWTH, "times")
