"""The shop whose invoices are sent: made up, the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

CUSTOMERS: Final = 200
PRODUCTS: Final = 500
LINES: Final = 5
FIRST_DAY: Final = date(2026, 1, 5)


def customers() -> Iterable[dict[str, Any]]:
    return (customer(n) for n in range(CUSTOMERS))


def customer(n: int) -> dict[str, Any]:
    return {
        "ref": f"customer-{n}",
        "name": f"Harbour Joinery {n} Ltd",
        "first_name": "Aroha",
        "last_name": f"Ngata {n}",
        "email": f"accounts{n}@joinery.example",
        "billing_address": {"line1": f"{n} Quay Street", "city": "Leith", "postal_code": "EH6 6QQ"},
    }


def products() -> Iterable[dict[str, Any]]:
    return (product(n) for n in range(PRODUCTS))


def product(n: int) -> dict[str, Any]:
    return {
        "ref": f"product-{n}",
        "code": f"SHELF-{n:04}",
        "name": f"Oak shelf {n}",
        "description": f"Oak shelf, pattern {n}, oiled",
        "sales_price": price_of(n),
        "sales_account": "200",
        "sales_tax": "OUTPUT2",
    }


def invoices(count: int, *, mark: str = "INV") -> Iterable[dict[str, Any]]:
    return (invoice(n, mark) for n in range(count))


def invoice(n: int, mark: str) -> dict[str, Any]:
    issued = FIRST_DAY + timedelta(days=n % 300)
    return {
        "ref": f"{mark}-{n}",
        "number": f"{mark}-{n:06}",
        "customer": f"customer-{n % CUSTOMERS}",
        "issue_date": issued.isoformat(),
        "due_date": (issued + timedelta(days=30)).isoformat(),
        "accounting_status": "authorised",
        "lines": [line(n * LINES + place) for place in range(LINES)],
    }


def line(n: int) -> dict[str, Any]:
    product = n % PRODUCTS
    return {
        "product": f"product-{product}",
        "description": f"Oak shelf, pattern {product}, oiled, delivered and put up",
        "quantity": str(1 + n % 7),
        "unit_price": price_of(product),
    }


def price_of(product: int) -> str:
    return f"{10 + product % 90}.{product % 100:02}"


def as_line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record).encode()


def write(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
