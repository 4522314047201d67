"""Where an invoice stands at Xero, in billing's words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hookspecs import LedgerState
from plugins.xero.wire.invoice import LedgerSchema

if TYPE_CHECKING:
    from hookspecs import Document

PLAIN: Final = {
    "DRAFT": "draft",
    "SUBMITTED": "submitted",
    "AUTHORISED": "authorised",
    "PAID": "paid",
    "VOIDED": "voided",
    "DELETED": "deleted",
}
GONE: Final = frozenset({"VOIDED", "DELETED"})

_schema: Final = LedgerSchema()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Status and money of an invoice at Xero."""

    status: str
    total: Decimal | None
    tax_total: Decimal | None
    amount_due: Decimal | None
    amount_paid: Decimal | None
    amount_credited: Decimal | None

    @classmethod
    def of(cls, element: dict[str, Any]) -> Standing:
        return cls(**_schema.load(element))

    @property
    def gone(self) -> bool:
        return self.status in GONE

    @property
    def applied(self) -> Decimal:
        """Payments and credits together: credits change what is due without any payment (API facts 4.12)."""
        return (self.amount_paid or Decimal(0)) + (self.amount_credited or Decimal(0))

    @property
    def settled_in_part(self) -> bool:
        return self.status == "PAID" or self.applied != 0


def ledger_state(record_id: str, standing: Standing) -> LedgerState:
    """What is paid at Xero and what is credited there is both settled here: together with what is due it makes the total."""
    return LedgerState(
        id=record_id,
        status=_status(standing),
        total=standing.total,
        tax_total=standing.tax_total,
        amount_paid=None if standing.amount_paid is None else standing.applied,
        amount_due=Decimal(0)
        if standing.gone
        else standing.amount_due,  # the reply to a void still names the total (API facts 4.9)
    )


def _status(standing: Standing) -> str:
    if standing.status == "AUTHORISED" and standing.applied != 0:
        return "part_paid"
    return PLAIN.get(standing.status, "authorised")


def total_warnings(document: Document, standing: Standing) -> tuple[str, ...]:
    """Both figures, where Xero's total is not ours (DESIGN, invariant 10)."""
    if not document.totals_known or standing.total is None or standing.total == document.total:
        return ()
    return (f"Xero's total is {standing.total:.2f}, ours is {document.total:.2f}",)
