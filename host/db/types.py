"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NewType

from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, String, Text
from sqlalchemy.types import TypeDecorator

from host.canonical_json import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

MONEY_DECIMALS: Final = 4
RATE_DECIMALS: Final = 6

Ciphertext = NewType("Ciphertext", bytes)
"""A secret as the vault sealed it; the column type of the same name keeps plain text from slipping in by mistake."""


class Scaled(TypeDecorator[Decimal]):
    """A decimal as a scaled integer: exact everywhere (SQLite's NUMERIC is a float). A value with more decimals is refused, never rounded."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, decimals: int = MONEY_DECIMALS) -> None:
        super().__init__()
        self.decimals = decimals

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        scaled = value.scaleb(self.decimals)
        whole = int(scaled)
        if whole != scaled:
            raise ValueError(f"{value} has more than {self.decimals} decimals")
        return whole

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Decimal | None]:
        # Said at once, and not by process_result_value: fifty documents have two thousand amounts, and each would take two calls more.
        return _reader(self.decimals)


@cache
def _reader(decimals: int) -> Callable[[int | None], Decimal | None]:
    # Most amounts come again and again: nothing, one, a hundred percent, the prices of what is sold.
    @lru_cache(maxsize=4096)
    def read(value: int | None) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-decimals)

    return read


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite has no time zones: there it is stored without, and read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value, stored as text: read whole and never queried inside, so both databases keep the same bytes."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        # Said at once, as Scaled's reading is: an import writes a dozen of these for each record.
        return _write_json

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:
        return _read_json


def _write_json(value: Any) -> str | None:
    if value is None:
        return None
    if value == {}:  # most are, and writing and reading even nothing takes its time
        return "{}"
    return "[]" if value == [] else encoded(value)


def _read_json(value: str | None) -> Any:
    if value == "{}":
        return {}
    if value == "[]":
        return []
    return None if value is None else decoded(value)


class Sealed(TypeDecorator[Ciphertext]):
    """A secret, encrypted by the vault before it comes here."""

    impl = LargeBinary
    cache_ok = True


ID: Final = String(32)
"""The identity of a record of ours."""
