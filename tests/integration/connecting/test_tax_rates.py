"""Tax rates of one's own: linked by hand with a rate of the organisation's, or in the way of what names them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.connecting.conftest import Office

OWN = {"code": "STD", "name": "Our standard rate", "rate": "20"}


def invoice(office: Office, ref: str, tax_rate: str) -> Any:
    line = {"description": "An hour", "quantity": "1", "unit_price": "50.00", "account": "200", "tax_rate": tax_rate}
    return office.api.put(
        f"/invoices/{ref}", {"customer": "ada", "issue_date": "2026-11-02", "due_date": "2026-12-02", "lines": [line]}
    )


def stands(office: Office, ref: str) -> Any:
    office.drain("acme")
    [sync] = office.api.get(f"/invoices/{ref}")["sync"]
    return sync


def lines_at_xero(office: Office) -> list[list[str]]:
    """The tax types of the lines of each invoice that was sent."""
    calls = [office.sandbox.control("GET", f"calls/{one['id']}") for one in office.logged("PUT", "/Invoices")]
    sent = [one for call in calls for one in json.loads(call["request_body"])["Invoices"]]
    return [[line["TaxType"] for line in one["LineItems"]] for one in sent]


@pytest.fixture
def shop(office: Office) -> Office:
    office.connected("acme")
    office.api.post("/connections/acme/import", {"kind": "tax-rates"})
    office.api.post("/connections/acme/import", {"kind": "accounts"})
    office.save_customer("ada")
    return office


@pytest.mark.row("H-23")
@pytest.mark.row("H-24", part="api")
@pytest.mark.row("A-29")
def test_a_rate_of_ones_own_is_in_the_way_until_it_is_linked(shop: Office) -> None:
    shop.api.put("/tax-rates/std", OWN)
    invoice(shop, "one", "STD")
    told = stands(shop, "one")
    assert (told["state"], told["connection"]) == ("blocked", "acme")
    assert told["reason"] == (
        "line 1: tax rate STD is not linked to one of Acme Ltd: choose the connection and linked_to of the tax rate std"
    )
    assert lines_at_xero(shop) == []

    shop.api.patch("/tax-rates/std", {"connection": "acme", "linked_to": "OUTPUT2"})
    assert stands(shop, "one")["state"] == "synced"
    assert lines_at_xero(shop) == [["OUTPUT2"]]


@pytest.mark.row("H-25", part="api")
def test_each_connection_offers_its_own_rates(shop: Office) -> None:
    shop.draft("other")
    there = shop.api.get("/connections/acme/remote/tax-rates", q="20%")["items"]
    assert [(one["remote_id"], one["values"]["rate"], one["linked_with"]) for one in there][:2] == [
        ("OUTPUT2", "20", "OUTPUT2"),
        ("INPUT2", "20", "INPUT2"),
    ]
    nothing = shop.api.ask("GET", "/connections/other/remote/tax-rates")
    assert (nothing.status_code, nothing.json()["detail"]) == (409, "other is a draft: authorise and save it first")
    shop.api.put("/tax-rates/std", {**OWN, "connection": "acme", "linked_to": "OUTPUT2"})
    found = shop.api.get("/connections/acme/remote/tax-rates", q="output2")["items"]
    assert {one["remote_id"]: one["linked_with"] for one in found} == {
        "OUTPUT2": "OUTPUT2, std",
        "CAPEXOUTPUT2": "CAPEXOUTPUT2",
    }


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"linked_to": "OUTPUT2"}, "connection", "is required with linked_to: each connection has tax rates of its own"),
        ({"connection": "acme", "linked_to": "OUTPUT9"}, "linked_to", "acme has no tax rate OUTPUT9: there are "),
        ({"connection": "far", "linked_to": "OUTPUT2"}, "linked_to", "far has no tax rate OUTPUT2: none was imported yet (counterfoil import tax-rates)"),
        ({"connection": "acme", "linked_to": "RROUTPUT"}, "rate", "RROUTPUT is 5 % in acme: this one has to be the same"),
        ({"connection": "acme", "linked_to": "OUTPUT2", "code": "INPUT2"}, "code", "acme has a tax rate INPUT2 of its own: name that one on lines"),
    ],
)  # fmt: skip
def test_a_link_that_leads_nowhere_is_refused(shop: Office, given: Any, field: str, message: str) -> None:
    answer = shop.api.ask("PUT", "/tax-rates/std", json={**OWN, **given})
    assert answer.status_code == 422
    [told] = answer.json()["errors"]
    assert told["field"] == field
    assert told["message"].startswith(message)


def test_what_came_from_the_organisation_stands_for_itself(shop: Office) -> None:
    answer = shop.api.ask("PATCH", "/tax-rates/OUTPUT2", json={"linked_to": "INPUT2"})
    assert answer.json()["errors"] == [
        {"field": "linked_to", "message": "cannot be set: this tax rate came from acme, and stands for itself"}
    ]


def test_a_linked_rate_follows_the_one_that_it_stands_for(shop: Office) -> None:
    shop.api.put("/tax-rates/std", {**OWN, "connection": "acme", "linked_to": "OUTPUT2"})
    tenant = shop.tenant(1)
    shop.sandbox.control("PUT", f"organisations/{tenant}", {"tax_rates": {"OUTPUT2": {"percent": "21"}}})
    shop.api.post("/connections/acme/import", {"kind": "tax-rates"})
    assert shop.api.get("/tax-rates/std")["rate"] == "21"
    assert shop.api.get("/tax-rates/std")["code"] == "STD"


@pytest.mark.row("A-28")
@pytest.mark.row("H-26")
@pytest.mark.row("H-29", part="api")
def test_an_import_brings_every_active_rate_and_says_how_many(office: Office) -> None:
    office.connected("acme")
    taken = office.api.post("/connections/acme/import", {"kind": "tax-rates"})["taken"]["rates"]
    there = [one for one in office.sandbox.listed("TaxRates") if one["Status"] == "ACTIVE"]
    assert taken == {"created": len(there), "updated": 0, "unchanged": 0, "removed": 0}
    here = office.api.get("/tax-rates", connection="acme", page_size="100")["items"]
    assert {(one["code"], one["name"], Decimal(one["rate"])) for one in here} == {
        (one["TaxType"], one["Name"], Decimal(str(one["EffectiveRate"]))) for one in there
    }
    percentages = {one["name"]: one["rate"] for one in here}
    assert percentages["20% (VAT on Income)"] == "20"
    assert percentages["Zero Rated Income"] == percentages["Exempt Income"] == "0"


@pytest.mark.row("H-27")
@pytest.mark.row("H-28")
def test_rates_of_nobody_go_with_an_import_but_not_a_zero_rate(office: Office) -> None:
    office.connected("acme")
    office.api.put("/tax-rates/old", {"code": "OLD", "name": "Old", "rate": "17.5"})
    office.api.put("/tax-rates/zero", {"code": "NIL", "name": "Nothing", "rate": "0"})
    office.api.put("/tax-rates/theirs", {"code": "T", "name": "Theirs", "rate": "10", "connection": "other"})
    taken = office.api.post("/connections/acme/import", {"kind": "tax-rates"})["taken"]["rates"]
    assert taken["removed"] == 1
    assert office.api.ask("GET", "/tax-rates/old").status_code == 404
    for ref in ("zero", "theirs"):
        assert office.api.get(f"/tax-rates/{ref}")["ref"] == ref


@pytest.mark.row("H-57")
def test_lines_wait_for_the_account_codes(office: Office) -> None:
    office.connected("acme")
    office.api.post("/connections/acme/import", {"kind": "tax-rates"})
    office.save_customer("ada")
    invoice(office, "one", "OUTPUT2")
    told = stands(office, "one")
    assert told["state"] == "blocked"
    assert told["reason"] == (
        "line 1: account 200 is not among the accounts of Acme Ltd: correct it, or, if it is new in Xero, "
        "run counterfoil import accounts --connection acme"
    )
    assert lines_at_xero(office) == []
    office.api.post("/connections/acme/import", {"kind": "accounts"})
    assert stands(office, "one")["state"] == "synced"
