"""Lists that are imported again each day, where the settings say so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from freezegun import freeze_time
from sqlalchemy import select

from host.tables import runs
from tests.integration.connecting.conftest import ADA, BEN, opened

if TYPE_CHECKING:
    from host.app import Host
    from host.testing import Clock, Place
    from tests.contract.running import InThread
    from tests.integration.connecting.conftest import Office

FROZEN_NOT: Final = ["threading", "concurrent.futures", "asyncio", "uvicorn", "plugins.xero.sandbox"]
"""The sandbox in its thread has a clock of its own."""
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


# ------------------------------------------------------------------------------------------------------- time travel


def in_berlin(office: Office) -> None:
    """The daily import is at two in the morning, in a zone whose clock is changed between two and three."""
    config = office.place.config
    text = config.read_text().replace("[host]\n", '[host]\ntimezone = "Europe/Berlin"\ndaily_at = "02:00"\n')
    config.write_text(text.replace("[plugins.xero]\n", '[plugins.xero]\nimport_daily = ["customers"]\n'))
    office.place.open()
    assert office.place.host.engine is not None
    office.place.host.engine.connect("acme", provider="xero", auth="custom")


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(
            [
                ("2027-03-27T12:00:00", 0),  # new here: nothing was missed
                ("2027-03-28T00:59:59", 0),  # 01:59:59; the next second is 03:00:00
                ("2027-03-28T01:00:00", 1),
                ("2027-03-28T02:00:00", 0),
                ("2027-03-28T22:00:00", 0),
                ("2027-03-28T23:59:59", 0),  # 01:59:59 of the next day
                ("2027-03-29T00:00:00", 1),
            ],
            id="a spring night without a two o'clock",
        ),
        pytest.param(
            [
                ("2027-10-30T12:00:00", 0),
                ("2027-10-30T23:59:59", 0),
                ("2027-10-31T00:00:00", 1),  # two o'clock in summer
                ("2027-10-31T00:30:00", 0),
                ("2027-10-31T01:00:00", 0),  # two o'clock again, in winter
                ("2027-10-31T01:30:00", 0),
                ("2027-11-01T00:59:59", 0),
                ("2027-11-01T01:00:00", 1),
            ],
            id="an autumn night with two of them",
        ),
        pytest.param(
            [
                ("2027-06-01T12:00:00", 0),
                ("2027-06-02T00:00:00", 1),
                ("2027-06-05T09:00:00", 1),  # down for three days: made up for once
                ("2027-06-05T09:30:00", 0),
                ("2027-06-06T00:00:00", 1),
            ],
            id="three days of downtime",
        ),
    ],
)
def test_the_import_is_once_a_night_whatever_the_clock_does(
    office: Office, clock: Clock, moments: list[tuple[str, int]]
) -> None:
    in_berlin(office)
    for moment, expected in moments:
        office.place.open()  # a restart beside it: whatever was done is known from the tables alone
        before = len(office.logged("GET", "Contacts"))
        with freeze_time(datetime.fromisoformat(moment), ignore=FROZEN_NOT, tick=True):
            office.place.host.daily.run_due()
        assert len(office.logged("GET", "Contacts")) - before == expected, moment


def test_of_two_hosts_one_imports(place: Place, running: InThread, clock: Clock) -> None:
    with opened(place, running) as office:
        in_berlin(office)
        hosts = [office.place.open(), office.place.open()]
        run_due(office, clock, datetime(2027, 6, 1, 12, tzinfo=UTC))
        for night in (2, 3):
            office.sandbox.put("Contacts", {"Name": f"Night {night}"})
            moment = datetime(2027, 6, night, tzinfo=UTC)
            office.sandbox.advance((moment - clock.now).total_seconds())
            office.sandbox.bearer = None
            clock.set(moment)
            before, both = len(office.logged("GET", "Contacts")), threading.Barrier(2)

            def run(host: Host, both: threading.Barrier = both) -> None:
                both.wait(10)
                host.daily.run_due()

            threads = [threading.Thread(target=run, args=(host,)) for host in hosts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert len(office.logged("GET", "Contacts")) - before == 1
            assert f"Night {night}" in {one["name"] for one in office.api.get("/customers")["items"]}
