"""Payments of invoices and bills (API facts 4.12): created and deleted, never changed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import accounts, contact_views, contacts, fields, invoices
from plugins.xero.sandbox.batch import Writer, write
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.errors import ElementRefused, NotFound
from plugins.xero.sandbox.listing import Listed, nothing_new, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.organisations import may
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import ZERO_ID, Doc, day_stamp, stamp, stamp_string

STATUSES = frozenset({"AUTHORISED", "DELETED"})
OTHER_TARGETS = ("CreditNote", "Prepayment", "Overpayment")
WHERE_FIELDS = {
    "PaymentID": Type.GUID,
    "PaymentType": Type.TEXT,
    "Status": Type.TEXT,
    "Date": Type.DATE,
    "Amount": Type.NUMBER,
    "Reference": Type.TEXT,
    "IsReconciled": Type.FLAG,
    "UpdatedDateUTC": Type.DATE,
    "Invoice.InvoiceID": Type.GUID,
    "Invoice.InvoiceNumber": Type.TEXT,
    "Account.AccountID": Type.GUID,
    "Account.Code": Type.TEXT,
}


# ------------------------------------------------------------------------------------------------------- endpoints


def listed(call: Call) -> Answer:
    page = page_of(call, LISTED, [])
    shown = [show(call, payment) for payment in page.documents]
    return nothing_new(call, shown) or call.reply("Payments", shown, page.pagination)


def one(call: Call) -> Answer:
    return call.reply("Payments", [show(call, _addressed(call))])


def put(call: Call) -> Answer:
    return write(call, Writer("Payments", _create, _echo, "HasValidationErrors"), call.elements("Payments"))


def post(call: Call) -> Answer:
    """POST creates, too; with an id it can only delete."""
    if call.segments:
        payment = _addressed(call)
        elements = [call.elements("Payments")[0] | {"PaymentID": payment["PaymentID"]}]
        return write(call, Writer("Payments", _delete, _echo, "HasValidationErrors"), elements)
    elements = call.elements("Payments")
    return write(call, Writer("Payments", _create_or_delete, _echo, "HasValidationErrors"), elements)


def _addressed(call: Call) -> Doc:
    payment = call.store.get("payment", call.org, call.segments[0].lower())
    if payment is None:
        raise NotFound
    return payment


def _create_or_delete(call: Call, element: Doc) -> Doc:
    return _delete(call, element) if fields.guid(element, "PaymentID") else _create(call, element)


# -------------------------------------------------------------------------------------------------------- creating


def _create(call: Call, element: Doc) -> Doc:
    fields.choice(element, "Status", STATUSES)
    invoice = _target(call, element)
    account, problems = _account(call, element)
    amount = fields.number(element, "Amount")
    day = fields.day(element, "Date") or call.clock.today(call.organisation["Zone"]).isoformat()
    problems += _amount_problems(invoice, amount) + _permission_problems(call, day)
    if problems or account is None or amount is None:
        raise ElementRefused(problems)
    payment = _new(element, invoice, account, amount, day)
    payment["Updated"] = call.stamp()
    _store(call, payment)
    _apply(call, invoice, payment)
    return show(call, payment) | {"ValidationErrors": [], "Warnings": []}


def _target(call: Call, element: Doc) -> Doc:
    """The one document that the payment is for."""
    named = [name for name in ("Invoice", *OTHER_TARGETS) if element.get(name)]
    if named != ["Invoice"]:
        # Credit notes, prepayments and overpayments join with their own endpoints.
        raise ElementRefused(["A payment must name exactly one Invoice."])
    given = fields.child(element, "Invoice") or {}
    invoice_id, number = fields.guid(given, "InvoiceID"), fields.text(given, "InvoiceNumber")
    invoice = invoices.by_id(call, invoice_id) if invoice_id else invoices.holding_number(call, number or "")
    if invoice is None:
        raise ElementRefused(["The invoice of the payment could not be found."])
    return invoice


def _account(call: Call, element: Doc) -> tuple[Doc | None, list[str]]:
    given = fields.child(element, "Account") or {}
    account_id, code = fields.guid(given, "AccountID"), fields.text(given, "Code")
    account = accounts.by_id(call, account_id) if account_id else accounts.by_code(call, code or "")
    if account is None:
        return None, ["Account could not be found"]
    if not accounts.takes_payments(account):
        return None, [call.switches["payment_account_message"]]
    return account, []


def _amount_problems(invoice: Doc, amount: Decimal | None) -> list[str]:
    if amount is None or amount <= 0:
        return ["Payment amount must be greater than zero."]
    if invoice["Status"] not in ("AUTHORISED", "PAID"):
        return ["Payments can only be made against Authorised documents"]
    if amount > invoice["AmountDue"]:
        return ["Payment amount exceeds the amount outstanding on this document"]
    return []


def _permission_problems(call: Call, day: str) -> list[str]:
    problems = invoices.lock_problems(call, day)
    if not may(call, "CreateInvoicePayment"):
        problems.append("You do not have permission to create this payment.")
    return problems


def _new(element: Doc, invoice: Doc, account: Doc, amount: Decimal, day: str) -> Doc:
    rate = fields.number(element, "CurrencyRate") or invoice["CurrencyRate"]
    bank_amount = fields.number(element, "BankAmount")
    return {
        "PaymentID": str(uuid4()),
        "InvoiceID": invoice["InvoiceID"],
        "AccountID": account["AccountID"],
        "Date": day,
        "Amount": amount,
        "BankAmount": amount if bank_amount is None else bank_amount,
        "CurrencyRate": rate,
        "Reference": fields.text(element, "Reference") or "",
        "IsReconciled": bool(fields.flag(element, "IsReconciled")),
        "Status": "AUTHORISED",
        "PaymentType": f"{invoice['Type']}PAYMENT",
    }


def _apply(call: Call, invoice: Doc, payment: Doc) -> None:
    changed = invoice | {
        "AmountPaid": invoice["AmountPaid"] + payment["Amount"],
        "AmountDue": invoice["AmountDue"] - payment["Amount"],
        "Payments": [*invoice["Payments"], payment],
    }
    if not changed["AmountDue"]:
        changed |= {"Status": "PAID", "FullyPaidOnDate": payment["Date"]}
    invoices.store(call, changed)


# -------------------------------------------------------------------------------------------------------- deleting


def _delete(call: Call, element: Doc) -> Doc:
    payment = call.store.get("payment", call.org, fields.guid(element, "PaymentID") or "")
    if payment is None:
        raise NotFound
    if fields.choice(element, "Status", STATUSES) != "DELETED" or payment["Status"] == "DELETED":
        raise ElementRefused(["Payment not of valid status for modification"])
    if payment["IsReconciled"]:
        raise ElementRefused([call.switches["reconciled_payment_message"]])
    deleted = payment | {"Status": "DELETED", "Updated": call.stamp()}
    _store(call, deleted)
    _take_back(call, payment)
    return show(call, deleted) | {"ValidationErrors": [], "Warnings": []}


def _take_back(call: Call, payment: Doc) -> None:
    """The invoice owes the amount again and is AUTHORISED, whatever it was."""
    invoice = invoices.by_id(call, payment["InvoiceID"])
    assert invoice is not None
    changed = invoice | {
        "AmountPaid": invoice["AmountPaid"] - payment["Amount"],
        "AmountDue": invoice["AmountDue"] + payment["Amount"],
        "Payments": [other for other in invoice["Payments"] if other["PaymentID"] != payment["PaymentID"]],
        "Status": "AUTHORISED",
    }
    changed.pop("FullyPaidOnDate", None)
    invoices.store(call, changed)


def _store(call: Call, payment: Doc) -> None:
    columns = {"invoice": payment["InvoiceID"], "status": payment["Status"]}
    call.store.save("payment", call.org, payment["PaymentID"], payment["Updated"], columns, payment)


# ----------------------------------------------------------------------------------------------------- on the wire


def _echo(_call: Call, element: Doc) -> Doc:
    return {"PaymentID": element.get("PaymentID") or ZERO_ID} | element


def show(call: Call, payment: Doc) -> Doc:
    account = accounts.by_id(call, payment["AccountID"]) or {}
    shown_account = {"AccountID": payment["AccountID"]} | ({"Code": account["Code"]} if account.get("Code") else {})
    return {
        "PaymentID": payment["PaymentID"],
        "Date": day_stamp(payment["Date"]),
        "BankAmount": payment["BankAmount"],
        "Amount": payment["Amount"],
        "Reference": payment["Reference"],
        "CurrencyRate": payment["CurrencyRate"],
        "PaymentType": payment["PaymentType"],
        "Status": payment["Status"],
        "UpdatedDateUTC": stamp(payment["Updated"]),
        "UpdatedDateUTCString": stamp_string(payment["Updated"]),
        "HasAccount": True,
        "IsReconciled": payment["IsReconciled"],
        "Account": shown_account,
        "Invoice": _invoice(call, payment["InvoiceID"]),
        "HasValidationErrors": False,
    }


def _invoice(call: Call, invoice_id: str) -> Doc:
    """The document as the payment left it, without its lines."""
    invoice = invoices.by_id(call, invoice_id)
    assert invoice is not None
    contact = contacts.find(call, invoice["ContactID"])
    assert contact is not None
    shown: Doc = {name: invoice[name] for name in ("Type", "InvoiceID", "Status", "CurrencyCode")}
    for name in ("Total", "AmountDue", "AmountPaid", "AmountCredited"):
        shown[name] = invoice[name]
    shown |= {
        "InvoiceNumber": invoice.get("InvoiceNumber", ""),
        "Contact": contact_views.stub(contact),
        "Payments": [],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "InvoiceAddresses": [],
        "LineItems": [],
        "HasErrors": False,
        "IsDiscounted": "TotalDiscount" in invoice,
    }
    if "FullyPaidOnDate" in invoice:
        shown["FullyPaidOnDate"] = day_stamp(invoice["FullyPaidOnDate"])
    return shown


def _read(call: Call, payment: Doc, name: str) -> Any:
    parent, _, member = name.partition(".")
    if parent == "Invoice":
        return (invoices.by_id(call, payment["InvoiceID"]) or {}).get(member)
    if parent == "Account":
        return (accounts.by_id(call, payment["AccountID"]) or {}).get(member)
    if name == "Date":
        return datetime.fromisoformat(payment["Date"]).replace(tzinfo=UTC)
    if name == "UpdatedDateUTC":
        return datetime.fromtimestamp(payment["Updated"] / 1000, tz=UTC)
    return payment.get(name)


LISTED = Listed(
    "payment", "Payment", WHERE_FIELDS, _read, {"PaymentID": "id IN ({})", "Invoice.InvoiceID": "invoice IN ({})"}
)
