"""What an import meets: many contacts, archived, merged and forgotten ones, lists that change while they are read
(sections 3.7 and 4.2 of the API facts), and what the control interface does for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox

TAKEN = "The contact name Same Ltd is already assigned to another contact."


def fill(sandbox: Sandbox, **what: Any) -> dict[str, int]:
    return dict(sandbox.control("POST", "fill", what))


def names(contacts: list[dict[str, Any]]) -> list[str]:
    return [contact["Name"] for contact in contacts]


def pages(sandbox: Sandbox, size: int, **query: str) -> list[list[dict[str, Any]]]:
    """Every page, as a program reads them that trusts the first page's count."""
    first = sandbox.get("Contacts", page="1", pageSize=str(size), **query)
    count = first["pagination"]["pageCount"]
    rest = (sandbox.listed("Contacts", page=str(n), pageSize=str(size), **query) for n in range(2, count + 1))
    return [first["Contacts"], *rest]


# --------------------------------------------------------------------------------------------------------- filling


def test_ten_thousand_contacts_are_there_at_once_and_read_in_ten_pages(sandbox: Sandbox, xero: Official) -> None:
    assert fill(sandbox, contacts=10_000) == {"contacts": 10_000, "items": 0}
    read = pages(sandbox, 1000)
    assert [len(page) for page in read] == [1000] * 10
    found = [contact for page in read for contact in page]
    assert len({contact["ContactID"] for contact in found}) == len(set(names(found))) == 10_000
    (official,) = xero.accounting.get_contacts("", page=7, page_size=1, order="Name").contacts
    told = (official.name, official.email_address, official.account_number)
    assert told == ("Contact 000007", "contact7@example.com", "C000007")
    assert official.addresses[1].city == "Reno"
    assert official.phones[1].phone_number == "555 000007"


def test_what_was_filled_changed_before_now(sandbox: Sandbox) -> None:
    fill(sandbox, contacts=3000)
    fill(sandbox, contacts=3000, items=10)
    sandbox.advance(1)
    now = sandbox.control("GET", "clock")["now"][:19]
    for path in ("Contacts", "Items"):
        changed = sandbox.call("GET", path, headers={"If-Modified-Since": now}).json()[path]
        assert changed == []
    assert sandbox.contact("Later")["Name"] in names(sandbox.listed("Contacts")[-1:])


def test_items_are_filled_with_their_regions_tax(sandbox: Sandbox) -> None:
    fill(sandbox, items=3)
    items = sandbox.listed("Items")
    assert [item["Code"] for item in items] == ["ITEM-000001", "ITEM-000002", "ITEM-000003"]
    assert items[2]["SalesDetails"] == {"UnitPrice": 0.03, "AccountCode": "200", "TaxType": "OUTPUT2"}
    fill(sandbox, items=1)
    assert sandbox.listed("Items")[-1]["Code"] == "ITEM-000004"
    assert sandbox.put("Items", {"Code": "ITEM-000005"})[0]["Code"] == "ITEM-000005"


def test_many_archived_contacts_have_one_name_and_one_active_has_it_too(sandbox: Sandbox) -> None:
    fill(sandbox, contacts=2000, name="Same Ltd", status="ARCHIVED")
    active = sandbox.contact("Same Ltd")
    assert [message[: len(TAKEN)] for message in sandbox.refusals("PUT", "Contacts", {"Name": "same ltd"})] == [
        TAKEN.replace("Same Ltd", "same ltd")
    ]
    assert [one["ContactID"] for one in sandbox.listed("Contacts", where='Name=="SAME LTD"')] == [active["ContactID"]]
    everywhere = sandbox.get("Contacts", where='Name=="same ltd"', includeArchived="true", page="1")
    assert everywhere["pagination"]["itemCount"] == 2001
    archive = {"ContactID": active["ContactID"], "ContactStatus": "ARCHIVED"}
    sandbox.post("Contacts", archive)
    assert sandbox.contact("Same Ltd")["ContactID"] != active["ContactID"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"contacts": -1}, 400, "contacts must be a whole number from 0"),
        ({"contacts": True}, 400, "contacts must be a whole number from 0"),
        ({"contacts": 2, "name": "Same Ltd"}, 400, "only archived ones can be several"),
        ({"contacts": 2, "status": "GONE"}, 400, "status must be one of ACTIVE, ARCHIVED, GDPRREQUEST"),
        ({"customers": 2}, 400, "unknown field customers"),
        ({"contacts": 2, "tenant_id": "x"}, 404, "no organisation x"),
    ],
)
def test_filling_is_refused_in_one_sentence(sandbox: Sandbox, body: dict[str, Any], status: int, said: str) -> None:
    refused = sandbox.client.post("/_sandbox/fill", json=body)
    assert (refused.status_code, said in refused.json()["error"]) == (status, True), refused.json()
    assert sandbox.listed("Contacts", includeArchived="true") == []


def test_filled_contacts_can_have_been_invoiced(sandbox: Sandbox) -> None:
    fill(sandbox, contacts=1, is_customer=True)
    fill(sandbox, contacts=1, is_supplier=True)
    assert [(one["IsCustomer"], one["IsSupplier"]) for one in sandbox.listed("Contacts")] == [
        (True, False),
        (False, True),
    ]
    assert names(sandbox.listed("Contacts", where="IsSupplier==true")) == ["Contact 000002"]


# --------------------------------------------------------------------------------- archived, merged, to be forgotten


def test_the_official_client_sees_where_a_merged_contact_went(sandbox: Sandbox, xero: Official) -> None:
    loser, winner = sandbox.contact("Loser", ContactNumber="L-1"), sandbox.contact("Winner")
    sandbox.control("POST", "contacts/merge", {"contact_id": loser["ContactID"], "into": winner["ContactID"]})
    api = xero.accounting
    for found in (
        api.get_contact("", loser["ContactID"]).contacts,
        api.get_contact("", "L-1").contacts,
        api.get_contacts("", page=1, include_archived="true", where='Name=="Loser"').contacts,
    ):
        (one,) = found
        assert (one.contact_status, one.merged_to_contact_id) == ("ARCHIVED", winner["ContactID"])
    assert [one.name for one in api.get_contacts("", page=1).contacts] == ["Winner"]
    # Only with pages, or singly, is it told where to.
    unpaged = sandbox.listed("Contacts", includeArchived="true", where='Name=="Loser"')
    assert "MergedToContactID" not in unpaged[0]


def test_a_chain_of_mergers_is_told_step_by_step(sandbox: Sandbox) -> None:
    ids = [sandbox.contact(name)["ContactID"] for name in ("A", "B", "C")]
    for loser, winner in ((0, 1), (1, 2)):
        sandbox.control("POST", "contacts/merge", {"contact_id": ids[loser], "into": ids[winner]})
    assert [sandbox.read("Contacts", one).get("MergedToContactID") for one in ids] == [ids[1], ids[2], None]


@pytest.mark.parametrize(
    ("way", "usually", "with_archived"),
    [
        ("with_archived", ["Here"], ["Forget me", "Here", "Old"]),
        ("always", ["Forget me", "Here"], ["Forget me", "Here", "Old"]),
        ("never", ["Here"], ["Here", "Old"]),
    ],
)
def test_where_contacts_to_be_forgotten_are_listed_is_a_switch(
    sandbox: Sandbox, way: str, usually: list[str], with_archived: list[str]
) -> None:
    for name, deed in (("Here", None), ("Old", "archive"), ("Forget me", "gdpr")):
        contact = sandbox.contact(name)
        if deed:
            sandbox.control("POST", f"contacts/{deed}", {"contact_id": contact["ContactID"]})
    sandbox.switch(gdpr_contacts_listed=way)
    assert sorted(names(sandbox.listed("Contacts"))) == usually
    assert sorted(names(sandbox.listed("Contacts", includeArchived="true", page="1"))) == with_archived


def test_a_contact_has_a_branding_theme_of_its_own(sandbox: Sandbox) -> None:
    sandbox.organisation(branding_themes=["Standard", "Retail"])
    retail = sandbox.listed("BrandingThemes")[1]["BrandingThemeID"]
    contact = sandbox.contact(BrandingTheme={"BrandingThemeID": retail})
    assert contact["BrandingTheme"] == {"BrandingThemeID": retail, "Name": "Retail"}
    assert sandbox.listed("Contacts", page="1")[0]["BrandingTheme"]["Name"] == "Retail"
    unknown = {"Name": "X", "BrandingTheme": {"BrandingThemeID": contact["ContactID"]}}
    assert sandbox.refusals("PUT", "Contacts", unknown) != []


# ----------------------------------------------------------------------------------- lists that change while being read


def test_a_list_that_changes_while_it_is_read_skips_a_row(sandbox: Sandbox) -> None:
    """Why paging over the default order needs care: a row of the first page goes to the end, the others move up."""
    fill(sandbox, contacts=6)
    first = sandbox.listed("Contacts")[0]["ContactID"]
    plan = {"address": "/Contacts.*page=1", "do": "touch", "with": {"ids": [first]}}
    sandbox.control("POST", "meanwhile", plan)
    read = [names(page) for page in pages(sandbox, 2)]
    assert read == [
        ["Contact 000001", "Contact 000002"],
        ["Contact 000004", "Contact 000005"],
        ["Contact 000006", "Contact 000001"],
    ]
    # It happened once; an order that does not depend on changes skips nothing.
    assert sandbox.control("GET", "meanwhile")[0]["times"] == 0
    sandbox.control("POST", "meanwhile", plan)
    assert len({name for page in pages(sandbox, 2, order="Name") for name in names(page)}) == 6


def test_a_deed_happens_when_its_call_was_answered(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    planned = sandbox.control(
        "POST",
        "meanwhile",
        {
            "method": "GET",
            "address": "Contacts",
            "do": "contacts/archive",
            "with": {"contact_id": contact["ContactID"]},
        },
    )
    assert (planned["do"], planned["times"], planned["errors"]) == ("contacts/archive", 1, [])
    sandbox.contact("Another")  # a write: not meant
    assert len(sandbox.listed("Contacts")) == 2
    assert names(sandbox.listed("Contacts")) == ["Another"]


def test_a_deed_that_cannot_be_done_is_told_and_disturbs_nobody(sandbox: Sandbox) -> None:
    sandbox.contact("Here")
    sandbox.control("POST", "meanwhile", {"do": "touch", "with": {"ids": ["nobody"]}})
    assert names(sandbox.listed("Contacts")) == ["Here"]
    assert sandbox.control("GET", "meanwhile")[0]["errors"] == ["no contact nobody"]
    assert sandbox.control("DELETE", "meanwhile") == {"meanwhile": []}


def test_an_organisation_can_be_reset_between_two_pages(sandbox: Sandbox) -> None:
    fill(sandbox, contacts=4)
    sandbox.control("POST", "meanwhile", {"address": "page=1", "do": "organisations/reset"})
    first = sandbox.call("GET", "Contacts", query={"page": "1", "pageSize": "2"})
    second = sandbox.call("GET", "Contacts", query={"page": "2", "pageSize": "2"})
    assert (first.status_code, second.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"do": "dance"}, "do must be one of contacts/merge"),
        ({"do": "touch", "with": []}, "with must be a JSON object"),
        ({"do": "touch", "address": "("}, "address must be a regular expression"),
        ({"do": "touch", "path": "x"}, "unknown field path"),
        ({}, "do must be a text"),
    ],
)
def test_plans_are_refused_in_one_sentence(sandbox: Sandbox, body: dict[str, Any], said: str) -> None:
    refused = sandbox.client.post("/_sandbox/meanwhile", json=body)
    assert (refused.status_code, said in refused.json()["error"]) == (400, True), refused.json()


def test_touching_changes_the_stamp_and_nothing_else(sandbox: Sandbox) -> None:
    item, contact = sandbox.put("Items", {"Code": "A", "SalesDetails": {"UnitPrice": "2.50"}})[0], sandbox.contact()
    invoice = sandbox.invoice(Contact={"ContactID": contact["ContactID"]})
    before = [sandbox.read("Items", "A"), sandbox.read("Invoices", invoice["InvoiceID"])]
    sandbox.advance(5)
    for kind, key in (("items", item["ItemID"]), ("invoices", invoice["InvoiceID"])):
        assert sandbox.control("POST", "touch", {"kind": kind, "ids": [key]}) == {"touched": 1}
    after = [sandbox.read("Items", "A"), sandbox.read("Invoices", invoice["InvoiceID"])]
    for old, new in zip(before, after, strict=True):
        changed = {name for name in old if old[name] != new[name]}
        assert changed <= {"UpdatedDateUTC", "UpdatedDateUTCString"}
        assert "UpdatedDateUTC" in changed


# ------------------------------------------------------------------------------------------------ what has changed since


@pytest.mark.parametrize("path", ["Contacts", "Items", "Accounts", "Invoices", "Payments"])
def test_lists_that_tell_a_time_of_change_heed_the_stamp(sandbox: Sandbox, path: str) -> None:
    sandbox.put("Items", {"Code": "A"})
    sandbox.payment(sandbox.invoice(), "5")
    assert sandbox.listed(path) != []
    later = sandbox.call("GET", path, headers={"If-Modified-Since": "2099-01-01T00:00:00"})
    assert later.json()[path] == []


@pytest.mark.parametrize("path", ["TaxRates", "Currencies", "BrandingThemes", "TrackingCategories"])
def test_lists_that_tell_none_give_everything_unless_switched(sandbox: Sandbox, path: str) -> None:
    sandbox.put("TrackingCategories", {"Name": "Region"})
    everything = sandbox.listed(path)
    headers = {"If-Modified-Since": "2099-01-01T00:00:00"}
    assert sandbox.call("GET", path, headers=headers).json()[path] == everything != []
    sandbox.switch(if_modified_since_everywhere=True)
    assert sandbox.call("GET", path, headers=headers).json()[path] == []


def test_lists_without_pages_promise_no_order(sandbox: Sandbox) -> None:
    fill(sandbox, items=50)
    usual = [item["Code"] for item in sandbox.listed("Items")]
    assert usual == sorted(usual)
    sandbox.switch(unpaged_order="none")
    shuffled = [item["Code"] for item in sandbox.listed("Items")]
    assert shuffled != usual  # one of fifty factorial orders
    assert sorted(shuffled) == usual
    assert [item["Code"] for item in sandbox.listed("Items", order="Code DESC")] == usual[::-1]


def test_balances_of_a_whole_page_are_each_contacts_own(sandbox: Sandbox) -> None:
    fill(sandbox, contacts=3)
    first, second, _third = sandbox.listed("Contacts")
    for contact, due in ((first, "2026-02-01"), (second, "2099-02-01"), (second, "2099-02-01")):
        sandbox.invoice(Contact={"ContactID": contact["ContactID"]}, DueDate=due)
    listed = {contact["Name"]: contact.get("Balances") for contact in sandbox.listed("Contacts", page="1")}
    nothing = {"Outstanding": 0.0, "Overdue": 0.0}
    assert listed == {
        "Contact 000001": {
            "AccountsReceivable": {"Outstanding": 24.0, "Overdue": 24.0},
            "AccountsPayable": nothing,
        },
        "Contact 000002": {"AccountsReceivable": {"Outstanding": 48.0, "Overdue": 0.0}, "AccountsPayable": nothing},
        "Contact 000003": None,
    }
