"""When to try again. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 20, 30, 60))
LONGEST: Final = timedelta(minutes=5)
LONGEST_OF_RECORD: Final = timedelta(hours=1)
PATIENT_TRIES: Final = 24


def pause_after(troubles: int) -> timedelta:
    """How long to leave a remote alone after so many calls in a row that failed in passing: 1, 2, 5, 10, 20, 30, 60 seconds, then 5 minutes."""
    return PAUSES[troubles] if troubles < len(PAUSES) else LONGEST


def pause_of_record(lost: int) -> timedelta:
    """How long a record waits of which so many calls in a row were lost: the first time not at all, then as long as a remote is left alone, and after
    two dozen an hour. It may be the record over which the remote breaks."""
    if lost <= 1:
        return timedelta()
    return pause_after(lost - 2) if lost < PATIENT_TRIES else LONGEST_OF_RECORD
