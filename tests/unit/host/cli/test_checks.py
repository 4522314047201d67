"""What `check` makes of an organisation's answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from host import clock
from host.cli.base.checks import answered
from host.sync.probing import Probed, Timed
from host.sync.provider import Connection, Organisation, Request, Response

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def probed(*, organisation: str = "o1", ahead: float | None = 0) -> Probed:
    connection = Connection(
        key="one", provider="tiny", name="One", organisation="o1", auth="custom", status="connected"
    )
    found = Organisation(id=organisation, name=f"Org {organisation}", details={})
    return Probed(connection=connection, organisation=found, ahead=None if ahead is None else timedelta(seconds=ahead))


@pytest.mark.parametrize(
    ("seen", "fine", "says"),
    [
        (probed(), True, "Org o1 answers, and the token is good"),
        (probed(ahead=None), True, "Org o1 answers, and the token is good"),
        (probed(ahead=-60), True, "Org o1 answers, and the token is good"),
        (probed(ahead=61), False, "Org o1 answers, but this machine's clock is 61 s ahead of the remote's: correct it"),
        (
            probed(organisation="o2"),
            False,
            "its credentials lead to Org o2, and it is bound to Org o1: put the former credentials back, or connect anew under another key",
        ),
    ],
)
def test_an_answer_is_looked_at(seen: Probed, fine: bool, says: str) -> None:
    found = answered("connection one", seen, "Org o1")
    assert (found.fine, found.says) == (fine, says)


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Mon, 02 Mar 2026 11:59:50 GMT", timedelta(seconds=10)),
        ("Mon, 02 Mar 2026 11:59:50 -0000", timedelta(seconds=10)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_remotes_clock_is_read_where_it_tells_it(
    monkeypatch: pytest.MonkeyPatch, date: str, ahead: timedelta | None
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    asked = Timed(lambda _request: Response(status=200, headers={"date": date}))
    asked(Request(method="GET", path="/"))
    assert asked.ahead == ahead
