"""A real shop's records, untidy as they are, through the services."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.core_billing.conftest import House

FILES = (
    ("customers", "customers", 59),
    ("product-groups", "product_groups", 25),
    ("products", "products", 3503),
    ("invoices", "invoices", 412),
)


def records(reference: Path, name: str) -> list[dict[str, Any]]:
    lines = (reference / "data" / "chinook" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def load(house: House, kind: str, inputs: list[dict[str, Any]]) -> None:
    for start in range(0, len(inputs), 500):
        house.saved(kind, *inputs[start : start + 500])


def test_everything_loads_and_loads_again_without_a_change(house: House, reference: Path) -> None:
    for kind, name, count in FILES:
        load(house, kind, records(reference, name))
        assert house.page(kind).total == count
        assert len(house.told()) == count
    with house.database.read() as session:
        invoices = list(house.billing.store.stream(session, "invoices"))
        products = list(house.billing.store.stream(session, "products"))
    assert sum(invoice.total for invoice in invoices) == Decimal("2328.60")  # type: ignore[attr-defined]
    assert len({product.name for product in products}) == 3503 - 246  # type: ignore[attr-defined]
    for kind, name, _ in FILES:
        load(house, kind, records(reference, name))
    assert house.told() == []


@pytest.mark.parametrize("kind", [name for name, _, _ in FILES])
def test_what_reads_back_is_what_was_loaded(sqlite_house: House, reference: Path, kind: str) -> None:
    for earlier, name, _ in FILES:
        inputs = records(reference, name)
        load(sqlite_house, earlier, inputs)
        if earlier == kind:
            for one in inputs[::37]:
                assert _within(one, sqlite_house.get(kind, one["ref"])) == []
            return


def _within(given: Any, shown: Any) -> list[Any]:
    """Where what was given is not found in what is shown."""
    if isinstance(given, dict):
        return [wrong for name in given for wrong in _within(given[name], shown[name])]
    if isinstance(given, list):
        return [wrong for one, other in zip(given, shown, strict=True) for wrong in _within(one, other)]
    return [] if given == shown else [(given, shown)]
