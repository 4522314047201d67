"""Lines keep who they are through every way of editing them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.core_billing.line_identity import identify, wrong_ids


def line(text: str, id: str = "", **more: Any) -> dict[str, Any]:
    content = dict.fromkeys(("product", "item_code", "account", "tax_rate"), "")
    numbers = dict.fromkeys(("quantity", "unit_price", "discount_percent"), Decimal(1))
    return {"id": id, "description": text, "tracking": {}, **content, **numbers, **more}


def lines(texts: str, *, stored: bool = False) -> list[dict[str, Any]]:
    return [line(text, f"{text}{position}" if stored else "") for position, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("old", "given", "found"),
    [
        ("", "AB", [None, None]),
        ("AB", "AB", ["A0", "B1"]),
        ("AB", "BA", ["B1", "A0"]),
        ("AB", "NAB", [None, "A0", "B1"]),
        ("ABC", "AxC", ["A0", "B1", "C2"]),
        ("ABC", "AC", ["A0", "C2"]),
        ("AB", "", []),
        ("AA", "AAA", ["A0", "A1", None]),
        ("AA", "xA", [None, "A0"]),
        ("AB", "xy", ["A0", "B1"]),
        ("AB", "xyz", ["A0", "B1", None]),
    ],
)
def test_without_ids_equal_lines_first_then_position(old: str, given: str, found: list[str | None]) -> None:
    assert identify(lines(old, stored=True), lines(given)) == found


def test_a_number_written_otherwise_is_the_same_line() -> None:
    old = [line("A", "1"), line("B", "2")]
    assert identify(old, [line("B", quantity=Decimal("1.0000")), line("A")]) == ["2", "1"]


def test_with_ids_they_alone_decide() -> None:
    old = lines("ABC", stored=True)
    assert identify(old, [line("changed", "C2"), line("A"), line("B", "B1")]) == ["C2", None, "B1"]


def test_ids_that_are_not_the_documents_are_named() -> None:
    old = lines("AB", stored=True)
    problems = [str(problem) for problem in wrong_ids(old, [line("x", "A0"), line("y", "Z9"), line("z", "A0")])]
    assert problems == [
        "lines.1.id: this document has no line Z9: leave the id out for a new line",
        "lines.2.id: line A0 stands here a second time",
    ]


@given(st.text("ABC", max_size=8), st.text("ABCD", max_size=8))
def test_no_line_is_two(old: str, given: str) -> None:
    found = [id for id in identify(lines(old, stored=True), lines(given)) if id]
    assert len(found) == len(set(found))
    assert set(found) <= {one["id"] for one in lines(old, stored=True)}


@given(st.permutations("ABCDE"))
def test_an_order_changes_nobody(order: list[str]) -> None:
    found = identify(lines("ABCDE", stored=True), lines("".join(order)))
    assert [id and id[0] for id in found] == order
