"""The rounding rules of API facts 4.8 once more, written from that section alone, in fractions and decimal text; shares nothing with the plugin."""

from __future__ import annotations

from fractions import Fraction
from math import floor


def round2(value: Fraction) -> Fraction:
    """To two decimals, half up (a negative amount mirrors its positive one)."""
    sign = -1 if value < 0 else 1
    return sign * Fraction(floor(abs(value) * 100 + Fraction(1, 2)), 100)


class LedgerLine:
    def __init__(self, quantity: str, unit_amount: str, discount_rate: str, tax_percent: str) -> None:
        # 1. LineAmount = round2(qty x unit [- discount])
        self.line_amount = round2(Fraction(quantity) * Fraction(unit_amount) * (100 - Fraction(discount_rate)) / 100)
        self.rate = Fraction(tax_percent) / 100

    # 2. Exclusive: tax = round2(LineAmount x rate). Inclusive: tax = round2(LineAmount - LineAmount/(1+rate)). NoTax: 0.
    def tax(self, line_amount_types: str) -> Fraction:
        if line_amount_types == "exclusive":
            return round2(self.line_amount * self.rate)
        if line_amount_types == "inclusive":
            return round2(self.line_amount - self.line_amount / (1 + self.rate))
        return Fraction(0)

    def net(self, line_amount_types: str) -> Fraction:
        return self.line_amount - (self.tax("inclusive") if line_amount_types == "inclusive" else 0)


def ledger_totals(lines: list[LedgerLine], line_amount_types: str) -> tuple[Fraction, Fraction, Fraction]:
    """3. SubTotal = sum of the lines' net; TotalTax = sum of the lines' tax; Total = SubTotal + TotalTax."""
    subtotal = sum((line.net(line_amount_types) for line in lines), Fraction(0))
    total_tax = sum((line.tax(line_amount_types) for line in lines), Fraction(0))
    return subtotal, total_tax, subtotal + total_tax
