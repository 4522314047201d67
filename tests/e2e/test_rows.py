"""Rows of the feature list that need a running system to be seen: what users would see happen, on both sides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.official import Official
from tests.e2e.processes import wait_until
from tests.e2e.shop import Record, customer, invoice, line, product
from tests.e2e.xero_user import XeroUser

if TYPE_CHECKING:
    from tests.e2e.processes import Host, Server

SECONDS = 10.0
"""'Within seconds', on a machine that does other things besides."""


def put_and_wait(server: Server, path: str, record: Record) -> dict[str, Any]:
    """The record's sync entry once it is at Xero."""
    server.put(path, record)
    entry: dict[str, Any] = server.wait_for_state(path, "synced", seconds=SECONDS)["sync"][0]
    return entry


# ------------------------------------------------------------------------------------------------------------ customers


@pytest.mark.row("H-82")
@pytest.mark.row("H-83")
@pytest.mark.row("H-118")
@pytest.mark.row("H-119")
@pytest.mark.row("A-4")
def test_a_customer_is_made_once_and_then_updated(server: Server) -> None:
    sandbox, user = server.host.sandbox, XeroUser(server.host.sandbox)
    before, contacts = sandbox.last_call, len(user.listed("Contacts", "pageSize=1000&page=1"))

    made = put_and_wait(server, "/customers/r-c1", customer("r-c1", email="one@example.com"))
    [contact] = user.listed("Contacts", 'where=Name=="Customer r-c1"')
    assert contact["ContactID"] == made["remote_id"]
    assert len(user.listed("Contacts", "pageSize=1000&page=1")) == contacts + 1

    updated = put_and_wait(server, "/customers/r-c1", customer("r-c1", email="two@example.com"))
    assert updated["remote_id"] == made["remote_id"]
    assert user.get("Contacts", made["remote_id"])["EmailAddress"] == "two@example.com"
    assert len(user.listed("Contacts", "pageSize=1000&page=1")) == contacts + 1
    assert [call["method"] for call in own_writes(server, before, "Contacts")] == ["PUT", "POST"]

    # The id that Xero gave is read, never written.
    refused = server.api.patch("/customers/r-c1", json={"sync": [{"remote_id": "mine"}]})
    assert refused.status_code == 422
    assert server.get("/customers/r-c1")["sync"][0]["remote_id"] == made["remote_id"]


def own_writes(server: Server, after: int, resource: str) -> list[dict[str, Any]]:
    """Without those of other clients: every call of ours bears an idempotency key that the request log knows."""
    return [call for call in server.host.sandbox.writes(resource, after=after) if call["key"]]


# ------------------------------------------------------------------------------------------------------------- products


@pytest.mark.row("H-123")
def test_a_product_needs_a_connection_and_a_code(host: Host) -> None:
    host.replace("[plugins.xero]", '[plugins.xero]\ndefault_connection = "none"')
    server = host.serve()
    before = host.sandbox.last_call
    server.put("/products/r-p1", product("r-p1"))
    server.put("/products/r-p2", {**product("r-p2", connection="demo"), "code": ""})

    without_connection = server.wait_for_state("/products/r-p1", "not_sent")["sync"][0]
    without_code = server.wait_for_state("/products/r-p2", "blocked", "failed")["sync"][0]
    assert "no connection" in without_connection["reason"]
    assert "code" in without_code["reason"] + without_code["error"]
    assert host.sandbox.writes(after=before) == []

    put_and_wait(server, "/products/r-p1", product("r-p1", connection="demo"))
    put_and_wait(server, "/products/r-p2", product("r-p2", connection="demo"))
    assert len(host.sandbox.writes("Items", after=before)) == 2


# ------------------------------------------------------------------------------------------------------------- invoices


@pytest.mark.row("A-5")
@pytest.mark.row("H-142")
@pytest.mark.row("H-145")
def test_an_invoice_arrives_when_saved_and_every_change_follows_once(server: Server) -> None:
    sandbox, user = server.host.sandbox, XeroUser(server.host.sandbox)
    server.put("/customers/r-c2", customer("r-c2"))
    saved = invoice("r-i2", "r-c2", line(quantity="1", unit_price="10.00"))
    made = put_and_wait(server, "/invoices/r-i2", saved)
    assert user.get("Invoices", made["remote_id"])["Total"] == 10

    before = sandbox.last_call
    put_and_wait(server, "/invoices/r-i2", saved)
    assert sandbox.writes("Invoices", after=before) == []

    more = invoice("r-i2", "r-c2", line(quantity="3", unit_price="10.00"))
    changed = put_and_wait(server, "/invoices/r-i2", more)
    there = user.get("Invoices", made["remote_id"])
    assert changed["remote_id"] == made["remote_id"]
    assert (there["LineItems"][0]["Quantity"], there["Total"]) == (3, 30)
    assert len(sandbox.writes("Invoices", after=before)) == 1


@pytest.mark.row("A-12")
def test_nothing_scheduled_is_needed(host: Host) -> None:
    host.replace("[host]", "[host]\nscheduler = false")
    server = host.serve()
    server.put("/customers/r-c3", customer("r-c3"))
    made = put_and_wait(server, "/invoices/r-i3", invoice("r-i3", "r-c3"))
    assert XeroUser(host.sandbox).get("Invoices", made["remote_id"])["InvoiceNumber"] == "R-I3"


@pytest.mark.row("A-15")
def test_lines_are_matched_by_the_items_id_whatever_it_is_called_there(server: Server) -> None:
    user = XeroUser(server.host.sandbox)
    server.put("/customers/r-c4", customer("r-c4"))
    item = put_and_wait(server, "/products/r-p4", product("r-p4"))
    user.post(f"Items/{item['remote_id']}", {"ItemID": item["remote_id"], "Code": "RENAMED-4", "Name": "Renamed"})

    made = put_and_wait(server, "/invoices/r-i4", invoice("r-i4", "r-c4", line("r-p4")))
    [there] = user.get("Invoices", made["remote_id"])["LineItems"]
    assert there["ItemCode"] == "RENAMED-4"
    assert there["Item"]["ItemID"] == item["remote_id"]


@pytest.mark.row("A-16")
def test_a_line_whose_product_is_not_linked_takes_the_default_item(host: Host) -> None:
    host.replace(
        '[plugins.xero]\nentities_to_sync = ["customers", "suppliers", "products", "invoices"]',
        '[plugins.xero]\nentities_to_sync = ["customers", "invoices"]\ndefault_invoice_item = "MISC"',
    )
    user = XeroUser(host.sandbox)
    user.put("Items", {"Code": "MISC", "Name": "Miscellaneous"})
    server = host.serve()
    server.put("/customers/r-c5", customer("r-c5"))
    server.put("/products/r-p5", product("r-p5"))
    made = put_and_wait(server, "/invoices/r-i5", invoice("r-i5", "r-c5", line("r-p5")))
    [there] = user.get("Invoices", made["remote_id"])["LineItems"]
    assert there["ItemCode"] == "MISC"


# ---------------------------------------------------------------------------------------------------------- the request log


@pytest.mark.row("A-1")
@pytest.mark.row("A-3")
@pytest.mark.row("A-22")
@pytest.mark.row("H-104")
def test_every_call_is_in_the_log_as_it_was_sent(host: Host) -> None:
    """A host, its plugins and Xero, and nothing else: the shop's records arrive, and each call is written down."""
    server = host.serve()
    server.put("/customers/r-c6", customer("r-c6"))
    put_and_wait(server, "/invoices/r-i6", invoice("r-i6", "r-c6"))
    wait_until(lambda: all(call["status"] for call in host.sandbox.calls()), what="every answer")

    # The sandbox was copied with its calls from connecting; so was the log.
    seen = [call for call in host.sandbox.calls() if "_sandbox" not in call["path"]]
    logged = server.get("/requests?page_size=500")["items"]
    assert len(logged) == len(seen)

    [call] = [one for one in logged if one["kind"] == "invoices" and one["method"] == "PUT"]
    shown = server.get(f"/requests/{call['id']}")
    [there] = [one for one in seen if one["key"] == call["idempotency_key"]]
    received = host.sandbox.call(there["id"])
    assert shown["request_body"] == received["request_body"]
    assert json.loads(shown["response_body"])["Invoices"][0]["InvoiceNumber"] == "R-I6"
    assert [(one["kind"], one["ref"], one["action"], one["outcome"]) for one in shown["records"]] == [
        ("invoices", "r-i6", "create", "done")
    ]
    assert shown["sent_at"] < shown["closed_at"]
    assert Official(host.sandbox.url).invoice("R-I6").invoice_number == "R-I6"


@pytest.mark.row("H-12", part="api")
def test_the_custom_app_asks_with_its_id_and_secret_and_shows_the_secret_nowhere(host: Host) -> None:
    host.replace('client_id = "sandbox-custom"', 'client_id = "sandbox-custom-of-nobody"')
    refused = host.run("xero", "connect", "demo", code=1)
    assert "client_id" in refused.stderr
    host.replace('client_id = "sandbox-custom-of-nobody"', 'client_id = "sandbox-custom"')
    before = host.sandbox.last_call
    host.run("xero", "connect", "demo")
    assert next(call["path"] for call in host.sandbox.calls(after=before)) == "/connect/token"

    server = host.serve()
    shown = json.dumps([server.get("/connections"), server.get("/requests?page_size=500"), host.json("status")])
    assert "sandbox-secret" not in shown
