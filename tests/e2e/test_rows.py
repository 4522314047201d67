"""Rows of the feature list that a running host and its Xero show, one or a few in each test."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import psutil
import pytest

from tests.e2e.official import Official
from tests.e2e.shop import customer, invoice, line, product
from tests.e2e.xero_user import XeroUser

if TYPE_CHECKING:
    from tests.e2e.processes import Host, Server

pytestmark = pytest.mark.database("postgresql")  # it has no part in this; the tests within one process run on both

SECONDS: Final = 10.0
"""What "at once" means where it was promised within seconds."""


# -------------------------------------------------------------------------------------------------- customers, products


@pytest.mark.row("H-82")
@pytest.mark.row("H-83")
@pytest.mark.row("H-118")
@pytest.mark.row("H-119")
@pytest.mark.row("A-4")
@pytest.mark.row("T-34")
def test_a_customer_is_made_there_at_once_and_its_changes_follow(server: Server) -> None:
    sandbox, before = server.host.sandbox, server.host.sandbox.last_call
    contacts = len(Official(sandbox.url).contacts())

    saved = time.monotonic()
    server.put("/customers/ra-c", customer("ra-c", email="old@example.com"))
    server.wait_for_state("/customers/ra-c", "synced")
    assert time.monotonic() - saved < SECONDS
    made = {one.name: one for one in Official(sandbox.url).contacts()}
    assert len(made) == contacts + 1
    [state] = server.get("/customers/ra-c")["sync"]
    assert state["remote_id"] == made["Customer ra-c"].contact_id

    # The id is Xero's word: nobody writes it here.
    refused = server.api.patch("/customers/ra-c", json={"sync": [{**state, "remote_id": "another"}]})
    assert refused.status_code == 422, refused.text
    server.put("/customers/ra-c", customer("ra-c", email="new@example.com", sync=[]))
    assert server.wait_for_state("/customers/ra-c", "synced")["sync"][0]["remote_id"] == state["remote_id"]

    changed = {one.name: one for one in Official(sandbox.url).contacts()}
    assert len(changed) == contacts + 1
    assert changed["Customer ra-c"].contact_id == state["remote_id"]
    assert changed["Customer ra-c"].email_address == "new@example.com"
    verbs = [(one["method"], one["path"]) for one in sandbox.writes(after=before)]
    assert verbs == [("PUT", "/api.xro/2.0/Contacts"), ("POST", "/api.xro/2.0/Contacts")]


@pytest.mark.row("H-123")
def test_a_product_needs_a_connection_and_a_code(host: Host) -> None:
    host.set("plugins.xero", default_connection="none")
    server = host.serve()
    server.put("/products/neither", product("neither", code=""))
    server.put("/products/no-connection", product("no-connection"))
    server.put("/products/no-code", product("no-code", code="", connection="demo"))
    server.put("/products/both", product("both", connection="demo"))
    server.wait_for_state("/products/both", "synced")
    [nowhere] = server.wait_for_state("/products/no-connection", "not_sent")["sync"]
    [codeless] = server.wait_for_state("/products/no-code", "blocked")["sync"]
    assert nowhere["reason"] == "no connection: the record names none, and default_connection is none"
    assert codeless["reason"] == "it has no product code, which Xero needs: give it one"
    assert server.state("/products/neither") == "not_sent"
    assert [one.code for one in Official(host.sandbox.url).items()] == ["BOTH"]

    # What was missing is given: it goes.
    server.put("/products/no-connection", product("no-connection", connection="demo"))
    server.put("/products/no-code", product("no-code", connection="demo"))
    server.wait_for_state("/products/no-connection", "synced")
    server.wait_for_state("/products/no-code", "synced")
    assert {one.code for one in Official(host.sandbox.url).items()} == {"BOTH", "NO-CONNECTION", "NO-CODE"}


# ------------------------------------------------------------------------------------------------------------- invoices


@pytest.mark.row("A-5")
@pytest.mark.row("H-142")
@pytest.mark.row("H-145")
def test_an_invoice_is_there_at_once_and_what_changes_follows(server: Server) -> None:
    sandbox = server.host.sandbox
    server.put("/customers/rb-c", customer("rb-c"))
    server.wait_for_state("/customers/rb-c", "synced")
    wanted = invoice("rb-i", "rb-c", line(unit_price="12.50"))

    saved = time.monotonic()
    server.put("/invoices/rb-i", wanted)
    server.wait_for_state("/invoices/rb-i", "synced")
    assert time.monotonic() - saved < SECONDS
    made = Official(sandbox.url).invoice("RB-I")

    before = sandbox.last_call
    server.put("/invoices/rb-i", wanted)
    answer = server.api.post("/sync", json={"kind": "invoices", "refs": ["rb-i"]})
    assert answer.status_code == 202, answer.text
    server.wait_for_state("/invoices/rb-i", "synced")
    assert sandbox.writes(after=before) == []

    [line_id] = [one["id"] for one in server.get("/invoices/rb-i")["lines"]]
    server.put("/invoices/rb-i", {**wanted, "lines": [line(unit_price="12.50", quantity="3", id=line_id)]})
    server.wait_for_state("/invoices/rb-i", "synced")
    changed = Official(sandbox.url).invoice("RB-I")
    assert len(sandbox.writes(after=before)) == 1
    assert changed.invoice_id == made.invoice_id
    assert (changed.line_items[0].quantity, changed.total) == (3, 37.5)
    assert changed.line_items[0].line_item_id == made.line_items[0].line_item_id


@pytest.mark.row("A-15")
def test_an_item_renamed_there_is_still_the_products_item(server: Server) -> None:
    user = XeroUser(server.host.sandbox)
    server.put("/customers/rc-c", customer("rc-c"))
    server.put("/products/rc-p", product("rc-p"))
    server.put("/invoices/rc-1", invoice("rc-1", "rc-c", line("rc-p")))
    server.wait_for_state("/invoices/rc-1", "synced")
    [item] = server.get("/products/rc-p")["sync"]
    user.post(f"Items/{item['remote_id']}", {"ItemID": item["remote_id"], "Code": "RENAMED-THERE"})

    server.put("/invoices/rc-2", invoice("rc-2", "rc-c", line("rc-p", quantity="2")))
    remote_id = server.wait_for_state("/invoices/rc-2", "synced", "failed")["sync"][0]["remote_id"]
    [there] = user.get("Invoices", remote_id)["LineItems"]
    assert (there["Item"]["ItemID"], there["ItemCode"]) == (item["remote_id"], "RENAMED-THERE")

    # Nor does the new code make a document that was there before look changed.
    before = server.host.sandbox.last_call
    server.put("/invoices/rc-1", {**invoice("rc-1", "rc-c", line("rc-p")), "reference": "later"})
    remote_id = server.wait_for_state("/invoices/rc-1", "synced", "failed")["sync"][0]["remote_id"]
    [there] = user.get("Invoices", remote_id)["LineItems"]
    assert there["Item"]["ItemID"] == item["remote_id"]
    assert len(server.host.sandbox.writes("Invoices", after=before)) == 1


@pytest.mark.row("A-12")
@pytest.mark.row("A-16")
def test_without_scheduler_and_without_items_an_invoice_still_arrives(host: Host) -> None:
    """Nothing ticks: the save itself sends it. Its product is not at Xero: the line goes out with the default item."""
    host.set(scheduler=False)
    host.set("plugins.xero", entities_to_sync=["customers", "invoices"], default_invoice_item="MISC")
    XeroUser(host.sandbox).put("Items", {"Code": "MISC", "Name": "Whatever"})
    server = host.serve()
    server.put("/customers/c", customer("c"))
    server.put("/products/p", product("p"))
    server.put("/invoices/i", invoice("i", "c", line("p", description="Something special")))
    server.wait_for_state("/invoices/i", "synced")
    [there] = Official(host.sandbox.url).invoice("I").line_items
    assert (there.item_code, there.description) == ("MISC", "Something special")


# -------------------------------------------------------------------------------------------------------- what is logged


@pytest.mark.row("A-3")
@pytest.mark.row("H-104")
def test_every_call_is_in_the_log_as_xero_received_it(server: Server) -> None:
    sandbox, before = server.host.sandbox, server.host.sandbox.last_call
    newest = server.get("/requests?page_size=1")["items"][0]["id"]
    server.put("/customers/rd-c", customer("rd-c"))
    server.put("/products/rd-p", product("rd-p"))
    sandbox.fault("PUT", "/Invoices$", "drop_before")
    server.put("/invoices/rd-i", invoice("rd-i", "rd-c", line("rd-p")))
    server.wait_for_state("/invoices/rd-i", "synced")

    there = sandbox.calls(after=before)
    here = [one for one in server.get("/requests?page_size=100")["items"] if one["id"] > newest]
    assert Counter(line_of_log(one["method"], one["address"], one["status"]) for one in here) == Counter(
        line_of_log(one["method"], f"{sandbox.url}{one['path']}", one["status"]) for one in there
    )
    received = {one["key"]: sandbox.call(one["id"])["request_body"] for one in there if one["key"]}
    sent = {one["idempotency_key"]: body_of(server, one["id"]) for one in here if one["idempotency_key"]}
    assert sent == received
    [made] = [one for one in here if one["kind"] == "invoices" and one["status"] == 200 and one["method"] == "PUT"]
    answer = json.loads(server.get(f"/requests/{made['id']}")["response_body"])
    assert answer["Invoices"][0]["InvoiceNumber"] == "RD-I"


def line_of_log(method: str, address: str, status: int | None) -> tuple[str, str, int | None]:
    return method, address.partition("?")[0], status


def body_of(server: Server, id: str) -> str:
    body: str = server.get(f"/requests/{id}")["request_body"]
    return body


@pytest.mark.row("A-22", part="api")
def test_a_line_of_the_log_names_the_record_what_happened_and_when(server: Server) -> None:
    server.put("/customers/re-c", customer("re-c"))
    server.wait_for_state("/customers/re-c", "synced")
    [before] = server.get("/requests?page_size=1")["items"]
    server.put("/invoices/re-i", invoice("re-i", "re-c", number="RE-2026-7"))
    server.wait_for_state("/invoices/re-i", "synced")
    [call] = [one for one in server.get("/requests?page_size=20")["items"] if one["id"] > before["id"]]
    shown = server.get(f"/requests/{call['id']}")
    [record] = shown["records"]
    named = {name: record[name] for name in ("kind", "ref", "number", "action", "outcome")}
    assert named == {"kind": "invoices", "ref": "re-i", "number": "RE-2026-7", "action": "create", "outcome": "done"}
    assert before["closed_at"] <= shown["sent_at"] <= shown["closed_at"]


# ----------------------------------------------------------------------------------------------- connecting, and nothing else


@pytest.mark.row("H-12", part="api")
def test_a_custom_connection_needs_id_and_secret_and_never_shows_the_secret(host: Host) -> None:
    made = host.sandbox.control("POST", "organisations", name="Its Own Ltd")
    table, credentials = "plugins.xero.connections.own", {"client_id": made["client_id"]}
    host.set(table, **credentials)
    refused = host.run("xero", "connect", "own", "--auth", "custom", code=1)
    assert "connection own has no client_secret: set it in [plugins.xero" in refused.stderr
    host.set(table, **credentials, client_secret="not-the-secret")
    refused = host.run("xero", "connect", "own", "--auth", "custom", code=1)
    assert "Xero does not know the client_id, or the client_secret is wrong" in refused.stderr
    host.set(table, **credentials, client_secret=made["client_secret"])
    connected = host.json("xero", "connect", "own", "--auth", "custom")
    assert (connected["name"], connected["organisation_id"]) == ("Its Own Ltd", made["tenant_id"])

    tokens = [call for call in host.sandbox.calls() if call["path"] == "/connect/token"]
    assert [call["status"] for call in tokens[-2:]] == [400, 200]
    server = host.serve()
    shown = [server.api.get(path).text for path in ("/connections", "/connections/own", "/requests", "/plugins")]
    shown += [server.api.get(f"/requests/{one['id']}").text for one in server.get("/requests")["items"]]
    assert not [text for text in shown if made["client_secret"] in text or "not-the-secret" in text]


@pytest.mark.row("A-1")
def test_it_talks_to_xero_and_to_nobody_else(server: Server) -> None:
    """A host with its plugins is all there is: no process beside it, no connection but to Xero, and sync works."""
    server.put("/customers/rf-c", customer("rf-c"))
    server.wait_for_state("/customers/rf-c", "synced")
    process = psutil.Process(server.program.process.pid)
    assert process.children(recursive=True) == []
    ports = {other(one) for one in process.net_connections("inet") if one.status != psutil.CONN_LISTEN}
    assert server.host.sandbox.port in ports
    ours = {one.laddr.port for one in psutil.Process().net_connections("inet")}
    assert ports - ours == {server.host.sandbox.port}


def other(connection: Any) -> int:
    port: int = connection.raddr.port
    return port
