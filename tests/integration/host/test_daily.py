"""The daily run: once a date for each plugin, over hosts, restarts and downtime."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from sqlalchemy import select

from host.daily import HOST, Daily, claim
from host.tables import runs

if TYPE_CHECKING:
    from host.app import Host
    from host.testing import Place

TICKS = """
ticks = []
trouble = []
@hookimpl
def on_daily_schedule(tick):
    ticks.append(tick)
    if trouble:
        raise ValueError(trouble[0])
"""


def daily(host: Host, own: list[str]) -> Daily:
    return Daily(
        host.database,
        host.plugins,
        UTC,  # type: ignore[arg-type]
        time(2, 30),
        own={HOST: lambda: own.append("own")},
        import_again=lambda *_: None,
    )


def rows(host: Host) -> list[Any]:
    with host.database.read() as session:
        return [
            (row.plugin, row.local_date, row.state, row.reason)
            for row in session.execute(select(runs).order_by(runs.c.plugin, runs.c.local_date))
        ]


def at(text: str) -> Any:
    return freeze_time(datetime.fromisoformat(text))


def test_each_plugin_once_a_date(place: Place) -> None:
    place.plugin("one", TICKS)
    place.plugin("two", TICKS)
    with place.open() as host:
        own: list[str] = []
        daily_run = daily(host, own)
        ticks = host.plugins.instance("one").ticks
        with at("2026-06-09T12:00:00"):
            daily_run.run_due()  # new here: nothing was missed
            assert ticks == own == []
        with at("2026-06-10T02:29:59"):
            daily_run.run_due()
            assert ticks == []
        with at("2026-06-10T02:30:00"):
            daily_run.run_due()
            daily_run.run_due()
            assert [(tick.local_date, tick.now) for tick in ticks] == [
                (date(2026, 6, 10), datetime(2026, 6, 10, 2, 30, tzinfo=UTC))
            ]
            assert own == ["own"]
        with at("2026-06-14T20:00:00"):  # downtime: made up for once, for the newest date
            daily_run.run_due()
            daily_run.run_due()
            assert [tick.local_date for tick in ticks] == [date(2026, 6, 10), date(2026, 6, 14)]
            assert host.plugins.instance("two").ticks == ticks
        assert [row for row in rows(host) if row[0] == "one"] == [
            ("one", date(2026, 6, 9), "skipped", ""),
            ("one", date(2026, 6, 10), "done", ""),
            ("one", date(2026, 6, 14), "done", ""),
        ]


def test_a_failing_run_is_told_and_not_repeated_and_the_others_run(place: Place) -> None:
    place.plugin("bad", TICKS)
    place.plugin("good", TICKS)
    with place.open() as host:
        host.plugins.instance("bad").trouble.append("no luck")
        daily_run = daily(host, [])
        with at("2026-06-09T12:00:00"):
            daily_run.run_due()
        with at("2026-06-10T12:00:00"):
            daily_run.run_due()
            daily_run.run_due()
        assert len(host.plugins.instance("bad").ticks) == len(host.plugins.instance("good").ticks) == 1
        assert ("bad", date(2026, 6, 10), "failed", "ValueError: no luck") in rows(host)


def test_of_two_hosts_one_runs_it(place: Place) -> None:
    with place.open() as host, place.open() as other:
        claim(host.database, HOST, date(2026, 6, 9))
        claimed: list[bool] = []
        both = threading.Barrier(2)

        def take(database: Any) -> None:
            both.wait(10)
            claimed.append(claim(database, HOST, date(2026, 6, 10)))

        threads = [threading.Thread(target=take, args=(each.database,)) for each in (host, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(claimed) == [False, True]


@pytest.mark.parametrize("earlier", [date(2026, 6, 9), date(2026, 6, 10)])
def test_a_clock_that_goes_back_repeats_nothing(sqlite_place: Place, earlier: date) -> None:
    with sqlite_place.open() as host:
        claim(host.database, HOST, date(2026, 6, 8))
        assert claim(host.database, HOST, date(2026, 6, 10))
        assert not claim(host.database, HOST, earlier)
