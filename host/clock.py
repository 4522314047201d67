"""The one function that tells the time.

Everything in the host asks ``now()``. Tests freeze it with freezegun; a process under test can be shifted from outside by a file that holds a number of
seconds, named by the environment variable ``COUNTERFOIL_CLOCK_FILE``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

SHIFT_VARIABLE: Final = "COUNTERFOIL_CLOCK_FILE"


def now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC) + _shift()


def by_machine(moment: datetime) -> datetime:
    """A time of ours as the machine's clock has it, for libraries that go by that one."""
    return moment - _shift()


def _shift() -> timedelta:
    name = os.environ.get(SHIFT_VARIABLE)
    if not name:
        return timedelta()
    try:
        found = Path(name).stat()
        return _read(name, (found.st_ino, found.st_mtime_ns, found.st_size))
    except FileNotFoundError:
        return timedelta()


@lru_cache(maxsize=1)
def _read(name: str, _version: tuple[int, int, int]) -> timedelta:
    """Once for each version of the file: an import asks for the time ten times a record."""
    return timedelta(seconds=float(Path(name).read_text() or 0))
