"""Answers against Xero's published contract. What the facts prove to be otherwise is in openapi_exceptions.toml."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft4Validator, FormatChecker

from tests.contract.browser import APP, CALLBACK, Browser
from tests.contract.running import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.exceptions import ValidationError

    from tests.contract.running import Sandbox

EXCEPTIONS = Path(__file__).with_name("openapi_exceptions.toml")
ANY_MEMBER = "*"


@pytest.fixture(scope="module")
def contract(reference: Path) -> dict[str, Any]:
    """The published contract, read strictly: a member that it does not name is a difference."""
    text = (reference / "xero/openapi/xero_accounting.yaml").read_text()
    published: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for name, schema in published["components"]["schemas"].items():
        schema["title"] = name
        if "properties" in schema:
            schema["additionalProperties"] = False
    return published


@pytest.fixture(scope="module")
def exceptions() -> dict[str, str]:
    return dict(tomllib.loads(EXCEPTIONS.read_text())["differences"])


def use_everything(sandbox: Sandbox) -> None:
    """Every resource and verb, what is refused included."""
    for path in ("Organisation", "Organisation/Actions", "Accounts", "TaxRates", "TaxRates/OUTPUT2", "Currencies"):
        sandbox.call("GET", path)
    sandbox.organisation(period_lock_date="2020-01-31", end_of_year_lock_date="2019-12-31")
    sandbox.call("GET", "Organisation")
    theme = sandbox.listed("BrandingThemes")[0]["BrandingThemeID"]
    sandbox.call("GET", f"BrandingThemes/{theme}")
    use_reference_data(sandbox)
    use_tracking(sandbox)
    use_contacts(sandbox)
    use_documents(sandbox)
    use_other_regions(sandbox)


def use_other_regions(sandbox: Sandbox) -> None:
    for country in ("NZ", "AU", "US", "CA", "SG", "ZA", "IE"):
        added = sandbox.control("POST", "organisations", {"name": "There", "country": country})
        token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
        for path in ("Organisation", "TaxRates", "Accounts", "Currencies"):
            sandbox.call("GET", path, token=token)


def use_tracking(sandbox: Sandbox) -> None:
    made = sandbox.put("TrackingCategories", {"Name": "Region"})[0]["TrackingCategoryID"]
    here = f"TrackingCategories/{made}"
    options = [
        sandbox.call("PUT", f"{here}/Options", {"Name": name}).json()["Options"][0] for name in ("North", "South")
    ]
    sandbox.call("PUT", f"{here}/Options", {"Name": "north"})
    sandbox.call("PUT", "TrackingCategories", {"Name": "region"})
    sandbox.call("POST", here, {"Name": "Area"})
    sandbox.call("POST", f"{here}/Options/{options[1]['TrackingOptionID']}", {"Status": "ARCHIVED"})
    sandbox.call("DELETE", f"{here}/Options/{options[1]['TrackingOptionID']}")
    for path in ("TrackingCategories", here):
        sandbox.call("GET", path, query={"includeArchived": "true"})
    other = sandbox.put("TrackingCategories", {"Name": "Team"})[0]["TrackingCategoryID"]
    sandbox.call("DELETE", f"TrackingCategories/{other}")


def use_reference_data(sandbox: Sandbox) -> None:
    account = sandbox.put("Accounts", {"Code": "299", "Name": "Oak", "Type": "REVENUE", "Description": "x"})[0][
        "AccountID"
    ]
    sandbox.call("GET", f"Accounts/{account}")
    sandbox.call("POST", f"Accounts/{account}", {"Name": "Elm"})
    sandbox.call("PUT", "Accounts", {"Code": "299"})
    sandbox.call("DELETE", f"Accounts/{account}")
    rate = {"Name": "Mine", "ReportTaxType": "OUTPUT", "TaxComponents": [{"Name": "VAT", "Rate": 1}]}
    sandbox.call("PUT", "TaxRates", rate)
    sandbox.call("PUT", "TaxRates", rate)
    sandbox.call("POST", "TaxRates", rate | {"TaxType": "TAX001", "Status": "DELETED"})
    sandbox.call("PUT", "Currencies", {"Code": "NZD"})
    sides = {"SalesDetails": {"UnitPrice": 1, "AccountCode": "200"}, "PurchaseDetails": {"COGSAccountCode": "310"}}
    item = sandbox.put("Items", {"Code": "A", "Name": "A", "InventoryAssetAccountCode": "630"} | sides)[0]["ItemID"]
    batch = {"Items": [{"Code": "A"}, {"Code": "B", "Description": "b"}]}
    sandbox.call("PUT", "Items", batch)
    sandbox.call("PUT", "Items", batch, query={"summarizeErrors": "false"})
    sandbox.call("POST", f"Items/{item}", {"Name": "AA"})
    for path in ("Items", "Items/A"):
        sandbox.call("GET", path)


def use_contacts(sandbox: Sandbox) -> None:
    everything = {
        "Name": "Harbour Joinery Ltd",
        "ContactNumber": "c-1",
        "AccountNumber": "a-1",
        "FirstName": "Ada",
        "LastName": "Oak",
        "EmailAddress": "ada@example.com",
        "CompanyNumber": "1",
        "TaxNumber": "GB1",
        "DefaultCurrency": "USD",
        "SalesDefaultAccountCode": "200",
        "SalesDefaultLineAmountType": "EXCLUSIVE",
        "PaymentTerms": {"Sales": {"Day": 20, "Type": "OFFOLLOWINGMONTH"}},
        "ContactPersons": [{"FirstName": "Bo", "EmailAddress": "bo@example.com", "IncludeInEmails": True}],
        "Addresses": [{"AddressType": "POBOX", "AddressLine1": "1 Quay", "City": "Hull", "AttentionTo": "Bo"}],
        "Phones": [{"PhoneType": "OFFICE", "PhoneNumber": "1"}],
        "SalesTrackingCategories": [{"TrackingCategoryName": "Area", "TrackingOptionName": "North"}],
        "BrandingTheme": {"BrandingThemeID": sandbox.listed("BrandingThemes")[0]["BrandingThemeID"]},
    }
    batch = {"Contacts": [everything, {"Name": "", "Phones": [{"PhoneType": "FAX", "PhoneNumber": "1"}]}]}
    sandbox.call("PUT", "Contacts", batch)
    sandbox.call("PUT", "Contacts", batch, query={"summarizeErrors": "false"})
    contact = sandbox.listed("Contacts", page="1")[0]["ContactID"]
    sandbox.call("POST", f"Contacts/{contact}", {"LastName": "Elm"})
    other = sandbox.contact("Other")
    sandbox.control("POST", "contacts/merge", {"contact_id": other["ContactID"], "into": contact})
    for path in ("Contacts", f"Contacts/{contact}", "Contacts/c-1", f"Contacts/{other['ContactID']}"):
        sandbox.call("GET", path)
    sandbox.call("GET", "Contacts", query={"summaryOnly": "true"})


def use_documents(sandbox: Sandbox) -> None:
    named = {"Url": "https://billing.example/1", "Reference": "R", "SentToContact": True, "CurrencyCode": "USD"}
    dates = {"ExpectedPaymentDate": "2026-02-01"}
    tracked = line(Tracking=[{"Name": "Area", "Option": "North"}])
    lines = [line(ItemCode="A"), line(DiscountRate=10), tracked, {"Description": "text"}]
    invoice = sandbox.invoice(LineItems=lines, **named, **dates)
    bill = sandbox.invoice(Type="ACCPAY", LineItems=[line(AccountCode="300")], PlannedPaymentDate="2026-02-01")
    draft = {"Type": "ACCREC", "Contact": {"Name": "Fresh"}, "LineItems": [line()], "SentToContact": True}
    batch = {"Invoices": [draft, draft | {"Date": "2026-01-01", "LineItems": [line(AccountCode="999")]}]}
    sandbox.call("PUT", "Invoices", batch)
    sandbox.call("PUT", "Invoices", batch, query={"summarizeErrors": "false"})
    sandbox.call("POST", f"Invoices/{invoice['InvoiceID']}", {"Reference": "S"})
    payment = sandbox.payment(invoice, str(invoice["Total"]))
    sandbox.payment(bill, "4")
    sandbox.call("POST", "Invoices", {"InvoiceID": invoice["InvoiceID"], "Status": "VOIDED"})
    sandbox.call(
        "PUT", "Payments", {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
    )
    for path in ("Invoices", f"Invoices/{invoice['InvoiceID']}", "Payments", f"Payments/{payment['PaymentID']}"):
        sandbox.call("GET", path)
    for query in ({"page": "1"}, {"summaryOnly": "true"}, {"IDs": bill["InvoiceID"]}):
        sandbox.call("GET", "Invoices", query=query)
    sandbox.call("GET", "Payments", query={"page": "1"})
    sandbox.call("POST", f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    sandbox.call("POST", "Invoices", {"InvoiceID": invoice["InvoiceID"], "Status": "VOIDED"})


def differences(sandbox: Sandbox, contract: dict[str, Any]) -> Iterator[str]:
    for call in sandbox.logged("/api.xro/2.0/"):
        shown = sandbox.control("GET", f"calls/{call['id']}")
        schema = schema_of(contract, shown)
        if schema is None:
            assert shown["response_body"] == "", shown
            continue
        validator = Draft4Validator(schema | {"components": contract["components"]}, format_checker=FormatChecker())
        for error in validator.iter_errors(json.loads(shown["response_body"])):
            yield from told(error)


def schema_of(contract: dict[str, Any], call: dict[str, Any]) -> dict[str, Any] | None:
    """What the contract says of the answer; None where it says that there is no body."""
    operation = operation_of(contract, call)
    if call["status"] == 400:
        return {"$ref": "#/components/schemas/Error"}
    content = operation["responses"][str(call["status"])].get("content")
    return dict(content["application/json"]["schema"]) if content else None


def operation_of(contract: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    path = call["path"].removeprefix("/api.xro/2.0")
    for template, methods in sorted(contract["paths"].items(), key=lambda pair: "{" in pair[0]):
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and call["method"].lower() in methods:
            return dict(methods[call["method"].lower()])
    raise AssertionError(f"the contract has no {call['method']} {path}")


def told(error: ValidationError) -> Iterator[str]:
    """A difference by the schema and member that it is at."""
    if error.validator != "additionalProperties":
        path = ".".join(str(part) for part in error.absolute_path if not isinstance(part, int))
        yield f"{path} {error.validator}: {error.message[:200]}"
        return
    assert isinstance(error.schema, dict)
    assert isinstance(error.instance, dict)
    schema = error.schema["title"] if error.absolute_path else "Envelope"
    for name in sorted(error.instance.keys() - error.schema["properties"].keys()):
        yield f"{schema}.{name}"


def is_known(difference: str, exceptions: dict[str, str]) -> bool:
    schema = difference.partition(".")[0]
    return difference in exceptions or f"{schema}.{ANY_MEMBER}" in exceptions


def test_answers_satisfy_the_published_contract(
    sandbox: Sandbox, contract: dict[str, Any], exceptions: dict[str, str]
) -> None:
    use_everything(sandbox)
    found = set(differences(sandbox, contract))
    assert sorted(one for one in found if not is_known(one, exceptions)) == []
    schemas = {one.partition(".")[0] for one in found}
    stale = [
        one
        for one in exceptions
        if one not in found
        and not one.startswith("AccessToken.")  # the identity server's, in a test of their own
        and not (one.endswith(".*") and one.removesuffix(".*") in schemas)
    ]
    assert stale == []


@pytest.fixture(scope="module")
def identity_contract(reference: Path) -> dict[str, Any]:
    text = (reference / "xero/openapi/xero-identity.yaml").read_text()
    published: dict[str, Any] = yaml.safe_load(text)
    for schema in published["components"]["schemas"].values():
        schema["additionalProperties"] = False
    return published


def test_answers_of_the_identity_server_satisfy_theirs(
    sandbox: Sandbox, identity_contract: dict[str, Any], exceptions: dict[str, str]
) -> None:
    code = Browser(sandbox).consent("Demo Company (UK)")["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    grant = sandbox.client.post("/connect/token", data=form, auth=APP).json()
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    listed = sandbox.client.get("/connections", headers=headers).json()
    listed_schema = identity_contract["paths"]["/Connections"]["get"]["responses"]["200"]["content"]["application/json"]
    schemas = {"AccessToken": (grant, {"$ref": "#/components/schemas/AccessToken"})}
    schemas["Connections"] = (listed, listed_schema["schema"])
    found = set()
    for name, (answer, schema) in schemas.items():
        assert answer
        validator = Draft4Validator(schema | {"components": identity_contract["components"]})
        for error in validator.iter_errors(answer):
            assert error.validator == "additionalProperties", error
            found |= {f"{name}.{extra}" for extra in answer.keys() - error.schema["properties"].keys()}
    assert found == {one for one in exceptions if one.startswith("AccessToken.")}


def test_each_exception_names_a_paragraph_of_the_facts(reference: Path, exceptions: dict[str, str]) -> None:
    facts = (reference / "xero/API-FACTS.md").read_text()
    headings = set(re.findall(r"^### (\d+\.\d+)", facts, re.MULTILINE))
    unknown = {one: why for one, why in exceptions.items() if why.split()[0] not in headings}
    assert unknown == {}


def test_every_resource_and_verb_was_used(sandbox: Sandbox, contract: dict[str, Any]) -> None:
    use_everything(sandbox)
    used = {(call["method"], *call["path"].split("/")[3:4]) for call in sandbox.logged("/api.xro/2.0/")}
    ours = (
        "Organisation",
        "Contacts",
        "Items",
        "Accounts",
        "TaxRates",
        "Currencies",
        "BrandingThemes",
        "TrackingCategories",
        "Invoices",
        "Payments",
    )
    published = {
        (method.upper(), path.split("/")[1])
        for path, methods in contract["paths"].items()
        for method in methods
        if path.split("/")[1] in ours and len(path.split("/")) <= 3 and method in ("get", "put", "post")
    }
    assert published <= used
