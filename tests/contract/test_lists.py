"""Lists: paging, filters, order and what has changed since (section 3.7 of the API facts)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox


def several(sandbox: Sandbox, count: int, **more: Any) -> list[dict[str, Any]]:
    contact = sandbox.contact()
    draft = {"Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "LineItems": [line()]} | more
    return sandbox.put("Invoices", *(draft | {"InvoiceNumber": f"N-{number:03}"} for number in range(count)))


def numbers(invoices: list[dict[str, Any]]) -> list[str]:
    return [invoice["InvoiceNumber"] for invoice in invoices]


# ------------------------------------------------------------------------------------------------------------ paging


def test_pagination_is_told_only_when_a_page_is_asked(sandbox: Sandbox) -> None:
    several(sandbox, 3)
    everything = sandbox.get("Invoices")
    assert "pagination" not in everything
    assert [invoice["LineItems"] for invoice in everything["Invoices"]] == [[], [], []]
    stub = {"ContactID", "Name", "Addresses", "Phones", "ContactGroups", "ContactPersons", "HasValidationErrors"}
    assert set(everything["Invoices"][0]["Contact"]) == stub
    page = sandbox.get("Invoices", page="2", pageSize="2")
    assert page["pagination"] == {"page": 2, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    assert numbers(page["Invoices"]) == ["N-002"]
    assert len(page["Invoices"][0]["LineItems"]) == 1


@pytest.mark.parametrize(("asked", "size"), [("5000", 1000), ("0", 1), ("-3", 1), ("many", 100), ("7", 7)])
def test_the_page_size_is_clamped_in_silence(sandbox: Sandbox, asked: str, size: int) -> None:
    assert sandbox.get("Contacts", page="1", pageSize=asked)["pagination"]["pageSize"] == size


def test_a_page_past_the_end_is_empty(sandbox: Sandbox) -> None:
    several(sandbox, 1)
    page = sandbox.get("Invoices", page="9")
    assert (page["Invoices"], page["pagination"]["itemCount"]) == ([], 1)


def test_unpaged_resources_and_unknown_parameters_ignore_it(sandbox: Sandbox) -> None:
    assert "pagination" not in sandbox.get("Accounts", page="1")
    several(sandbox, 2)
    assert len(sandbox.listed("Invoices", page_size="1", modifiedSince="2099-01-01", nonsense="x")) == 2
    assert len(sandbox.listed("Invoices", **{"If-Modified-Since": "2099-01-01"})) == 2


@pytest.mark.parametrize("query", [{"Statuses": "DRAFT"}, {"summaryOnly": "true"}])
def test_some_filters_page_even_unasked(sandbox: Sandbox, query: dict[str, str]) -> None:
    several(sandbox, 1)
    assert sandbox.get("Invoices", **query)["pagination"]["itemCount"] == 1


def test_more_than_the_high_volume_is_refused(sandbox: Sandbox) -> None:
    several(sandbox, 3)
    sandbox.switch(high_volume_documents=2)
    for query in ({}, {"page": "1", "where": "Total>0"}, {"page": "1", "order": "Total"}):
        refused = sandbox.call("GET", "Invoices", query=query)
        body = refused.json()
        assert (refused.status_code, body["ErrorNumber"], body["Type"]) == (400, 51, "HighVolumeException")
        assert body["Message"].startswith("Your request is not filtering Invoices efficiently")
    assert len(sandbox.listed("Invoices", page="1")) == 3
    assert len(sandbox.listed("Invoices", where='InvoiceNumber=="N-001"')) == 1


# ----------------------------------------------------------------------------------------------------------- filters


def test_invoices_by_ids_numbers_contacts_and_statuses(sandbox: Sandbox) -> None:
    first, second, third = several(sandbox, 3)
    other = sandbox.invoice(Contact={"Name": "Other"}, InvoiceNumber="O-1")
    ids = f"{first['InvoiceID'].upper()}, {third['InvoiceID']}"
    found = sandbox.listed("Invoices", IDs=ids)
    assert numbers(found) == ["N-000", "N-002"]
    assert len(found[0]["LineItems"]) == 1
    assert numbers(sandbox.listed("Invoices", InvoiceNumbers="n-001,O-1,none")) == ["N-001", "O-1"]
    assert numbers(sandbox.listed("Invoices", ContactIDs=other["Contact"]["ContactID"])) == ["O-1"]
    assert numbers(sandbox.listed("Invoices", Statuses="AUTHORISED,PAID")) == ["O-1"]
    assert sandbox.listed("Invoices", Statuses="AUTHORISED", IDs=second["InvoiceID"]) == []
    assert sandbox.listed("Invoices", IDs="") == []


def test_the_search_term_looks_into_some_texts(sandbox: Sandbox) -> None:
    several(sandbox, 1, Reference="Purchase ÖKO 77")
    assert numbers(sandbox.listed("Invoices", searchTerm="öko")) == ["N-000"]
    assert numbers(sandbox.listed("Invoices", searchTerm="n-00")) == ["N-000"]
    assert sandbox.listed("Invoices", searchTerm="Harbour") == []
    sandbox.contact("Élan", FirstName="Zoë", EmailAddress="z@example.com", ContactNumber="K-9", CompanyNumber="77")
    for term in ("ÉLAN", "zoë", "Z@EX", "k-9", "77"):
        assert [contact["Name"] for contact in sandbox.listed("Contacts", searchTerm=term)] == ["Élan"]


def test_created_by_my_app(sandbox: Sandbox) -> None:
    several(sandbox, 1)
    second = sandbox.user_token()
    tenant = {"xero-tenant-id": sandbox.organisation()["tenant_id"]}
    theirs = {"Type": "ACCREC", "Contact": {"Name": "X"}, "InvoiceNumber": "T-1", "LineItems": [line()]}
    sandbox.call("PUT", "Invoices", theirs, token=second, headers=tenant)
    assert numbers(sandbox.listed("Invoices")) == ["N-000", "T-1"]
    assert numbers(sandbox.listed("Invoices", createdByMyApp="true")) == ["N-000"]


def test_summaries_leave_out_what_is_expensive(sandbox: Sandbox) -> None:
    several(sandbox, 1)
    invoice = sandbox.listed("Invoices", summaryOnly="true")[0]
    assert not {"Payments", "HasAttachments", "LineItems", "CISDeduction"} & set(invoice)
    assert invoice["Total"] == 24.0
    contact = sandbox.listed("Contacts", summaryOnly="true")[0]
    dropped = {"Addresses", "Balances", "ContactGroups", "ContactPersons", "IsCustomer", "IsSupplier"}
    assert not dropped & set(contact)


def test_archived_contacts_are_hidden_unless_asked_for(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    sandbox.control("POST", "contacts/archive", {"contact_id": contact["ContactID"]})
    assert sandbox.listed("Contacts") == []
    assert [one["ContactStatus"] for one in sandbox.listed("Contacts", includeArchived="true")] == ["ARCHIVED"]
    since = {"If-Modified-Since": "2020-01-01T00:00:00"}
    assert sandbox.call("GET", "Contacts", headers=since).json()["Contacts"] == []
    sandbox.switch(if_modified_since_archived_contacts=True)
    assert len(sandbox.call("GET", "Contacts", headers=since).json()["Contacts"]) == 1


# ------------------------------------------------------------------------------------------------------------- where


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('InvoiceNumber=="N-001"', ["N-001"]),
        ('invoicenumber = "n-001"', ["N-001"]),
        ('InvoiceNumber!="N-001"', ["N-000", "N-002"]),
        ('Contact.Name=="HARBOUR joinery ltd" AND InvoiceNumber=="N-000"', ["N-000"]),
        ('Contact.Name.Contains("JOINERY") && InvoiceNumber.EndsWith("2")', ["N-002"]),
        ('InvoiceNumber=="N-000" OR InvoiceNumber=="N-002"', ["N-000", "N-002"]),
        ('InvoiceNumber.StartsWith("N") and (Total > 24 or InvoiceNumber=="N-001")', ["N-001"]),
        ('Status=="DRAFT" && Date>=DateTime(2020, 01, 01) && Date < DateTime(2020,1,2)', []),
        ("Total >= 24.00 && AmountPaid==0", ["N-000", "N-001", "N-002"]),
        ("DueDate==null", ["N-000", "N-001", "N-002"]),
        ("DueDate!=null && DueDate>DateTime(2020,1,1)", []),
        ("SentToContact==false", ["N-000", "N-001", "N-002"]),
        ("SentToContact", []),
        ('InvoiceNumber.ToLower()=="n-001" || InvoiceNumber.ToUpper().Contains("-002")', ["N-001", "N-002"]),
        ('Reference=="nothing"', []),
    ],
)
def test_where(sandbox: Sandbox, where: str, found: list[str]) -> None:
    several(sandbox, 3)
    assert numbers(sandbox.listed("Invoices", where=where)) == found
    assert numbers(sandbox.listed("Invoices", where=where, page="1")) == found


def test_where_by_guid(sandbox: Sandbox) -> None:
    first, *_ = several(sandbox, 2)
    contact = first["Contact"]["ContactID"]
    assert numbers(sandbox.listed("Invoices", where=f'InvoiceID==guid("{first["InvoiceID"]}")')) == ["N-000"]
    assert len(sandbox.listed("Invoices", where=f'Contact.ContactID=Guid("{contact.upper()}")')) == 2


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ('Name=="Harbour', "Unterminated string literal"),
        ('Nickname=="x"', "No property or field 'Nickname' exists in type 'Contact'"),
        ('Name=="x" AND', "Expression expected"),
        ("Name==5", "Operator '==' incompatible with operand types 'String' and 'Decimal'"),
        ('ContactID=="x"', "Operator '==' incompatible with operand types 'Guid' and 'String'"),
        ('FirstName.Contains("x")', "Object reference not set to an instance of an object."),
        ('Name.Sounds("x")', "No applicable method 'Sounds' exists in type 'String'"),
        ('(Name=="x"', "')' expected"),
        ('Name=="x" Name', "Syntax error at 'Name'"),
        ("Name", "Expression of type 'Boolean' expected"),
        ("ContactID==guid(12)", "Guid should contain 32 digits"),
        ("UpdatedDateUTC>DateTime(2026,13,1)", "No applicable constructor exists in type 'DateTime'"),
        ("Name=='x'", "Syntax error '''"),
    ],
)
def test_a_bad_where_is_refused(sandbox: Sandbox, where: str, message: str) -> None:
    sandbox.contact()
    refused = sandbox.call("GET", "Contacts", query={"where": where})
    body = refused.json()
    assert (refused.status_code, body["ErrorNumber"], body["Type"]) == (400, 16, "QueryParseException")
    assert body["Message"].startswith(message)


def test_a_guard_protects_a_method_from_an_empty_field(sandbox: Sandbox) -> None:
    sandbox.contact()
    sandbox.contact("Other", FirstName="Xenia")
    where = 'FirstName!=null && FirstName.Contains("x")'
    assert [contact["Name"] for contact in sandbox.listed("Contacts", where=where)] == ["Other"]


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("Accounts", 'Type=="BANK" && Code=="090"'),
        ("TaxRates", 'TaxType=="OUTPUT2" && CanApplyToRevenue==true'),
        ("Items", 'Code=="A" && SalesDetails.UnitPrice>1'),
        ("Contacts", 'EmailAddress=="a@example.com"'),
        ("Payments", 'Amount==5 && Invoice.InvoiceNumber=="P-1"'),
        ("BrandingThemes", 'Name=="standard"'),
        ("Currencies", 'Code=="EUR"'),
    ],
)
def test_where_on_every_resource(sandbox: Sandbox, path: str, where: str) -> None:
    sandbox.put("Items", {"Code": "A", "SalesDetails": {"UnitPrice": 2}}, {"Code": "B"})
    invoice = sandbox.invoice(InvoiceNumber="P-1", Contact={"Name": "X", "EmailAddress": "a@example.com"})
    sandbox.payment(invoice, "5")
    assert len(sandbox.listed(path, where=where)) == 1


# ------------------------------------------------------------------------------------------------------------- order


def test_the_default_order_is_by_change(sandbox: Sandbox) -> None:
    first, *_ = several(sandbox, 3)
    sandbox.post("Invoices", {"InvoiceID": first["InvoiceID"], "Reference": "moved"})
    assert numbers(sandbox.listed("Invoices")) == ["N-001", "N-002", "N-000"]
    assert numbers(sandbox.listed("Invoices", page="1", pageSize="2")) == ["N-001", "N-002"]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("InvoiceNumber DESC", ["N-002", "N-001", "N-000"]),
        ("updateddateutc desc", ["N-002", "N-001", "N-000"]),
        ("InvoiceNumber", ["N-000", "N-001", "N-002"]),
        ("Reference ASC", ["N-002", "N-001", "N-000"]),
    ],
)
def test_order(sandbox: Sandbox, order: str, found: list[str]) -> None:
    contact = sandbox.contact()["ContactID"]
    draft = {"Type": "ACCREC", "Contact": {"ContactID": contact}, "LineItems": [line()]}
    sandbox.put("Invoices", *(draft | {"InvoiceNumber": f"N-00{n}", "Reference": f"{'cba'[n]}"} for n in range(3)))
    assert numbers(sandbox.listed("Invoices", order=order)) == found
    assert numbers(sandbox.listed("Invoices", order=order, page="1", pageSize="2")) == found[:2]


def test_an_order_by_nothing_known_is_refused(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "Contacts", query={"order": "Nickname"}).json()["ErrorNumber"] == 16


# ------------------------------------------------------------------------------------------------- what has changed


def since(moment: datetime) -> dict[str, str]:
    return {"If-Modified-Since": moment.strftime("%Y-%m-%dT%H:%M:%S")}


def sandbox_now(sandbox: Sandbox) -> datetime:
    return datetime.fromisoformat(sandbox.control("GET", "clock")["now"])


def test_only_what_changed_since_is_listed(sandbox: Sandbox) -> None:
    first, second = several(sandbox, 2)
    sandbox.advance(10)
    moment = sandbox_now(sandbox)
    sandbox.advance(10)
    sandbox.post("Invoices", {"InvoiceID": first["InvoiceID"], "Status": "DELETED"})
    changed = sandbox.call("GET", "Invoices", headers=since(moment)).json()["Invoices"]
    assert [(one["InvoiceNumber"], one["Status"]) for one in changed] == [("N-000", "DELETED")]
    sandbox.advance(10)
    later = sandbox.call("GET", "Invoices", headers=since(sandbox_now(sandbox)))
    assert (later.status_code, later.json()["Invoices"]) == (200, [])
    assert second["Status"] == "DRAFT"


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%a, %d %b %Y %H:%M:%S GMT"]
)
def test_the_stamp_has_several_forms(sandbox: Sandbox, form: str) -> None:
    several(sandbox, 1)
    sandbox.advance(10)
    header = {"If-Modified-Since": sandbox_now(sandbox).strftime(form)}
    assert sandbox.call("GET", "Invoices", headers=header).json()["Invoices"] == []


def test_how_the_stamps_own_second_counts_is_a_switch(sandbox: Sandbox) -> None:
    (invoice,) = several(sandbox, 1)
    milliseconds = int(invoice["UpdatedDateUTC"][6:-7])
    stamp = since(datetime.fromtimestamp(milliseconds // 1000, tz=UTC))
    found = {}
    for way in ("after", "inclusive", "next_second"):
        sandbox.switch(if_modified_since=way)
        found[way] = len(sandbox.call("GET", "Invoices", headers=stamp).json()["Invoices"])
    assert (found["inclusive"], found["next_second"]) == (1, 0)
    assert found["after"] == (1 if milliseconds % 1000 else 0)


def test_304_is_a_switch(sandbox: Sandbox) -> None:
    sandbox.switch(if_modified_since_304=True)
    empty = sandbox.call("GET", "Invoices", headers={"If-Modified-Since": "2026-01-01T00:00:00"})
    assert (empty.status_code, empty.content) == (304, b"")


def test_the_official_client_pages_and_filters(sandbox: Sandbox, xero: Official) -> None:
    several(sandbox, 3)
    page = xero.accounting.get_invoices("", page=1, page_size=2, order="InvoiceNumber DESC", statuses=["DRAFT"])
    assert [invoice.invoice_number for invoice in page.invoices] == ["N-002", "N-001"]
    assert (page.pagination.item_count, page.pagination.page_count) == (3, 2)
    stamp = datetime(2099, 1, 1, tzinfo=UTC)
    assert xero.accounting.get_invoices("", if_modified_since=stamp).invoices == []
