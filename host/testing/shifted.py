"""A clock that can be set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from host import clock

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """The host's clock. Set, it goes on from there. What happens at a time still has to be asked for: ``host.daily.run_due()``, ``host.wake()``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._shift = timedelta()
        self._write()

    @property
    def now(self) -> datetime:
        return clock.now()

    def set(self, moment: datetime) -> None:
        """Make it this time now. ``moment`` has to be aware: ``datetime(2026, 3, 2, 9, 0, tzinfo=UTC)``."""
        self.advance(moment - clock.now())

    def advance(self, by: timedelta) -> None:
        """Let so much time pass at once; a negative one goes back."""
        self._shift += by
        self._write()

    def _write(self) -> None:
        # In one step: a process that looks at this moment sees the former time or the new one.
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_text(str(self._shift.total_seconds()))
        new.replace(self._file)
