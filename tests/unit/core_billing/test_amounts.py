"""Numbers as people write them: exactly as many digits as they mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.core_billing.amounts import money_text, optional_money_text, parse_decimal, quantity_text

amounts = st.integers(-99_999_999_999_999, 99_999_999_999_999).map(lambda number: Decimal(number).scaleb(-4))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12.50", "12.5"),
        ("-0.0001", "-0.0001"),
        ("+7", "7"),
        (12, "12"),
        (0.1, "0.1"),
        (Decimal("3.25"), "3.25"),
        ("1.500000", "1.5"),
    ],
)
def test_what_is_accepted(written: Any, meant: str) -> None:
    number = parse_decimal(written)
    assert number == Decimal(meant)
    assert number.as_tuple().exponent == -4


@pytest.mark.parametrize(
    "written",
    [
        "",
        " 1",
        "1 ",
        "1,50",
        "1_000",
        "1e3",
        "NaN",
        "Infinity",
        "-inf",
        "0x10",
        "١٢",
        "1.",
        ".5",
        "--1",
        True,
        None,
        [1],
        float("nan"),
        float("inf"),
        1e300,
    ],
)
def test_what_is_no_number(written: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a number: accepted are decimals such as 12\.50"):
        parse_decimal(written)


def test_more_decimals_than_kept_are_refused_and_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"1\.00001 has more than 4 decimals"):
        parse_decimal("1.00001")
    assert parse_decimal("1.000001", 6) == Decimal("1.000001")


@pytest.mark.parametrize("written", ["10000000000", "-10000000000", "9" * 31, "9" * 40])
def test_too_large_a_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"is too large|is not a number"):
        parse_decimal(written)


@pytest.mark.parametrize(
    ("value", "money", "quantity"),
    [
        ("12.5000", "12.50", "12.5"),
        ("0.9999", "0.9999", "0.9999"),
        ("100.0000", "100.00", "100"),
        ("-1.1250", "-1.125", "-1.125"),
        ("0.0000", "0.00", "0"),
        ("7", "7.00", "7"),
    ],
)
def test_how_numbers_read_back(value: str, money: str, quantity: str) -> None:
    assert (money_text(Decimal(value)), quantity_text(Decimal(value))) == (money, quantity)


def test_no_amount_is_empty() -> None:
    assert optional_money_text(None) == ""


@given(amounts)
def test_what_reads_back_means_the_same(value: Decimal) -> None:
    assert parse_decimal(money_text(value)) == parse_decimal(quantity_text(value)) == value
