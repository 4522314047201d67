"""How many records a list has. Many are counted at most once a second: that takes as long as half of the page."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MANY: Final = 10_000
"""From so many on nobody sees whether one more came within the last second."""
SECONDS: Final = 1.0
_MOST_KEPT: Final = 1000


class Counts:
    """Counts of one list, by database and by what was asked for. One that is not of many is never kept."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Any, dict[Hashable, tuple[int, float]]] = WeakKeyDictionary()

    def of(self, database: Any, asked: Hashable, count: Callable[[], int], *, more_than: int) -> int:
        """The count, at most a second old. ``more_than``: where a kept one is not, it is counted anew."""
        kept = self._kept.setdefault(database, {})
        total, until = kept.get(asked, (0, 0.0))
        now = monotonic()
        if now < until and total > more_than:
            return total
        total = count()
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        if total >= MANY:
            kept[asked] = total, now + SECONDS
        else:
            kept.pop(asked, None)
        return total
