"""Several processes on one database: one of them speaks, and when it dies another does."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from time import time as machine_seconds
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, create_engine, text

from host.app import open_host
from host.db.locks import lock_key
from tests.e2e.official import Official
from tests.e2e.processes import wait_until
from tests.e2e.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import MakeHost
    from tests.e2e.processes import Host, Server

TAKEN_OVER_SECONDS = 2.0
RECORDS = 160
MINUTE = 10
BERLIN = ZoneInfo("Europe/Berlin")

only_postgresql = pytest.mark.parametrize("database_from", ["postgresql"], indirect=True)
only_sqlite = pytest.mark.parametrize("database_from", ["sqlite"], indirect=True)


@only_postgresql
def test_two_servers_share_the_limits_and_send_nothing_twice(make_connected: MakeHost) -> None:
    host = make_connected("--latency", "0.2")
    host.sandbox.control("PUT", "limits", minute=MINUTE, concurrent=5)
    host.replace("minute = 0", f"minute = {MINUTE}")
    first, second = host.serve(), host.serve()
    shop = Shop(RECORDS)

    shop.load(first)
    for number, record in enumerate(shop.invoices[:5]):
        (first, second)[number % 2].put(f"/invoices/{record['ref']}", {**record, "reference": "saved again"})
    shop.wait_until_synced(second, meanwhile=lambda: host.advance(10))

    calls = [call for call in host.sandbox.calls() if "api.xro" in call["path"]]
    assert len(calls) > MINUTE  # so that the limit had to be kept
    assert [call for call in calls if call["status"] == 429] == []
    shop.assert_all_is_there(Official(host.sandbox.url))
    assert_one_spoke_at_a_time(host)


@only_postgresql
def test_the_other_server_takes_over_within_two_seconds(make_connected: MakeHost) -> None:
    host = make_connected("--latency", "0.3")
    servers = {name: serve_as(host, name) for name in ("one", "two")}
    shop = Shop(RECORDS)
    shop.load(servers["one"])
    wait_until(lambda: host.sandbox.writes("Items"), what="the first write")

    speaking = who_speaks(host)
    spoke = {one[0] for one in speakers(host)}
    servers[speaking].kill()
    killed = machine_seconds()
    taken_over = wait_until(
        lambda: [began for name, began, _ in speakers(host) if name not in spoke], what="a call of the other"
    )

    assert taken_over[0] - killed < TAKEN_OVER_SECONDS
    [other] = [server for name, server in servers.items() if name != speaking]
    shop.wait_until_synced(other)
    shop.assert_all_is_there(Official(host.sandbox.url))


@only_sqlite
def test_commands_work_beside_a_server_on_one_file(make_connected: MakeHost) -> None:
    """``load`` and ``sync --wait`` in processes of their own: nothing is locked out, and nobody else speaks."""
    host = make_connected("--latency", "0.1")
    server = host.serve()
    shop = Shop(RECORDS)

    for kind in ("customers", "products", "invoices"):
        host.run("load", kind, "-", text="".join(f"{line}\n" for line in as_lines(getattr(shop, kind))))
    waiting = host.start("sync", "--wait")
    for record in shop.invoices[:20]:
        server.put(f"/invoices/{record['ref']}", {**record, "reference": "saved beside it"})
    assert waiting.process.wait(timeout=120) == 0, waiting.output()
    shop.wait_until_synced(server)

    shop.assert_all_is_there(Official(host.sandbox.url))
    assert_one_spoke_at_a_time(host)
    assert "locked" not in server.program.output() + waiting.output()


NIGHTLY = """
from pathlib import Path
from hookspecs import hookimpl

contract_version = 1

@hookimpl
def on_daily_schedule(tick):
    with Path(__file__).with_name("nights").open("a") as nights:
        nights.write(f"{tick.local_date}\\n")
"""


@only_postgresql
def test_of_two_servers_one_runs_and_imports_each_night(make_connected: MakeHost) -> None:
    """The first night finds both as they start, the second at work. In each, both are about to claim the run before either can."""
    host = make_connected()
    nights_of_plugin = with_nightly(host)
    with open_host(host.config) as opened:
        opened.daily.run_due()  # new here: nothing was missed
    before, evening = host.sandbox.last_call, datetime.now(BERLIN)
    nights = [evening.date() + timedelta(days=number) for number in (1, 2)]
    moments = [datetime.combine(night, time(2), tzinfo=BERLIN).timestamp() for night in nights]

    host.advance(moments[0] - evening.timestamp())
    host.sandbox.control("POST", "fill", contacts=1, name="First night")
    with both_claiming(host, nights[0]):
        servers = [serve_as(host, name, wait=False) for name in ("one", "two")]
    wait_until(lambda: runs_of(host, "xero")[-1] == (nights[0], "done"), what="the first night's import")
    host.advance(moments[1] - moments[0])
    host.sandbox.control("POST", "fill", contacts=1, name="Second night")
    with both_claiming(host, nights[1]):
        pass
    wait_until(lambda: runs_of(host, "xero")[-1] == (nights[1], "done"), what="the second night's import")
    assert [server.program.stop() for server in servers] == [0, 0], "each ends what it does"

    assert nights_of_plugin.read_text().split() == [str(night) for night in nights]
    for name in ("host", "host.retention", "nightly", "xero"):
        (_, first), *then = runs_of(host, name)
        assert (first, then) == ("skipped", [(night, "done") for night in nights])
    calls = [(one["method"], one["path"]) for one in host.sandbox.calls(after=before)]
    assert calls == [("POST", "/connect/token"), ("GET", "/api.xro/2.0/Contacts")] * 2
    with database(host) as connection:
        took = text("SELECT name, action FROM sync_import_records WHERE kind = 'customers' ORDER BY id")
        assert list(connection.execute(took)) == [
            ("First night", "create"),
            ("First night", "unchanged"),  # read again: it was made within the overlap
            ("Second night", "create"),
        ]


# ------------------------------------------------------------------------------------------------------------ looking


def as_lines(records: list[dict[str, Any]]) -> list[str]:

    return [json.dumps(record) for record in records]


def serve_as(host: Host, name: str, *, wait: bool = True) -> Server:
    """A server that PostgreSQL knows by this name."""
    host.environment["PGAPPNAME"] = name
    return host.serve(wait=wait)


def with_nightly(host: Host) -> Path:
    """Lets the customers be imported at two in the night, and a plugin write down its nights; answers where."""
    folder = host.folder / "plugins"
    folder.mkdir(exist_ok=True)
    (folder / "nightly.py").write_text(NIGHTLY)
    host.set(
        timezone="Europe/Berlin", daily_at="02:00", plugin_dir="plugins", plugins=["core_billing", "nightly", "xero"]
    )
    host.set("plugins.xero", import_daily=["customers"])
    return folder / "nights"


@contextmanager
def both_claiming(host: Host, night: date) -> Iterator[None]:
    """Ends when the servers ``one`` and ``two`` both wait to write down that they run the plugin ``nightly``: neither can while somebody else may yet."""
    claim = text(
        "INSERT INTO host_runs (id, plugin, name, local_date, state, reason, started_at)"
        " VALUES ('theirs', 'nightly', 'daily', :night, 'running', '', now())"
    )
    with database(host) as other:
        other.execute(claim, {"night": night})
        yield
        wait_until(lambda: who_waits(host) == {"one", "two"}, what="both to claim the run", pause=0.25)


def who_waits(host: Host) -> set[str]:
    """The servers that wait for the end of another's transaction."""
    waiting = text(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'transactionid' AND NOT granted"
    )
    with database(host) as connection:
        return set(connection.execute(waiting).scalars())


def runs_of(host: Host, name: str) -> list[tuple[date, str]]:
    """The daily runs of a plugin, or of the host's own: local date and state."""
    asked = text("SELECT local_date, state FROM host_runs WHERE plugin = :name ORDER BY local_date")
    with database(host) as connection:
        return [(one.local_date, one.state) for one in connection.execute(asked, {"name": name})]


@contextmanager
def database(host: Host) -> Iterator[Connection]:
    engine = create_engine(host.database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def who_speaks(host: Host) -> str:
    """The name of the server that holds the right to speak for the connection."""
    key = lock_key("speak-demo")
    held = text(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"
        " AND (classid::bigint << 32 | objid::bigint) = :key"
    )
    with database(host) as connection:
        return str(connection.execute(held, {"key": key}).scalar_one())


def speakers(host: Host) -> list[tuple[str, float, float]]:
    """(speaker, first call, last answer) of each drain that called, in the order in which they began."""
    asked = text(
        "SELECT speaker, min(sent_at), max(closed_at) FROM sync_calls WHERE purpose IN ('send', 'look')"
        " GROUP BY speaker ORDER BY 2"
    )
    with database(host) as connection:
        return [(one[0], _seconds(one[1]), _seconds(one[2])) for one in connection.execute(asked)]


def _seconds(at: Any) -> float:
    """SQLite keeps times as text, in UTC."""
    if at is None:
        return 0.0
    return (at if isinstance(at, datetime) else datetime.fromisoformat(f"{at}+00:00")).timestamp()


def assert_one_spoke_at_a_time(host: Host) -> None:
    spoke = speakers(host)
    assert spoke
    for (_, _, ended), (_, began, _) in pairwise(spoke):
        assert began >= ended
