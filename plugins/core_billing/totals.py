"""Line amounts and tax as the ledger computes them (API facts 4.8): each line is rounded to cents, half up, tax as well, and then summed.

Whole numbers throughout: the product of a quantity, a price and a discount has more digits than a ``Decimal`` keeps by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

EXCLUSIVE: Final = "exclusive"
INCLUSIVE: Final = "inclusive"
NO_TAX: Final = "no_tax"

LARGEST_LINE: Final = Decimal("9999999999.99")
LARGEST_TOTAL: Final = Decimal("99999999999.99")

_UNITS: Final = 10_000  # quantities, prices and percentages come in ten-thousandths
_WHOLE: Final = 100 * _UNITS


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """``tax`` is ``None`` while the rate is not known."""

    net: Decimal
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Totals:
    subtotal: Decimal
    tax_total: Decimal
    known: bool

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax_total


def line_amounts(
    quantity: Decimal, unit_price: Decimal, discount_percent: Decimal, rate: Decimal | None, mode: str
) -> LineAmounts:
    """Net and tax of one line. ``rate`` is a percentage; without one an inclusive line's net is its whole amount for now."""
    amount = _amount_in_cents(quantity, unit_price, discount_percent)
    if mode == NO_TAX or amount == 0:
        return LineAmounts(_decimal(amount), _decimal(0))
    if rate is None:
        return LineAmounts(_decimal(amount), None)
    percent = _ten_thousandths(rate)
    if mode == EXCLUSIVE:
        return LineAmounts(_decimal(amount), _decimal(_half_up(amount * percent, _WHOLE)))
    tax = _half_up(amount * percent, _WHOLE + percent)
    return LineAmounts(_decimal(amount - tax), _decimal(tax))


def sum_up(lines: Iterable[LineAmounts]) -> Totals:
    """The document's totals. ``known`` is false while a line's tax is not."""
    subtotal, tax_total, known = _decimal(0), _decimal(0), True
    for line in lines:
        subtotal += line.net
        tax_total += line.tax or 0
        known = known and line.tax is not None
    return Totals(subtotal, tax_total, known)


def _amount_in_cents(quantity: Decimal, unit_price: Decimal, discount_percent: Decimal) -> int:
    exact = _ten_thousandths(quantity) * _ten_thousandths(unit_price)
    if not discount_percent:
        return _half_up(exact, _UNITS * _UNITS // 100)
    return _half_up(exact * (_WHOLE - _ten_thousandths(discount_percent)), _UNITS * _UNITS // 100 * _WHOLE)


def _half_up(numerator: int, denominator: int) -> int:
    """Rounded to a whole number; a half goes away from zero, so that a credit of an amount is its exact opposite."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def _ten_thousandths(value: Decimal) -> int:
    return int(value.scaleb(4))


def _decimal(cents: int) -> Decimal:
    return Decimal(cents * 100).scaleb(-4)
