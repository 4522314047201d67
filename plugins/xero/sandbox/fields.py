"""Reading the fields of a submitted object: types that do not fit refuse the whole request (API facts 3.4), texts that
are too long refuse the element."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from plugins.xero.sandbox.errors import ApiException
from plugins.xero.sandbox.wire import Doc, Unreadable, read_day, read_number


def _unfit(value: object, type_name: str, path: str) -> ApiException:
    return ApiException.bad_body(f"Error converting value \"{value}\" to type '{type_name}'. Path '{path}'.")


def text(element: Doc, name: str) -> str | None:
    """A text, or None where it is missing or null. A number is read as its digits, as Xero's reader does."""
    value = element.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise _unfit(value, "System.String", name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(element: Doc, name: str) -> Decimal | None:
    value = element.get(name)
    if value is None or value == "":
        return None
    try:
        return read_number(value)
    except Unreadable:
        raise _unfit(value, "System.Nullable`1[System.Decimal]", name) from None


def day(element: Doc, name: str) -> str | None:
    value = element.get(name)
    if value is None or value == "":
        return None
    try:
        return read_day(value)
    except Unreadable:
        raise _unfit(value, "System.Nullable`1[System.DateTime]", name) from None


def flag(element: Doc, name: str) -> bool | None:
    value = element.get(name)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _unfit(value, "System.Nullable`1[System.Boolean]", name)


def guid(element: Doc, name: str) -> str | None:
    value = element.get(name)
    if value is None or value == "":
        return None
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise _unfit(value, "System.Guid", name) from None


def choice(element: Doc, name: str, accepted: frozenset[str]) -> str | None:
    """One of an enumeration, spelled exactly: `NO_TAX` for `NoTax` refuses the whole request."""
    value = text(element, name)
    if value is not None and value not in accepted:
        raise _unfit(value, f"Xero.{name}", name)
    return value


def child(element: Doc, name: str) -> Doc | None:
    value = element.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise _unfit(value, f"Xero.{name}", name)


def children(element: Doc, name: str) -> list[Doc] | None:
    """The objects of a list, or None where it is missing or null."""
    value: Any = element.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise _unfit(value, f"Xero.{name}", name)
    return value


def too_long(element: Doc, limits: dict[str, int], what: str = "") -> list[str]:
    """The wording is ours: no source shows Xero's."""
    return [
        f"The {what}{name} field cannot be longer than {limit} characters."
        for name, limit in limits.items()
        if len(text(element, name) or "") > limit
    ]
