"""Marshmallow fields for the ways in which Xero writes numbers and dates."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, pre_load

from plugins.xero.wire.numbers import Number, decimal, number

MS_DATE: Final = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Amount(fields.Field[Decimal]):
    """Money, a price, a quantity, a rate: exact in both directions."""

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> Number | None:
        return None if value is None else number(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        return read_amount(value)


class Day(fields.Field[date]):
    """A calendar date. Sent as ``2026-11-20``, read as ``/Date(1795132800000+0000)/``: midnight UTC whatever the offset says (API facts 3.5)."""

    def _serialize(self, value: date | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        return read_time(value).date()


class Moment(fields.Field[datetime]):
    """A point in time, only ever read."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        return read_time(value)


def read_amount(value: Any) -> Decimal:
    """A number as Xero writes it, or as we did."""
    try:
        return decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValidationError(f"{value!r} is not a number") from error


def read_time(value: Any) -> datetime:
    """``/Date(ms)/`` with or without offset, possibly before 1970, or ISO 8601; without a zone it is UTC."""
    found = MS_DATE.fullmatch(value) if isinstance(value, str) else None
    if found:
        return EPOCH + timedelta(milliseconds=int(found[1]))
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValidationError(f"{value!r} is not a date") from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


class Wire(Schema):
    """An object of Xero's. What we do not know of is passed over, absent and null mean the same: Xero leaves members out, and adds new ones (API facts 3.3)."""

    class Meta:
        unknown = EXCLUDE

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """What is ``None`` is left out, as what is absent. Asked of a dict, because what is written here always is one."""
        value = obj.get(attr)
        return missing if value is None else value

    @pre_load
    def _without_nulls(self, data: Any, **kwargs: Any) -> Any:
        if data == []:
            return {}  # an empty array may stand for an object that is not there
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


def keys_of(schema: Schema) -> dict[str, str]:
    """Xero's name for each of our fields."""
    return {name: field.data_key or name for name, field in schema.fields.items()}
