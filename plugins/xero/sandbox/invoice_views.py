"""How invoices look on the wire, and how they are listed (API facts 4.9)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from plugins.xero.sandbox import contact_views, contacts, lines
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.listing import Listed, Page, SqlCondition, comma_list, nothing_new, one_of, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import ZERO_ID, Doc, day_stamp, day_string, fold, stamp, stamp_string

WHERE_FIELDS = {
    "InvoiceID": Type.GUID,
    "InvoiceNumber": Type.TEXT,
    "Type": Type.TEXT,
    "Status": Type.TEXT,
    "Reference": Type.TEXT,
    "Contact.ContactID": Type.GUID,
    "Contact.Name": Type.TEXT,
    "Contact.ContactNumber": Type.TEXT,
    "Date": Type.DATE,
    "DueDate": Type.DATE,
    "FullyPaidOnDate": Type.DATE,
    "UpdatedDateUTC": Type.DATE,
    "CurrencyCode": Type.TEXT,
    "LineAmountTypes": Type.TEXT,
    "SubTotal": Type.NUMBER,
    "TotalTax": Type.NUMBER,
    "Total": Type.NUMBER,
    "AmountDue": Type.NUMBER,
    "AmountPaid": Type.NUMBER,
    "AmountCredited": Type.NUMBER,
    "CurrencyRate": Type.NUMBER,
    "SentToContact": Type.FLAG,
    "BrandingThemeID": Type.GUID,
    "Url": Type.TEXT,
}
DATE_FIELDS = frozenset({"Date", "DueDate", "FullyPaidOnDate"})


# ----------------------------------------------------------------------------------------------------------- views


def written(call: Call, invoice: Doc, contact: Doc | None, warnings: list[str]) -> Doc:
    """The reply to a write. A voided invoice still shows its total as due here, and 0 when read (API facts 4.9)."""
    assert contact is not None
    due = invoice["Total"] if invoice["Status"] == "VOIDED" else invoice["AmountDue"]
    shown = _head(invoice, due) | {"HasErrors": False, "InvoicePaymentServices": []}
    if warnings:
        shown["Warnings"] = [{"Message": warning} for warning in warnings]
    return shown | _body(call, invoice, contact_views.full(call, contact, write=True), write=True)


def read(call: Call, invoice: Doc, *, contact: Doc, with_lines: bool = True) -> Doc:
    shown = _head(invoice, _due_when_read(invoice)) | _applied(invoice) | {"HasErrors": False}
    shown |= {"HasAttachments": False, "InvoicePaymentServices": [], "InvoiceAddresses": []}
    if "FullyPaidOnDate" in invoice:
        shown["FullyPaidOnDate"] = day_stamp(invoice["FullyPaidOnDate"])
    shown |= _body(call, invoice, contact, write=False)
    if not with_lines:
        shown["LineItems"] = []
    return shown


def summarised(call: Call, invoice: Doc, contact: Doc) -> Doc:
    dropped = {"Payments", "HasAttachments", "LineItems", "CISDeduction"}
    return {name: value for name, value in read(call, invoice, contact=contact).items() if name not in dropped}


def _due_when_read(invoice: Doc) -> Decimal:
    return Decimal(0) if invoice["Status"] in ("VOIDED", "DELETED") else invoice["AmountDue"]


def _head(invoice: Doc, due: Decimal) -> Doc:
    sale = invoice["Type"] == "ACCREC"
    shown: Doc = {"Type": invoice["Type"], "InvoiceID": invoice["InvoiceID"]}
    shown["InvoiceNumber"] = invoice.get("InvoiceNumber", "")
    shown["Reference"] = invoice.get("Reference", "")
    shown |= {"Prepayments": [], "Overpayments": [], "AmountDue": due, "AmountPaid": invoice["AmountPaid"]}
    if sale:
        shown["SentToContact"] = invoice["SentToContact"]
    return shown | {"CurrencyRate": invoice["CurrencyRate"], "IsDiscounted": "TotalDiscount" in invoice}


def _applied(invoice: Doc) -> Doc:
    return {
        "Payments": [_payment_stub(payment) for payment in invoice["Payments"]],
        "CreditNotes": [],
        "AmountCredited": invoice["AmountCredited"],
    }


def _payment_stub(payment: Doc) -> Doc:
    return {
        "PaymentID": payment["PaymentID"],
        "Date": day_stamp(payment["Date"]),
        "Amount": payment["Amount"],
        "Reference": payment["Reference"],
        "CurrencyRate": payment["CurrencyRate"],
        "HasAccount": False,
        "HasValidationErrors": False,
    }


def _body(call: Call, invoice: Doc, contact: Doc, *, write: bool) -> Doc:
    shown: Doc = {"UpdatedDateUTCString": stamp_string(invoice["Updated"]), "Contact": contact}
    shown |= _dates(invoice)
    for name in ("BrandingThemeID", "Url"):
        if invoice.get(name):
            shown[name] = invoice[name]
    shown |= {
        "Status": invoice["Status"],
        "LineAmountTypes": invoice["LineAmountTypes"],
        "LineItems": [lines.show(call, line, write=write) for line in invoice["LineItems"]],
    }
    for name in ("SubTotal", "TotalTax", "Total", "TotalDiscount"):
        if name in invoice:
            shown[name] = invoice[name]
    return shown | {"UpdatedDateUTC": stamp(invoice["Updated"]), "CurrencyCode": invoice["CurrencyCode"]}


def _dates(invoice: Doc) -> Doc:
    shown: Doc = {}
    for name in ("Date", "DueDate"):
        if invoice.get(name):
            shown |= {f"{name}String": day_string(invoice[name]), name: day_stamp(invoice[name])}
    for name in ("ExpectedPaymentDate", "PlannedPaymentDate"):
        if invoice.get(name):
            shown[name] = day_stamp(invoice[name])
    return shown


def echo(_call: Call, element: Doc) -> Doc:
    """A refused invoice: as it was sent, with its id if it has one (API facts 3.4)."""
    shown: Doc = {"InvoiceID": element.get("InvoiceID") or ZERO_ID} | element
    shown["LineItems"] = [line | {"ValidationErrors": []} for line in element.get("LineItems") or []]
    for name in ("Date", "DueDate"):
        if isinstance(element.get(name), str) and element[name][:4].isdecimal():
            shown |= {f"{name}String": day_string(element[name][:10]), name: day_stamp(element[name][:10])}
    return shown


# ----------------------------------------------------------------------------------------------------------- lists


def one(call: Call, invoice: Doc) -> Answer:
    contact = contacts.find(call, invoice["ContactID"])
    assert contact is not None
    return call.reply("Invoices", [read(call, invoice, contact=contact_views.full(call, contact, write=True))])


def listed(call: Call) -> Answer:
    summary_only = call.flag("summaryOnly")
    page = page_of(call, LISTED, _filters(call), forced=summary_only or "statuses" in call.query)
    shown = [_row(call, invoice, page, summary_only=summary_only) for invoice in page.documents]
    return nothing_new(call, shown) or call.reply("Invoices", shown, page.pagination)


def _row(call: Call, invoice: Doc, page: Page, *, summary_only: bool) -> Doc:
    contact = contacts.find(call, invoice["ContactID"])
    assert contact is not None
    stub = contact_views.stub(contact)
    if summary_only:
        return summarised(call, invoice, stub)
    return read(call, invoice, contact=stub, with_lines=page.asked or "ids" in call.query)


def _filters(call: Call) -> list[SqlCondition]:
    conditions: list[SqlCondition] = []
    if "ids" in call.query:
        conditions.append(one_of("id", [given.lower() for given in comma_list(call, "IDs")]))
    if "invoicenumbers" in call.query:
        conditions.append(one_of("number", [fold(given) for given in comma_list(call, "InvoiceNumbers")]))
    if "contactids" in call.query:
        conditions.append(one_of("contact", [given.lower() for given in comma_list(call, "ContactIDs")]))
    if "statuses" in call.query:
        conditions.append(one_of("status", [given.upper() for given in comma_list(call, "Statuses")]))
    if call.flag("createdByMyApp"):
        conditions.append(("app = ?", [call.app.client_id]))
    if term := call.query.get("searchterm", ""):
        conditions.append(("(instr(number, ?) OR instr(reference, ?))", [fold(term)] * 2))
    return conditions


def _field(call: Call, invoice: Doc, name: str) -> Any:
    if name.startswith("Contact."):
        contact = contacts.find(call, invoice["ContactID"]) or {}
        return contact.get(name.removeprefix("Contact."))
    if name in DATE_FIELDS:
        return _midnight(invoice.get(name))
    if name == "UpdatedDateUTC":
        return datetime.fromtimestamp(invoice["Updated"] / 1000, tz=UTC)
    if name == "AmountDue":
        return _due_when_read(invoice)
    return invoice.get(name)


def _midnight(day: str | None) -> datetime | None:
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None


LISTED = Listed(
    "invoice",
    "Invoice",
    WHERE_FIELDS,
    _field,
    {
        "InvoiceID": "id IN ({})",
        "InvoiceNumber": "number IN ({})",
        "Type": "type IN ({})",
        "Reference": "reference IN ({})",
        "Contact.ContactID": "contact IN ({})",
        "Contact.Name": "contact IN (SELECT id FROM contact AS named WHERE named.org = invoice.org AND named.name IN ({}))",
        "Contact.ContactNumber": "contact IN (SELECT id FROM contact AS named WHERE named.org = invoice.org AND named.number IN ({}))",
    },
    {"UpdatedDateUTC": "updated", "InvoiceID": "id", "Date": "date"},
)
