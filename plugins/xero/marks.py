"""Marks: what a create carries so that it can be found again, and is known as ours (DESIGN, "Marks and settling").

==========  ====================================================  =============================================
contact     ``ContactNumber``                                     ``<prefix>-<record id>``, 39 of 50 characters
item        ``Code``                                              the product's own code: mark and match key
invoice     ``InvoiceNumber``, and ``Url`` to say whose it is     ``<link base>/<prefix>/<kind>/<record id>``
==========  ====================================================  =============================================

``Url`` must be absolute and must not contain "xero" (API facts 4.9). What makes it ours is its end, so that links made before ``document_link`` was changed
still count. People see it at Xero as "Go to ...".
"""

from __future__ import annotations


def contact_mark(prefix: str, record_id: str) -> str:
    return f"{prefix}-{record_id}"


def document_url(base: str, prefix: str, kind: str, record_id: str) -> str:
    return base.rstrip("/") + _tail(prefix, kind, record_id)


def bears_our_url(url: str, prefix: str, kind: str, record_id: str) -> bool:
    return url.endswith(_tail(prefix, kind, record_id))


def _tail(prefix: str, kind: str, record_id: str) -> str:
    return f"/{prefix}/{kind}/{record_id}"
