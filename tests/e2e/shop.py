"""A small shop of made-up records, and what must be at Xero once they are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from tests.e2e.official import Official
    from tests.e2e.processes import Server

Record = dict[str, Any]

KINDS: Final = ("customers", "products", "invoices")
ACCOUNT: Final = "200"
UNTAXED: Final = "NONE"


def customer(ref: str, **more: Any) -> Record:
    return {"ref": ref, "name": f"Customer {ref}", **more}


def product(ref: str, **more: Any) -> Record:
    return {
        "ref": ref,
        "code": ref.upper(),
        "name": f"Product {ref}",
        "sales_price": "12.50",
        "sales_account": ACCOUNT,
        "sales_tax": UNTAXED,
        **more,
    }


def line(product: str = "", **more: Any) -> Record:
    """A line of a product, or one that stands for itself."""
    named = {"product": product} if product else {"account": ACCOUNT, "tax_rate": UNTAXED}
    return {"description": "Work", "quantity": "1", "unit_price": "10.00", **named, **more}


def invoice(ref: str, customer: str, *lines: Record, **more: Any) -> Record:
    return {
        "ref": ref,
        "number": ref.upper(),
        "customer": customer,
        "issue_date": "2026-11-02",
        "due_date": "2026-12-02",
        "lines": list(lines or (line(),)),
        **more,
    }


class Shop:
    """So many customers, products and invoices; the lines of each invoice name two of the products."""

    def __init__(self, size: int, *, prefix: str = "s") -> None:
        self.prefix = prefix
        self.customers = [customer(f"{prefix}-c{number}") for number in range(size)]
        self.products = [product(f"{prefix}-p{number}") for number in range(size)]
        self.invoices = [self._invoice(number, size) for number in range(size)]

    def _invoice(self, number: int, size: int) -> Record:
        first = line(f"{self.prefix}-p{number}", quantity=str(number % 7 + 1), unit_price="3.35")
        second = line(f"{self.prefix}-p{(number + 1) % size}", quantity="0.5", unit_price=f"{number}.10")
        return invoice(f"{self.prefix}-i{number}", f"{self.prefix}-c{number}", first, second)

    def load(self, server: Server) -> None:
        """All of it, in three batches."""
        for kind in KINDS:
            server.bulk(kind, getattr(self, kind))

    def wait_until_synced(self, server: Server, *, meanwhile: Callable[[], object] = bool) -> None:
        """Until every record is synced; none may have failed."""
        for kind in reversed(KINDS):

            def reached(kind: str = kind) -> bool:
                meanwhile()
                records = [one for one in server.all(kind, q=f"{self.prefix}-") if self._is_ours(one["ref"])]
                failed = [one for one in records if one["sync"][0]["state"] in {"failed", "conflict"}]
                assert not failed, failed[0]
                return all(one["sync"][0]["state"] == "synced" for one in records)

            wait_until(reached, what=f"synced {kind} of {self.prefix}", pause=0.3)

    def _is_ours(self, ref: str) -> bool:
        return ref.startswith(f"{self.prefix}-")

    def assert_all_is_there(self, official: Official) -> None:
        """Each record once, each as it is here."""
        contacts = self._ours([one.name for one in official.contacts()], f"Customer {self.prefix}-")
        assert_each_once(contacts, [one["name"] for one in self.customers])
        items = self._ours([one.code for one in official.items()], f"{self.prefix}-".upper())
        assert_each_once(items, [one["code"] for one in self.products])
        there = [one for one in official.invoices() if one.invoice_number.startswith(f"{self.prefix}-".upper())]
        assert_each_once([one.invoice_number for one in there], [one["number"] for one in self.invoices])
        by_number = {one.invoice_number: one for one in there}
        for wanted in self.invoices:
            assert_as_wanted(by_number[wanted["number"]], wanted)

    def _ours(self, names: Iterable[str], prefix: str) -> list[str]:
        return [name for name in names if name.startswith(prefix)]


def assert_each_once(there: Sequence[str], wanted: Sequence[str]) -> None:
    """Nothing doubled, nothing missing."""
    counted = Counter(there)
    assert {name: times for name, times in counted.items() if times > 1} == {}
    assert sorted(counted) == sorted(wanted)


def assert_as_wanted(there: Any, wanted: Record) -> None:
    assert there.contact.name == f"Customer {wanted['customer']}"
    assert (str(there.date)[:10], str(there.due_date)[:10]) == (wanted["issue_date"], wanted["due_date"])
    assert there.status == wanted.get("accounting_status", "draft").upper()
    assert [_line_there(one) for one in there.line_items] == [_line_wanted(one) for one in wanted["lines"]]
    amounts = [Decimal(one["quantity"]) * Decimal(one["unit_price"]) for one in wanted["lines"]]
    assert Decimal(str(there.total)) == sum(amount.quantize(Decimal("0.01"), "ROUND_HALF_UP") for amount in amounts)


def _line_there(one: Any) -> tuple[Any, ...]:
    code, quantity, price = one.item_code or "", Decimal(str(one.quantity)), Decimal(str(one.unit_amount))
    return code, one.description, quantity, price, one.account_code, one.tax_type


def _line_wanted(one: Record) -> tuple[Any, ...]:
    code, quantity, price = one.get("product", "").upper(), Decimal(one["quantity"]), Decimal(one["unit_price"])
    return code, one["description"], quantity, price, ACCOUNT, UNTAXED
