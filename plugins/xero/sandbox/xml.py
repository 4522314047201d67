"""Answers as XML, which Xero sends whenever JSON was not asked for (API facts 3.1)."""

import re
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from plugins.xero.sandbox.wire import MS_DATE, Doc, read_moment

# The names of list members where taking off the plural s does not give it.
SINGULAR = {
    "Addresses": "Address",
    "Currencies": "Currency",
    "TrackingCategories": "TrackingCategory",
    "SalesTrackingCategories": "SalesTrackingCategory",
    "PurchasesTrackingCategories": "PurchasesTrackingCategory",
    "InvoiceAddresses": "InvoiceAddress",
    "Tracking": "TrackingCategory",
    "Elements": "DataContractBase",
}


def render(root: str, document: Doc) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?>{_element(root, document)}'.encode()


def _element(name: str, value: Any) -> str:
    name = re.sub(r"\W", "", name)
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Any) -> str:
    if isinstance(value, dict):
        # The helper strings beside a date (DateString) exist in JSON only.
        return "".join(_element(key, part) for key, part in value.items() if f"{key}"[-6:] != "String" or _is_text(key))
    if isinstance(value, list):
        singular = SINGULAR.get(name, name.removesuffix("s"))
        return "".join(_element(singular, part) for part in value)
    return escape(_text(value))


def _is_text(key: str) -> bool:
    return key == "StatusAttributeString"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and MS_DATE.match(value):
        # The year 1 of an unsaved item lies before what a timestamp can hold on some machines.
        return "0001-01-01T00:00:00" if value.startswith("/Date(-621") else _moment(value)
    return str(value)


def _moment(value: str) -> str:
    return read_moment(value).isoformat(timespec="milliseconds").removesuffix("+00:00").removesuffix(".000")
