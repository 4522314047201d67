"""How Xero writes dates, numbers and JSON, and how it reads them (API facts 3.5)."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Doc = dict[str, Any]

ZERO_ID = "00000000-0000-0000-0000-000000000000"
NEVER = "/Date(-62135596800000)/"  # the year 1, as an unsaved item shows it (API facts 3.4)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MS_DATE = re.compile(r"^/Date\((-?\d+)([+-]\d{4})?\)/$")


class Unreadable(ValueError):
    """The text is not what its field needs."""


def _plain_number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


# Made once: the module's own functions make a new one for every call with options.
_ENCODER = json.JSONEncoder(default=_plain_number, ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_float=Decimal)


def dumps(document: object) -> str:
    """JSON with every Decimal as a number: amounts are Decimal throughout, so 2 is written 2.0 as Xero does."""
    return _ENCODER.encode(document)


def loads(text: str) -> Any:
    return _DECODER.decode(text)


def stamp(milliseconds: int) -> str:
    return f"/Date({milliseconds}+0000)/"


def stamp_without_offset(milliseconds: int) -> str:
    return f"/Date({milliseconds})/"


def stamp_string(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_stamp(day: str) -> str:
    """A calendar date (kept as 2026-09-14) as midnight UTC."""
    return stamp((date.fromisoformat(day).toordinal() - EPOCH_ORDINAL) * 86_400_000)


def day_string(day: str) -> str:
    return f"{day}T00:00:00"


def read_moment(text: str) -> datetime:
    """A moment from any of the forms that Xero takes; without a zone it is UTC."""
    found = MS_DATE.match(text)
    if found:
        return datetime.fromtimestamp(int(found[1]) / 1000, tz=UTC)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unreadable(text) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_day(value: object) -> str:
    """The calendar date as 2026-09-14. A time of day is dropped, as Xero keeps dates only."""
    if not isinstance(value, str):
        raise Unreadable(str(value))
    try:
        if MS_DATE.match(value):
            return read_moment(value).date().isoformat()
        return datetime.fromisoformat(value.strip()).date().isoformat()
    except (ValueError, OverflowError):
        raise Unreadable(value) from None


def read_number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Unreadable(str(value))
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise Unreadable(str(value)) from None
    if not number.is_finite():
        raise Unreadable(str(value))
    return number


def fold(text: str) -> str:
    """Text as Xero compares it: letter case and accents do not count (API facts 3.7)."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def without_none(pairs: Mapping[str, Any]) -> Doc:
    """Optional members are left out rather than null (API facts 3.3)."""
    return {key: value for key, value in pairs.items() if value is not None}
