"""On which date the daily run is due, also on the two days of the year that are not 24 hours long."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from host.daily import due_date

AUCKLAND = ZoneInfo("Pacific/Auckland")
LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("now", "zone", "at", "due"),
    [
        ("2026-06-10T02:29:59", UTC, "02:30", date(2026, 6, 9)),
        ("2026-06-10T02:30:00", UTC, "02:30", date(2026, 6, 10)),
        ("2026-06-10T23:59:59", UTC, "02:30", date(2026, 6, 10)),
        # The date is the local one: this is the 11th in Auckland.
        ("2026-06-10T14:29:59", AUCKLAND, "02:30", date(2026, 6, 10)),
        ("2026-06-10T14:30:00", AUCKLAND, "02:30", date(2026, 6, 11)),
        # 5 April 2026 brings 02:30 twice: due at the first, and not again at the second.
        ("2026-04-04T13:29:59", AUCKLAND, "02:30", date(2026, 4, 4)),
        ("2026-04-04T13:30:00", AUCKLAND, "02:30", date(2026, 4, 5)),
        ("2026-04-04T14:30:00", AUCKLAND, "02:30", date(2026, 4, 5)),
        # 29 March 2026 has no 01:30 in London: due when the clock has passed it.
        ("2026-03-29T00:59:59", LONDON, "01:30", date(2026, 3, 28)),
        ("2026-03-29T01:30:00", LONDON, "01:30", date(2026, 3, 29)),
    ],
)
def test_due(now: str, zone: ZoneInfo, at: str, due: date) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert due_date(moment, zone, time.fromisoformat(at)) == due
