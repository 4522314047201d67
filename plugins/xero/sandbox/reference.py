"""Currencies and branding themes (API facts 4.6)."""

import re
from typing import Any

from plugins.xero.sandbox import fields
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.errors import ApiException, NotFound
from plugins.xero.sandbox.listing import Listed, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.organisations import may, subscribe
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import Doc, stamp

CURRENCY = re.compile(r"^[A-Z]{3}$")


def subscribed(call: Call, code: str) -> bool:
    """Whether the organisation may use the currency: its own always, others by subscription and plan."""
    if code == call.organisation["BaseCurrency"]:
        return True
    known = any(currency["Code"] == code for currency in call.store.all("currency", call.org))
    return known and may(call, "UseMulticurrency")


def list_currencies(call: Call) -> Answer:
    page = page_of(call, CURRENCIES, [])
    return call.reply("Currencies", [_currency(currency) for currency in page.documents])


def put_currency(call: Call) -> Answer:
    (element,) = call.elements("Currencies")[:1]
    code = fields.text(element, "Code") or ""
    if not CURRENCY.match(code):
        raise ApiException.bad_body(f"Error converting value \"{code}\" to type 'CurrencyCode'. Path 'Code'.")
    if not may(call, "UseMulticurrency"):
        raise ApiException.validation(f"Organisation is not subscribed to currency {code}")
    if not subscribed(call, code):
        subscribe(call.store, call.org, code, call.now)
    added = call.store.first("currency", call.org, "code", code)
    return call.reply("Currencies", [_currency(added)] if added else [])


def _currency(currency: Doc) -> Doc:
    return {"Code": currency["Code"], "Description": currency["Description"]}


def list_themes(call: Call) -> Answer:
    return call.reply("BrandingThemes", [_theme(theme) for theme in page_of(call, THEMES, []).documents])


def one_theme(call: Call) -> Answer:
    theme = theme_by_id(call, call.segments[0].lower())
    if theme is None:
        raise NotFound
    return call.reply("BrandingThemes", [_theme(theme)])


def theme_by_id(call: Call, theme_id: str) -> Doc | None:
    themes = call.store.all("branding_theme", call.org)
    return next((theme for theme in themes if theme["BrandingThemeID"] == theme_id), None)


def default_theme(call: Call) -> str:
    """Sales documents without a theme come back with the one of sort order 0."""
    return str(min(call.store.all("branding_theme", call.org), key=lambda theme: theme["SortOrder"])["BrandingThemeID"])


def _theme(theme: Doc) -> Doc:
    return {
        "BrandingThemeID": theme["BrandingThemeID"],
        "Name": theme["Name"],
        "Type": "INVOICE",
        "SortOrder": theme["SortOrder"],
        "CreatedDateUTC": stamp(theme["Created"]),
    }


def _read(_call: Call, document: Doc, name: str) -> Any:
    return document.get(name)


CURRENCIES = Listed(
    "currency", "Currency", {"Code": Type.TEXT, "Description": Type.TEXT}, _read, paged=False, dated=False
)
THEMES = Listed(
    "branding_theme",
    "BrandingTheme",
    {"BrandingThemeID": Type.GUID, "Name": Type.TEXT, "SortOrder": Type.NUMBER},
    _read,
    paged=False,
    dated=False,
)
