"""How long `counterfoil --help` takes: what everybody waits for at the command line, whatever they ask."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.figures import Figure, at_most
from tests.e2e.processes import COUNTERFOIL

if TYPE_CHECKING:
    from bench.stage import Stages

TIMES: Final = 15
GOAL_SECONDS: Final = 0.4


def run(stages: Stages) -> Iterator[Figure]:
    stages.say("starting")
    once()  # the first start reads everything from the disk
    yield at_most("counterfoil --help", median(once() for _ in range(TIMES)), GOAL_SECONDS, "s")


def once() -> float:
    begun = time.perf_counter()
    subprocess.run([*COUNTERFOIL, "--help"], check=True, capture_output=True)
    return time.perf_counter() - begun
