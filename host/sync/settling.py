"""What to do about a record whose last call has no known outcome. Pure.

An unknown outcome is never guessed at: the remote is asked for the record's mark, or the record is held until the call cannot be at work any more.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from host.sync.provider import Verb

if TYPE_CHECKING:
    from host.sync.calls import Unsettled


class Way(Enum):
    LOOK = "look"
    """Ask the remote for the mark, now."""
    HOLD = "hold"
    """Wait: the call may still be at work."""
    RELEASE = "release"
    """Plan it anew: whatever the call did is over, and planning reads the remote where it must."""


def way_of(one: Unsettled, now: datetime) -> Way:
    """How this record is settled.

    A create whose mark the remote keeps unique is looked up at once: should the lost call land later, ours is refused, or the other way round. One without
    such a mark is looked up when the call cannot be running any more. An update is sent again, as the record is by then, when it cannot overtake.
    """
    over = now >= one.running_until
    if one.verb is Verb.CREATE:
        return Way.LOOK if one.findable or over else Way.HOLD
    return Way.RELEASE if over or one.outcome in {"taken", "unclear"} else Way.HOLD
