"""`python -m bench [NAME ...]`: runs the benchmarks and prints one table; FULL=1 in the environment asks for the long versions."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Final

from bench.figures import Figure, table
from bench.stage import Stages

BENCHMARKS: Final = (
    "starting",
    "metrics",
    "loading",
    "listing",
    "saving",
    "memory",
    "importing",
    "against_the_official_client",
    "ten_thousand",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed and memory, measured.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all: {', '.join(BENCHMARKS)})")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)} (there are {', '.join(BENCHMARKS)})")
    begun = time.monotonic()
    figures = measure(names, full=bool(os.environ.get("FULL")))
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} processors, {time.monotonic() - begun:.0f} s\n")
    print(table(figures))
    return 1 if any(one.met is False for _, one in figures) else 0


def measure(names: list[str], *, full: bool) -> list[tuple[str, Figure]]:
    figures: list[tuple[str, Figure]] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="counterfoil-bench-"))
        stages = Stages(Path(folder), full, stack)
        for name in names:
            print(name, file=sys.stderr, flush=True)
            figures += [(name, one) for one in import_module(f"bench.{name}").run(stages)]
    return figures


if __name__ == "__main__":
    sys.exit(main())
