"""Customers and suppliers that are made inactive, and their contacts at Xero."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.records.conftest import invoice

if TYPE_CHECKING:
    from host.testing import Clock
    from tests.integration.records.conftest import Shop

ON = "archive_inactive = true"
KINDS = ("customers", "suppliers")


@pytest.mark.row("H-88")
def test_a_contact_is_archived_when_its_record_is_made_inactive(shop: Shop) -> None:
    for kind in KINDS:
        shop.save(f"/{kind}/a", name=f"Ada of {kind}")
        shop.save(f"/{kind}/b", name=f"Bob of {kind}")
    before = shop.organisation.last_call
    for kind in KINDS:
        assert shop.change(f"/{kind}/a", active=False)["state"] == "synced"
        assert shop.contact(f"/{kind}/a")["ContactStatus"] == "ACTIVE"
    assert shop.organisation.writes(before) == []

    shop.set(xero=ON)
    for kind in KINDS:
        assert shop.change(f"/{kind}/b", active=False)["state"] == "synced"
        assert shop.contact(f"/{kind}/b")["ContactStatus"] == "ARCHIVED"
    assert shop.bodies(before) == [
        {"ContactID": shop.state(f"/{kind}/b")["remote_id"], "ContactStatus": "ARCHIVED"} for kind in KINDS
    ]

    # Asked to look at everything, it sees to whoever was made inactive before, and to nobody twice.
    shop.sync()
    shop.sync()
    assert {one["ContactStatus"] for one in shop.contacts()} == {"ARCHIVED"}
    assert len(shop.bodies(before)) == 4
    assert shop.api.get("/errors")["items"] == []


def test_a_customer_that_cannot_be_deleted_is_archived_with_what_else_changed(shop: Shop) -> None:
    shop.set(xero=ON)
    shop.save("/customers/a", name="Ada Ltd")
    shop.api.patch("/customers/a", {"email": "ada@example.com"})
    shop.api.delete("/customers/a")
    assert shop.sent("/customers/a")["state"] == "synced"
    there = shop.contact("/customers/a")
    assert (there["ContactStatus"], there["EmailAddress"]) == ("ARCHIVED", "ada@example.com")


def test_what_changes_while_a_contact_is_archived_goes_when_it_is_active_again(shop: Shop) -> None:
    """Where Xero lets itself be asked to restore a contact."""
    shop.organisation.control("PUT", "switches", contact_unarchive=True)
    shop.set(xero=ON)
    shop.save("/customers/a", name="Ada Ltd")
    shop.change("/customers/a", active=False)
    state = shop.change("/customers/a", email="ada@example.com")
    assert (state["state"], state["warnings"]) == (
        "synced",
        ["its contact is archived at Xero: what changed since goes there when it is active again"],
    )
    assert shop.change("/customers/a", active=True)["state"] == "synced"
    there = shop.contact("/customers/a")
    assert (there["ContactStatus"], there["EmailAddress"]) == ("ACTIVE", "ada@example.com")
    assert shop.save("/invoices/1", **invoice("1", "a"))["state"] == "synced"

    # And again, there and back; with the option off it is restored all the same, because it was archived from here.
    shop.change("/customers/a", active=False)
    assert shop.contact("/customers/a")["ContactStatus"] == "ARCHIVED"
    shop.set()
    shop.change("/customers/a", active=True)
    assert shop.contact("/customers/a")["ContactStatus"] == "ACTIVE"


def test_where_xero_restores_nobody_a_person_is_told_what_to_do(shop: Shop) -> None:
    shop.set(xero=ON)
    shop.save("/customers/a", name="Ada Ltd")
    shop.change("/customers/a", active=False)
    refused = shop.change("/customers/a", active=True, email="ada@example.com")
    assert refused["state"] == "failed"
    assert "restore it in Xero (the contact's page, among the archived ones), then try again" in refused["error"]

    # They did, and try again.
    shop.organisation.control("PUT", "switches", contact_unarchive=True)
    shop.organisation.user().post(f"Contacts/{refused['remote_id']}", {"ContactStatus": "ACTIVE"})
    shop.organisation.control("PUT", "switches", contact_unarchive=False)
    shop.api.post("/outbox/retry", {"kind": "customers", "refs": ["a"]})
    assert shop.sent("/customers/a")["state"] == "synced"
    assert shop.contact("/customers/a")["EmailAddress"] == "ada@example.com"


def test_one_that_a_person_archived_at_xero_is_as_wanted(shop: Shop) -> None:
    shop.set(xero=ON)
    there = shop.save("/customers/a", name="Ada Ltd")
    shop.organisation.control("POST", "contacts/archive", tenant_id=tenant(shop), contact_id=there["remote_id"])
    assert shop.change("/customers/a", active=False)["state"] == "synced"
    # Made active it says what stands in the way.
    assert "restore it in Xero" in shop.change("/customers/a", active=True)["error"]


def tenant(shop: Shop) -> str:
    return str(shop.organisation.control("GET", "organisations")[0]["tenant_id"])


def test_a_contact_that_is_both_is_archived_when_both_are_inactive(shop: Shop) -> None:
    shop.organisation.control("PUT", "switches", contact_unarchive=True)
    shop.set(xero=ON)
    for first, last in (KINDS, KINDS[::-1]):
        for kind in KINDS:
            shop.save(f"/{kind}/{first}", name=f"First {first}")
        assert shop.change(f"/{first}/{first}", active=False)["state"] == "synced"
        assert shop.contact(f"/{first}/{first}")["ContactStatus"] == "ACTIVE"
        assert shop.change(f"/{last}/{first}", active=False)["state"] == "synced"
        assert shop.contact(f"/{last}/{first}")["ContactStatus"] == "ARCHIVED"

        # Whichever of the two is active again brings it back, and nothing archives it while one is.
        for kind in (first, last):
            assert shop.change(f"/{kind}/{first}", active=True)["state"] == "synced"
            shop.sync()
            assert shop.contact(f"/{kind}/{first}")["ContactStatus"] == "ACTIVE"
            assert shop.change(f"/{kind}/{first}", active=False)["state"] == "synced"
            assert shop.contact(f"/{kind}/{first}")["ContactStatus"] == "ARCHIVED"
    assert len(shop.contacts()) == 2


def test_a_contact_is_archived_after_the_invoices_that_still_have_to_go(shop: Shop) -> None:
    shop.set(xero=ON)
    shop.save("/customers/a", name="Ada Ltd")
    shop.api.put("/invoices/1", invoice("1", "a"))
    assert shop.change("/customers/a", active=False)["state"] == "synced"
    assert shop.state("/invoices/1")["state"] == "synced"
    assert shop.contact("/customers/a")["ContactStatus"] == "ARCHIVED"

    # One that lacks something keeps it waiting, and says so.
    shop.save("/customers/b", name="Bob Ltd")
    shop.save("/invoices/2", **invoice("2", "b", {"account": "", "tax_rate": "NONE"}))
    state = shop.change("/customers/b", active=False)
    assert (state["state"], state["reason"]) == (
        "blocked",
        "its contact is archived once its invoice 2 is in Xero, which takes none for an archived contact",
    )
    shop.save("/invoices/2", **invoice("2", "b"))
    assert shop.sent("/customers/b")["state"] == "synced"
    assert shop.state("/invoices/2")["state"] == "synced"
    assert shop.contact("/customers/b")["ContactStatus"] == "ARCHIVED"


def test_the_same_name_in_another_organisation_is_somebody_else(shop: Shop) -> None:
    shop.connect("second")
    shop.set(xero=ON)
    for key, kind in (("demo", "customers"), ("second", "suppliers")):
        shop.api.put(f"/{kind}/a", {"name": "Ada Ltd", "connection": key})
        shop.drain(key)
    # The supplier of the other one is active, and nothing to this one's contact.
    assert shop.change("/customers/a", active=False)["state"] == "synced"
    assert shop.contact("/customers/a")["ContactStatus"] == "ARCHIVED"
    shop.drain("second")
    second = shop.organisation.control("GET", "organisations")[1]["tenant_id"]
    [there] = shop.organisation.user(second).listed("Contacts", "includeArchived=true&page=1")
    assert there["ContactStatus"] == "ACTIVE"


def test_an_archiving_whose_answer_is_lost_is_asked_for_again_and_is_done(shop: Shop, clock: Clock) -> None:
    shop.set(xero=ON)
    shop.save("/customers/a", name="Ada Ltd")
    shop.organisation.control("POST", "faults", method="POST", path=".*Contacts.*", kind="drop_after", times=1)
    before = shop.organisation.last_call
    shop.change("/customers/a", active=False)
    assert shop.state("/customers/a")["state"] != "synced"
    clock.advance(timedelta(minutes=2))
    assert shop.sent("/customers/a")["state"] == "synced"
    assert shop.contact("/customers/a")["ContactStatus"] == "ARCHIVED"
    assert len(shop.organisation.writes(before)) == 2
