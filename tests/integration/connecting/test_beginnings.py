"""From nothing to an organisation that is connected: what is there before, and what comes with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from host.roles import Role
from plugins.xero.demo import settings_with

if TYPE_CHECKING:
    from host.testing import Place
    from tests.contract.running import InThread
    from tests.integration.connecting.conftest import Office


@pytest.mark.row("F-3", part="api")
@pytest.mark.row("H-3", part="api")
@pytest.mark.row("H-4", part="api")
@pytest.mark.row("P-1", part="api")
def test_xero_is_off_until_the_configuration_names_it(sqlite_place: Place, running: InThread) -> None:
    sqlite_place.open("core_billing")
    before = {one["name"]: one["state"] for one in sqlite_place.api.get("/plugins")["items"]}
    assert (before["core_billing"], before["xero"]) == ("active", "available")
    assert "xero" not in sqlite_place.api.get("/settings")["plugins"]
    refused = sqlite_place.api.ask("POST", "/connections", json={"key": "acme", "name": "Acme"})
    assert (refused.status_code, refused.json()["detail"]) == (422, "provider: is required: there are none")
    assert sqlite_place.run("xero", "connect", "acme").code == 2, "there is no such command"

    sqlite_place.open("xero", tables=settings_with(running.url, {}))
    after = {one["name"]: one["state"] for one in sqlite_place.api.get("/plugins")["items"]}
    assert after["xero"] == "active"
    assert "entities_to_sync" in sqlite_place.api.get("/settings")["plugins"]["xero"]
    assert sqlite_place.api.post("/connections", {"key": "acme", "name": "Acme"})["status"] == "draft"
    assert sqlite_place.run("xero", "disconnect", "acme", "--delete").code == 0


@pytest.mark.row("H-6")
@pytest.mark.row("P-3")
def test_settings_have_no_effect_until_an_organisation_is_connected(office: Office) -> None:
    note = "what [plugins.xero] says has no effect until an organisation is connected (counterfoil xero connect KEY)"
    assert office.api.get("/settings")["notes"] == [note]
    assert checked(office)["connections"] == ("note", f"none yet; {note}")
    office.draft("acme")
    assert office.api.get("/settings")["notes"] == [note]
    office.connected("acme")
    assert office.api.get("/settings")["notes"] == []
    assert checked(office)["connection acme"][0] == "ok"


def checked(office: Office) -> dict[str, tuple[str, str]]:
    found = json.loads(office.place.run("check", "--json").out)["checks"]
    return {one["what"]: (one["state"], one["says"]) for one in found}


@pytest.mark.row("H-9", part="api")
def test_there_are_two_ways_to_be_let_in(office: Office) -> None:
    refused = office.api.ask("POST", "/connections", json={"key": "acme", "name": "Acme", "auth": "password"})
    assert refused.status_code == 422
    [problem] = refused.json()["errors"]
    assert problem == {"field": "auth", "message": "'password' is not accepted: it takes app or custom"}
    assert office.draft("acme")["status"] == "draft"
    office.place.run("xero", "connect", "other", "--auth", "custom")
    assert office.show("other")["status"] == "connected"


@pytest.mark.row("A-7")
@pytest.mark.row("H-18", part="api")
@pytest.mark.row("P-6", part="api")
def test_a_consent_is_all_that_it_takes_and_brings_the_rest(office: Office) -> None:
    office.draft("acme")
    denied = office.consent("acme", 1, allow=False)
    assert denied.status_code == 409
    assert "not connected: access was not allowed; begin again to allow it" in denied.text
    for method, path in (("POST", "/connections/acme/import"), ("GET", "/connections/acme/remote/customers")):
        answer = office.api.ask(method, path, json={"kind": "accounts"})
        assert (answer.status_code, office.show("acme")["status"]) == (409, "draft")

    office.connected("acme")
    assert office.api.post("/connections/acme/import", {"kind": "accounts"})["taken"]["accounts"]["created"] > 0
    assert office.api.get("/connections/acme/remote/customers")["items"] == []


@pytest.mark.row("F-2")
def test_what_an_admin_connected_serves_everybody(office: Office) -> None:
    office.connected("acme")
    user = office.place.api_of(Role.USER)
    assert user.ask("POST", "/connections", json={"key": "mine"}).status_code == 403
    user.put("/customers/ada", {"name": "Ada"})
    office.drain("acme")
    [state] = user.get("/customers/ada")["sync"]
    assert (state["connection"], state["state"]) == ("acme", "synced")


@pytest.mark.row("H-8", part="api")
@pytest.mark.row("P-4")
def test_the_connections_name_is_shown_with_every_record_and_follows(office: Office) -> None:
    blank = office.api.ask("POST", "/connections", json={"key": "acme", "name": " "})
    assert (blank.status_code, blank.json()["errors"]) == (
        422,
        [{"field": "name", "message": "must be 1 to 255 characters on one line"}],
    )
    office.draft("acme")
    office.api.patch("/connections/acme", {"name": "Acme UK"})
    office.connected("acme")
    for kind in ("tax-rates", "accounts"):
        office.api.post("/connections/acme/import", {"kind": kind})
    office.save_customer("ada")
    office.api.put("/suppliers/paper", {"name": "Paper Ltd"})
    office.api.put("/products/hour", {"name": "Hour", "code": "HOUR"})
    line = {"product": "hour", "description": "An hour", "unit_price": "50", "account": "200", "tax_rate": "OUTPUT2"}
    office.api.put("/invoices/one", {"customer": "ada", "issue_date": "2026-11-02", "lines": [line]})
    records = ("customers/ada", "suppliers/paper", "products/hour", "invoices/one")
    for name in ("Acme UK", "Acme Britain"):
        office.api.patch("/connections/acme", {"name": name})
        shown = [office.api.get(f"/{path}")["sync"][0]["connection_name"] for path in records]
        assert shown == [name] * len(records)


@pytest.mark.row("F-7", part="api")
def test_to_remove_it_is_to_be_let_in_no_more(office: Office) -> None:
    office.connected("acme")
    office.api.delete("/connections/acme")
    assert office.api.get("/connections")["items"] == []
    assert [one["status"] for one in office.logged("DELETE", "/connections/")] == [204]
    office.save_customer("ada")
    assert office.place.host.engine is not None
    assert office.place.host.engine.connections_with_work() == []
    assert office.logged("PUT", "/Contacts") == []
    assert office.state("ada")["state"] == "not_sent"


class Walled(httpx.HTTPTransport):
    """A network in which one host can be reached, and nothing else."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host
        self.reached: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.reached.add(request.url.netloc.decode())
        if request.url.netloc.decode() != self.host:
            raise httpx.ConnectError("blocked", request=request)
        return super().handle_request(request)


@pytest.mark.row("H-14")
def test_an_app_of_ones_own_needs_nobody_but_xero(sqlite_place: Place, office: Office) -> None:
    wall = Walled(office.sandbox.url.removeprefix("http://"))
    host = sqlite_place.open(transport=wall)
    assert host.engine is not None
    host.engine.connect("acme", provider="xero", auth="custom")
    office.save_customer("ada")
    host.engine.drain("acme")
    assert office.state("ada")["state"] == "synced"
    assert wall.reached == {wall.host}


def test_an_import_that_stops_says_nothing_of_what_it_did_not_see(office: Office) -> None:
    office.connected("acme")
    assert office.place.run("import", "customers", "--connection", "acme").code == 0
    office.sandbox.fault(method="GET", path="/Contacts", kind="status", status=403, times=20)
    ran = office.place.run("import", "customers", "--connection", "acme")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1].startswith("error: it stopped: ")
