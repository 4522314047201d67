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
    """Wait: the call may still be at work, or asking brought nothing a moment ago."""
    RELEASE = "release"
    """Plan it anew: whatever the call did is over, and planning reads the remote where it must."""


def way_of(one: Unsettled, now: datetime) -> Way:
    """How this record is settled.

    A create whose mark the remote keeps unique is looked up at once: should the lost call land later, ours is refused, or the other way round. One without
    such a mark is looked up when the call cannot be running any more. An update is sent again, as the record is by then, when it cannot overtake.
    """
    if one.look_at and now < one.look_at:
        return Way.HOLD
    over = now >= one.running_until
    if one.verb is Verb.CREATE:
        return Way.LOOK if one.findable or over else Way.HOLD
    return Way.RELEASE if over or one.outcome in {"taken", "unclear"} else Way.HOLD


def held_until(one: Unsettled, now: datetime) -> datetime:
    """When a held record is looked at again."""
    return one.look_at if one.look_at and now < one.look_at else one.running_until


def may_send_anew(one: Unsettled, generation: int, now: datetime) -> bool:
    """Whether a create that was looked for and not found may be made again while the lost call may still be at work.

    The same record bears the same mark, so that only one of both can land. One saved since may bear another (a new number), or want to be deleted: then
    both could.
    """
    return generation == one.generation or now >= one.running_until
