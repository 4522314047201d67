"""Organisations: made with everything a new one holds, shown, and asked what they may do (API facts 4.1)."""

import secrets
import string
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox.accounts import account_columns, new_account
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.seeds import (
    ACCOUNTS,
    ACTIONS,
    CURRENCY_NAMES,
    ELSEWHERE,
    RATES,
    REGIONS,
    SUBSCRIBED,
    AccountSeed,
    RateSeed,
    Region,
)
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.tax_rates import rate_columns
from plugins.xero.sandbox.users import READ_ONLY
from plugins.xero.sandbox.wire import Doc, day_stamp, fold, stamp_without_offset


def region_of(country: str) -> Region:
    return REGIONS.get(country, ELSEWHERE)


def create(
    store: Store,
    name: str,
    country: str,
    currency: str,
    now: int,
    tenant_id: str | None = None,
    *,
    org: int | None = None,
) -> int:
    """A new organisation with its accounts, rates, currencies and theme; gives its number in the store."""
    tenant_id = tenant_id or str(uuid4())
    org = store.add_organisation(tenant_id, _new(tenant_id, name, country, currency, now), org)
    region = region_of(country)
    for seed in RATES[region.rates]:
        rate = _rate(seed, region)
        store.save("tax_rate", org, str(uuid4()), store.next_stamp(org, now), rate_columns(rate), rate)
    for account in ACCOUNTS:
        document = _account(account, region, currency)
        document["Updated"] = store.next_stamp(org, now)
        store.save("account", org, document["AccountID"], document["Updated"], account_columns(document), document)
    for code in dict.fromkeys((currency, *SUBSCRIBED)):
        subscribe(store, org, code, now)
    add_theme(store, org, "Standard", 0, now)
    return org


def subscribe(store: Store, org: int, code: str, now: int) -> None:
    document = {"Code": code, "Description": CURRENCY_NAMES.get(code, code)}
    store.save("currency", org, f"{org}-{code}", store.next_stamp(org, now), {"code": code}, document)


def _new(tenant_id: str, name: str, country: str, currency: str, now: int) -> Doc:
    region = region_of(country)
    short = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(5))
    return {
        "OrganisationID": tenant_id,
        "Name": name,
        "LegalName": name,
        "Version": region.version,
        "BaseCurrency": currency,
        "CountryCode": country,
        "IsDemoCompany": name.startswith("Demo Company"),
        "Class": "DEMO" if name.startswith("Demo Company") else "COMPREHENSIVE",
        "Created": now,
        "Timezone": region.timezone,
        "Zone": region.zone,
        "ShortCode": f"!{short}",
        "PeriodLockDate": None,
        "EndOfYearLockDate": None,
        # Someone who may do this is not held up by the period lock date; a sandbox user is, unless told.
        "NotAllowed": ["ApproveTransactionsBeforePeriodLockDate"],
    }


def _rate(seed: RateSeed, region: Region) -> Doc:
    report = {"ReportTaxType": seed.report} if region.version in ("AU", "NZ", "UK") or seed.report == "AVALARA" else {}
    return {
        "Name": seed.name,
        "TaxType": seed.tax_type,
        "Status": seed.status,
        "Applies": seed.applies,
        "TaxComponents": [{"Name": region.tax_name, "Rate": seed.percent, "IsCompound": False}],
        "EffectiveRate": seed.percent,
        "System": True,
    } | report


def _account(seed: AccountSeed, region: Region, currency: str) -> Doc:
    tax = {"sales": region.sales_tax, "purchases": region.purchase_tax}.get(seed.tax, _no_tax(region))
    account = new_account(
        {"Code": seed.code, "Name": seed.name, "Type": seed.type, "TaxType": tax},
        enable_payments=seed.payments,
    )
    account |= {
        "SystemAccount": seed.system,
        "ReportingCode": seed.reporting[0],
        "ReportingCodeName": seed.reporting[1],
    }
    if seed.type == "BANK":
        account |= {"BankAccountNumber": f"0908007006{seed.code}", "BankAccountType": "BANK", "CurrencyCode": currency}
    return account


def _no_tax(region: Region) -> str:
    return "BASEXCLUDED" if region.version == "AU" else "NONE"


def add_theme(store: Store, org: int, name: str, place: int, now: int, known: Doc | None = None) -> None:
    """A branding theme at this place in the order; a known one moves there."""
    theme = (known or {"BrandingThemeID": str(uuid4()), "Name": name, "Created": now}) | {"SortOrder": place}
    updated = store.next_stamp(org, now)
    store.save("branding_theme", org, theme["BrandingThemeID"], updated, {"name": fold(name)}, theme)


# ------------------------------------------------------------------------------------------------------- endpoints


def listed(call: Call) -> Answer:
    return call.reply("Organisations", [_shown(call.organisation)])


def actions(call: Call) -> Answer:
    """What plan and role allow."""
    shown = [{"Name": name, "Status": "ALLOWED" if may(call, name) else "NOT-ALLOWED"} for name in ACTIONS]
    return call.reply("Actions", shown)


def may(call: Call, action: str) -> bool:
    return call.role != READ_ONLY and action not in call.organisation["NotAllowed"]


def _shown(organisation: Doc) -> Doc:
    region = region_of(organisation["CountryCode"])
    locks = {
        name: day_stamp(organisation[name]) for name in ("PeriodLockDate", "EndOfYearLockDate") if organisation[name]
    }
    same: dict[str, Any] = {
        name: organisation[name]
        for name in ("Version", "BaseCurrency", "CountryCode", "IsDemoCompany", "Timezone", "ShortCode", "Class")
    }
    return {
        "OrganisationID": organisation["OrganisationID"],
        "Name": organisation["Name"],
        "LegalName": organisation["LegalName"],
        "PaysTax": True,
        "OrganisationType": "COMPANY",
        "OrganisationEntityType": "COMPANY",
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": region.year_end[0],
        "FinancialYearEndMonth": region.year_end[1],
        "SalesTaxBasis": region.basis,
        "SalesTaxPeriod": region.period,
        "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Exclusive",
        "CreatedDateUTC": stamp_without_offset(organisation["Created"]),
        "Edition": "BUSINESS",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
        **same,
        **locks,
    }
