"""A backup taken while everything is under way, put back after the worst: no record half there, nothing doubled at Xero."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.official import Official
from tests.e2e.processes import wait_until
from tests.e2e.shop import Shop, assert_as_wanted
from tests.postgres import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import MakeHost
    from tests.e2e.processes import Host, Server

SIZE = 600
Record = dict[str, Any]


@pytest.fixture(autouse=True)
def postgres_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")


@pytest.fixture
def lose(request: pytest.FixtureRequest) -> Callable[[Host], None]:
    """The database is lost: its place is empty again."""

    def lost(host: Host) -> None:
        if host.database_url.startswith("sqlite"):
            path = Path(host.database_url.removeprefix("sqlite:///"))
            for end in ("", "-wal", "-shm"):
                Path(f"{path}{end}").unlink(missing_ok=True)
            return
        server = request.getfixturevalue("postgres_server")
        host.database_url = server.url(
            server.create_database()
        )  # gone with its server, after the host has been looked at
        host.set(database_url=host.database_url)

    return lost


def test_a_backup_taken_under_load_and_put_back(make_connected: MakeHost, lose: Callable[[Host], None]) -> None:
    host = make_connected("--latency", "0.7")
    host.set("plugins.xero.limits", concurrent=1)  # slowly, so that there is a middle
    shop, official = Shop(SIZE), Official(host.sandbox.url)
    file = taken_under_load(host, shop)
    known = official.invoices()
    lose(host)
    host.run("restore", str(file))
    host.set("plugins.xero.limits", concurrent=5)

    server = host.serve()
    assert_none_is_half_there(server, shop)
    host.advance(120)  # so that a call which was out when the backup was taken cannot be running any more
    host.run("sync", "--wait")
    assert_both_sides_agree(server, official, shop)
    assert {one.invoice_id for one in known} <= {one.invoice_id for one in official.invoices()}


def taken_under_load(host: Host, shop: Shop) -> Path:
    """While a file is loaded and what was loaded goes out; then the machine dies."""
    server = host.serve()
    server.bulk("customers", shop.customers)
    server.bulk("products", shop.products)
    host.sandbox.wait_for_writes(2)
    lines = host.folder / "invoices.jsonl"
    lines.write_text("".join(f"{json.dumps(one)}\n" for one in shop.invoices))
    os.mkfifo(host.folder / "pipe")
    load = host.start("load", "invoices", str(host.folder / "pipe"))
    file = host.folder / "backup.zip"
    with (host.folder / "pipe").open("w") as pipe:
        for one in shop.invoices[: SIZE // 2]:
            pipe.write(f"{json.dumps(one)}\n")
        pipe.flush()
        wait_until(lambda: server.get("/invoices?page_size=1")["total"] >= SIZE // 4, what="some of the invoices")
        host.run("backup", str(file))
        assert load.alive, "the load was over before the backup"
        written = len(host.sandbox.writes())
        host.sandbox.wait_for_writes(written + 2)
        server.kill()
        load.kill()
    return file


def assert_none_is_half_there(server: Server, shop: Shop) -> None:
    kept = server.all("invoices")
    assert 0 < len(kept) < SIZE, "the backup was not taken in the middle"
    wanted = {one["ref"]: one for one in shop.invoices}
    for one in kept:
        assert len(one["lines"]) == len(wanted[one["ref"]]["lines"]) == 2
        assert one["sync"], f"{one['ref']} has no sync row"
    states = {one["sync"][0]["state"] for kind in ("customers", "products", "invoices") for one in server.all(kind)}
    assert states != {"synced"}, "nothing was under way when the backup was taken"


def assert_both_sides_agree(server: Server, official: Official, shop: Shop) -> None:
    """Each record here is linked to the one there that is its own and equal to it, and none is there twice."""
    there = official.invoices()
    by_id, numbers = {one.invoice_id: one for one in there}, [one.invoice_number for one in there]
    assert len(numbers) == len(set(numbers))
    wanted = {one["ref"]: one for one in shop.invoices}
    for one in server.all("invoices"):
        [row] = one["sync"]
        assert row["state"] == "synced", row
        assert_as_wanted(by_id[row["remote_id"]], wanted[one["ref"]])
        assert Decimal(one["total"]) == Decimal(str(by_id[row["remote_id"]].total))
    for kind, ids in (
        ("customers", [one.contact_id for one in official.contacts()]),
        ("products", [one.item_id for one in official.items()]),
    ):
        rows = [one["sync"][0] for one in server.all(kind)]
        assert len(rows) == SIZE
        assert {row["state"] for row in rows} == {"synced"}
        assert {row["remote_id"] for row in rows} <= set(ids)
    names = [one.name for one in official.contacts()]
    assert len(names) == len(set(names))
    codes = [one.code for one in official.items()]
    assert len(codes) == len(set(codes))
