"""Limits: whether a call may leave now, and if not, when. Counting is done on the rows of the calls themselves.

A minute is any 60 seconds plus half a second of guard: calls leave some time after they are counted, and the remote's windows begin when they like. With the
guard, no fixed window of any phase sees more arrivals than the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, case, func, select, update

from host.sync.outbox import PERSON
from host.sync.tables import calls, connections

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from host.sync.provider import Limits, Verdict

WINDOW: Final = timedelta(seconds=60.5)
DAY: Final = timedelta(hours=24)
DEAD_CALL: Final = timedelta(seconds=10)
"""How long the call of a dead worker still counts as one of those that are out at once."""
OUT_AT_MOST: Final = timedelta(minutes=3)
"""No call is out for longer: whoever sent one that old without closing it is dead."""
RELEASE: Final = timedelta(seconds=6)
"""How long before a window's end the calls kept back for people go to whoever waits."""
BUSY_AGAIN: Final = timedelta(seconds=0.25)
THROTTLED_AGAIN: Final = timedelta(seconds=1)
WHOLE_DAY_AGAIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much of its limits an organisation has used. ``recent``: when the calls of the last window left, oldest first. ``dead``: how many of the
    calls that are out were a dead worker's."""

    recent: Sequence[datetime]
    today: int
    first_today: datetime | None
    out: int
    dead: int = 0
    foreign: int = 0
    held_until: datetime | None = None


def free_at(use: Use, limits: Limits, priority: int, now: datetime) -> datetime:
    """When the next call of this priority may leave: ``now``, or later. Pure.

    A later moment is when to ask again, not a promise: a slot that depends on an answer (too many out at once) is asked for again shortly.
    """
    waits = [now]
    if use.held_until:
        waits.append(use.held_until)
    # What dead workers left may still run, but it never stops us altogether: one call at a time can always go, and settles them.
    if use.out + min(use.dead, limits.concurrent - 1) >= limits.concurrent:
        waits.append(now + BUSY_AGAIN)
    if limits.day and use.today >= limits.day and use.first_today:
        waits.append(use.first_today + DAY)
    if limits.minute:
        waits.append(_minute_free_at(use, limits, priority, now))
    return max(waits)


def _minute_free_at(use: Use, limits: Limits, priority: int, now: datetime) -> datetime:
    allowed = max(1, limits.minute - use.foreign)
    recent = [at for at in use.recent if at > now - WINDOW]
    if len(recent) >= allowed:
        return recent[-allowed] + WINDOW
    kept_back = min(limits.reserve, allowed - 1) if priority != PERSON else 0
    if len(recent) < allowed - kept_back:
        return now
    window_ends = recent[0] + WINDOW
    return max(now, window_ends - RELEASE)


def throttled_until(verdict: Verdict, now: datetime) -> datetime:
    """When to ask again a remote that says it had too many calls, and may say until when."""
    unsaid = WHOLE_DAY_AGAIN if verdict.whole_day else THROTTLED_AGAIN
    return now + (unsaid if verdict.wait_seconds is None else timedelta(seconds=verdict.wait_seconds))


def lock_connection(session: Session, key: str) -> None:
    """Make whoever counts calls of this connection wait for its turn. On SQLite the write transaction already does."""
    session.connection().execute(_LOCKED, {"key": key})


_LOCKED: Final = select(connections.c.key).where(connections.c.key == bindparam("key")).with_for_update()

# Built once: each of these runs twice for every call, and building takes many times as long as running.
_counted: Final = (calls.c.connection == bindparam("key")) & (calls.c.purpose != "token")
_after: Final = bindparam("after", type_=calls.c.sent_at.type)
_RECENT: Final = select(calls.c.sent_at).where(_counted, calls.c.sent_at > _after).order_by(calls.c.sent_at)
_TODAY: Final = select(func.count(), func.min(calls.c.sent_at)).where(_counted, calls.c.sent_at > _after)
_RECENTLY: Final = select(func.count()).where(_counted, calls.c.sent_at > _after)
_OUT: Final = select(
    func.count(case((calls.c.closed_at.is_(None), 1))),
    func.count(
        case(
            (
                (calls.c.closed_at > bindparam("died_after", type_=calls.c.closed_at.type))
                & calls.c.status.is_(None)
                & (calls.c.running_until > bindparam("now", type_=calls.c.running_until.type)),
                1,
            )
        )
    ),
).where(_counted, calls.c.sent_at > _after)
_HELD: Final = select(connections.c.hold_until, connections.c.foreign_calls, connections.c.foreign_calls_at).where(
    connections.c.key == bindparam("key")
)


def measure(session: Session, key: str, limits: Limits, now: datetime) -> Use:
    """Count what this connection has used, from its calls. Calls for tokens are outside the organisation's limits."""
    ask = session.connection().execute
    recent = ask(_RECENT, {"key": key, "after": now - WINDOW}).scalars().all()
    today, first = ask(_TODAY, {"key": key, "after": now - DAY}).one() if limits.day else (0, None)
    out = {"key": key, "after": now - OUT_AT_MOST, "died_after": now - DEAD_CALL, "now": now}
    still_open, dead = ask(_OUT, out).one()
    held = ask(_HELD, {"key": key}).one_or_none()
    foreign = held.foreign_calls if held and held.foreign_calls_at and held.foreign_calls_at > now - WINDOW else 0
    return Use(
        recent=recent,
        today=today,
        first_today=first,
        out=still_open,
        dead=dead,
        foreign=foreign,
        held_until=held.hold_until if held else None,
    )


def heed_headers(
    session: Session, key: str, limits: Limits, minute_left: int | None, *, sent_at: datetime, now: datetime
) -> None:
    """Take in what an answer says is left: fewer than we think means that another client of the same app is calling."""
    if minute_left is None or not limits.minute:
        return
    # It was counted at some moment since the call left: none of ours that may have been counted then is taken for somebody else's.
    ours = session.connection().execute(_RECENTLY, {"key": key, "after": sent_at - WINDOW}).scalar_one()
    foreign = max(0, limits.minute - minute_left - ours)
    session.execute(
        update(connections).where(connections.c.key == key).values(foreign_calls=foreign, foreign_calls_at=now)
    )
