"""A database that goes away and comes back: meanwhile everybody is told, and afterwards everything goes on by itself, with nothing lost and nothing doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, make_url
from sqlalchemy.exc import OperationalError

from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from host.app import Host
    from host.testing import Place, TinyRemote
    from host.testing.shifted import Clock

Away = Callable[[], "AbstractContextManager[None]"]


@pytest.fixture
def away(database_url: str) -> Away:
    """`with away():` while the database is away; whoever was connected is not any more."""
    url = make_url(database_url)
    return lambda: _moved(Path(url.database or "")) if url.get_backend_name() == "sqlite" else _closed(url)


@contextmanager
def _moved(file: Path) -> Iterator[None]:
    elsewhere = file.with_name("elsewhere")
    file.rename(elsewhere)
    try:
        yield
    finally:
        assert not file.exists(), "it was made anew, empty"
        elsewhere.rename(file)


@contextmanager
def _closed(url: Any) -> Iterator[None]:
    server = url.set(database="postgres").render_as_string(hide_password=False)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(url.database), sql.SQL("false")))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database])
        try:
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(url.database), sql.SQL("true")))


@pytest.fixture
def host(place: Place, remote: TinyRemote) -> Host:
    """One that works by itself, and has sent a customer."""
    place.tiny_provider("customers")
    place.write(host='without_token = ["metrics"]')
    host = place.open("core_billing", transport=remote.transport())
    assert host.engine
    host.engine.connect("acme", provider="tiny", auth="custom")
    host.start()
    place.api.put("/customers/ada", {"name": "Ada"})
    synced(place, "ada")
    return host


def synced(place: Place, ref: str) -> None:
    def state() -> bool:
        answer = place.api.ask("GET", f"/customers/{ref}")
        return answer.is_success and answer.json()["sync"][0]["state"] == "synced"

    wait_until(state, what=f"{ref} to be synced", seconds=20)


def ready(place: Place) -> Any:
    answer = place.api.at_root("/readyz")
    return answer.status_code, {one["what"]: one["state"] for one in answer.json()["checks"] if one["needed"]}


def test_meanwhile_everybody_is_told_and_then_all_goes_on(
    place: Place, host: Host, remote: TinyRemote, away: Away
) -> None:
    assert ready(place)[0] == 200
    with away():
        for method, path, body in (
            ("GET", "/customers", None),
            ("GET", "/requests", None),
            ("PUT", "/customers/bea", {"name": "Bea"}),
            ("POST", "/sync", {}),
            ("PUT", "/customers/bea", {"name": "Bea"}),
        ):
            answer = place.api.ask(method, path, json=body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
            assert answer.json()["detail"] == "the database cannot be used just now: send the same again"
        assert ready(place) == (503, {"server": "ok", "records": "ok", "database": "cannot be used"})
        assert "counterfoil_database_up 0.0" in place.api.at_root("/metrics").text
        assert place.api.at_root("/healthz").status_code == 200
    assert ready(place)[0] == 200
    place.api.put("/customers/bea", {"name": "Bea"})
    synced(place, "bea")
    assert [one["name"] for one in place.api.get("/customers")["items"]] == ["Ada", "Bea"]
    assert [one["text"] for one in remote.of("customers")] == ["Ada", "Bea"]


def test_what_another_server_saves_is_noticed_again(place: Place, host: Host, remote: TinyRemote, away: Away) -> None:
    with away():
        assert ready(place)[0] == 503
    other = place.open(transport=remote.transport())
    assert other is place.host
    place.api.put("/customers/bea", {"name": "Bea"})  # by the other one, which was only opened
    synced(place, "bea")
    assert [one["text"] for one in remote.of("customers")] == ["Ada", "Bea"]


@pytest.mark.parametrize("answered", ["while it is away", "when it is back"])
def test_a_call_that_was_out_is_booked_or_settled(
    place: Place, host: Host, remote: TinyRemote, away: Away, answered: str
) -> None:
    let_go = threading.Event()
    remote.fails("hang", "PUT /customers", event=let_go)
    remote.arrived.clear()
    place.api.put("/customers/bea", {"name": "Bea"})
    assert remote.arrived.wait(10)
    with away():
        assert ready(place)[0] == 503
        if answered == "while it is away":
            let_go.set()
            wait_until(lambda: len(remote.writes("customers")) == 2, what="the call to be done")
    let_go.set()
    synced(place, "bea")
    assert [one["text"] for one in remote.of("customers")] == ["Ada", "Bea"]
    assert len(remote.writes("customers")) == 2, "nothing was sent twice"


def test_the_daily_run_is_made_up_for(place: Place, host: Host, away: Away, clock: Clock) -> None:
    host.daily.run_due()
    clock.advance(timedelta(days=1))
    with away(), pytest.raises(OperationalError):
        host.daily.run_due()
    ran: list[str] = []
    host.daily._own = {"host": lambda: ran.append("host")}
    host.daily.run_due()
    host.daily.run_due()
    assert ran == ["host"]


def test_a_spoilt_file_is_a_database_that_cannot_be_used(sqlite_place: Place) -> None:
    place = sqlite_place
    host = place.open("core_billing")
    place.api.put("/customers/ada", {"name": "Ada"})
    host.database.close()
    file = Path(make_url(place.database_url).database or "")
    whole = file.read_bytes()
    file.write_bytes(b"no database at all" * 1000)
    assert place.api.ask("GET", "/customers").status_code == 503
    assert ready(place)[0] == 503
    file.write_bytes(whole)
    assert place.api.get("/customers")["total"] == 1


def test_a_full_disk_saves_nothing_by_halves(sqlite_place: Place, remote: TinyRemote) -> None:
    place = sqlite_place
    place.tiny_provider("customers")
    host = place.open("core_billing", transport=remote.transport())
    assert host.engine
    host.engine.connect("acme", provider="tiny", auth="custom")
    full = [True]

    def limit(connection: Any, *_rest: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages if full[0] else 2**30}")

    host.database.close()  # whoever connects from now on finds the disk full
    event.listen(host.database.engine, "checkout", limit)
    saved = []
    for n in range(100):
        answer = place.api.ask("PUT", f"/customers/c{n}", json={"name": "Ada" * 60})
        assert answer.status_code in {201, 503}, answer.text
        saved += [f"c{n}"] if answer.status_code == 201 else []
    assert len(saved) < 100, "it was never full"
    assert {one["ref"] for one in place.api.get("/customers", page_size="200")["items"]} == set(saved)
    full[0] = False
    place.api.put("/customers/after", {"name": "Ada"})
    host.engine.drain("acme")
    assert len(remote.of("customers")) == len(saved) + 1, "every save has its sync row"
