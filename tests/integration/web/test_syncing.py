"""The sync over HTTP: a save goes out by itself, and what happened can be seen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient

from host.roles import Role
from host.sync.engine import Engine
from host.web.app import build
from tests.e2e.processes import wait_until
from tests.integration.web.conftest import OfficeAt, migrated

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from host.testing.tiny_remote import TinyRemote
    from tests.integration.web.conftest import Office

ADA = {"name": "Ada"}
INVOICE = {"customer": "ada", "issue_date": "2026-03-02", "lines": [{"description": "Engine", "unit_price": "1.00"}]}


def state(office: Office, path: str) -> Any:
    [found] = office.get(path)["sync"]
    return found


def wait_for(office: Office, path: str, wanted: str) -> Any:
    def reached() -> Any:
        found = state(office, path)
        return found if found["state"] == wanted else None

    return wait_until(reached, seconds=20, what=f"{path} to be {wanted}")


def drain(office: Office) -> None:
    assert office.host.engine is not None
    assert office.host.engine.drain("acme").spoke


def test_a_save_goes_out_by_itself_also_without_a_scheduler(
    database_from: Callable[..., str], remote: TinyRemote, office_at: OfficeAt
) -> None:
    office = office_at(database_from(migrated), plugins='["core_billing", "tiny"]\nscheduler = false')
    assert office.host.engine is not None
    office.host.engine.connect("acme", provider="tiny", auth="custom")
    office.host.start()
    arrived = threading.Event()
    remote.before_answer = lambda request: arrived.set() if request.url.path == "/invoices" else None

    office.put("/customers/ada", ADA)
    office.put("/invoices/1", INVOICE)

    assert arrived.wait(10)  # only a commit can have told it: there are no ticks
    shown = wait_for(office, "/invoices/1", "synced")
    assert (shown["connection"], shown["remote_id"], shown["error"]) == ("acme", "r1", "")
    assert [one["mark"] for one in remote.of("invoices")] == [office.get("/invoices/1")["number"]]


def test_who_saves_is_answered_before_the_save_is_sent(linked_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office, order = linked_office, []
    monkeypatch.setattr(Engine, "wake", lambda _engine: order.append("woken"))

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            await send(message)
            order.append(message["type"])

        await build(office.host)(scope, receive, told)

    office.client = TestClient(telling)
    office.put("/customers/ada", ADA)

    assert order == ["http.response.start", "http.response.body", "woken"]


def test_a_deletion_that_a_connection_has_to_confirm_is_asked_for(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    office.put("/customers/ada", ADA)
    office.put("/invoices/1", INVOICE)
    drain(office)

    answer = office.ask("DELETE", "/invoices/1")
    assert (answer.status_code, answer.json()["status"]) == (202, "deleting")
    assert state(office, "/invoices/1")["state"] == "deleting"
    drain(office)
    assert remote.of("invoices") == []
    assert office.ask("DELETE", "/customers/ada").status_code == 200  # the connection keeps it: made inactive


def test_what_is_asked_for_is_a_batch_that_can_be_watched(linked_office: Office) -> None:
    office = linked_office
    for ref in ("ada", "bea"):
        office.put(f"/customers/{ref}", ADA)
    drain(office)

    asked = office.ask(
        "POST", "/sync", json={"kind": "customers", "refs": ["ada"], "connection": "acme"}, role=Role.USER
    )
    assert (asked.status_code, asked.json()["records"]) == (202, {"waiting": 1})
    everything = office.ask("POST", "/sync")
    assert (everything.status_code, everything.json()["total"]) == (202, 2)
    filtered = office.ask("POST", "/sync", json={"kind": "customers", "filter": {"ref": "bea"}})
    assert filtered.json()["total"] == 1

    drain(office)
    path = filtered.headers["location"].removeprefix("/api/v1")
    batch = office.ask("GET", path, role=Role.USER).json()
    assert (batch["purpose"], batch["records"]) == ("sync", {"synced": 1})


def test_a_refusal_is_among_the_errors_with_the_remotes_words(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    office.put("/customers/ada", {"name": "reject"})
    drain(office)
    [error] = office.ask("GET", "/errors?connection=acme", role=Role.USER).json()["items"]
    assert (error["kind"], error["ref"], error["state"]) == ("customers", "ada", "failed")
    assert "this text is not allowed" in error["error"]


def test_every_call_is_in_the_request_log(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    office.put("/customers/ada", ADA)
    drain(office)
    page = office.get("/requests?connection=acme&page_size=2")
    newest = page["items"][0]
    assert (newest["method"], newest["status"], page["page_size"]) == ("PUT", 200, 2)
    assert page["total"] > 2
    call = office.get(f"/requests/{newest['id']}")
    assert call["request_body"].encode() == remote.calls[-1].body
    assert [(one["kind"], one["ref"], one["outcome"]) for one in call["records"]] == [("customers", "ada", "done")]
    assert "secret-token" not in str(office.get("/requests?page_size=500")) + str(call)


def test_connections_are_shown_and_renamed(linked_office: Office) -> None:
    office = linked_office
    [shown] = office.get("/connections")["items"]
    assert (shown["key"], shown["name"], shown["status"]) == ("acme", "Acme", "connected")
    renamed = office.ask("PATCH", "/connections/acme", json={"name": " Acme Ltd "})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Acme Ltd")
    assert office.get("/connections/acme") == renamed.json()

    for body, message in (
        ({"key": "other"}, "name: is required (and 1 more)"),
        ({"name": ""}, "name: must be 1 to 255 characters on one line"),
        ({"name": "a\nb"}, "name: must be 1 to 255 characters on one line"),
        ({"name": "x" * 256}, "name: must be 1 to 255 characters on one line"),
        ({"name": 5}, "name: must be text"),
    ):
        answer = office.ask("PATCH", "/connections/acme", json=body)
        assert (answer.status_code, answer.json()["detail"]) == (422, message)
    assert office.get("/connections/acme")["name"] == "Acme Ltd"


def test_reference_data_is_imported_on_request(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    answer = office.ask("POST", "/connections/acme/import", json={"kind": "accounts"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["taken"]["accounts"] == {"created": 2, "updated": 0, "unchanged": 0, "removed": 0}
    assert [item["code"] for item in office.get("/accounts?sort=code")["items"]] == ["200", "400"]

    wrong = office.ask("POST", "/connections/acme/import", json={"kind": "shoes"})
    assert (wrong.status_code, wrong.json()["detail"]) == (
        422,
        "kind: 'shoes' cannot be imported: there are all, accounts, customers",
    )
    unknown = office.ask("POST", "/sync", json={"kind": "products"})
    assert (unknown.status_code, unknown.json()["detail"]) == (
        409,
        "tiny does not sync 'products' (it syncs customers, invoices)",
    )


def test_a_remote_that_does_not_answer_is_for_later(linked_office: Office, remote: TinyRemote) -> None:
    remote.fails("refuse", "GET /accounts")
    answer = linked_office.ask("POST", "/connections/acme/import", json={"kind": "all"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


def test_plugins_are_shown_with_how_they_stand(sqlite_office: Office) -> None:
    shown = {plugin["name"]: plugin for plugin in sqlite_office.get("/plugins")["items"]}
    assert shown["shelf"]["state"] == "active"
    assert "kind books" in shown["shelf"]["offers"]


def test_without_plugins_it_still_answers(tmp_path: Any, sqlite_from: Callable[..., str]) -> None:
    from host.app import open_host
    from tests.integration.web.conftest import Office, config_of

    with open_host(config_of(tmp_path, sqlite_from(migrated)), safe_mode=True) as host:
        office = Office(host)
        assert office.get("/plugins") == {"items": []}
        records, sync = office.ask("GET", "/customers"), office.ask("POST", "/sync")
    assert (records.status_code, records.json()["detail"]) == (
        404,
        "there is no kind 'customers': the kinds are none: no plugin that keeps records is running",
    )
    why = "no plugin that keeps records is running: `counterfoil plugins list` says why"
    assert (sync.status_code, sync.json()["detail"]) == (503, why)
