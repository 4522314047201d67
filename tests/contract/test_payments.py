"""Payments: section 4.12 of the API facts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from xero_python.accounting import Account, Invoice, Payment, PaymentDelete

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox


def state(sandbox: Sandbox, invoice: dict[str, Any]) -> tuple[str, float, float, str | None]:
    read = sandbox.read("Invoices", invoice["InvoiceID"])
    return read["Status"], read["AmountDue"], read["AmountPaid"], read.get("FullyPaidOnDate")


def test_the_official_client_pays_and_takes_back(sandbox: Sandbox, xero: Official) -> None:
    invoice = sandbox.invoice()
    wanted = Payment(
        invoice=Invoice(invoice_id=invoice["InvoiceID"]),
        account=Account(code="090"),
        date=date(2026, 1, 15),
        amount=24,
        reference="R-1",
    )
    created = xero.accounting.create_payment("", wanted).payments[0]
    assert (created.payment_type, created.status, float(created.amount)) == ("ACCRECPAYMENT", "AUTHORISED", 24.0)
    assert (created.invoice.status, created.account.code) == ("PAID", "090")
    read = xero.accounting.get_payment("", created.payment_id).payments[0]
    assert (read.reference, read.date) == ("R-1", date(2026, 1, 15))
    assert len(xero.accounting.get_payments("", page=1).payments) == 1
    gone = xero.accounting.delete_payment("", created.payment_id, PaymentDelete(status="DELETED")).payments[0]
    assert gone.status == "DELETED"


def test_in_parts_until_paid_and_back(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    first = sandbox.payment(invoice, "4")
    assert state(sandbox, invoice) == ("AUTHORISED", 20.0, 4.0, None)
    second = sandbox.payment(invoice, "20", Date="2026-01-20")
    assert state(sandbox, invoice) == ("PAID", 0.0, 24.0, "/Date(1768867200000+0000)/")
    stubs = sandbox.read("Invoices", invoice["InvoiceID"])["Payments"]
    assert [(stub["PaymentID"], stub["Amount"]) for stub in stubs] == [
        (first["PaymentID"], 4.0),
        (second["PaymentID"], 20.0),
    ]
    named = {"PaymentID", "Date", "Amount", "Reference", "CurrencyRate", "HasAccount", "HasValidationErrors"}
    assert set(stubs[0]) == named
    sandbox.post(f"Payments/{second['PaymentID']}", {"Status": "DELETED"})
    assert state(sandbox, invoice) == ("AUTHORISED", 20.0, 4.0, None)


def test_a_deleted_payment_is_listed_among_the_changes(sandbox: Sandbox) -> None:
    payment = sandbox.payment(sandbox.invoice(), "4")
    sandbox.advance(60)
    now = sandbox.control("GET", "clock")["now"][:19]
    sandbox.advance(60)
    since = {"If-Modified-Since": now}
    assert sandbox.call("GET", "Payments", headers=since).json()["Payments"] == []
    sandbox.post(f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    (listed,) = sandbox.call("GET", "Payments", headers=since).json()["Payments"]
    assert (listed["PaymentID"], listed["Status"]) == (payment["PaymentID"], "DELETED")
    assert listed["UpdatedDateUTC"] > payment["UpdatedDateUTC"]


def test_a_paid_invoice_is_voided_only_after_its_payment_is_deleted(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    payment = sandbox.payment(invoice, "4")
    void = {"InvoiceID": invoice["InvoiceID"], "Status": "VOIDED"}
    assert sandbox.refusals("POST", "Invoices", void) == [
        "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
    ]
    sandbox.post("Payments", {"PaymentID": payment["PaymentID"], "Status": "DELETED"})
    assert sandbox.post("Invoices", void)[0]["Status"] == "VOIDED"


def test_a_payment_changes_its_invoices_stamp(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    sandbox.payment(invoice, "4")
    assert sandbox.read("Invoices", invoice["InvoiceID"])["UpdatedDateUTC"] > invoice["UpdatedDateUTC"]


def test_a_bill_is_paid_too_and_by_number(sandbox: Sandbox) -> None:
    bill = sandbox.invoice(Type="ACCPAY", LineItems=[line(AccountCode="300")])
    assert sandbox.payment(bill, "24")["PaymentType"] == "ACCPAYPAYMENT"
    sale = sandbox.invoice(InvoiceNumber="A-1")
    paid = sandbox.put("Payments", {"Invoice": {"InvoiceNumber": "a-1"}, "Account": {"Code": "970"}, "Amount": 1})
    assert paid[0]["Invoice"]["InvoiceID"] == sale["InvoiceID"]


def test_many_payments_at_once(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    paid = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 10}
    answer = sandbox.call("PUT", "Payments", {"Payments": [paid] * 3}, query={"summarizeErrors": "false"})
    told = [(one["StatusAttributeString"], one["HasValidationErrors"]) for one in answer.json()["Payments"]]
    assert told == [("OK", False), ("OK", False), ("ERROR", True)]
    assert state(sandbox, invoice)[1] == 4.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Amount": "24.01"}, "Payment amount exceeds the amount outstanding on this document"),
        ({"Amount": 0}, "Payment amount must be greater than zero."),
        ({"Account": {"Code": "200"}}, "Account could not be found"),
        ({"Account": {"Code": "none"}}, "Account could not be found"),
        ({"Account": {}}, "Account could not be found"),
        ({"Invoice": {"InvoiceID": "4b4ca19a-8f6b-411c-bb85-0a6bdf966305"}}, "The invoice of the payment could not be"),
        ({"CreditNote": {"CreditNoteNumber": "CN-1"}}, "A payment must name exactly one Invoice."),
    ],
)
def test_payments_that_are_refused(sandbox: Sandbox, change: dict[str, Any], message: str) -> None:
    paid: dict[str, Any] = {
        "Invoice": {"InvoiceID": sandbox.invoice()["InvoiceID"]},
        "Account": {"Code": "090"},
        "Amount": 1,
    }
    (told,) = sandbox.refusals("PUT", "Payments", paid | change)
    assert told.startswith(message)


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "VOIDED"])
def test_only_approved_documents_are_paid(sandbox: Sandbox, status: str) -> None:
    invoice = sandbox.invoice(Status="AUTHORISED" if status == "VOIDED" else status)
    if status == "VOIDED":
        sandbox.post("Invoices", {"InvoiceID": invoice["InvoiceID"], "Status": "VOIDED"})
    paid = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
    assert sandbox.refusals("PUT", "Payments", paid) == ["Payments can only be made against Authorised documents"]


def test_what_cannot_be_deleted(sandbox: Sandbox) -> None:
    reconciled = sandbox.payment(sandbox.invoice(), "4", IsReconciled=True)
    refused = sandbox.refusals("POST", f"Payments/{reconciled['PaymentID']}", {"Status": "DELETED"})
    assert refused == ["This payment cannot be deleted as it has been reconciled with a bank statement."]
    payment = sandbox.payment(sandbox.invoice(), "4")
    assert sandbox.refusals("POST", f"Payments/{payment['PaymentID']}", {"Amount": 3}) != []
    sandbox.post(f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    assert sandbox.refusals("POST", f"Payments/{payment['PaymentID']}", {"Status": "DELETED"}) != []


def test_long_references_are_kept(sandbox: Sandbox) -> None:
    assert sandbox.payment(sandbox.invoice(), "4", Reference="x" * 300)["Reference"] == "x" * 300
