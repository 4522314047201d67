"""Customers and suppliers on their way to Xero: where they belong, whom they are linked with, and what is said of those that cannot go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.records.conftest import invoice

if TYPE_CHECKING:
    from tests.integration.records.conftest import Shop

ADA = {"name": "Ada Ltd", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
LABELS = {"first_name": "first name", "last_name": "last name", "email": "email"}


@pytest.mark.row("H-115", part="api")
def test_a_customer_goes_once_it_names_an_organisation(shop: Shop) -> None:
    shop.set(xero='default_connection = "none"')
    before = shop.organisation.last_call
    state = shop.save("/customers/ada", **ADA)
    assert (state["state"], state["connection"]) == ("not_sent", "")
    shop.sync()
    assert shop.organisation.writes(before) == []
    assert "default_connection is none" in shop.state("/customers/ada")["reason"]

    # Both fields of its billing page: the organisation, and the number by which that knows it.
    assert shop.change("/customers/ada", connection="demo", accounts_code="C100")["state"] == "synced"
    shown = shop.api.get("/customers/ada")
    assert (shown["connection"], shown["accounts_code"]) == ("demo", "C100")
    assert shop.contact("/customers/ada")["AccountNumber"] == "C100"


@pytest.mark.row("H-116", part="api")
def test_a_new_customer_shows_the_default_organisation(shop: Shop) -> None:
    shop.connect("second")
    for default in ("demo", "second"):
        shop.set(xero=f'default_connection = "{default}"')
        shop.api.put(f"/customers/{default}", ADA)
        state = shop.state(f"/customers/{default}")
        assert (state["connection"], state["state"]) == (default, "waiting")
    # One that people chose themselves stays.
    shop.api.put("/customers/chosen", {**ADA, "connection": "demo"})
    assert shop.state("/customers/chosen")["connection"] == "demo"


@pytest.mark.row("H-117")
@pytest.mark.row("A-34", part="api")
def test_the_number_at_xero_links_whatever_the_name(shop: Shop) -> None:
    user = shop.organisation.user()
    coded = user.put("Contacts", {"Name": "Bank of the West", "AccountNumber": "C100"})
    state = shop.save("/customers/ada", **ADA, accounts_code="c100")
    assert (state["state"], state["remote_id"]) == ("synced", coded["ContactID"])
    [there] = shop.contacts()
    assert (there["ContactID"], there["Name"], there["AccountNumber"]) == (coded["ContactID"], "Ada Ltd", "c100")


@pytest.mark.row("H-120")
@pytest.mark.row("A-34", part="api")
def test_an_imported_customer_has_its_fields_filled_but_for_the_number(shop: Shop) -> None:
    made = shop.organisation.user().put("Contacts", {"Name": "Ada Ltd"})
    assert shop.imported("customers") == {"create": 1}
    [ada] = shop.all("customers")
    assert (ada["connection"], ada["accounts_code"]) == ("demo", "")
    assert (ada["sync"][0]["remote_id"], ada["sync"][0]["state"]) == (made["ContactID"], "synced")
    # It goes without a number, and nobody gives it one.
    assert shop.change(f"/customers/{ada['ref']}", phone="1")["state"] == "synced"
    assert shop.contact(f"/customers/{ada['ref']}").get("AccountNumber", "") == ""


@pytest.mark.row("A-14")
@pytest.mark.row("A-23")
def test_who_lacks_a_detail_that_is_required_is_not_sent_and_listed_with_its_name(shop: Shop) -> None:
    shop.set(xero="require_contact_details = true")
    before = shop.organisation.last_call
    for kind in ("customers", "suppliers"):
        for field in LABELS:
            shop.api.put(f"/{kind}/no-{field}", {**ADA, "name": f"No {field} of {kind}", field: " "})
    shop.drain()
    assert shop.organisation.writes(before) == []
    told = {(one["kind"], one["ref"]): one["error"] for one in shop.api.get("/errors")["items"]}
    assert told == {
        (kind, f"no-{field}"): f"{label} missing, and require_contact_details = true"
        for kind in ("customers", "suppliers")
        for field, label in LABELS.items()
    }

    # With all three it goes; so does one that was mended.
    for kind in ("customers", "suppliers"):
        assert shop.save(f"/{kind}/whole", **ADA)["state"] == "synced"
        assert shop.change(f"/{kind}/no-email", email="a@example.com")["state"] == "synced"
    names = ["Ada Ltd", "No email of customers", "No email of suppliers"]
    assert sorted(one["Name"] for one in shop.contacts()) == names


@pytest.mark.row("A-32")
def test_an_invoice_whose_customer_xero_does_not_know_says_what_to_check(shop: Shop) -> None:
    shop.set(xero="require_contact_details = true")
    shop.save("/customers/ada", name="Ada Ltd", last_name="Lovelace", accounts_code="C100")
    state = shop.save("/invoices/1", **invoice("1", "ada"))
    why = "first name, email missing, and require_contact_details = true"
    checklist = "first name (missing), last name, email (missing), accounts code and Xero contact id (missing)"
    assert (state["state"], state["reason"]) == (
        "blocked",
        f"its customer ada is not in Xero ({why}): check its {checklist}, and sync it",
    )

    # The customer has what was missing: both go.
    shop.change("/customers/ada", first_name="Ada", email="ada@example.com")
    assert shop.state("/invoices/1")["state"] == "synced"


def test_of_two_with_one_accounts_code_that_go_together_the_later_finds_the_first(either_shop: Shop) -> None:
    """Xero takes a code twice: each would make a contact of its own."""
    shop = either_shop
    for ref, code in {"one": "AB1", "two": "ab1", "three": " AB1 "}.items():
        shop.api.put(f"/customers/{ref}", {"name": f"Customer {ref}", "accounts_code": code})
    shop.api.put("/suppliers/four", {"name": "Supplier four", "accounts_code": "AB1"})
    shop.drain()
    states = {ref: shop.state(f"/customers/{ref}") for ref in ("one", "two", "three")}
    assert {ref: state["state"] for ref, state in states.items()} == {
        "one": "synced",
        "two": "conflict",
        "three": "conflict",
    }
    assert states["two"]["error"] == (
        "Xero's contact with accounts code ab1 is linked to one already: give one of the two another"
    )
    assert shop.state("/suppliers/four")["remote_id"] == states["one"]["remote_id"], "it is a supplier as well"
    assert len(shop.contacts()) == 1
    # With a code of its own the other goes.
    assert shop.change("/customers/two", accounts_code="AB2")["state"] == "synced"
