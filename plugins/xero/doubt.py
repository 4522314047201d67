"""After a lost update, nobody knows which version Xero has: what was agreed before says no more what need not be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.sync.provider import JSON, Agreed


def in_doubt(agreed: Agreed) -> bool:
    """Whether the engine took back what was agreed: it was sent once, and counts as equal to nothing now (a lost update, or a wish to map anew)."""
    return bool(agreed.sent) and not agreed.inputs


def lines_only(answered: JSON) -> JSON:
    """What still holds of an agreed invoice: which of its lines is which of ours. Whatever differs at Xero is then ours to send, and nobody's change there."""
    lines = [{"id": line["id"], "LineItemID": line["LineItemID"]} for line in answered.get("lines", [])]
    return {"lines": lines}
