"""Records of a small made-up service company, for ``counterfoil demo``. Every name is invented."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hookspecs import JSON

_CUSTOMERS: Final = (
    ("harbour-joinery", "Harbour Joinery Ltd", "Orla", "Penhale", "12 Quay Street", "Falmouth", "TR11 3LH"),
    ("thistle-bakehouse", "Thistle Bakehouse", "Callum", "Dunmore", "4 Mill Lane", "Perth", "PH1 5TJ"),
    ("lantern-dental", "Lantern Dental Practice", "Priya", "Achterberg", "88 Church Road", "Leeds", "LS6 2AB"),
    ("northgate-cycles", "Northgate Cycles", "Tom", "Vesterby", "3 Northgate", "Chester", "CH1 2HA"),
    ("amber-and-vale", "Amber & Vale Architects", "Inès", "Maréchal", "17 Clifton Hill", "Bristol", "BS8 1BN"),
    ("ferrybank-farm", "Ferrybank Farm Shop", "Gwen", "Llewelyn-Hart", "Ferrybank", "Hereford", "HR1 4QP"),
)
_GROUPS: Final = (("support", "Support", "200"), ("projects", "Projects", "200"), ("hardware", "Hardware", "200"))
_PRODUCTS: Final = (
    ("support-hour", "SUP-HOUR", "Support, one hour", "support", "85.00"),
    ("support-call-out", "SUP-CALL", "Call-out to your office", "support", "120.00"),
    ("support-monthly-s", "SUP-M-S", "Monthly care, up to 5 desks", "support", "145.00"),
    ("support-monthly-l", "SUP-M-L", "Monthly care, up to 20 desks", "support", "420.00"),
    ("backup-monthly", "BACKUP", "Off-site backup, per 100 GB", "support", "12.50"),
    ("network-survey", "NET-SURV", "Network survey with report", "projects", "640.00"),
    ("office-move", "MOVE-DAY", "Office move, one day", "projects", "780.00"),
    ("website-care", "WEB-CARE", "Website care, one month", "projects", "60.00"),
    ("training-half-day", "TRAIN-H", "Training, half a day", "projects", "310.00"),
    ("router", "HW-ROUT", "Router, set up", "hardware", "189.90"),
    ("access-point", "HW-AP", "Wireless access point, mounted", "hardware", "134.45"),
    ("cable-metre", "HW-CAB", "Network cable, per metre", "hardware", "1.375"),
)
_FIRST_DAY: Final = date(2026, 9, 1)
_INVOICES: Final = 20


def records() -> Sequence[tuple[str, Sequence[JSON]]]:
    """(kind, records) in loading order."""
    return [
        ("customers", [_customer(*row) for row in _CUSTOMERS]),
        ("product-groups", [{"ref": ref, "name": name, "sales_account": code} for ref, name, code in _GROUPS]),
        ("products", [_product(*row) for row in _PRODUCTS]),
        ("invoices", [_invoice(number) for number in range(_INVOICES)]),
    ]


def _customer(ref: str, name: str, first: str, last: str, street: str, city: str, postal_code: str) -> JSON:
    return {
        "ref": ref,
        "name": name,
        "first_name": first,
        "last_name": last,
        "email": f"accounts@{ref}.example",
        "currency": "GBP",
        "sales_tax": "OUTPUT2",
        "billing_address": {"line1": street, "city": city, "postal_code": postal_code, "country": "United Kingdom"},
    }


def _product(ref: str, code: str, name: str, group: str, price: str) -> JSON:
    return {"ref": ref, "code": code, "name": name, "description": name, "group": group, "sales_price": price}


def _invoice(number: int) -> JSON:
    """Each differs in customer, day, number of lines, quantities and discount, in a fixed pattern."""
    issued = _FIRST_DAY + timedelta(days=3 * number)
    return {
        "ref": f"demo-invoice-{number + 1}",
        "number": f"DEMO-{number + 1:04d}",
        "customer": _CUSTOMERS[number % len(_CUSTOMERS)][0],
        "issue_date": issued.isoformat(),
        "due_date": (issued + timedelta(days=30)).isoformat(),
        "currency": "GBP",
        "reference": f"Order {4100 + 7 * number}",
        "accounting_status": "authorised" if number % 3 else "draft",
        "lines": [_line(number, position) for position in range(1 + number % 4)],
    }


def _line(number: int, position: int) -> dict[str, Any]:
    ref, _, name, group, price = _PRODUCTS[(3 * number + 5 * position) % len(_PRODUCTS)]
    quantity = Decimal(1 + (number + position) % 5) + (Decimal("0.5") if group == "support" else 0)
    return {
        "product": ref,
        "description": name,
        "quantity": str(quantity),
        "unit_price": price,
        "discount_percent": "10" if number % 7 == 3 else "0",
    }
