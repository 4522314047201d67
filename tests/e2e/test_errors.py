"""What an admin sees of failures, and what they do about them, all through the API."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.official import Official
from tests.e2e.shop import customer, invoice, line
from tests.e2e.xero_user import XeroUser

if TYPE_CHECKING:
    from tests.e2e.processes import Host, Server

pytestmark = pytest.mark.database("sqlite")  # it has no part in this; the tests within one process run on both


class Account:
    """An account that is there and known here. Archived, Xero refuses every invoice that names it."""

    def __init__(self, server: Server, code: str, *, connection: str = "demo", tenant: str = "") -> None:
        self.user = XeroUser(server.host.sandbox, tenant)
        self.code = code
        made = self.user.put("Accounts", {"Code": code, "Name": f"Account {code}", "Type": "REVENUE"})
        self._id = made["AccountID"]
        answer = server.api.post(f"/connections/{connection}/import", json={"kind": "accounts"})
        assert answer.status_code == 200, answer.text

    def turn(self, status: str) -> None:
        self.user.post(f"Accounts/{self._id}", {"AccountID": self._id, "Status": status})

    def line(self) -> dict[str, Any]:
        return line(account=self.code)


def failed(server: Server, ref: str, contact: str, account: Account) -> dict[str, Any]:
    """The error of an invoice that Xero refuses."""
    server.put(f"/invoices/{ref}", invoice(ref, contact, account.line()))
    server.wait_for_state(f"/invoices/{ref}", "failed")
    [error] = [one for one in server.get("/errors")["items"] if one["ref"] == ref]
    return dict(error)


def calls_of(server: Server, ref: str) -> list[dict[str, Any]]:
    """The calls that carried an invoice, the oldest first."""
    listed = [one["id"] for one in server.get("/requests?page_size=100")["items"] if one["kind"] == "invoices"]
    calls = [server.get(f"/requests/{id}") for id in reversed(listed)]
    return [one for one in calls if ref in [record["ref"] for record in one["records"]]]


def message_of(call: dict[str, Any]) -> str:
    """What Xero said of the one invoice that a call carried."""
    [element] = json.loads(call["response_body"])["Invoices"]
    [error] = element["ValidationErrors"]
    return str(error["Message"])


@pytest.mark.row("A-19", part="api")
@pytest.mark.row("A-20", part="api")
@pytest.mark.row("A-21", part="api")
@pytest.mark.row("H-172", part="api")
def test_a_failure_is_told_in_xeros_words_mended_and_tried_again(server: Server) -> None:
    account = Account(server, "EA1")
    server.put("/customers/ea-c", customer("ea-c"))
    server.wait_for_state("/customers/ea-c", "synced")
    account.turn("ARCHIVED")
    error = failed(server, "ea-i", "ea-c", account)

    # The call is listed with its time, its status and Xero's own message.
    [refused] = calls_of(server, "ea-i")
    assert refused["sent_at"] < refused["closed_at"]
    message = message_of(refused)
    assert message in error["error"]
    assert message in refused["records"][0]["reason"]
    assert (refused["status"], refused["records"][0]["outcome"]) == (200, "rejected")

    # The error leads to the record.
    assert server.get(f"/{error['kind']}/{error['ref']}")["sync"][0]["error"] == error["error"]

    # Its cause is gone: tried again it arrives, and both calls are told of the same record.
    account.turn("ACTIVE")
    answer = server.api.post("/outbox/retry", json={"kind": "invoices", "refs": ["ea-i"]})
    assert (answer.status_code, answer.json()) == (200, {"count": 1, "left": []})
    state = server.wait_for_state("/invoices/ea-i", "synced")["sync"][0]
    assert state["error"] == ""
    assert [one["records"][0]["outcome"] for one in calls_of(server, "ea-i")] == ["rejected", "done"]
    assert Official(server.host.sandbox.url).invoice("EA-I").invoice_id == state["remote_id"]
    assert "ea-i" not in [one["ref"] for one in server.get("/errors")["items"]]


@pytest.mark.row("H-171")
def test_errors_are_listed_in_the_order_in_which_they_happened(server: Server) -> None:
    account = Account(server, "EB1")
    server.put("/customers/eb-c", customer("eb-c"))
    server.wait_for_state("/customers/eb-c", "synced")
    account.turn("ARCHIVED")
    order = ["eb-2", "eb-3", "eb-1"]
    for ref in order:
        failed(server, ref, "eb-c", account)
    listed = [one for one in server.get("/errors")["items"] if one["ref"].startswith("eb-")]
    assert [one["ref"] for one in listed] == order
    assert all(before["since"] < after["since"] for before, after in pairwise(listed))

    # One that fails again has happened last.
    server.put("/invoices/eb-3", invoice("eb-3", "eb-c", account.line(), reference="again"))
    server.wait_for_state("/invoices/eb-3", "failed")
    account.turn("ACTIVE")
    assert server.api.post("/outbox/retry", json={"kind": "invoices", "refs": order}).json()["count"] == len(order)
    for ref in order:
        server.wait_for_state(f"/invoices/{ref}", "synced")


@pytest.mark.row("H-170", part="api")
def test_an_error_is_listed_with_its_own_connection(host: Host) -> None:
    other = host.sandbox.control("POST", "organisations", name="Other Ltd")
    host.set("plugins.xero.connections.other", client_id=other["client_id"], client_secret=other["client_secret"])
    host.set("plugins.xero", default_connection="demo")
    host.run_all(["xero", "connect", "other", "--auth", "custom"], ["import", "all", "--connection", "other"])
    server = host.serve()
    account = Account(server, "EC1", connection="other", tenant=other["tenant_id"])
    account.turn("ARCHIVED")
    for key in ("demo", "other"):
        server.put(f"/customers/{key}", customer(key, connection=key))
        server.wait_for_state(f"/customers/{key}", "synced")
    failed(server, "ec-i", "other", account)
    server.put("/invoices/fine", invoice("fine", "demo"))
    server.wait_for_state("/invoices/fine", "synced")

    [error] = server.get("/errors?connection=other")["items"]
    assert (error["connection"], error["kind"], error["ref"]) == ("other", "invoices", "ec-i")
    [refused] = calls_of(server, "ec-i")
    assert message_of(refused) in error["error"]
    assert server.get("/errors?connection=demo")["items"] == []
