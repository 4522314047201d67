"""Lists that are imported again each day, where the settings say so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from host.tables import runs
from tests.integration.connecting.conftest import ADA, BEN

if TYPE_CHECKING:
    from host.testing import Clock
    from tests.integration.connecting.conftest import Office

EVENING, NEXT, DAY_AFTER = (datetime(2026, 12, day, hour, tzinfo=UTC) for day, hour in ((1, 20), (2, 4), (3, 4)))


def reopened(office: Office, *lists: str) -> None:
    config = office.place.config
    text = config.read_text()
    config.write_text(text.replace("[plugins.xero]\n", f"[plugins.xero]\nimport_daily = {list(lists)}\n"))
    office.place.open()


def run_due(office: Office, clock: Clock, at: datetime) -> None:
    office.sandbox.advance((at - clock.now).total_seconds())
    office.sandbox.bearer = None  # the test's own token has ended meanwhile
    clock.set(at)
    office.place.host.daily.run_due()


def rates(office: Office) -> dict[str, Any]:
    return {one["name"]: one for one in office.api.get("/tax-rates", page_size="200")["items"]}


def a_rate(percentage: str, *, code: str = "") -> dict[str, Any]:
    components = [{"Name": "VAT", "Rate": percentage}]
    return {"Name": "Reduced for a year", "TaxComponents": components, "ReportTaxType": "OUTPUT"} | (
        {"TaxType": code} if code else {}
    )


def outcome(office: Office) -> tuple[str, str]:
    """How the newest daily run of the Xero plugin ended."""
    newest = select(runs.c.state, runs.c.reason).where(runs.c.plugin == "xero").order_by(runs.c.local_date.desc())
    with office.place.host.database.read() as session:
        row = session.execute(newest).first()
    assert row is not None
    return row.state, row.reason


@pytest.mark.row("H-30")
@pytest.mark.row("H-31")
def test_rates_are_imported_daily_where_that_is_switched_on(either_office: Office, clock: Clock) -> None:
    office = either_office
    office.connected("acme", 1)
    run_due(office, clock, EVENING)
    [made] = office.sandbox.put("TaxRates", a_rate("7"))
    run_due(office, clock, NEXT)
    assert "Reduced for a year" not in rates(office), "it is not switched on"

    reopened(office, "tax-rates")
    run_due(office, clock, DAY_AFTER)
    before = rates(office)["Reduced for a year"]
    assert before["rate"] == "7"
    assert outcome(office) == ("done", "")
    office.sandbox.post("TaxRates", a_rate("6", code=made["TaxType"]))
    office.place.host.daily.run_due()
    assert rates(office)["Reduced for a year"] == before, "once a day"
    run_due(office, clock, datetime(2026, 12, 7, 4, tzinfo=UTC))
    after = rates(office)["Reduced for a year"]
    assert (after["ref"], after["rate"]) == (before["ref"], "6")


def test_a_connection_in_trouble_keeps_no_other_from_being_imported(office: Office, clock: Clock) -> None:
    office.connected("acme", 1, user=BEN)
    office.connected("other", 2, user=ADA)
    reopened(office, "tax-rates")
    run_due(office, clock, EVENING)
    office.sandbox.control("POST", "revoke", {"user": BEN})
    run_due(office, clock, NEXT)
    state, reason = outcome(office)
    assert state == "failed"
    assert "connection acme: the authorisation is used up or was withdrawn: connect again" in reason
    assert {one["connection"] for one in rates(office).values()} == {"other"}


def test_tracking_categories_are_imported_daily_where_tracking_is_on(office: Office, clock: Clock) -> None:
    office.connected("acme", 1)
    run_due(office, clock, EVENING)
    office.sandbox.put("TrackingCategories", {"Name": "Region"})
    text = office.place.config.read_text()
    office.place.config.write_text(text.replace("[plugins.xero]\n", '[plugins.xero]\ntracking = ["Region"]\n'))
    reopened(office, "tracking-categories")
    run_due(office, clock, NEXT)
    [category] = office.api.get("/tracking-categories")["items"]
    assert (category["name"], category["stands_for"]) == ("Region", "Region")


def test_a_list_that_there_is_not(office: Office) -> None:
    text = office.place.config.read_text()
    office.place.config.write_text(text.replace("[plugins.xero]\n", '[plugins.xero]\nimport_daily = ["tax rates"]\n'))
    told = office.place.run("check")
    assert "import_daily" in told.err
    assert (
        "'tax rates' can't be imported daily: accepted are tax-rates, accounts, currencies, branding-themes" in told.err
    )
