"""Where a person finds a record at Xero (API facts 4.15). Without the organisation's short code the address leads into whichever one is open there."""

from __future__ import annotations

from typing import Final

GO: Final = "https://go.xero.com"


def invoice_url(short_code: str, invoice_id: str) -> str:
    if short_code:
        return f"{GO}/app/{short_code}/invoicing/view/{invoice_id}"
    return f"{GO}/AccountsReceivable/View.aspx?InvoiceID={invoice_id}"


def contact_url(short_code: str, contact_id: str) -> str:
    if short_code:
        return f"{GO}/app/{short_code}/contacts/contact/{contact_id}"
    return f"{GO}/Contacts/View/{contact_id}"
