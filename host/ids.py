"""Identities of records: never used again, and in the order of their making.

Version 7 UUIDs (RFC 9562, section 5.7) as 32 hexadecimal digits; the standard library makes them from Python 3.14 on. Rows made later sort later, which
keeps indexes dense and lists in the order of creation. Within a millisecond a counter keeps the order.
"""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

from host import clock


class _Ticks:
    """A number that only grows: the milliseconds of the clock, with a counter of twelve bits below them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, int(clock.now().timestamp() * 1000) << 12)
            return self._last


_ticks = _Ticks()


def first_id_of(moment: datetime) -> str:
    """What every identity made at this moment or later is greater than, and every one made before is less than."""
    return f"{int(moment.timestamp() * 1000) << 80:032x}"


def new_id() -> str:
    """A new identity, greater than every one made before in this process."""
    milliseconds, counter = divmod(_ticks.next(), 1 << 12)
    value = milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62)
    return f"{value:032x}"
