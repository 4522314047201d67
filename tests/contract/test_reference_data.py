"""Organisation, accounts, tax rates, currencies, themes and items: sections 4.1, 4.3, 4.4, 4.6, 4.7 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xero_python.accounting import (
    Account,
    AccountType,
    Currency,
    CurrencyCode,
    Item,
    Items,
    Purchase,
    TaxComponent,
    TaxRate,
    TaxRates,
)

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox

SEEDED = (
    "090 091 200 260 270 300 310 400 404 412 425 429 445 453 461 469 489 493 610 620 630 710 720 800 801 820 840 860 877"
    " 960 970"
)
SYSTEM = {
    "610": "DEBTORS",
    "800": "CREDITORS",
    "801": "UNPAIDEXPCLM",
    "820": "GST",
    "840": "HISTORICAL",
    "860": "ROUNDING",
    "877": "TRACKINGTRANSFERS",
    "960": "RETAINEDEARNINGS",
}


# ------------------------------------------------------------------------------------------------------ organisation


def test_the_demo_company(sandbox: Sandbox, xero: Official) -> None:
    organisation = xero.accounting.get_organisations("").organisations[0]
    assert (organisation.name, organisation.base_currency.value) == ("Demo Company (UK)", "GBP")
    assert (organisation.version, organisation.is_demo_company, organisation._class) == ("UK", True, "DEMO")
    assert organisation.organisation_id == sandbox.organisation()["tenant_id"]
    assert organisation.short_code.startswith("!")
    currencies = xero.accounting.get_currencies("").currencies
    assert {currency.code.value for currency in currencies} == {"GBP", "USD", "EUR"}
    (theme,) = xero.accounting.get_branding_themes("").branding_themes
    assert (theme.name, theme.sort_order, theme.type) == ("Standard", 0, "INVOICE")


def test_what_an_organisation_may_do(sandbox: Sandbox, xero: Official) -> None:
    sandbox.organisation(actions={"CreateApprovedInvoice": False})
    actions = {action.name: action.status for action in xero.accounting.get_organisation_actions("").actions}
    assert (actions["CreateApprovedInvoice"], actions["CreateDraftInvoice"]) == ("NOT-ALLOWED", "ALLOWED")


@pytest.mark.parametrize(
    ("action", "change", "message"),
    [
        ("CreateApprovedInvoice", {}, "You have reached the limit of invoices you can approve"),
        ("CreateApprovedBill", {"Type": "ACCPAY"}, "You have reached the limit of invoices you can approve"),
        ("CreateDraftInvoice", {"Status": "DRAFT"}, "You do not have permission to create this invoice."),
        ("CreateDraftBill", {"Type": "ACCPAY", "Status": "DRAFT"}, "You do not have permission to create this bill."),
        ("UseMulticurrency", {"CurrencyCode": "USD"}, "Organisation is not subscribed to currency USD"),
    ],
)
def test_actions_drive_refusals(sandbox: Sandbox, action: str, change: dict[str, Any], message: str) -> None:
    account = "300" if change.get("Type") == "ACCPAY" else "200"
    wanted = {"Type": "ACCREC", "Contact": {"Name": "X"}, "Status": "AUTHORISED", "DueDate": "2026-12-01"}
    wanted |= {"LineItems": [line(AccountCode=account)]} | change
    sandbox.organisation(actions={action: False})
    assert sandbox.refusals("PUT", "Invoices", wanted) == [message]
    sandbox.organisation(actions={action: True})
    assert len(sandbox.put("Invoices", wanted)) == 1


def test_approving_needs_the_permission_also_for_a_draft_that_exists(sandbox: Sandbox) -> None:
    draft = sandbox.invoice(Status="DRAFT")
    sandbox.organisation(actions={"CreateApprovedInvoice": False})
    change = {"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"}
    assert sandbox.refusals("POST", "Invoices", change) == ["You have reached the limit of invoices you can approve"]


def test_payments_need_their_action(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    sandbox.organisation(actions={"CreateInvoicePayment": False})
    payment = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
    assert sandbox.refusals("PUT", "Payments", payment) != []


# ---------------------------------------------------------------------------------------------------------- accounts


def test_the_chart_of_accounts(xero: Official) -> None:
    accounts = {account.code: account for account in xero.accounting.get_accounts("").accounts}
    assert " ".join(sorted(accounts)) == SEEDED
    assert {code: account.system_account for code, account in accounts.items() if account.system_account} == SYSTEM
    assert (accounts["200"].tax_type, accounts["300"].tax_type) == ("OUTPUT2", "INPUT2")
    assert (accounts["090"].type.value, accounts["090"].tax_type) == ("BANK", "NONE")
    assert accounts["970"].enable_payments_to_account is True
    assert {account.status for account in accounts.values()} == {"ACTIVE"}


def test_the_official_client_creates_changes_archives_and_deletes_accounts(xero: Official) -> None:
    wanted = Account(code="299", name="Oak sales", type=AccountType.REVENUE, tax_type="OUTPUT2")
    created = xero.accounting.create_account("", wanted).accounts[0]
    assert (created._class, created.status) == ("REVENUE", "ACTIVE")
    change = {"Accounts": [{"Name": "Elm sales"}]}
    assert xero.accounting.update_account("", created.account_id, change).accounts[0].name == "Elm sales"
    archived = xero.accounting.update_account("", created.account_id, {"Accounts": [{"Status": "ARCHIVED"}]})
    assert archived.accounts[0].status == "ARCHIVED"
    assert xero.accounting.delete_account("", created.account_id).accounts[0].status == "DELETED"


@pytest.mark.parametrize(
    ("account", "message"),
    [
        ({"Code": "1", "Name": "sales", "Type": "REVENUE"}, "Please enter a unique Name."),
        ({"Code": "200", "Name": "New", "Type": "REVENUE"}, "Please enter a unique Code."),
        ({"Name": "New", "Type": "REVENUE"}, "Account Code must be specified."),
        ({"Code": "1", "Type": "REVENUE"}, "Account Name must be specified."),
        ({"Code": "1", "Name": "New"}, "Account Type must be specified."),
        ({"Code": "1", "Name": "New", "Type": "BANK"}, "Bank Account Number must be specified."),
        ({"Code": "12345678901", "Name": "New", "Type": "REVENUE"}, "The Code field cannot be longer than 10"),
    ],
)
def test_accounts_that_are_refused(sandbox: Sandbox, account: dict[str, Any], message: str) -> None:
    (told,) = sandbox.refusals("PUT", "Accounts", account)
    assert told.startswith(message)


def test_some_accounts_cannot_be_changed(sandbox: Sandbox) -> None:
    by_code = {account["Code"]: account["AccountID"] for account in sandbox.listed("Accounts")}
    assert sandbox.refusals("POST", "Accounts", {"AccountID": by_code["090"], "Name": "B"}) != []
    both = {"AccountID": by_code["400"], "Status": "ARCHIVED", "Name": "B"}
    assert sandbox.refusals("POST", "Accounts", both) != []
    sandbox.invoice()
    assert sandbox.call("DELETE", f"Accounts/{by_code['200']}").status_code == 400
    assert sandbox.call("DELETE", f"Accounts/{by_code['860']}").status_code == 400


@pytest.mark.parametrize("path", ["Accounts", "TaxRates"])
def test_one_account_or_rate_at_a_time(sandbox: Sandbox, path: str) -> None:
    refused = sandbox.call("PUT", path, {path: [{"Name": "A"}, {"Name": "B"}]})
    assert (refused.status_code, refused.json()["Type"]) == (400, "ValidationException")


# --------------------------------------------------------------------------------------------------------- tax rates


@pytest.mark.parametrize(
    ("country", "version", "expected"),
    [
        ("GB", "UK", {"OUTPUT2": 20, "INPUT2": 20, "RROUTPUT": 5, "ZERORATEDINPUT": 0, "NONE": 0}),
        ("NZ", "NZ", {"OUTPUT2": 15, "INPUT2": 15, "ZERORATED": 0}),
        ("AU", "AU", {"OUTPUT": 10, "INPUT": 10, "BASEXCLUDED": 0}),
        ("US", "US", {"OUTPUT": 9.25, "AVALARA": 0, "NONE": 0}),
        ("FJ", "GLOBAL", {"OUTPUT": 10, "INPUT": 10, "NONE": 0}),
    ],
)
def test_rates_of_each_region(sandbox: Sandbox, country: str, version: str, expected: dict[str, float]) -> None:
    added = sandbox.control("POST", "organisations", {"name": "There", "country": country, "currency": "USD"})
    token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
    organisation = sandbox.call("GET", "Organisation", token=token).json()["Organisations"][0]
    assert (organisation["Version"], organisation["CountryCode"]) == (version, country)
    rates = {rate["TaxType"]: rate for rate in sandbox.call("GET", "TaxRates", token=token).json()["TaxRates"]}
    assert {name: rates[name]["EffectiveRate"] for name in expected} == expected


def test_old_new_zealand_rates_are_listed_as_deleted(sandbox: Sandbox) -> None:
    added = sandbox.control("POST", "organisations", {"name": "There", "country": "NZ", "currency": "NZD"})
    token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
    rates = {rate["TaxType"]: rate for rate in sandbox.call("GET", "TaxRates", token=token).json()["TaxRates"]}
    assert (rates["OUTPUT"]["Status"], rates["OUTPUT"]["EffectiveRate"]) == ("DELETED", 12.5)


def test_the_american_look_up_rate_is_there_and_charges_nothing(sandbox: Sandbox) -> None:
    added = sandbox.control("POST", "organisations", {"name": "There", "country": "US", "currency": "USD"})
    token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
    (rate,) = sandbox.call("GET", "TaxRates/AVALARA", token=token).json()["TaxRates"]
    assert (rate["Name"], rate["ReportTaxType"]) == ("Auto Look Up (DO NOT USE)", "AVALARA")
    assert all(rate[name] for name in rate if name.startswith("CanApplyTo"))
    draft = {"Type": "ACCREC", "Contact": {"Name": "X"}, "LineItems": [line(TaxType="AVALARA")]}
    assert sandbox.call("PUT", "Invoices", draft, token=token).json()["Invoices"][0]["TotalTax"] == 0
    sandbox.switch(avalara_lines="refuse")
    assert sandbox.call("PUT", "Invoices", draft, token=token).status_code == 400


def test_the_official_client_creates_and_changes_rates(xero: Official) -> None:
    parts = [TaxComponent(name="State", rate=7.5), TaxComponent(name="City", rate=2, is_compound=True)]
    wanted = TaxRates([TaxRate(name="Two parts", tax_components=parts, report_tax_type="OUTPUT")])
    created = xero.accounting.create_tax_rates("", wanted).tax_rates[0]
    assert (created.tax_type, created.status) == ("TAX001", "ACTIVE")
    assert float(created.effective_rate) == 9.65  # 7.5, and 2 % of 107.5
    gone = TaxRates([TaxRate(name="Two parts", tax_type="TAX001", status="DELETED", tax_components=parts)])
    assert xero.accounting.update_tax_rate("", gone).tax_rates[0].status == "DELETED"


def test_rates_that_are_refused(sandbox: Sandbox) -> None:
    part = {"Name": "VAT", "Rate": 1}
    rate = {"Name": "Mine", "ReportTaxType": "OUTPUT", "TaxComponents": [part]}
    sandbox.put("TaxRates", rate)
    assert sandbox.refusals("PUT", "TaxRates", rate) == ["Please enter a unique Name."]
    assert sandbox.refusals("PUT", "TaxRates", {"Name": "X", "TaxComponents": [part]}) != []
    assert sandbox.refusals("PUT", "TaxRates", {"Name": "X", "ReportTaxType": "OUTPUT"}) != []
    assert sandbox.refusals("POST", "TaxRates", {"TaxType": "OUTPUT2", "Name": "X"}) != []
    renamed = {"TaxType": "TAX001", "TaxComponents": [{"Name": "Other", "Rate": 1}]}
    assert sandbox.refusals("POST", "TaxRates", renamed) != []
    longer = {"TaxType": "TAX001", "TaxComponents": [part, {"Name": "Other", "Rate": 1}]}
    assert sandbox.post("TaxRates", longer)[0]["EffectiveRate"] == 2


@pytest.mark.parametrize(
    ("tax_type", "account", "fits"),
    [
        ("OUTPUT2", "200", True),
        ("OUTPUT2", "400", False),
        ("INPUT2", "400", True),
        ("INPUT2", "200", False),
        ("NONE", "200", True),
        ("NONE", "400", True),
        ("GSTONIMPORTS", "860", True),
        ("GSTONIMPORTS", "200", False),
        ("CAPEXOUTPUT2", "710", True),
        ("OUTPUT2", "970", True),
    ],
)
def test_rates_apply_to_classes_of_accounts(sandbox: Sandbox, tax_type: str, account: str, fits: bool) -> None:
    draft = {"Type": "ACCREC", "Contact": {"Name": "X"}, "LineItems": [line(TaxType=tax_type, AccountCode=account)]}
    if fits:
        assert sandbox.put("Invoices", draft)[0]["LineItems"][0]["TaxType"] == tax_type
        return
    message = f"The TaxType code '{tax_type}' cannot be used with account code '{account}'."
    assert sandbox.refusals("PUT", "Invoices", draft) == [message]


# --------------------------------------------------------------------------------------------- currencies and themes


def test_a_currency_is_subscribed_once_and_for_good(sandbox: Sandbox, xero: Official) -> None:
    draft = {"Type": "ACCREC", "Contact": {"Name": "X"}, "CurrencyCode": "NZD", "LineItems": [line()]}
    assert sandbox.refusals("PUT", "Invoices", draft) == ["Organisation is not subscribed to currency NZD"]
    for _ in range(2):
        assert xero.accounting.create_currency("", Currency(code=CurrencyCode.NZD)).currencies[0].code.value == "NZD"
    assert len(sandbox.listed("Currencies")) == 4
    assert sandbox.put("Invoices", draft)[0]["CurrencyCode"] == "NZD"


def test_rates_between_currencies_come_from_a_fixed_table(sandbox: Sandbox) -> None:
    rates = {code: sandbox.invoice(CurrencyCode=code)["CurrencyRate"] for code in ("GBP", "USD", "EUR")}
    assert rates == {"GBP": 1.0, "USD": 1.333333, "EUR": 1.146667}
    assert sandbox.invoice(CurrencyCode="USD", CurrencyRate="1.3")["CurrencyRate"] == 1.3


def test_an_odd_rate_is_taken_with_a_warning(sandbox: Sandbox) -> None:
    draft = {
        "Type": "ACCREC",
        "Contact": {"Name": "X"},
        "CurrencyCode": "USD",
        "CurrencyRate": 99,
        "LineItems": [line()],
    }
    (saved,) = sandbox.put("Invoices", draft, summarizeErrors="false")
    assert (saved["StatusAttributeString"], saved["HasErrors"], len(saved["Warnings"])) == ("WARNING", False, 1)
    assert saved["CurrencyRate"] == 99


def test_sales_documents_get_the_default_theme(sandbox: Sandbox) -> None:
    theme = sandbox.listed("BrandingThemes")[0]["BrandingThemeID"]
    assert sandbox.invoice()["BrandingThemeID"] == theme
    assert sandbox.get(f"BrandingThemes/{theme}")["BrandingThemes"][0]["Name"] == "Standard"
    assert "BrandingThemeID" not in sandbox.invoice(Type="ACCPAY", LineItems=[line(AccountCode="300")])


# ------------------------------------------------------------------------------------------------------------- items


def test_the_official_client_creates_changes_and_deletes_items(xero: Official) -> None:
    wanted = Item(
        code="OAK",
        name="Oak",
        description="Oak shelf",
        sales_details=Purchase(unit_price=10.5, account_code="200", tax_type="OUTPUT2"),
        purchase_details=Purchase(unit_price=4, account_code="300"),
    )
    created = xero.accounting.create_items("", Items([wanted])).items[0]
    for key in (created.item_id, "oak"):
        read = xero.accounting.get_item("", key).items[0]
        assert (read.code, read.description, float(read.sales_details.unit_price)) == ("OAK", "Oak shelf", 10.5)
        assert read.purchase_details.tax_type == "INPUT2"
    change = Items([Item(code="OAK", name="Old oak")])
    assert xero.accounting.update_item("", created.item_id, change).items[0].name == "Old oak"
    assert xero.accounting.get_items("").items[0].description == "Oak shelf"
    xero.accounting.delete_item("", created.item_id)
    assert xero.accounting.get_items("").items == []


def test_codes_of_items_are_unique_and_name_them(sandbox: Sandbox) -> None:
    first = sandbox.put("Items", {"Code": "A"})[0]
    assert sandbox.refusals("PUT", "Items", {"Code": "a"}) == ["Price List Item with Code 'a' already exists"]
    assert sandbox.post("Items", {"Code": "A", "Name": "By code"})[0]["ItemID"] == first["ItemID"]
    other = sandbox.post("Items", {"Code": "B"})[0]
    taken = {"ItemID": other["ItemID"], "Code": "A"}
    assert sandbox.refusals("POST", "Items", taken) == ["Price List Item with Code 'A' already exists"]


def test_letter_case_of_codes_is_a_switch(sandbox: Sandbox) -> None:
    sandbox.switch(item_code_case_sensitive=True)
    sandbox.put("Items", {"Code": "A"}, {"Code": "a"})
    assert len(sandbox.listed("Items")) == 2


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"Name": "x"}, "Price List Item Code must be specified"),
        ({"Code": "x" * 31}, "The Price List Item Code field cannot be longer than 30 characters."),
        ({"Code": "x", "Name": "x" * 51}, "The Price List Item Name field cannot be longer than 50 characters."),
        ({"Code": "x", "Description": "x" * 4001}, "The Price List Item Description field cannot be longer"),
        ({"Code": "x", "SalesDetails": {"AccountCode": "999"}}, "Account code '999' is not a valid code"),
    ],
)
def test_items_that_are_refused(sandbox: Sandbox, item: dict[str, Any], message: str) -> None:
    (told,) = sandbox.refusals("PUT", "Items", item)
    assert told.startswith(message)
    answer = sandbox.call("PUT", "Items", {"Items": [item]}, query={"summarizeErrors": "false"}).json()["Items"][0]
    # Items have no flag, only their errors, no id and a stamp of the year 1 (API facts 3.4).
    assert answer["ItemID"] == "00000000-0000-0000-0000-000000000000"
    assert answer["UpdatedDateUTC"] == "/Date(-62135596800000)/"
    assert not {"HasErrors", "HasValidationErrors"} & set(answer)


def test_a_side_that_is_turned_off_is_emptied(sandbox: Sandbox) -> None:
    details = {"UnitPrice": 1, "AccountCode": "300"}
    sandbox.put("Items", {"Code": "A", "PurchaseDescription": "buy", "PurchaseDetails": details})
    off = sandbox.post("Items", {"Code": "A", "IsPurchased": False})[0]
    assert (off["PurchaseDetails"], "PurchaseDescription" in off, off["IsSold"]) == ({}, False, True)


def test_unit_prices_have_two_decimals_unless_four_are_asked(sandbox: Sandbox) -> None:
    item = {"Code": "A", "SalesDetails": {"UnitPrice": 1.23456}}
    assert sandbox.put("Items", item, unitdp="4")[0]["SalesDetails"]["UnitPrice"] == 1.2346
    assert sandbox.listed("Items")[0]["SalesDetails"]["UnitPrice"] == 1.23
    assert sandbox.listed("Items", unitdp="4")[0]["SalesDetails"]["UnitPrice"] == 1.2346
    assert sandbox.post("Items", item)[0]["SalesDetails"]["UnitPrice"] == 1.23
    assert sandbox.listed("Items", unitdp="4")[0]["SalesDetails"]["UnitPrice"] == 1.23


def test_at_most_500_items_at_once(sandbox: Sandbox) -> None:
    refused = sandbox.call("PUT", "Items", {"Items": [{"Code": str(number)} for number in range(501)]})
    assert refused.status_code == 400
    assert len(sandbox.put("Items", *({"Code": str(number)} for number in range(500)))) == 500


def test_tracked_items_stay_once_they_are_used(sandbox: Sandbox) -> None:
    tracked = {"Code": "T", "InventoryAssetAccountCode": "630", "PurchaseDetails": {"COGSAccountCode": "310"}}
    assert sandbox.put("Items", tracked)[0]["IsTrackedAsInventory"] is True
    sandbox.invoice(Type="ACCPAY", LineItems=[line(AccountCode="630", ItemCode="T")])
    assert sandbox.call("DELETE", "Items/T").status_code == 400
