"""Decimals as people write them, and back. Every amount in the plugin has exactly its column's number of decimals, so equal amounts look equal."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from host.db.types import MONEY_DECIMALS, RATE_DECIMALS

LARGEST_AMOUNT: Final = Decimal("9999999999.9999")
_WRITTEN: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_SMALLEST: Final = {decimals: Decimal(1).scaleb(-decimals) for decimals in (MONEY_DECIMALS, RATE_DECIMALS)}


def parse_decimal(value: Any, decimals: int = MONEY_DECIMALS) -> Decimal:
    """The number that ``value`` (text, or a JSON number) says. Raises ``ValueError`` with what is wrong and what is accepted."""
    text = str(value) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _WRITTEN.fullmatch(text):
        raise ValueError(f"{_short(value)} is not a number: accepted are decimals such as 12.50")
    number = Decimal(text)
    if abs(number) > LARGEST_AMOUNT:
        raise ValueError(f"{text} is too large: accepted is up to {LARGEST_AMOUNT:,f}")
    exact = number.quantize(_SMALLEST[decimals])
    if exact != number:
        raise ValueError(f"{text} has more than {decimals} decimals")
    return exact


def _short(value: Any) -> str:
    text = str(value) if not isinstance(value, str) else value
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"


def quantity_text(value: Decimal) -> str:
    """As few decimals as it takes: ``1``, ``2.5``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money_text(value: Decimal) -> str:
    """At least two decimals, more only where they say something: ``12.50``, ``0.125``."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def optional_money_text(value: Decimal | None) -> str:
    return "" if value is None else money_text(value)
