"""Contacts: section 4.2 of the API facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xero_python.accounting import Address, Contact, ContactPerson, Contacts, Phone

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox

TAKEN = (
    "The contact name {} is already assigned to another contact."
    " The contact name must be unique across all active contacts."
)
FROZEN = (
    "The specified contact details matched an archived contact."
    " Archived contacts cannot currently be edited via the API."
)
NUMBER_TAKEN = (
    "The contact number {} is already assigned to another contact."
    " The contact number must be unique across all contacts."
)


def archive(sandbox: Sandbox, contact: dict[str, Any]) -> None:
    sandbox.post("Contacts", {"ContactID": contact["ContactID"], "ContactStatus": "ARCHIVED"})


def test_the_official_client_creates_reads_and_changes(xero: Official) -> None:
    wanted = Contact(
        name="Harbour Joinery Ltd",
        first_name="Ada",
        email_address="ada@example.com",
        contact_number="H-1",
        account_number="ACC-1",
        tax_number="GB123",
        phones=[Phone(phone_type="MOBILE", phone_number="555 0100", phone_area_code="020")],
        addresses=[Address(address_type="POBOX", address_line1="1 Quay", city="Hull", country="United Kingdom")],
        contact_persons=[ContactPerson(first_name="Bo", email_address="bo@example.com", include_in_emails=True)],
    )
    created = xero.accounting.create_contacts("", Contacts(contacts=[wanted])).contacts[0]
    for key in (created.contact_id, "H-1"):
        read = xero.accounting.get_contact("", key).contacts[0]
        assert (read.name, read.first_name, read.email_address) == ("Harbour Joinery Ltd", "Ada", "ada@example.com")
        assert (read.account_number, read.tax_number) == ("ACC-1", "GB123")
        assert [person.first_name for person in read.contact_persons] == ["Bo"]
    assert xero.accounting.get_contact_by_contact_number("", "h-1").contacts[0].contact_id == created.contact_id
    change = Contacts(contacts=[Contact(name="Harbour Joinery", phones=[Phone(phone_type="DDI", phone_number="1")])])
    xero.accounting.update_contact("", created.contact_id, change)
    read = xero.accounting.get_contact("", created.contact_id).contacts[0]
    numbers = {phone.phone_type: phone.phone_number for phone in read.phones}
    assert (read.name, read.first_name) == ("Harbour Joinery", "Ada")
    assert (numbers["MOBILE"], numbers["DDI"], numbers["FAX"]) == ("555 0100", "1", "")


def test_the_slots_are_always_there(sandbox: Sandbox) -> None:
    written = sandbox.contact(IsCustomer=True, IsSupplier=True)
    empty = {"City": "", "Region": "", "PostalCode": "", "Country": ""}
    assert written["Addresses"] == [{"AddressType": "STREET"} | empty, {"AddressType": "POBOX"} | empty]
    assert [phone["PhoneType"] for phone in written["Phones"]] == ["DEFAULT", "DDI", "FAX", "MOBILE"]
    assert set(written["Phones"][0].values()) == {"DEFAULT", ""}
    lists = ("ContactGroups", "SalesTrackingCategories", "PurchasesTrackingCategories", "ContactPersons")
    assert [written[name] for name in lists] == [[], [], [], []]
    assert written["BankAccountDetails"] == ""
    # Sent as true, kept as what the documents make of it.
    assert (written["IsCustomer"], written["IsSupplier"]) == (False, False)
    listed = sandbox.listed("Contacts")[0]
    assert [phone["PhoneType"] for phone in listed["Phones"]] == ["DDI", "DEFAULT", "FAX", "MOBILE"]


def test_documents_make_customers_and_suppliers_without_touching_the_stamp(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    sale = sandbox.invoice(Contact={"ContactID": contact["ContactID"]})
    assert sale["Contact"]["IsCustomer"] is True
    sandbox.put(
        "Invoices", {"Type": "ACCPAY", "Contact": {"Name": contact["Name"]}, "LineItems": [line(AccountCode="300")]}
    )
    read = sandbox.read("Contacts", contact["ContactID"])
    assert (read["IsCustomer"], read["IsSupplier"]) == (True, True)
    assert read["UpdatedDateUTC"] == contact["UpdatedDateUTC"]


def test_balances_follow_approved_documents_without_touching_the_stamp(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    named = {"Contact": {"ContactID": contact["ContactID"]}}
    invoice = sandbox.invoice(**named, DueDate="2026-02-01")
    sandbox.invoice(**named, DueDate="2099-02-01")
    sandbox.invoice(**named, Status="DRAFT")
    sandbox.payment(invoice, "4")
    read = sandbox.read("Contacts", contact["ContactID"])
    assert read["Balances"]["AccountsReceivable"] == {"Outstanding": 44.0, "Overdue": 20.0}
    assert read["Balances"]["AccountsPayable"] == {"Outstanding": 0.0, "Overdue": 0.0}
    assert read["UpdatedDateUTC"] == contact["UpdatedDateUTC"]
    assert "Balances" in sandbox.listed("Contacts", page="1")[0]
    assert "Balances" not in sandbox.listed("Contacts")[0]


def test_names_are_unique_among_the_active_in_any_letter_case(sandbox: Sandbox) -> None:
    first = sandbox.contact("Harbour Ltd")
    assert sandbox.refusals("PUT", "Contacts", {"Name": "HARBOUR ltd"}) == [TAKEN.format("HARBOUR ltd")]
    archive(sandbox, first)
    second = sandbox.contact("Harbour Ltd")
    assert second["ContactID"] != first["ContactID"]
    third = sandbox.contact("Third")
    change = {"ContactID": third["ContactID"], "Name": "harbour LTD"}
    assert sandbox.refusals("POST", "Contacts", change) == [TAKEN.format("harbour LTD")]
    # Accents tell names apart, though a search does not mind them (API facts 3.7).
    sandbox.contact("Härbour Ltd")
    assert len(sandbox.listed("Contacts", where='Name=="harbour ltd"')) == 2


def test_numbers_are_unique_among_all(sandbox: Sandbox) -> None:
    first = sandbox.contact("One", ContactNumber="c-1")
    archive(sandbox, first)
    refused = sandbox.refusals("PUT", "Contacts", {"Name": "Two", "ContactNumber": "C-1"})
    assert refused == [NUMBER_TAKEN.format("C-1")]


def test_an_archived_contact_is_frozen(sandbox: Sandbox) -> None:
    contact = sandbox.contact(ContactNumber="c-1")
    open_invoice = sandbox.invoice(Contact={"ContactID": contact["ContactID"]})
    archive(sandbox, contact)
    assert sandbox.read("Invoices", open_invoice["InvoiceID"])["Status"] == "AUTHORISED"
    for change in ({"ContactStatus": "ARCHIVED"}, {"ContactStatus": "ACTIVE"}, {"FirstName": "X"}):
        assert sandbox.refusals("POST", "Contacts", {"ContactID": contact["ContactID"]} | change) == [FROZEN]
    assert sandbox.refusals("POST", "Contacts", {"Name": "Y", "ContactNumber": "c-1"}) != []
    sandbox.switch(contact_unarchive=True)
    revived = sandbox.post("Contacts", {"ContactID": contact["ContactID"], "ContactStatus": "ACTIVE"})
    assert revived[0]["ContactStatus"] == "ACTIVE"


def test_documents_refuse_archived_contacts(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    archive(sandbox, contact)
    draft = {"Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "LineItems": [line()]}
    (message,) = sandbox.refusals("PUT", "Invoices", draft)
    assert message.startswith("The contact with the specified contact details has been archived.")


def test_a_post_without_an_id_finds_by_number_then_by_name(sandbox: Sandbox) -> None:
    numbered, named = sandbox.contact("Numbered", ContactNumber="c-1"), sandbox.contact("Named")
    both = {"ContactNumber": "c-1", "FirstName": "Ada"}
    assert sandbox.post("Contacts", both)[0]["ContactID"] == numbered["ContactID"]
    assert sandbox.post("Contacts", {"Name": "named", "FirstName": "B"})[0]["ContactID"] == named["ContactID"]
    conflicting = {"ContactNumber": "c-1", "Name": "Named"}
    assert sandbox.refusals("POST", "Contacts", conflicting) == [TAKEN.format("Named")]
    sandbox.switch(contact_match="name")
    assert sandbox.refusals("POST", "Contacts", conflicting) == [NUMBER_TAKEN.format("c-1")]
    assert len(sandbox.post("Contacts", {"Name": "Fresh"})) == 1
    assert len(sandbox.listed("Contacts")) == 3


@pytest.mark.parametrize(
    ("contact", "message"),
    [
        ({}, "The Contact must contain at least 1 of the following elements to identify the contact: "),
        ({"Name": "X", "EmailAddress": "stanisław.wójcik@example.com"}, "Email address must be valid."),
        ({"Name": "X", "EmailAddress": "nobody"}, "Email address must be valid."),
        ({"Name": "X", "ContactPersons": [{"EmailAddress": "nobody"}]}, "Email address must be valid."),
        ({"Name": "X", "ContactPersons": [{"FirstName": "a"}] * 6}, "A contact can have no more than 5"),
        ({"Name": "<X>"}, "The contact name must not contain < or >."),
        ({"Name": "X  Y"}, "The contact name must not contain leading, trailing or double spaces."),
        ({"Name": "x" * 256}, "The Name field cannot be longer than 255 characters."),
        ({"Name": "X", "AccountNumber": "x" * 51}, "The AccountNumber field cannot be longer than 50"),
        ({"Name": "X", "Addresses": [{"AddressType": "STREET", "City": "x" * 256}]}, "The address City field"),
        ({"Name": "X", "Phones": [{"PhoneType": "FAX", "PhoneNumber": "1" * 51}]}, "The PhoneNumber field"),
        ({"Name": "X", "DefaultCurrency": "ZAR"}, "Organisation is not subscribed to currency ZAR"),
    ],
)
def test_contacts_that_are_refused(sandbox: Sandbox, contact: dict[str, Any], message: str) -> None:
    assert [told for told in sandbox.refusals("PUT", "Contacts", contact) if told.startswith(message)]
    assert sandbox.listed("Contacts") == []


def test_account_numbers_can_be_unique(sandbox: Sandbox) -> None:
    sandbox.contact("One", AccountNumber="a")
    sandbox.contact("Two", AccountNumber="a")
    sandbox.switch(contact_account_number_unique=True)
    assert sandbox.refusals("PUT", "Contacts", {"Name": "Three", "AccountNumber": "A"}) != []


def test_a_document_names_its_contact_in_three_ways(sandbox: Sandbox) -> None:
    contact = sandbox.contact("Harbour", ContactNumber="c-1")
    for given in ({"ContactID": contact["ContactID"]}, {"ContactNumber": "C-1"}, {"Name": "HARBOUR"}):
        assert sandbox.invoice(Contact=given)["Contact"]["ContactID"] == contact["ContactID"]
    fresh = sandbox.invoice(Contact={"Name": "Unknown", "EmailAddress": "u@example.com"})["Contact"]
    assert sandbox.read("Contacts", fresh["ContactID"])["EmailAddress"] == "u@example.com"


def test_more_than_an_id_in_a_document_changes_the_contact(sandbox: Sandbox) -> None:
    contact = sandbox.contact(ContactPersons=[{"FirstName": "Ada"}, {"FirstName": "Bo"}])
    extra = {"ContactID": contact["ContactID"], "FirstName": "New", "ContactPersons": [{"FirstName": "Bo"}]}
    sandbox.invoice(Contact=extra)
    read = sandbox.read("Contacts", contact["ContactID"])
    assert (read["FirstName"], [person["FirstName"] for person in read["ContactPersons"]]) == ("New", ["Bo"])


def test_merged_in_xero_the_loser_stays_readable(sandbox: Sandbox) -> None:
    loser, winner = sandbox.contact("Loser"), sandbox.contact("Winner")
    invoice = sandbox.invoice(Contact={"ContactID": loser["ContactID"]})
    sandbox.control("POST", "contacts/merge", {"contact_id": loser["ContactID"], "into": winner["ContactID"]})
    read = sandbox.read("Contacts", loser["ContactID"])
    assert (read["ContactStatus"], read["MergedToContactID"]) == ("ARCHIVED", winner["ContactID"])
    assert sandbox.read("Invoices", invoice["InvoiceID"])["Contact"]["Name"] == "Winner"
    assert sandbox.read("Contacts", winner["ContactID"])["IsCustomer"] is True


def test_a_contact_to_be_forgotten_is_hidden_and_unusable(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    sandbox.control("POST", "contacts/gdpr", {"contact_id": contact["ContactID"]})
    assert sandbox.read("Contacts", contact["ContactID"])["ContactStatus"] == "GDPRREQUEST"
    assert sandbox.listed("Contacts") == []
    draft = {"Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "LineItems": [line()]}
    assert sandbox.refusals("PUT", "Invoices", draft) != []
