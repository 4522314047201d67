"""The daily run removes what the settings do not keep any longer, and what shows a call says so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from host.daily import RETENTION
from host.ids import _Ticks
from host.tables import runs

if TYPE_CHECKING:
    from host.app import Host
    from host.testing import Place, TinyRemote
    from host.testing.shifted import Clock


@pytest.fixture(autouse=True)
def new_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identities never go back in one process, but the clocks of tests do."""
    monkeypatch.setattr("host.ids._ticks", _Ticks())


def linked(place: Place, remote: TinyRemote, lines: str = "") -> Host:
    """A host that has sent a customer, and whose first daily run is behind it."""
    place.tiny_provider("customers")
    place.write(host=lines)
    host = place.open("core_billing", transport=remote.transport())
    assert host.engine
    host.engine.connect("acme", provider="tiny", auth="custom")
    place.api.put("/customers/ada", {"name": "Ada"})
    host.engine.drain("acme")
    host.daily.run_due()
    return host


def sent(place: Place) -> Any:
    [call] = [one for one in place.api.get("/requests")["items"] if one["purpose"] == "send"]
    return place.api.get(f"/requests/{call['id']}")


def test_bodies_that_are_gone_are_said_to_be(place: Place, remote: TinyRemote, clock: Clock) -> None:
    host = linked(place, remote)
    before = sent(place)
    assert before["request_body"]
    assert before["response_body"]
    assert before["bodies_gone_since"] is None
    clock.advance(timedelta(days=91))
    host.daily.run_due()
    after = sent(place)
    assert after["bodies_gone_since"]
    assert after == {
        **before,
        "request_body": "",
        "response_body": "",
        "bodies_gone_since": after["bodies_gone_since"],
    }
    told = place.run("errors", "--show", "customers/ada").out
    day = after["bodies_gone_since"][:10]
    assert f"what was sent and answered is not kept any more, since {day}" in told
    assert "create customers ada: done" in told
    clock.advance(timedelta(days=310))
    host.daily.run_due()
    assert place.api.get("/requests")["total"] == 0


def test_the_settings_say_for_how_long(place: Place, remote: TinyRemote, clock: Clock) -> None:
    host = linked(place, remote, "keep_requests_days = 10\nkeep_bodies_days = 0\n")
    clock.advance(timedelta(days=9))
    host.daily.run_due()
    assert sent(place)["bodies_gone_since"] is None
    clock.advance(timedelta(days=2))
    host.daily.run_due()
    assert place.api.get("/requests")["total"] == 0


def test_repair_and_retention_fail_each_alone(
    place: Place, remote: TinyRemote, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object) -> None:
        raise ValueError("no luck")

    monkeypatch.setattr("host.app.repair", fails)
    host = linked(place, remote)
    clock.advance(timedelta(days=401))
    host.daily.run_due()
    assert place.api.get("/requests")["total"] == 0
    today = clock.now.date()
    assert states(host, today - timedelta(days=1), today) == {("host", "failed"), (RETENTION, "done")}


def states(host: Host, *days: date) -> set[tuple[str, str]]:
    """How the host's own runs ended: today's, or yesterday's where it is not yet half past two."""
    with host.database.read() as session:
        found = session.execute(select(runs).where(runs.c.local_date.in_(days), runs.c.plugin.startswith("host")))
        return {(one.plugin, one.state) for one in found if one.state != "skipped"}
