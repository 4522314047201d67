"""Deleting is asked for here and confirmed, or refused, by what Xero says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.processes import wait_until
from tests.e2e.shop import customer, invoice, line
from tests.e2e.xero_user import XeroUser

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeHost
    from tests.e2e.processes import Server

AT_WORK_SECONDS = 62.0
"""How long a lost call may be at work: the second of patience that these installations have, a minute, and a little."""


@pytest.mark.row("H-146")
def test_an_invoice_deleted_here_is_deleted_or_voided_there(server: Server) -> None:
    there = {"draft": "DELETED", "submitted": "DELETED", "authorised": "VOIDED"}
    server.put("/customers/d-c", customer("d-c"))
    user, sandbox = XeroUser(server.host.sandbox), server.host.sandbox
    for status, expected in there.items():
        server.put(f"/invoices/d-{status}", invoice(f"d-{status}", "d-c", accounting_status=status))
        remote_id = server.wait_for_state(f"/invoices/d-{status}", "synced")["sync"][0]["remote_id"]
        assert user.get("Invoices", remote_id)["Status"] == status.upper()
        before = sandbox.last_call
        assert ask_to_delete(server, f"d-{status}")["status"] == "deleting"
        ended = wait_for_status(server, f"d-{status}", expected.lower())
        assert ended["sync"][0]["state"] == "synced"
        assert user.get("Invoices", remote_id)["Status"] == expected
        assert len(sandbox.writes(after=before)) == 1


def test_an_invoice_with_a_payment_there_comes_back_with_the_reason(server: Server) -> None:
    user = XeroUser(server.host.sandbox)
    server.put("/customers/e-c", customer("e-c"))
    server.put("/invoices/e-i", invoice("e-i", "e-c", line(unit_price="30.00"), accounting_status="authorised"))
    before = server.wait_for_state("/invoices/e-i", "synced")
    remote_id = before["sync"][0]["remote_id"]
    payment = user.put(
        "Payments",
        {"Invoice": {"InvoiceID": remote_id}, "Account": {"Code": "090"}, "Date": "2026-11-10", "Amount": 10},
    )

    assert ask_to_delete(server, "e-i")["status"] == "deleting"
    after = wait_for_status(server, "e-i", before["status"])
    assert "payments or credits in Xero" in after["status_reason"]
    [state] = after["sync"]
    assert (state["state"], state["reason"]) == ("synced", f"not deleted: {after['status_reason']}")
    assert user.get("Invoices", remote_id)["Status"] == "AUTHORISED"

    user.post(f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    ask_to_delete(server, "e-i")
    wait_for_status(server, "e-i", "voided")
    assert user.get("Invoices", remote_id)["Status"] == "VOIDED"


def test_deleting_while_its_create_is_out_waits_for_the_answer(make_connected: MakeHost) -> None:
    host = make_connected()
    host.set("plugins.xero.limits", patience=30)
    server, sandbox = host.serve(), host.sandbox
    server.put("/customers/c", customer("c"))
    server.wait_for_state("/customers/c", "synced")
    sandbox.fault("PUT", "/Invoices$", "delay", when="after", seconds=2)
    server.put("/invoices/i", invoice("i", "c"))
    [create] = sandbox.wait_for_writes(1, "Invoices")
    assert ask_to_delete(server, "i")["status"] == "deleting"
    assert sandbox.call(create["id"])["status"] is None, "the answer came before the wish to delete"
    ended = wait_for_status(server, "i", "deleted")
    assert XeroUser(sandbox).get("Invoices", ended["sync"][0]["remote_id"])["Status"] == "DELETED"
    assert [(one["method"], one["status"]) for one in sandbox.writes("Invoices")] == [("PUT", 200), ("POST", 200)]


@pytest.mark.parametrize(("fault", "arrived"), [("drop_after", True), ("drop_before", False)])
def test_deleting_while_its_create_is_lost_settles_first(server: Server, fault: str, *, arrived: bool) -> None:
    """What the lost call did is found out; only then is it deleted there, or let go here."""
    host, sandbox, ref = server.host, server.host.sandbox, f"g-{fault.replace('_', '-')}"
    server.put("/customers/g-c", customer("g-c"))
    server.wait_for_state("/customers/g-c", "synced")
    before = sandbox.last_call
    sandbox.fault("PUT", "/Invoices$", fault)
    sandbox.fault("GET", "/Invoices$", "drop_before", times=2)  # so that the wish to delete comes before it is found
    server.put(f"/invoices/{ref}", invoice(ref, "g-c"))
    server.wait_for_state(f"/invoices/{ref}", "unknown")
    assert ask_to_delete(server, ref)["status"] == "deleting"
    assert len(sandbox.writes("Invoices", after=before)) == 1
    wait_until(lambda: server.past_pauses() and not sandbox.faults_left(), what="the looks that are lost")
    host.advance(AT_WORK_SECONDS)
    wait_for_status(server, ref, "deleted")
    sent = sandbox.writes("Invoices", after=before)
    assert [one["method"] for one in sent] == (["PUT", "POST"] if arrived else ["PUT"])
    numbered = XeroUser(sandbox).listed("Invoices", f"InvoiceNumbers={ref.upper()}")
    assert [one["Status"] for one in numbered] == (["DELETED"] if arrived else [])


def test_what_was_never_sent_goes_at_once(server: Server) -> None:
    """It waits for an account that nobody has given, so that there is nothing at Xero to ask about."""
    server.put("/customers/h-c", customer("h-c"))
    server.wait_for_state("/customers/h-c", "synced")
    before = server.host.sandbox.last_call
    server.put("/invoices/h-i", invoice("h-i", "h-c", line(account="")))
    server.wait_for_state("/invoices/h-i", "blocked")
    answer = server.api.delete("/invoices/h-i")
    assert (answer.status_code, answer.content) == (204, b"")
    assert server.api.get("/invoices/h-i").status_code == 404
    assert server.get("/errors")["items"] == []
    assert server.host.sandbox.calls(after=before) == []


def ask_to_delete(server: Server, ref: str) -> dict[str, Any]:
    answer = server.api.delete(f"/invoices/{ref}")
    assert answer.status_code == 202, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


def wait_for_status(server: Server, ref: str, status: str) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        record: dict[str, Any] = server.get(f"/invoices/{ref}")
        return record if record["status"] == status and record["sync"][0]["state"] == "synced" else None

    ended: dict[str, Any] = wait_until(reached, what=f"{ref} to be {status}")
    return ended
