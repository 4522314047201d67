"""What is missing before syncing can work: told point by point, over HTTP and by ``check``, and gone once it is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plugins.xero.demo import settings_with

if TYPE_CHECKING:
    from tests.integration.connecting.conftest import Office

US = {"name": "Automatic Inc", "country": "US", "currency": "USD"}


def standings(office: Office, key: str = "acme", **params: str) -> dict[str, str]:
    answer = office.api.get(f"/connections/{key}/readiness", **params)
    found = {point["name"]: point["standing"] for point in answer["points"]}
    assert answer["ready"] == ("blocking" not in found.values())
    return found


def point(office: Office, name: str, key: str = "acme", **params: str) -> dict[str, Any]:
    answer = office.api.get(f"/connections/{key}/readiness", **params)
    [found] = [one for one in answer["points"] if one["name"] == name]
    return dict(found)


def imported(office: Office, *kinds: str, key: str = "acme") -> None:
    assert office.place.host.engine is not None
    for kind in kinds:
        office.api.post(f"/connections/{key}/import", {"kind": kind})
        office.place.host.engine.imports.go_on(key)


def fill(office: Office, **what: Any) -> None:
    office.sandbox.control("POST", "fill", {"tenant_id": office.tenant(1), **what})


@pytest.mark.row("H-2", part="api")
def test_what_must_exist_in_xero_turns_ready_one_by_one(either_office: Office) -> None:
    office = either_office
    office.connected("acme")
    four = ("tax-rates", "accounts", "products", "suppliers")
    before = standings(office)
    assert [before[name] for name in four] == ["blocking", "blocking", "missing", "missing"]
    assert point(office, "tax-rates") == {
        "name": "tax-rates",
        "standing": "blocking",
        "says": "none is imported yet",
        "to_do": "counterfoil import tax-rates --connection acme",
    }
    fill(office, items=2)
    fill(office, contacts=1, is_supplier=True)
    for place, kind in enumerate(four, start=1):
        imported(office, kind)
        now = standings(office)
        assert [now[name] == "ready" for name in four] == [True] * place + [False] * (4 - place)
    assert set(standings(office).values()) == {"ready"}


@pytest.mark.row("H-22")
def test_every_rate_of_ones_own_is_linked_or_in_the_way(office: Office) -> None:
    office.connected("acme")
    imported(office, "tax-rates", "accounts")
    assert standings(office)["tax rates linked"] == "ready"
    office.api.put("/tax-rates/std", {"code": "STD", "name": "Ours", "rate": "20"})
    told = point(office, "tax rates linked")
    assert (told["standing"], told["says"]) == ("blocking", "std: not linked to a rate of Xero's")
    office.api.patch("/tax-rates/std", {"connection": "acme", "linked_to": "OUTPUT2"})
    assert standings(office)["tax rates linked"] == "ready"


def test_what_records_name_and_the_organisation_lacks(office: Office) -> None:
    office.connected("acme")
    imported(office, "tax-rates", "accounts", "currencies", "branding-themes")
    assert standings(office)["accounts"] == "ready"
    office.api.put("/products/a", {"name": "A", "code": "A", "sales_account": "9999", "sales_tax": "OUTPUT2"})
    office.api.put("/products/b", {"name": "B", "code": "B", "sales_account": "9999", "connection": "acme"})
    office.api.put("/products/else", {"name": "C", "code": "C", "sales_account": "8888", "connection": "other"})
    office.save_customer("ada", currency="JPY", branding_theme="Gold")
    for name, code, who in (
        ("accounts", "9999", "products a and 1 more"),
        ("currencies", "JPY", "customers ada"),
        ("branding-themes", "Gold", "customers ada"),
    ):
        told = point(office, name)
        assert (told["standing"], told["says"]) == ("missing", f"not in Acme Ltd: {code}, named by {who}")


def test_records_of_no_connection_count_where_they_go(office: Office) -> None:
    text = settings_with(office.sandbox.url, {}).replace(
        "[plugins.xero]", '[plugins.xero]\ndefault_connection = "acme"'
    )
    office.place.open(tables=text)
    office.connected("acme", 1)
    office.connected("other", 2)
    for key in ("acme", "other"):
        imported(office, "currencies", key=key)
    office.save_customer("ada", currency="JPY")
    office.save_customer("bea", currency="CHF", connection="other")
    assert point(office, "currencies", "acme")["says"].endswith(": JPY, named by customers ada")
    assert point(office, "currencies", "other")["says"].endswith(": CHF, named by customers bea")


def test_settings_that_name_what_is_not_there(office: Office) -> None:
    office.connected("acme")
    imported(office, "tax-rates", "accounts")
    office.reopen('[plugins.xero.connections.acme]\ndefault_sales_account = "9999"\ndefault_invoice_item = "MISC"\n')
    told = point(office, "default_sales_account")
    assert told["standing"] == "blocking"
    assert told["says"].startswith("account 9999 is not among the accounts of Acme Ltd")
    assert told["to_do"] == "correct default_sales_account in [plugins.xero] or in the connection's own table"

    assert point(office, "default_invoice_item", ask="true")["says"] == "Xero has no item with the code MISC"
    office.sandbox.put("Items", {"Code": "MISC", "Name": "Miscellaneous"})
    assert point(office, "default_invoice_item", ask="true")["standing"] == "ready"


def test_the_organisation_is_asked_and_nothing_is_written_there(office: Office) -> None:
    office.connected("acme")
    changes = {"actions": {"CreateDraftInvoice": False, "CreateApprovedInvoice": False}}
    office.sandbox.control("PUT", f"organisations/{office.tenant(1)}", {"period_lock_date": "2026-03-31", **changes})
    asked = standings(office, ask="true")
    assert (asked["CreateDraftInvoice"], asked["CreateApprovedInvoice"]) == ("blocking", "missing")
    assert "locked up to 2026-03-31" in point(office, "lock dates", ask="true")["says"]
    assert "CreateDraftInvoice" not in standings(office)
    assert [
        one for one in office.sandbox.control("GET", "calls") if one["method"] != "GET" and "api.xro" in one["path"]
    ] == []


@pytest.mark.row("H-32", part="api")
@pytest.mark.row("H-33")
def test_automatic_sales_tax_is_of_one_connection_and_needs_its_rate(office: Office) -> None:
    tenant = office.sandbox.control("POST", "organisations", US)["tenant_id"]
    office.connected("acme")
    connect_to(office, "us", tenant)
    imported(office, "tax-rates", key="us")
    assert "automatic sales tax" not in standings(office, "us")

    office.reopen("[plugins.xero.connections.us]\nautomatic_sales_tax = true\n")
    told = point(office, "automatic sales tax", "us")
    assert (told["standing"], told["says"]) == (
        "blocking",
        "automatic_sales_tax is on, and no tax rate stands for Xero's AVALARA",
    )
    assert "automatic sales tax" not in standings(office), "the other connection does without"

    imported(office, "tax-rates", key="us")
    assert point(office, "automatic sales tax", "us")["says"] == "tax rate AVALARA stands for Xero's AVALARA"
    office.api.put("/tax-rates/own", {"code": "OWN", "name": "Ours", "rate": "8", "connection": "us"})
    assert standings(office, "us")["tax rates linked"] == "ready", "rates need no link where Xero finds them"


def connect_to(office: Office, key: str, tenant: str) -> None:
    office.draft(key)
    wish = {"url": office.address(key), "user": "ada@example.com", "allow": True, "tenant_ids": [tenant]}
    answer = office.api.at_root(
        str(office.sandbox.control("POST", "consent", wish)["location"]).removeprefix("http://localhost:8000")
    )
    assert answer.status_code == 200
    office.api.post(f"/connections/{key}/organisation", {"organisation": tenant})
    office.api.post(f"/connections/{key}/save", {})


def test_check_says_it_too(office: Office) -> None:
    office.connected("acme")
    ran = office.place.run("check", "--json")
    assert ran.code == 1
    checks = {one["what"]: (one["state"], one["says"]) for one in json.loads(ran.out)["checks"]}
    assert checks["acme, tax-rates"] == (
        "to do",
        "none is imported yet: counterfoil import tax-rates --connection acme",
    )
    assert checks["acme, suppliers"][0] == "note"
    assert checks["acme, CreateDraftInvoice"] == ("ok", "allowed")
    offline = office.place.run("check", "--json", "--offline")
    assert "acme, CreateDraftInvoice" not in {one["what"] for one in json.loads(offline.out)["checks"]}


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/connections/none/readiness", 404, "there is no connection 'none': there are acme"),
        ("/connections/acme/readiness?ask=perhaps", 400, "ask: 'perhaps' is neither true nor false"),
    ],
)
def test_what_cannot_be_asked(office: Office, path: str, status: int, detail: str) -> None:
    office.draft("acme")
    answer = office.api.ask("GET", path)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert standings(office)["connection"] == "blocking"
