"""Line amounts, tax and totals: the vectors of API facts 4.8, and what holds for any line."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.xero.sandbox.rounding import LineTotalDiffers, complete, tax_on, totals

amounts = st.decimals(-99999, 99999, places=2)
quantities = st.decimals(Decimal("0.0001"), 9999, places=4)
percents = st.decimals(0, 30, places=4)


def D(text: str) -> Decimal:  # noqa: N802 reads as the number it is
    return Decimal(text)


@pytest.mark.parametrize(
    ("amount", "types", "tax"),
    [
        ("541.25", "Inclusive", "70.60"),
        ("500.00", "Inclusive", "65.22"),
        ("97.00", "Inclusive", "12.65"),
        ("89.00", "Inclusive", "11.61"),
        ("34.90", "Inclusive", "4.55"),
        ("21.00", "Exclusive", "3.15"),
        ("21.00", "NoTax", "0.00"),
        ("-21.00", "Exclusive", "-3.15"),
    ],
)
def test_vectors_at_fifteen_percent(amount: str, types: str, tax: str) -> None:
    assert tax_on(D(amount), D("15"), types) == D(tax)


@pytest.mark.parametrize(("mode", "tax"), [("half_up", "0.03"), ("half_even", "0.02")])
def test_exact_half_cents_follow_the_mode(mode: str, tax: str) -> None:
    assert tax_on(D("0.50"), D("5"), "Exclusive", mode) == D(tax)
    assert complete(D("1.5"), D("10.95"), None, mode=mode).line_amount == D("16.43" if mode == "half_up" else "16.42")


@pytest.mark.parametrize(
    ("quantity", "unit", "amount", "expected"),
    [
        ("2", "10.50", None, ("2", "10.50", "21.00")),
        ("3", None, "100", ("3", "33.33", "100.00")),
        (None, "2.50", "10", ("4", "2.50", "10.00")),
        (None, "0", "0", ("1", "0", "0.00")),
        ("0", None, "5", ("1", "5.00", "5.00")),
        (None, None, None, ("1", "0", "0.00")),
    ],
)
def test_the_third_of_three(
    quantity: str | None, unit: str | None, amount: str | None, expected: tuple[str, str, str]
) -> None:
    given_ = [None if value is None else D(value) for value in (quantity, unit, amount)]
    found = complete(*given_)
    assert (found.quantity, found.unit_amount, found.line_amount) == tuple(map(D, expected))


@pytest.mark.parametrize(
    ("rate", "discount", "net"),
    [("10", None, "36.00"), (None, "4", "36.00"), ("33.33", None, "26.67"), ("100", None, "0.00")],
)
def test_discounts(rate: str | None, discount: str | None, net: str) -> None:
    options = {"discount_rate": rate and D(rate), "discount_amount": discount and D(discount)}
    found = complete(D("4"), D("10"), None, **options)  # type: ignore[arg-type]
    assert found.line_amount == D(net)
    again = complete(D("4"), None, D("36"), discount_rate=D("10"))
    assert again.unit_amount == D("10.00")


def test_three_that_disagree() -> None:
    with pytest.raises(LineTotalDiffers, match=r"The line total 1\.00 does not match the expected line total 100\.00"):
        complete(D("10"), D("10"), D("1"))


@given(quantities, amounts)
def test_a_line_amount_is_the_nearest_cent(quantity: Decimal, unit: Decimal) -> None:
    exact = Fraction(quantity) * Fraction(unit)
    found = complete(quantity, unit, None).line_amount
    assert abs(Fraction(found) - exact) <= Fraction(1, 200)
    # Half a cent goes away from zero.
    if abs(Fraction(found) - exact) == Fraction(1, 200):
        assert abs(found) > abs(exact)


@given(amounts, percents)
def test_tax_taken_out_is_tax_put_on(amount: Decimal, percent: Decimal) -> None:
    inside = tax_on(amount, percent, "Inclusive")
    outside = tax_on(amount - inside, percent, "Exclusive")
    assert abs(inside - outside) <= D("0.01")


@given(st.lists(st.tuples(amounts, amounts), max_size=8))
def test_subtotal_and_tax_make_the_total(lines: list[tuple[Decimal, Decimal]]) -> None:
    for types in ("Exclusive", "Inclusive", "NoTax"):
        found = totals(lines, types)
        assert found.subtotal + found.tax == found.total
        assert found.tax == sum(tax for _, tax in lines)
        sent = sum(amount for amount, _ in lines)
        assert sent == (found.total if types == "Inclusive" else found.subtotal)
