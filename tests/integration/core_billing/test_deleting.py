"""Deleting a document: at once, or asked for and then confirmed or refused."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Document, LedgerState

if TYPE_CHECKING:
    from tests.integration.core_billing.conftest import House

INVOICE: dict[str, Any] = {
    "ref": "i",
    "number": "N1",
    "customer": "acme",
    "issue_date": "2026-11-22",
    "line_amounts": "no_tax",
    "accounting_status": "authorised",
    "lines": [{"description": "A shelf", "unit_price": "10"}],
}


@pytest.fixture
def shop(house: House) -> House:
    house.saved("customers", {"ref": "acme", "name": "Acme"})
    house.saved("invoices", INVOICE)
    house.told()
    return house


@pytest.fixture
def asked(shop: House) -> str:
    """The id of an invoice that a connection keeps and whose deletion was asked for."""
    shop.held["i"] = {"uk"}
    assert shop.delete("invoices", "i") == "asked"
    return shop.id("invoices", "i")


def confirm(house: House, id: str, status: str = "voided") -> None:
    with house.saver(origin="uk") as work:
        house.billing.store.confirm_deletion(work, "invoices", id, status=status)


def refuse(house: House, id: str, reason: str = "it has a payment") -> None:
    with house.saver(origin="uk") as work:
        house.billing.store.refuse_deletion(work, "invoices", id, reason)


def test_what_nothing_holds_goes_at_once(shop: House) -> None:
    assert shop.delete("invoices", "i") == "gone"
    assert shop.told() == [("invoices", "i", "deleted")]
    assert shop.page("invoices").total == 0
    with pytest.raises(LookupError, match="there is no invoice with the ref i"):
        shop.delete("invoices", "i")
    assert shop.delete("customers", "acme") == "gone"


def test_what_a_connection_holds_is_asked_for_and_kept(shop: House, asked: str) -> None:
    assert shop.told() == [("invoices", "i", "asked")]
    got = shop.get("invoices", "i")
    assert (got["id"], got["status"], got["total"]) == (asked, "deleting", "10.00")


def test_asking_again_asks_nobody(shop: House, asked: str) -> None:
    shop.told()
    assert (shop.delete("invoices", "i"), shop.told()) == ("asked", [])


def test_what_is_being_deleted_is_locked(shop: House, asked: str) -> None:
    shop.told()
    assert shop.problems("invoices", {**INVOICE, "reference": "x"}) == [
        "this invoice is being deleted: it cannot be changed"
    ]
    assert shop.put("invoices", INVOICE)[0].problems == ()
    assert shop.told() == []


@pytest.mark.parametrize("status", ["deleted", "voided"])
def test_confirmed_it_is_over_and_its_ref_and_number_are_free(shop: House, asked: str, status: str) -> None:
    shop.told()
    confirm(shop, asked, status)
    [(_, event)] = shop.events
    assert (event.origin, event.record.active) == ("uk", False)
    assert shop.told() == [("invoices", "i", "deleted")]
    got = shop.get("invoices", "i")
    assert (got["status"], got["amount_due"]) == (status, "0.00")
    assert shop.page("invoices").total == 0
    with shop.database.read() as session:
        assert shop.billing.store.read(session, "invoices", [asked])[asked].active is False
        assert list(shop.billing.store.stream(session, "invoices")) == []
    [again] = shop.saved("invoices", INVOICE)
    assert (again.created, again.id != asked) == (True, True)
    assert shop.get("invoices", "i")["status"] == "authorised"


def test_confirming_twice_does_nothing(shop: House, asked: str) -> None:
    confirm(shop, asked)
    shop.told()
    confirm(shop, asked)
    refuse(shop, asked)
    assert (shop.told(), shop.get("invoices", "i")["status"]) == ([], "voided")


def test_refused_it_stands_where_it_stood_and_says_why(shop: House, asked: str) -> None:
    shop.told()
    refuse(shop, asked)
    [(_, event)] = shop.events
    assert (event.origin, set(event.changed)) == ("uk", {"status", "status_reason"})
    assert shop.told() == [("invoices", "i", "updated")]
    got = shop.get("invoices", "i")
    assert (got["status"], got["status_reason"]) == ("authorised", "it has a payment")
    shop.saved("invoices", {**INVOICE, "reference": "edited"})
    assert shop.get("invoices", "i")["status_reason"] == ""
    assert shop.delete("invoices", "i") == "asked"


def test_what_the_ledger_says_meanwhile_is_where_a_refusal_leads(shop: House, asked: str) -> None:
    with shop.saver(origin="uk") as work:
        state = LedgerState(id=asked, status="part_paid", amount_paid=Decimal(4), amount_due=Decimal(6))
        shop.billing.store.take_ledger_states(work, "invoices", [state])
    assert shop.get("invoices", "i")["status"] == "deleting"
    refuse(shop, asked)
    got = shop.get("invoices", "i")
    assert (got["status"], got["amount_paid"], got["amount_due"]) == ("part_paid", "4.00", "6.00")


def test_nobody_asked_nothing_is_confirmed(shop: House) -> None:
    confirm(shop, shop.id("invoices", "i"))
    confirm(shop, "unknown")
    assert (shop.told(), shop.get("invoices", "i")["status"]) == ([], "authorised")


def test_the_hook_gets_the_document_as_it_stands(shop: House, asked: str) -> None:
    [(hook, event)] = shop.events
    assert isinstance(event.record, Document)
    assert (hook, event.record.status, event.record.number) == ("on_invoice_deleted", "deleting", "N1")
