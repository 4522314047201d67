"""What holds for every resource: sections 3.1 to 3.5 of the API facts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox

WITH_OFFSET = re.compile(r"^/Date\(-?\d+\+0000\)/$")
WITHOUT_OFFSET = re.compile(r"^/Date\(-?\d+\)/$")
GUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
RESOURCES = ("Organisation", "Contacts", "Items", "Accounts", "TaxRates", "Currencies", "BrandingThemes", "Invoices")


def test_every_answer_has_a_correlation_id_of_its_own(sandbox: Sandbox) -> None:
    answers = [sandbox.call("GET", path) for path in ("Organisation", "Contacts/unknown", "Nothing")]
    answers += [sandbox.ask_token(), sandbox.client.get("/connections"), sandbox.client.get("/elsewhere")]
    assert len({answer.headers["xero-correlation-id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize("accept", ["*/*", "application/xml", "text/html"])
def test_without_asking_for_json_the_answer_is_xml(sandbox: Sandbox, accept: str) -> None:
    sandbox.invoice(Reference="a < b & c")
    answer = sandbox.call("GET", "Invoices", headers={"Accept": accept}, query={"page": "1"})
    assert answer.headers["content-type"].startswith("text/xml")
    root = ET.fromstring(answer.text)
    assert root.tag == "Response"
    assert root.findtext("Invoices/Invoice/Reference") == "a < b & c"
    assert root.findtext("Invoices/Invoice/Date") == "2026-01-10T00:00:00"
    assert root.findtext("Invoices/Invoice/LineItems/LineItem/LineAmount") == "20.0"


def test_errors_are_xml_too(sandbox: Sandbox) -> None:
    refused = sandbox.call("DELETE", "Contacts", headers={"Accept": "*/*"})
    root = ET.fromstring(refused.text)
    assert (refused.status_code, root.tag, root.findtext("ErrorNumber")) == (501, "ApiException", "20")


def test_the_envelope(sandbox: Sandbox) -> None:
    first, second = sandbox.get("Contacts"), sandbox.get("Contacts")
    assert list(first) == ["Id", "Status", "ProviderName", "DateTimeUTC", "Contacts"]
    assert GUID.match(first["Id"])
    assert first["Id"] != second["Id"]
    assert (first["Status"], first["ProviderName"]) == ("OK", "Custom Connection 1")
    assert WITHOUT_OFFSET.match(first["DateTimeUTC"])


def test_dates_as_xero_writes_them(sandbox: Sandbox) -> None:
    sandbox.put("Items", {"Code": "OAK"})
    invoice = sandbox.read("Invoices", sandbox.invoice(Date="2026-09-14")["InvoiceID"])
    assert (invoice["Date"], invoice["DateString"]) == ("/Date(1789344000000+0000)/", "2026-09-14T00:00:00")
    assert (invoice["DueDate"], invoice["DueDateString"]) == ("/Date(1770681600000+0000)/", "2026-02-10T00:00:00")
    assert WITH_OFFSET.match(invoice["UpdatedDateUTC"])
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", invoice["UpdatedDateUTCString"])
    assert WITHOUT_OFFSET.match(sandbox.listed("Items")[0]["UpdatedDateUTC"])
    sandbox.organisation(period_lock_date="2025-03-31")
    organisation = sandbox.get("Organisation")["Organisations"][0]
    assert organisation["PeriodLockDate"] == "/Date(1743379200000+0000)/"
    assert WITHOUT_OFFSET.match(organisation["CreatedDateUTC"])


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01",
        "2026-03-01T00:00:00",
        "2026-03-01T13:45:10Z",
        "/Date(1772323200000)/",
        "/Date(1772323200000+0000)/",
    ],
)
def test_dates_as_xero_reads_them(sandbox: Sandbox, written: str) -> None:
    assert sandbox.invoice(Date=written)["DateString"] == "2026-03-01T00:00:00"


def test_a_missing_date_is_today_where_the_organisation_is(sandbox: Sandbox) -> None:
    added = sandbox.control("POST", "organisations", {"name": "South", "country": "NZ", "currency": "NZD"})
    token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
    now = sandbox.control("GET", "clock")["now"]
    # At noon in London it is tomorrow in Auckland from 11:00 or 12:00 UTC on: at 23:00 UTC it is, all year round.
    sandbox.advance((23 - int(now[11:13])) % 24 * 3600)
    token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
    body = {"Type": "ACCREC", "Contact": {"Name": "Kea"}, "LineItems": [line()]}
    written = sandbox.call("PUT", "Invoices", body, token=token).json()["Invoices"][0]["DateString"]
    assert written[:10] > sandbox.control("GET", "clock")["now"][:10]


def test_single_objects_lists_and_any_letter_case(sandbox: Sandbox) -> None:
    shapes: list[Any] = [
        {"name": "One"},
        {"contacts": [{"NAME": "Two"}]},
        {"Contacts": [{"Name": "Three"}]},
        [{"Name": "Four"}],
    ]
    for path, body in zip(("Contacts", "contacts", "CONTACTS", "Contacts"), shapes, strict=True):
        answer = sandbox.call("PUT", path, body)
        assert answer.status_code == 200, answer.text
        assert isinstance(answer.json()["Contacts"], list)
    assert {contact["Name"] for contact in sandbox.listed("Contacts")} == {"One", "Two", "Three", "Four"}


def test_an_unknown_id_is_an_empty_page(sandbox: Sandbox) -> None:
    for method, path, body in (
        ("GET", "Invoices/4b4ca19a-8f6b-411c-bb85-0a6bdf966305", None),
        ("GET", "Contacts/nobody", None),
        ("POST", "Invoices/4b4ca19a-8f6b-411c-bb85-0a6bdf966305", {"Status": "VOIDED"}),
        ("POST", "Contacts", {"ContactID": "4b4ca19a-8f6b-411c-bb85-0a6bdf966305", "Name": "X"}),
        ("POST", "Items", {"ItemID": "4b4ca19a-8f6b-411c-bb85-0a6bdf966305", "Code": "X"}),
        ("DELETE", "Items/nothing", None),
        ("GET", "Nothing", None),
    ):
        answer = sandbox.call(method, path, body)
        assert (answer.status_code, answer.content) == (404, b""), path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert sandbox.listed("Contacts") == []


def test_an_unknown_id_keeps_the_whole_request_from_being_written(sandbox: Sandbox) -> None:
    batch = {"Contacts": [{"Name": "Good"}, {"ContactID": "4b4ca19a-8f6b-411c-bb85-0a6bdf966305", "Name": "Lost"}]}
    assert sandbox.call("POST", "Contacts", batch, query={"summarizeErrors": "false"}).status_code == 404
    assert sandbox.listed("Contacts") == []


@pytest.mark.parametrize(("method", "path"), [("DELETE", "Contacts"), ("DELETE", "Invoices/1"), ("PATCH", "Items")])
def test_a_method_that_is_not_there_is_501(sandbox: Sandbox, method: str, path: str) -> None:
    answer = sandbox.call(method, path)
    wanted = {
        "ErrorNumber": 20,
        "Type": "ApiMethodNotImplementedException",
        "Message": "The Api Method called is not implemented",
    }
    assert (answer.status_code, answer.json()) == (501, wanted)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"LineAmountTypes": "NO_TAX"}, 'Error converting value "NO_TAX" to type'),
        ({"LineAmountTypes": "exclusive"}, 'Error converting value "exclusive" to type'),
        ({"Date": "yesterday"}, 'Error converting value "yesterday" to type'),
        ({"LineItems": [{"Description": "x", "Quantity": "two"}]}, 'Error converting value "two" to type'),
        ({"LineItems": {"Description": "x"}}, "Error converting value"),
        ({"InvoiceID": "12"}, 'Error converting value "12" to type'),
        ({"Status": "APPROVED"}, 'Error converting value "APPROVED" to type'),
    ],
)
def test_what_cannot_be_read_is_error_14(sandbox: Sandbox, change: dict[str, Any], told: str) -> None:
    element = {"Type": "ACCREC", "Contact": {"Name": "X"}, "LineItems": [line()]} | change
    refused = sandbox.call("PUT", "Invoices", element, query={"summarizeErrors": "false"})
    body = refused.json()
    assert (refused.status_code, body["ErrorNumber"], body["Type"]) == (400, 14, "PostDataInvalidException")
    assert body["Message"].startswith(told)


@pytest.mark.parametrize("text", ["", "{", '{"Contacts": [', '{"Name": NaN}', '{"Contacts": []}', "[1]", "\ufeff\x00"])
def test_a_broken_body_is_error_14(sandbox: Sandbox, text: str) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token()}", "Accept": "application/json"}
    refused = sandbox.client.put("/api.xro/2.0/Contacts", content=text.encode(), headers=headers)
    assert (refused.status_code, refused.json()["ErrorNumber"]) == (400, 14)


def test_another_media_type_is_415(sandbox: Sandbox) -> None:
    refused = sandbox.call("PUT", "Contacts", {"Name": "X"}, headers={"Content-Type": "text/csv"})
    assert refused.status_code == 415


def test_more_than_ten_megabytes_is_413(sandbox: Sandbox) -> None:
    refused = sandbox.call("PUT", "Contacts", {"Name": "x" * (10 * 1024 * 1024)})
    assert refused.status_code == 413
    assert sandbox.listed("Contacts") == []


# ------------------------------------------------------------------------------------------------- summarizeErrors


GOOD_AND_BAD = {"Contacts": [{"Name": "Good"}, {"Name": "Bad", "EmailAddress": "ä@example.com"}]}


@pytest.mark.parametrize("query", [{}, {"summarizeErrors": "true"}, {"SUMMARIZEERRORS": "True"}])
def test_one_bad_element_fails_the_request(sandbox: Sandbox, query: dict[str, str]) -> None:
    refused = sandbox.call("PUT", "Contacts", GOOD_AND_BAD, query=query)
    body = refused.json()
    assert refused.status_code == 400
    assert list(body) == ["ErrorNumber", "Type", "Message", "Elements"]
    assert body["Message"] == "A validation exception occurred"
    (element,) = body["Elements"]
    assert element["ContactID"] == "00000000-0000-0000-0000-000000000000"
    assert (element["Name"], element["HasValidationErrors"]) == ("Bad", True)
    assert element["ValidationErrors"] == [{"Message": "Email address must be valid."}]
    assert "StatusAttributeString" not in element
    assert sandbox.listed("Contacts") == []


def test_without_the_summary_the_good_ones_are_saved(sandbox: Sandbox) -> None:
    answer = sandbox.call("PUT", "Contacts", GOOD_AND_BAD, query={"summarizeerrors": "false"})
    good, bad = answer.json()["Contacts"]
    assert answer.status_code == 200
    assert (good["Name"], good["StatusAttributeString"], good["HasValidationErrors"]) == ("Good", "OK", False)
    assert (bad["Name"], bad["StatusAttributeString"], bad["HasValidationErrors"]) == ("Bad", "ERROR", True)
    assert [contact["Name"] for contact in sandbox.listed("Contacts")] == ["Good"]


def test_the_status_of_each_element_is_told_only_without_the_summary(sandbox: Sandbox) -> None:
    element = {"Name": "Good"}
    assert "StatusAttributeString" not in sandbox.put("Contacts", element)[0]
    assert sandbox.post("Contacts", element, summarizeErrors="false")[0]["StatusAttributeString"] == "OK"
    assert "StatusAttributeString" not in sandbox.listed("Contacts")[0]


def test_whether_a_failed_batch_saves_nothing_is_a_switch(sandbox: Sandbox) -> None:
    sandbox.switch(batch_atomic=False)
    assert sandbox.call("PUT", "Contacts", GOOD_AND_BAD).status_code == 400
    assert [contact["Name"] for contact in sandbox.listed("Contacts")] == ["Good"]


def test_the_official_client_sees_each_elements_errors(sandbox: Sandbox, xero: Official) -> None:
    answer = xero.accounting.create_contacts("", GOOD_AND_BAD, summarize_errors=False)
    good, bad = answer.contacts
    assert (good.has_validation_errors, bad.has_validation_errors) == (False, True)
    assert bad.validation_errors[0].message == "Email address must be valid."


def test_what_a_failed_element_did_on_its_way_is_undone(sandbox: Sandbox) -> None:
    element = {
        "Type": "ACCREC",
        "Contact": {"Name": "New"},
        "InvoiceNumber": "A-1",
        "LineItems": [line(AccountCode="?")],
    }
    second = {"Type": "ACCREC", "Contact": {"Name": "Newer"}, "LineItems": [line()], "CurrencyCode": "ZAR"}
    answer = sandbox.call("PUT", "Invoices", {"Invoices": [element, second]}, query={"summarizeErrors": "false"})
    assert [one["HasErrors"] for one in answer.json()["Invoices"]] == [True, True]
    assert sandbox.listed("Contacts") == []


# ------------------------------------------------------------------------------------------------------------ others


@pytest.mark.parametrize("path", RESOURCES)
def test_reading_works_with_the_official_client(xero: Official, path: str) -> None:
    names = {
        "Organisation": "get_organisations",
        "TaxRates": "get_tax_rates",
        "BrandingThemes": "get_branding_themes",
    }
    answer = getattr(xero.accounting, names.get(path, f"get_{path.lower()}"))("")
    assert answer is not None


def test_answers_can_be_compressed(sandbox: Sandbox) -> None:
    plain = sandbox.call("GET", "Accounts")
    sandbox.switch(gzip=True)
    packed = sandbox.call("GET", "Accounts", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["Accounts"] == plain.json()["Accounts"]
    assert int(packed.headers["content-length"]) < len(plain.content)


def test_egress_is_counted_for_each_app_without_the_organisation(sandbox: Sandbox) -> None:
    sandbox.call("GET", "Organisation")
    read = sandbox.call("GET", "Accounts")
    written = sandbox.call("PUT", "Contacts", {"Name": "X"})
    assert sandbox.control("GET", "egress") == {"sandbox-custom": len(read.content) + len(written.content)}
    sandbox.switch(egress_counts_writes=False)
    sandbox.call("PUT", "Contacts", {"Name": "Y"})
    assert sandbox.control("GET", "egress") == {"sandbox-custom": len(read.content) + len(written.content)}
