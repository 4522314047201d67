"""Reading the organisation and its reference data (API facts 4.1, 4.3, 4.4, 4.6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from marshmallow import Schema, ValidationError

from hookspecs import (
    Account,
    BrandingTheme,
    Currency,
    Defaults,
    ReferenceData,
    TaxRate,
    TrackingCategory,
    TrackingOption,
)
from host.errors import Retry
from host.sync.provider import Organisation, Unreadable
from plugins.xero import looking
from plugins.xero.auth import MADE_WITH
from plugins.xero.changes import NOTHING_CHANGED, since_header
from plugins.xero.replies import envelope
from plugins.xero.settings import TRACKING
from plugins.xero.wire.reference import (
    AccountSchema,
    BrandingThemeSchema,
    CategorySchema,
    CurrencySchema,
    OrganisationSchema,
    TaxRateSchema,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from host.sync.provider import Ask, Connection
    from plugins.xero.settings import Settings

BASE: Final = "/api.xro/2.0/"
ARCHIVED: Final = ("includeArchived", "true")
AUTOMATIC: Final = frozenset({"AVALARA", "USSALESTAX"})


def organisation(ask: Ask, *, made_with: str) -> Organisation:
    """Which organisation the credentials lead to. ``made_with`` is their client id: a connection goes on with those it was made with."""
    read = _read(ask, "Organisation", "Organisations", OrganisationSchema())
    if len(read) != 1:
        raise Retry(f"Xero answered with {len(read)} organisations where one was asked for")
    said = read[0]
    details = {name: said[name] for name in ("short_code", "base_currency", "country", "version", "timezone")}
    return Organisation(id=said["id"], name=said["name"], details={**details, MADE_WITH: made_with})


def defaults(settings: Settings, connection: Connection) -> Defaults:
    preset = settings.preset_of(connection.key)
    return Defaults(
        sales_account=preset.default_sales_account,
        purchase_account=preset.default_purchase_account,
        sales_tax=preset.default_sales_tax,
        purchase_tax=preset.default_purchase_tax,
        tracking=settings.tracking_of(connection.key),
    )


def list_changed(kind: str, ask: Ask, since: datetime) -> bool:
    """Only accounts tell when they were changed (API facts 3.7): of the other lists, reading them is how to find out."""
    if kind != "accounts":
        return True
    response = ask(replace(looking.get(f"{BASE}Accounts"), headers=since_header(since)))
    try:
        return response.status != NOTHING_CHANGED and bool(envelope(response, "Accounts"))
    except Unreadable as error:
        raise Retry(f"Xero's Accounts can't be read: {error}") from error


def import_reference(kind: str, ask: Ask, connection: Connection, settings: Settings) -> ReferenceData:
    """The organisation's list of one kind. Every import brings the settings' default codes along."""
    readers: dict[str, Callable[[Ask], dict[str, Any]]] = {
        "tax-rates": lambda ask: {
            "rates": tax_rates(
                _read(ask, "TaxRates", "TaxRates", TaxRateSchema()),
                automatic=settings.preset_of(connection.key).automatic_sales_tax,
            )
        },
        "accounts": lambda ask: {"accounts": accounts(_read(ask, "Accounts", "Accounts", AccountSchema()))},
        "currencies": lambda ask: {"currencies": currencies(_read(ask, "Currencies", "Currencies", CurrencySchema()))},
        "branding-themes": lambda ask: {
            "themes": themes(_read(ask, "BrandingThemes", "BrandingThemes", BrandingThemeSchema()))
        },
        TRACKING: lambda ask: {
            "tracking": categories(_read(ask, "TrackingCategories", "TrackingCategories", CategorySchema(), ARCHIVED))
        },
    }
    return ReferenceData(**readers[kind](ask), defaults=defaults(settings, connection))


def _read(ask: Ask, path: str, key: str, schema: Schema, *query: tuple[str, str]) -> list[dict[str, Any]]:
    try:
        return [schema.load(element) for element in envelope(ask(looking.get(BASE + path, *query)), key)]
    except (Unreadable, ValidationError) as error:
        raise Retry(f"Xero's {key} can't be read: {error}") from error


def tax_rates(read: Sequence[dict[str, Any]], *, automatic: bool = False) -> list[TaxRate]:
    """Active rates that lines sent from here can bear. Look-ups of US tax run in Xero's own pages only (API facts 5): ``automatic`` brings theirs as well."""
    return [
        TaxRate(
            id="",
            ref=rate["tax_type"],
            code=rate["tax_type"],
            name=rate["name"],
            rate=_percentage(rate),
            remote_id=rate["tax_type"],
        )
        for rate in read
        if rate["status"] == "ACTIVE" and (automatic or not _is_automatic(rate))
    ]


def _is_automatic(rate: dict[str, Any]) -> bool:
    return rate["tax_type"] in AUTOMATIC or rate["report_type"] in AUTOMATIC


def _percentage(rate: dict[str, Any]) -> Decimal:
    """The effective rate has compounding taken in (API facts 4.8)."""
    effective: Decimal | None = rate["effective_rate"]
    shown: Decimal | None = rate["display_rate"]
    return effective if effective is not None else shown or Decimal(0)


def accounts(read: Sequence[dict[str, Any]]) -> list[Account]:
    """Active accounts that a line can name: not every account has a code."""
    return [
        Account(
            id="",
            ref=account["code"],
            code=account["code"],
            name=account["name"],
            type=account["type"],
            remote_id=account["account_id"],
        )
        for account in read
        if account["status"] == "ACTIVE" and account["code"]
    ]


def currencies(read: Sequence[dict[str, Any]]) -> list[Currency]:
    return [Currency(id="", ref=one["code"], code=one["code"], name=one["name"]) for one in read]


def themes(read: Sequence[dict[str, Any]]) -> list[BrandingTheme]:
    return [BrandingTheme(id="", ref=one["theme_id"], code=one["theme_id"], name=one["name"]) for one in read]


def categories(read: Sequence[dict[str, Any]]) -> list[TrackingCategory]:
    """Archived categories and options come too: lines may bear them already. They are offered for no other."""
    return [
        TrackingCategory(
            id="",
            ref="",
            name=one["name"],
            remote_id=one["category_id"],
            active=one["status"] == "ACTIVE",
            options=tuple(
                TrackingOption(name=option["name"], remote_id=option["option_id"], active=option["status"] == "ACTIVE")
                for option in one["options"]
                if option["status"] != "DELETED"
            ),
        )
        for one in read
        if one["status"] != "DELETED"
    ]
