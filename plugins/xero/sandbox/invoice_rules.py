"""What may be done to an invoice in which state (API facts 4.9): decided here, on values alone."""

from dataclasses import dataclass

from plugins.xero.sandbox.wire import Doc

CREATABLE = frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"})
NOT_FOR_CREATION = "Invoice not of valid status for creation"
NOT_FOR_CHANGE = "Invoice not of valid status for modification"
SETTLED = "This document cannot be edited as it has a payment or credit note allocated to it."
LINE_ID_NEEDED = "To update fields on a paid invoice line item, you must supply a LineItemID"

NEXT = {
    "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"SUBMITTED", "DRAFT", "AUTHORISED", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "VOIDED"}),
    "PAID": frozenset({"PAID"}),
    "VOIDED": frozenset[str](),
    "DELETED": frozenset[str](),
}
# What stays editable once money is applied: on the document and on each line (API facts 4.9).
EDITABLE_WHEN_SETTLED = frozenset(
    {"Reference", "DueDate", "InvoiceNumber", "BrandingThemeID", "Url", "ContactID", "SentToContact"}
)
BILL_EDITABLE_WHEN_SETTLED = EDITABLE_WHEN_SETTLED | {"PlannedPaymentDate"}
LINE_EDITABLE_WHEN_SETTLED = frozenset({"Description", "AccountCode", "AccountID", "Tracking"})
COMPARED = (
    "Type",
    "ContactID",
    "Date",
    "DueDate",
    "LineAmountTypes",
    "InvoiceNumber",
    "Reference",
    "BrandingThemeID",
    "Url",
    "CurrencyCode",
    "CurrencyRate",
    "SentToContact",
    "ExpectedPaymentDate",
    "PlannedPaymentDate",
)
LINE_COMPARED = (
    "Description",
    "Quantity",
    "UnitAmount",
    "LineAmount",
    "TaxType",
    "TaxAmount",
    "AccountID",
    "ItemCode",
    "DiscountRate",
    "DiscountAmount",
    "Tracking",
)
# Changes that do not touch UpdatedDateUTC on a document with money applied (API facts 3.7).
SILENT_WHEN_SETTLED = frozenset({"DueDate", "SentToContact"})


@dataclass(frozen=True)
class Changes:
    """What an edit would change."""

    fields: frozenset[str]
    lines: frozenset[str]  # members that differ on lines that stay
    lines_added_or_removed: bool

    @property
    def any_line(self) -> bool:
        return bool(self.lines) or self.lines_added_or_removed


def is_settled(invoice: Doc) -> bool:
    return bool(invoice["AmountPaid"] or invoice["AmountCredited"])


def status_problem(current: str, wanted: str, *, settled: bool, void_again: bool = False) -> str | None:
    """Why the status cannot be taken, or None."""
    if wanted in NEXT[current] or (current == wanted == "VOIDED" and void_again):
        if wanted == "VOIDED" and settled:
            return applied(wanted)
        return None
    if settled and wanted in ("VOIDED", "DRAFT", "SUBMITTED", "AUTHORISED"):
        return applied(wanted)
    return NOT_FOR_CHANGE


def applied(status: str) -> str:
    return (
        f"The status {status} cannot be applied to the invoice because it has payments or credit notes allocated to it."
    )


def differences(before: Doc, after: Doc) -> Changes:
    changed = frozenset(name for name in COMPARED if before.get(name) != after.get(name))
    old = {line["LineItemID"]: line for line in before["LineItems"]}
    new = {line["LineItemID"]: line for line in after["LineItems"]}
    on_lines = frozenset(
        name
        for line_id in old.keys() & new.keys()
        for name in LINE_COMPARED
        if old[line_id].get(name) != new[line_id].get(name)
    )
    return Changes(changed, on_lines, old.keys() != new.keys())


def settled_problem(before: Doc, changes: Changes, *, lines_without_id: bool) -> str | None:
    """Why a document with money applied cannot be edited so, or None."""
    editable = BILL_EDITABLE_WHEN_SETTLED if before["Type"] == "ACCPAY" else EDITABLE_WHEN_SETTLED
    if before["AmountCredited"]:
        editable -= {"ContactID"}
    if lines_without_id:
        return LINE_ID_NEEDED
    if changes.fields - editable or changes.lines - LINE_EDITABLE_WHEN_SETTLED or changes.lines_added_or_removed:
        return SETTLED
    return None


def is_silent(changes: Changes) -> bool:
    return bool(changes.fields) and changes.fields <= SILENT_WHEN_SETTLED and not changes.any_line
