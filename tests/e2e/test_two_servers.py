"""Several processes on one database: one of them speaks, and when it dies another does."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, create_engine, text

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
    killed = time.time()
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


# ------------------------------------------------------------------------------------------------------------ looking


def as_lines(records: list[dict[str, Any]]) -> list[str]:

    return [json.dumps(record) for record in records]


def serve_as(host: Host, name: str) -> Server:
    """A server that PostgreSQL knows by this name."""
    host.environment["PGAPPNAME"] = name
    return host.serve()


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
