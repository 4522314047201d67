"""The one function that tells the time.

Everything in the host asks ``now()``. Tests freeze it with freezegun; a process under test can be shifted from outside by a file that holds a number of
seconds, named by the environment variable ``COUNTERFOIL_CLOCK_FILE``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
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
        return timedelta(seconds=float(Path(name).read_text() or 0))
    except FileNotFoundError:
        return timedelta()
