"""Line amounts, tax and totals as Xero computes them (API facts 4.8): tax is rounded per line, then summed."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
STEPS = {2: CENT, 4: Decimal("0.0001")}
HUNDRED = Decimal(100)
ZERO = Decimal(0)
MODES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}  # API facts 9.8: the mode is unconfirmed


@dataclass(frozen=True)
class Amounts:
    """What two of the three that belong together leave for the third."""

    quantity: Decimal
    unit_amount: Decimal
    line_amount: Decimal


@dataclass(frozen=True)
class Totals:
    subtotal: Decimal
    tax: Decimal
    total: Decimal


class LineTotalDiffers(ValueError):
    def __init__(self, sent: Decimal, expected: Decimal) -> None:
        super().__init__(f"The line total {sent:.2f} does not match the expected line total {expected:.2f}")


def round_to(value: Decimal, places: int, mode: str = "half_up") -> Decimal:
    return value.quantize(STEPS[places], rounding=MODES[mode])


def cents(value: Decimal, mode: str = "half_up") -> Decimal:
    return value.quantize(CENT, rounding=MODES[mode])


def discounted(gross: Decimal, rate: Decimal | None, amount: Decimal | None) -> Decimal:
    if rate is not None:
        return gross * (HUNDRED - rate) / HUNDRED
    return gross - amount if amount is not None else gross


def undiscounted(net: Decimal, rate: Decimal | None, amount: Decimal | None) -> Decimal:
    if rate is not None:
        return ZERO if rate == HUNDRED else net * HUNDRED / (HUNDRED - rate)
    return net + amount if amount is not None else net


def complete(
    quantity: Decimal | None,
    unit_amount: Decimal | None,
    line_amount: Decimal | None,
    *,
    discount_rate: Decimal | None = None,
    discount_amount: Decimal | None = None,
    places: int = 2,
    mode: str = "half_up",
) -> Amounts:
    """Quantity × UnitAmount less the discount is LineAmount; the one that is missing is derived, all three must agree."""
    if line_amount is not None and (quantity is None or unit_amount is None):
        line_amount = cents(line_amount, mode)
        gross = undiscounted(line_amount, discount_rate, discount_amount)
        if unit_amount is None:
            quantity = quantity or Decimal(1)
            return Amounts(quantity, round_to(gross / quantity, places, mode), line_amount)
        quantity = round_to(gross / unit_amount, 4, mode) if unit_amount else Decimal(1)
        return Amounts(quantity, unit_amount, line_amount)
    quantity = Decimal(1) if quantity is None else quantity
    unit_amount = ZERO if unit_amount is None else unit_amount
    expected = cents(discounted(quantity * unit_amount, discount_rate, discount_amount), mode)
    if line_amount is not None and cents(line_amount, mode) != expected:
        raise LineTotalDiffers(line_amount, expected)
    return Amounts(quantity, unit_amount, expected)


def tax_on(line_amount: Decimal, percent: Decimal, line_amount_types: str, mode: str = "half_up") -> Decimal:
    if line_amount_types == "NoTax":
        return ZERO.quantize(CENT)
    if line_amount_types == "Inclusive":
        return cents(line_amount - line_amount * HUNDRED / (HUNDRED + percent), mode)
    return cents(line_amount * percent / HUNDRED, mode)


def totals(lines: Iterable[tuple[Decimal, Decimal]], line_amount_types: str) -> Totals:
    """From each line's amount and tax."""
    amounts, taxes = ZERO, ZERO
    for amount, tax in lines:
        amounts += amount
        taxes += tax
    if line_amount_types == "Inclusive":
        return Totals(amounts - taxes, taxes, amounts)
    return Totals(amounts, taxes, amounts + taxes)
