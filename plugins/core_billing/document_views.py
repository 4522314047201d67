"""Documents as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.core_billing.amounts import money_text, quantity_text

if TYPE_CHECKING:
    from hookspecs import JSON
    from plugins.core_billing.working_out import Worked, WorkedLine


def shown_document(worked: Worked, contact_field: str) -> JSON:
    row = worked.row
    return {
        "id": row["id"],
        "ref": row["ref"],
        "number": row["number"],
        contact_field: worked.contact.ref,
        "issue_date": row["issue_date"].isoformat(),
        "due_date": row["due_date"].isoformat() if row["due_date"] else "",
        "currency": row["currency"],
        "currency_rate": "" if row["currency_rate"] is None else quantity_text(row["currency_rate"]),
        "reference": row["reference"],
        "line_amounts": row["line_amounts"],
        "accounting_status": row["accounting_status"],
        "branding_theme": row["branding_theme"],
        "lines": [_shown_line(line) for line in worked.lines],
        "status": row["status"],
        "status_reason": row["status_reason"],
        "subtotal": money_text(worked.totals.subtotal),
        "tax_total": money_text(worked.totals.tax_total),
        "total": money_text(worked.totals.total),
        "amount_paid": money_text(row["amount_paid"]),
        "amount_due": money_text(worked.amount_due),
        "totals_known": worked.totals.known,
    }


def _shown_line(line: WorkedLine) -> JSON:
    row = line.row
    return {
        "id": row["id"],
        "product": line.product.ref if line.product else "",
        "charge_rate": "",
        "item_code": row["item_code"],
        "description": row["description"],
        "quantity": quantity_text(row["quantity"]),
        "unit_price": money_text(row["unit_price"]),
        "discount_percent": quantity_text(row["discount_percent"]),
        "account": row["account"],
        "tax_rate": row["tax_rate"],
        "tracking": row["tracking"],
        "time_entries": [],
        "effective": {
            "account": line.account.value,
            "account_from": line.account.source,
            "tax_rate": line.tax_rate.value,
            "tax_rate_from": line.tax_rate.source,
        },
    }
