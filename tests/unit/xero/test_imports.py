"""The organisation and its reference data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hookspecs import Defaults
from host.errors import Retry
from host.sync.provider import Organisation, Request, Response
from plugins.xero.settings import Preset
from tests.unit.xero.making import UK, answer, provider


def asked(body: Any, paths: list[str] | None = None) -> Any:
    def ask(request: Request) -> Response:
        assert request.method == "GET"
        if paths is not None:
            paths.append(request.path)
        return answer(body)

    return ask


def imported(kind: str, body: Any, **of_settings: Any) -> Any:
    return provider(**of_settings).import_reference(kind, asked(body), UK)


def test_the_organisation_is_read() -> None:
    body = {
        "Organisations": [
            {
                "OrganisationID": "o1",
                "Name": "Acme UK",
                "ShortCode": "!Q",
                "BaseCurrency": "GBP",
                "Class": "ULTRA",
                "CountryCode": "GB",
            }
        ]
    }

    assert provider().organisation(asked(body), UK) == Organisation(
        id="o1",
        name="Acme UK",
        details={
            "short_code": "!Q",
            "base_currency": "GBP",
            "country": "GB",
            "version": "",
            "timezone": "",
            "client_id": "an-app",
        },
    )


def test_active_rates_come_with_their_effective_percentage() -> None:
    body = {
        "TaxRates": [
            {
                "TaxType": "OUTPUT2",
                "Name": "20% (VAT on Income)",
                "Status": "ACTIVE",
                "EffectiveRate": Decimal("20.0000"),
                "DisplayTaxRate": 20,
            },
            {"TaxType": "TAX001", "Name": "Compound", "EffectiveRate": Decimal("12.3456")},
            {"TaxType": "NONE", "Name": "No VAT", "Status": "ACTIVE", "DisplayTaxRate": 0},
            {"TaxType": "OUTPUT", "Name": "Old", "Status": "DELETED", "EffectiveRate": Decimal("12.5")},
            {"TaxType": "AVALARA", "Name": "Auto Look Up (DO NOT USE)", "Status": "ACTIVE"},
            {"TaxType": "TAX002", "Name": "Auto", "Status": "ACTIVE", "ReportTaxType": "USSALESTAX"},
            {
                "TaxType": "TAX003",
                "Name": "New",
                "Status": "ACTIVE",
                "ReportTaxType": "SOMETHINGNEW",
                "EffectiveRate": 5,
            },
        ]
    }

    rates = imported("tax-rates", body).rates

    assert [(rate.code, rate.rate, rate.remote_id) for rate in rates] == [
        ("OUTPUT2", 20, "OUTPUT2"),
        ("TAX001", Decimal("12.3456"), "TAX001"),
        ("NONE", 0, "NONE"),
        ("TAX003", 5, "TAX003"),
    ]


def test_active_accounts_with_a_code_come() -> None:
    body = {
        "Accounts": [
            {"AccountID": "a1", "Code": "200", "Name": "Sales", "Type": "REVENUE", "Status": "ACTIVE"},
            {"AccountID": "a2", "Name": "No code", "Type": "BANK", "Status": "ACTIVE"},
            {"AccountID": "a3", "Code": "201", "Name": "Old", "Status": "ARCHIVED"},
        ]
    }

    [account] = imported("accounts", body).accounts

    assert (account.code, account.name, account.type, account.remote_id) == ("200", "Sales", "REVENUE", "a1")


def test_currencies_and_themes_come() -> None:
    [currency] = imported("currencies", {"Currencies": [{"Code": "GBP", "Description": "British Pound"}]}).currencies
    [theme] = imported(
        "branding-themes", {"BrandingThemes": [{"BrandingThemeID": "t", "Name": "Standard", "Type": "INVOICE"}]}
    ).themes

    assert (currency.code, currency.name) == ("GBP", "British Pound")
    assert (theme.code, theme.name) == ("t", "Standard")


def test_categories_come_with_their_options_those_that_are_archived_marked_as_such() -> None:
    options = [
        {"TrackingOptionID": "o1", "Name": "North", "Status": "ACTIVE"},
        {"TrackingOptionID": "o2", "Name": "South", "Status": "ARCHIVED"},
        {"TrackingOptionID": "o3", "Name": "East", "Status": "DELETED"},
    ]
    body = {
        "TrackingCategories": [
            {"TrackingCategoryID": "c1", "Name": "Region", "Status": "ACTIVE", "Options": options},
            {"TrackingCategoryID": "c2", "Name": "Team", "Status": "ARCHIVED"},
            {"TrackingCategoryID": "c3", "Name": "Gone", "Status": "DELETED"},
        ]
    }

    region, team = imported("tracking-categories", body, tracking=("Region",)).tracking

    assert (region.name, region.remote_id, region.active) == ("Region", "c1", True)
    assert [(one.name, one.remote_id, one.active) for one in region.options] == [
        ("North", "o1", True),
        ("South", "o2", False),
    ]
    assert (team.name, team.active, team.options) == ("Team", False, ())


def test_categories_are_imported_only_while_tracking_is_on() -> None:
    assert "tracking-categories" not in provider().importable
    tracking = provider(tracking=("Region",))
    assert tracking.importable[-1] == "tracking-categories"
    assert tracking.defaults(UK) == Defaults(tracking={"Region": "Region"})


def test_an_import_brings_one_list_and_the_settings_defaults() -> None:
    data = imported(
        "currencies", {"Currencies": []}, preset=Preset(default_sales_account="200", default_sales_tax="OUTPUT2")
    )

    assert (data.rates, data.accounts, data.themes, data.currencies) == (None, None, None, [])
    assert data.defaults == Defaults(sales_account="200", sales_tax="OUTPUT2")
    assert data.defaults == provider(preset=Preset(default_sales_account="200", default_sales_tax="OUTPUT2")).defaults(
        UK
    )


def test_a_connection_may_have_defaults_of_its_own() -> None:
    own = provider(preset=Preset(default_sales_account="200"), connections={"acme": {"default_sales_account": "260"}})

    assert own.defaults(UK).sales_account == "260"


@pytest.mark.parametrize("kind", ["tax-rates", "accounts", "currencies", "branding-themes", "tracking-categories"])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        {},
        {key: [{}] for key in ("TaxRates", "Accounts", "Currencies", "BrandingThemes", "TrackingCategories")},
    ],
)
def test_what_cannot_be_read_is_tried_again(kind: str, body: Any) -> None:
    with pytest.raises(Retry, match="can't be read"):
        imported(kind, body)


def test_everything_importable_can_be_imported() -> None:
    paths: list[str] = []
    names = ("TaxRates", "Accounts", "Currencies", "BrandingThemes", "TrackingCategories")
    body: dict[str, Any] = {name: [] for name in names}
    for kind in provider(tracking=("Region",)).importable:
        provider().import_reference(kind, asked(body, paths), UK)

    assert paths == [f"/api.xro/2.0/{name}" for name in names]
