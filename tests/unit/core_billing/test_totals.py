"""Totals to the cent, against the vectors of API facts 4.8 and against an implementation that shares nothing with ours."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.core_billing.totals import EXCLUSIVE, INCLUSIVE, NO_TAX, LineAmounts, line_amounts, sum_up
from tests.unit.core_billing.ledger_rules import LedgerLine, ledger_totals

D = Decimal


def scaled(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda number: Decimal(number).scaleb(-4))


amounts = scaled(-99_999_999_999_999, 99_999_999_999_999)
small = scaled(-50_000, 50_000)
percentages = scaled(0, 1_000_000)
rates = st.one_of(
    percentages, st.sampled_from([D(0), D(5), D("8.25"), D("12.5"), D(15), D("17.5"), D(20), D("3.333"), D(1000)])
)
lines = st.tuples(st.one_of(amounts, small), st.one_of(amounts, small), st.one_of(st.just(D(0)), percentages), rates)
modes = st.sampled_from([EXCLUSIVE, INCLUSIVE, NO_TAX])


@settings(max_examples=600)
@given(st.lists(lines, max_size=6), modes)
@example([(D("1"), D("0.0050"), D(0), D(0))], EXCLUSIVE)
@example([(D("-1"), D("0.0050"), D(0), D(0))], EXCLUSIVE)
@example([(D("1"), D("34.90"), D(0), D(15))], INCLUSIVE)
@example([(D("3"), D("0.105"), D("33.3333"), D("17.5"))], EXCLUSIVE)
def test_ours_are_the_ledgers(lines: list[tuple[Decimal, Decimal, Decimal, Decimal]], mode: str) -> None:
    ours = sum_up(line_amounts(*line, mode) for line in lines)
    theirs = ledger_totals([LedgerLine(*map(str, line)) for line in lines], mode)
    assert (Fraction(ours.subtotal), Fraction(ours.tax_total), Fraction(ours.total)) == theirs
    assert ours.known


@pytest.mark.parametrize(
    ("amount", "tax", "net"),
    [
        ("541.25", "70.60", "470.65"),
        ("500.00", "65.22", "434.78"),
        ("97.00", "12.65", "84.35"),
        ("89.00", "11.61", "77.39"),
    ],
)
def test_the_published_inclusive_amounts(amount: str, tax: str, net: str) -> None:
    assert line_amounts(D(1), D(amount), D(0), D(15), INCLUSIVE) == LineAmounts(D(net), D(tax))


def test_the_published_exclusive_amount() -> None:
    line = line_amounts(D(2), D("10.50"), D(0), D(15), EXCLUSIVE)
    assert line == LineAmounts(D("21.00"), D("3.15"))
    assert sum_up([line]).total == D("24.15")


@given(st.lists(lines, min_size=1, max_size=6))
def test_an_inclusive_total_is_what_was_asked(lines: list[tuple[Decimal, Decimal, Decimal, Decimal]]) -> None:
    gross = sum(line_amounts(*line[:3], None, NO_TAX).net for line in lines)
    assert sum_up(line_amounts(*line, INCLUSIVE) for line in lines).total == gross


@given(lines, modes)
def test_a_credit_is_the_opposite(line: tuple[Decimal, Decimal, Decimal, Decimal], mode: str) -> None:
    quantity, price, discount, rate = line
    back, there = (
        line_amounts(-quantity, price, discount, rate, mode),
        line_amounts(quantity, price, discount, rate, mode),
    )
    assert (back.net, back.tax) == (-there.net, -(there.tax or 0))


def test_tax_is_rounded_on_each_line_and_not_on_the_sum() -> None:
    """Three times 0.15 at 15 %: 0.0225 each. Rounded apart 0.06, rounded together 0.07."""
    line = line_amounts(D(1), D("0.15"), D(0), D(15), EXCLUSIVE)
    assert sum_up([line] * 3).tax_total == D("0.06")


def test_an_unknown_rate_leaves_the_total_without_that_lines_tax() -> None:
    known = line_amounts(D(1), D(100), D(0), D(20), EXCLUSIVE)
    unknown = line_amounts(D(1), D(50), D(0), None, EXCLUSIVE)
    totals = sum_up([known, unknown])
    assert (totals.subtotal, totals.tax_total, totals.known) == (D(150), D(20), False)


@pytest.mark.parametrize("mode", [EXCLUSIVE, INCLUSIVE])
def test_a_line_without_an_amount_needs_no_rate(mode: str) -> None:
    assert sum_up([line_amounts(D(1), D(0), D(0), None, mode)]).known


def test_without_tax_no_rate_is_needed() -> None:
    assert line_amounts(D(3), D("1.005"), D(0), None, NO_TAX) == LineAmounts(D("3.02"), D(0))
