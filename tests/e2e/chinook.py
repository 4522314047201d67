"""The Chinook shop's records, and what must be at Xero once they are there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.e2e.official import Official
    from tests.e2e.processes import Host

KINDS: Final = {
    "customers": "customers",
    "product-groups": "product_groups",
    "products": "products",
    "invoices": "invoices",
}
CONTACTS: Final = 59
ITEMS: Final = 3503
INVOICES: Final = 412
TOTAL: Final = Decimal("2328.60")


def load_all(host: Host, reference: Path) -> None:
    """``counterfoil load`` of the four files, beside whatever is running."""
    for kind, name in KINDS.items():
        host.run("load", kind, str(reference / "data" / "chinook" / f"{name}.jsonl"))


def records(reference: Path, name: str) -> list[dict[str, Any]]:
    lines = (reference / "data" / "chinook" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def assert_all_is_there(official: Official, reference: Path) -> None:
    """Each record once, each invoice equal to its line in the file."""
    contacts, items, invoices = official.contacts(), official.items(), official.invoices()
    assert_once([one.name for one in contacts], CONTACTS)
    assert_once([one.code for one in items], ITEMS)
    assert_once([one.invoice_number for one in invoices], INVOICES)
    assert sum(Decimal(str(one.total)) for one in invoices) == TOTAL
    there = {one.invoice_number: one for one in invoices}
    codes = {one["ref"]: one["code"] for one in records(reference, "products")}
    names = {one["ref"]: " ".join(one["name"].split()) for one in records(reference, "customers")}
    for wanted in records(reference, "invoices"):
        assert_equal(there[wanted["number"]], wanted, names[wanted["customer"]], codes)


def assert_once(names: Sequence[str], count: int) -> None:
    doubled = [name for name, times in Counter(names).items() if times > 1]
    assert not doubled
    assert len(names) == count


def assert_equal(there: Any, wanted: dict[str, Any], contact: str, codes: dict[str, str]) -> None:
    """Number, contact, date, currency, lines (quantity, price, item, account, tax) and total."""
    assert there.contact.name == contact
    assert str(there.date)[:10] == wanted["issue_date"]
    assert str(there.due_date)[:10] == wanted["due_date"]
    assert there.currency_code.value == wanted["currency"]
    lines = [
        (line.item_code, Decimal(str(line.quantity)), Decimal(str(line.unit_amount)), line.account_code, line.tax_type)
        for line in there.line_items
    ]
    assert lines == [
        (codes[line["product"]], Decimal(line["quantity"]), Decimal(line["unit_price"]), "200", "NONE")
        for line in wanted["lines"]
    ]
    total = sum(Decimal(line["quantity"]) * Decimal(line["unit_price"]) for line in wanted["lines"])
    assert Decimal(str(there.total)) == total
