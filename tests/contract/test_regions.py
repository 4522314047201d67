"""Organisations of other regions, and what only their users change: tax rates and branding themes (sections 4.1, 4.4, 4.6
and 5 of the API facts)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xero_python.accounting import Contact, Invoice, Invoices, LineItem

from plugins.xero.sandbox.world import OrganisationOption
from tests.contract.running import Official, official

if TYPE_CHECKING:
    from tests.contract.running import Sandbox


def organisation(sandbox: Sandbox, country: str) -> Official:
    """The official client of a new organisation of this country."""
    added = sandbox.control("POST", "organisations", {"name": "There", "country": country})
    return official(sandbox, (added["client_id"], added["client_secret"]))


@pytest.mark.parametrize(
    ("country", "version", "currency", "sales_tax", "year_end"),
    [
        ("GB", "UK", "GBP", "OUTPUT2", (31, 3)),
        ("NZ", "NZ", "NZD", "OUTPUT2", (31, 3)),
        ("AU", "AU", "AUD", "OUTPUT", (30, 6)),
        ("US", "US", "USD", "OUTPUT", (31, 12)),
        ("CA", "GLOBAL", "CAD", "OUTPUT", (31, 12)),
        ("SG", "GLOBAL", "SGD", "OUTPUTY24", (31, 12)),
        ("ZA", "GLOBAL", "ZAR", "OUTPUT3", (31, 12)),
        ("IE", "GLOBAL", "EUR", "OUTPUT", (31, 12)),
    ],
)
def test_an_organisation_is_at_home_in_its_country(
    sandbox: Sandbox, xero: Official, country: str, version: str, currency: str, sales_tax: str, year_end: Any
) -> None:
    theirs = organisation(sandbox, country)
    (read,) = theirs.accounting.get_organisations("").organisations
    assert (read.version, read.country_code.value, read.base_currency.value) == (version, country, currency)
    assert (read.financial_year_end_day, read.financial_year_end_month) == year_end
    rates = {rate.tax_type: rate for rate in theirs.accounting.get_tax_rates("").tax_rates}
    by_code = {account.code: account for account in theirs.accounting.get_accounts("").accounts}
    assert (by_code["200"].tax_type, rates[sales_tax].can_apply_to_revenue) == (sales_tax, True)
    assert ("AVALARA" in rates) is (country == "US")
    lines = [LineItem(description="Shelf", quantity=2, unit_amount=10, account_code="200")]
    wanted = Invoice(type="ACCREC", contact=Contact(name="X"), line_items=lines)
    (saved,) = theirs.accounting.create_invoices("", Invoices(invoices=[wanted])).invoices
    assert saved.currency_code.value == currency
    assert float(saved.total_tax) == pytest.approx(20 * float(rates[sales_tax].effective_rate) / 100)
    theirs.client.rest_client.pool_manager.clear()


def test_what_the_american_look_up_rate_shows_is_a_switch(sandbox: Sandbox, xero: Official) -> None:
    theirs = organisation(sandbox, "US").accounting
    assert theirs.get_tax_rate_by_tax_type("", "AVALARA").tax_rates[0].effective_rate == 0
    sandbox.switch(avalara_effective_rate="absent")
    assert theirs.get_tax_rate_by_tax_type("", "AVALARA").tax_rates[0].effective_rate is None
    rates = {rate.tax_type: rate.effective_rate for rate in theirs.get_tax_rates("").tax_rates}
    assert (rates["AVALARA"], float(rates["OUTPUT"])) == (None, 9.25)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Acme:US", OrganisationOption("Acme", "US", "USD")),
        ("Acme : au :", None),
        ("Acme:de", OrganisationOption("Acme", "DE", "EUR")),
        ("Acme:DE:usd", OrganisationOption("Acme", "DE", "USD")),
        ("Acme:FJ", None),
        ("Acme", None),
        (":US", None),
    ],
)
def test_an_organisation_as_the_command_line_names_it(text: str, read: OrganisationOption | None) -> None:
    if read is not None:
        assert OrganisationOption.read(text) == read
        return
    with pytest.raises(ValueError, match=r"NAME:COUNTRY:CURRENCY|currency of FJ"):
        OrganisationOption.read(text)


# ------------------------------------------------------------------------------------------ what its users change there


def test_rates_that_xero_itself_brings_can_change_by_hand(sandbox: Sandbox) -> None:
    sandbox.organisation(
        tax_rates={"OUTPUT2": {"percent": "17.5", "name": "17.5% (VAT on Income)"}, "RRINPUT": {"status": "DELETED"}}
    )
    sandbox.organisation(tax_rates={"NONE": None})
    rates = {rate["TaxType"]: rate for rate in sandbox.listed("TaxRates")}
    assert (rates["OUTPUT2"]["Name"], rates["OUTPUT2"]["EffectiveRate"]) == ("17.5% (VAT on Income)", 17.5)
    assert rates["OUTPUT2"]["TaxComponents"][0]["Rate"] == 17.5
    assert (rates["RRINPUT"]["Status"], "NONE" in rates) == ("DELETED", False)
    assert sandbox.invoice()["TotalTax"] == 3.5


def test_themes_are_exactly_those_named_and_keep_their_ids(sandbox: Sandbox) -> None:
    before = sandbox.listed("BrandingThemes")[0]["BrandingThemeID"]
    assert sandbox.organisation(branding_themes=["Retail", "Standard"])["branding_themes"] == ["Retail", "Standard"]
    themes = {theme["Name"]: theme for theme in sandbox.listed("BrandingThemes")}
    assert (themes["Retail"]["SortOrder"], themes["Standard"]["SortOrder"]) == (0, 1)
    assert themes["Standard"]["BrandingThemeID"] == before
    assert sandbox.invoice()["BrandingThemeID"] == themes["Retail"]["BrandingThemeID"]
    sandbox.organisation(branding_themes=["Standard"])
    assert [theme["Name"] for theme in sandbox.listed("BrandingThemes")] == ["Standard"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tax_rates": {"OUTPUT9": {}}}, "unknown tax rate OUTPUT9"),
        ({"tax_rates": {"OUTPUT2": {"rate": 1}}}, "unknown field rate of a tax rate"),
        ({"tax_rates": {"OUTPUT2": {"percent": "many"}}}, "percent must be a number"),
        ({"branding_themes": []}, "branding_themes must name one at least"),
    ],
)
def test_changes_that_do_not_fit_are_refused_whole(sandbox: Sandbox, change: dict[str, Any], said: str) -> None:
    tenant = sandbox.organisation()["tenant_id"]
    refused = sandbox.client.put(f"/_sandbox/organisations/{tenant}", json={"name": "Changed"} | change)
    assert (refused.status_code, said in refused.json()["error"]) == (400, True), refused.json()
    assert sandbox.organisation()["name"] == "Demo Company (UK)"
