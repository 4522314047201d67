"""When to try again. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 20, 30, 60))
LONGEST: Final = timedelta(minutes=5)


def pause_after(troubles: int) -> timedelta:
    """How long to leave a remote alone after so many calls in a row that failed in passing: 1, 2, 5, 10, 20, 30, 60 seconds, then 5 minutes."""
    return PAUSES[troubles] if troubles < len(PAUSES) else LONGEST
