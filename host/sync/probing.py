"""Finding out what a connection leads to, without changing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from host import clock

if TYPE_CHECKING:
    from host.sync.provider import Ask, Connection, Organisation, Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """The connection as it is kept, the organisation that answered, and how far our clock is ahead of the remote's, where it told its own."""

    connection: Connection
    organisation: Organisation
    ahead: timedelta | None


class Timed:
    """Asks, and compares clocks."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.ahead: timedelta | None = None

    def __call__(self, request: Request) -> Response:
        response = self._ask(request)
        dated = _date(response.headers.get("date", ""))
        self.ahead = None if dated is None else clock.now() - dated
        return response


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
