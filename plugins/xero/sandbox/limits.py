"""Xero's rate limits: fixed windows per app and organisation, five calls at once, one window per app (API facts 2.1)."""

import math
import zlib
from collections import defaultdict
from dataclasses import asdict, dataclass, replace

MINUTE = 60
DAY = 86_400


@dataclass(frozen=True)
class Limits:
    """How many calls are allowed; 0 is no limit."""

    minute: int = 60
    day: int = 5000
    concurrent: int = 5
    app_minute: int = 10_000

    def changed(self, wanted: dict[str, object]) -> "Limits":
        """Raises ValueError saying which field is wrong and what is accepted."""
        known = asdict(self)
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"unknown limit {name!r} (known: {', '.join(known)})")
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} must be a whole number, 0 for no limit")
        return replace(self, **wanted)  # type: ignore[arg-type]


NO_LIMITS = Limits(minute=0, day=0, concurrent=0)


@dataclass(frozen=True)
class Verdict:
    """Whether a call may go on, and what the answer's headers say about it."""

    accepted: bool
    headers: dict[str, str]


class Window:
    """A fixed window that does not begin at a round time: each organisation's has its own phase."""

    def __init__(self, seconds: int, owner: str) -> None:
        self.seconds = seconds
        self.phase = zlib.crc32(owner.encode()) % seconds
        self.number = -1
        self.used = 0

    def turn(self, now: float) -> None:
        number = int((now - self.phase) // self.seconds)
        if number != self.number:
            self.number, self.used = number, 0

    def ends_in(self, now: float) -> int:
        """Whole seconds until the window is over, at least 1."""
        end = (self.number + 1) * self.seconds + self.phase
        return max(1, math.ceil(end - now))


class Limiter:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.running: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._windows: dict[tuple[int, str], Window] = {}

    def reset(self, limits: Limits) -> None:
        """New limits begin with empty windows; calls that are still running stay counted."""
        self.limits = limits
        self._windows.clear()

    def enter(
        self, app: str, tenant: str, now: float, *, app_problem: str, count_rejected: bool, wait_on_concurrent: bool
    ) -> Verdict:
        """Counts the call and lets it in, or refuses it. What was let in must leave()."""
        minute = self._window(MINUTE, f"{app} {tenant}", now)
        day = self._window(DAY, f"{app} {tenant}", now)
        app_minute = self._window(MINUTE, app, now)
        problem, wait = self._problem((app, tenant), minute, day, app_minute, now)
        if problem is None or count_rejected:
            for window in (minute, day, app_minute):
                window.used += 1
        remaining = self._remaining(minute, day, app_minute)
        if problem is None:
            self.running[app, tenant] += 1
            return Verdict(accepted=True, headers=remaining)
        if problem == "concurrent":
            wait = 1 if wait_on_concurrent else None
        named = {"X-Rate-Limit-Problem": app_problem if problem == "appminute" else problem}
        after = {} if wait is None else {"Retry-After": str(wait)}
        return Verdict(accepted=False, headers=named | after | remaining)

    def leave(self, app: str, tenant: str) -> None:
        self.running[app, tenant] -= 1

    def _window(self, seconds: int, owner: str, now: float) -> Window:
        window = self._windows.setdefault((seconds, owner), Window(seconds, owner))
        window.turn(now)
        return window

    def _problem(
        self, client: tuple[str, str], minute: Window, day: Window, app_minute: Window, now: float
    ) -> tuple[str | None, int | None]:
        limits = self.limits
        if limits.concurrent and self.running[client] >= limits.concurrent:
            return "concurrent", None
        if limits.day and day.used >= limits.day:
            return "day", day.ends_in(now)
        if limits.minute and minute.used >= limits.minute:
            return "minute", minute.ends_in(now)
        if limits.app_minute and app_minute.used >= limits.app_minute:
            return "appminute", app_minute.ends_in(now)
        return None, None

    def _remaining(self, minute: Window, day: Window, app_minute: Window) -> dict[str, str]:
        """A limit that is lifted has no header."""
        counted = (
            ("X-DayLimit-Remaining", self.limits.day, day),
            ("X-MinLimit-Remaining", self.limits.minute, minute),
            ("X-AppMinLimit-Remaining", self.limits.app_minute, app_minute),
        )
        return {name: str(max(0, limit - window.used)) for name, limit, window in counted if limit}
