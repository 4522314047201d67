"""The sandbox's own time: the machine's clock, moved forward by whoever rehearses (POST /_sandbox/clock)."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    def __init__(self) -> None:
        self.advanced = timedelta(0)

    def advance(self, seconds: float) -> None:
        self.advanced += timedelta(seconds=seconds)

    def reset(self) -> None:
        self.advanced = timedelta(0)

    def seconds(self) -> float:
        return time.time() + self.advanced.total_seconds()

    def milliseconds(self) -> int:
        return int(self.seconds() * 1000)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), tz=UTC)

    def today(self, zone: str) -> date:
        return self.now().astimezone(ZoneInfo(zone)).date()
