"""Asking Xero what changed since a time (API facts 3.1, 3.7), by Xero's own clock."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from plugins.xero.wire.fields import EPOCH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from host.sync.provider import Response

NOTHING_CHANGED: Final = 304
"""One client was answered so where nothing had changed; an empty list is usual (API facts 3.4)."""
ENVELOPE_BYTES: Final = 2000
ANSWERED_AT: Final = re.compile(rb'"DateTimeUTC"\s*:\s*"\\?/Date\((-?\d+)')


def since_header(since: datetime) -> Mapping[str, str]:
    """Without ``Z`` and fractions, which Xero does not take (API facts 8)."""
    return {"If-Modified-Since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")}


def answered_at(response: Response) -> datetime | None:
    """By Xero's clock (API facts 3.3). An answer that nothing changed may have no body."""
    if response.status == NOTHING_CHANGED:
        return http_date(response)
    found = ANSWERED_AT.search(response.body[:ENVELOPE_BYTES])
    return EPOCH + timedelta(milliseconds=int(found[1])) if found else http_date(response)


def http_date(response: Response) -> datetime | None:
    try:
        said = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)
