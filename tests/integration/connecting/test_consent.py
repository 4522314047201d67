"""Connections that people let in at Xero: from a name to a connection that sends, and every way in which that goes wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from host.roles import Role
from tests.integration.connecting.conftest import ADA, BEN

if TYPE_CHECKING:
    from host.testing import Clock
    from tests.integration.connecting.conftest import Office


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.mark.row("H-10")
@pytest.mark.row("H-19")
@pytest.mark.row("F-6")
@pytest.mark.row("P-7")
@pytest.mark.row("H-17", part="api")
@pytest.mark.row("F-5", part="api")
@pytest.mark.row("P-5", part="api")
def test_from_a_name_to_a_connection_that_sends(either_office: Office) -> None:
    made = either_office.draft("acme")
    assert (made["status"], made["auth"], made["name"]) == ("draft", "app", "Acme Ltd")
    answer = either_office.consent("acme", 1)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "One Ltd" in answer.text

    shown = either_office.show("acme")
    assert (shown["status"], shown["name"]) == ("draft", "Acme Ltd")
    assert shown["authorisation"]["organisation"] == either_office.tenant(1)
    assert shown["authorisation"]["person"] == "Ada Admin <ada@example.com>"
    either_office.save_customer("early")
    either_office.drain("acme")
    assert not either_office.logged("PUT", "Contacts"), "nothing is sent before it is saved"

    saved = either_office.api.post("/connections/acme/save", {})
    assert (saved["status"], saved["organisation_name"], saved["authorisation"]) == ("connected", "One Ltd", None)
    assert saved["details"]["person"] == "Ada Admin <ada@example.com>"
    either_office.save_customer("ada")
    either_office.drain("acme")
    assert either_office.state("ada")["state"] == "synced"


@pytest.mark.row("H-11", part="api")
@pytest.mark.row("H-15", part="api")
def test_the_address_asks_for_what_is_needed_and_no_two_are_alike(office: Office) -> None:
    office.draft("acme")
    first, second = query_of(office.address("acme")), query_of(office.address("acme"))
    assert first["client_id"] == "sandbox-app"
    assert first["redirect_uri"] == "http://localhost:8000/connections/callback"
    assert set(first["scope"].split()) == {
        *("openid", "profile", "email", "offline_access"),
        *("accounting.contacts", "accounting.invoices", "accounting.settings"),
    }
    assert len(first["state"]) >= 40
    assert first["state"] != second["state"]
    assert "code_challenge" not in first


@pytest.mark.row("H-7")
@pytest.mark.row("P-4", part="api")
@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"key": "acme", "name": " "}, 422, "name: must be 1 to 255 characters on one line"),
        ({"key": "acme"}, 422, "name: is required"),
        ({"name": "Acme"}, 422, "key: is required"),
        ({"key": "none", "name": "Acme"}, 409, "'none' can't be a connection's key: it stands for no connection"),
        ({"key": "Acme!", "name": "Acme"}, 409, "'Acme!' can't be a connection's key: use 1 to 50 of a-z, 0-9"),
        (
            {"key": "acme", "name": "Acme", "auth": "magic"},
            422,
            "auth: 'magic' is not accepted: it takes app or custom",
        ),
        ({"key": "acme", "name": "Acme", "provider": "sage"}, 422, "provider: there is no accounting provider 'sage'"),
        ({"key": "one", "name": "Other"}, 409, "there is a connection 'one' already: choose another key"),
        (
            {"key": "acme", "name": "ONE ltd"},
            409,
            "the connection 'one' is named 'ONE ltd' already: choose another name",
        ),
    ],
)
def test_a_draft_that_cannot_be(office: Office, body: dict[str, str], status: int, says: str) -> None:
    office.draft("one")
    answer = office.api.ask("POST", "/connections", json=body)
    assert (answer.status_code, answer.json()["detail"][: len(says)]) == (status, says)
    assert [one["key"] for one in office.api.get("/connections")["items"]] == ["one"]


@pytest.mark.row("H-16")
def test_a_person_chooses_among_several(office: Office) -> None:
    office.sandbox.control("PUT", "apps/sandbox-app", {"bulk": True})
    office.draft("acme")
    office.consent("acme", 1, 2)
    refused = office.api.ask("POST", "/connections/acme/save", json={})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "no organisation is chosen for acme: choose one of One Ltd, Two Ltd",
    )
    wrong = office.api.ask("POST", "/connections/acme/organisation", json={"organisation": "Three Ltd"})
    assert wrong.status_code == 409
    assert wrong.json()["detail"].startswith(
        "the consent for acme opened no organisation 'Three Ltd': it opened One Ltd ("
    )
    office.api.post("/connections/acme/organisation", {"organisation": "Two Ltd"})
    saved = office.api.post("/connections/acme/save", {})
    assert (saved["organisation_name"], saved["organisation"]) == ("Two Ltd", office.tenant(2))


# --------------------------------------------------------------------------------------------------- what does not lead in


@pytest.mark.row("F-4", part="api")
def test_access_that_is_not_allowed(office: Office) -> None:
    office.draft("acme")
    answer = office.consent("acme", 1, allow=False)
    assert answer.status_code == 409
    assert "not connected: access was not allowed; begin again to allow it" in answer.text
    shown = office.show("acme")
    assert (shown["status"], shown["authorisation"]["organisations"]) == ("draft", [])
    refused = office.api.ask("POST", "/connections/acme/save", json={})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "not connected: access was not allowed; begin again to allow it",
    )


def test_an_answer_that_nobody_asked_for(office: Office, clock: Clock) -> None:
    office.draft("acme")
    former = office.agree(office.address("acme"), 1)
    back = office.agree(office.address("acme"), 1)

    def told(address: str) -> str:
        answer = office.api.at_root(address)
        assert answer.status_code == 409
        return answer.text

    anew = "nobody here asked for this consent, or somebody asked anew since: begin again"
    assert anew in told("/connections/callback?code=abc&amp;state=made-up")
    assert anew in told("/connections/callback")
    assert anew in told(former)
    assert office.api.at_root(back).status_code == 200
    assert "this consent for acme was answered already: begin again" in told(back)
    late = office.agree(office.address("acme"), 1)
    clock.advance(timedelta(minutes=61))
    assert "this consent for acme was asked for too long ago: begin again" in told(late)


def test_a_code_that_somebody_else_has_used(office: Office) -> None:
    office.draft("acme")
    back = office.agree(office.address("acme"), 1)
    code = query_of(back)["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://localhost:8000/connections/callback",
    }
    assert office.sandbox.client.post("/connect/token", data=form, auth=("sandbox-app", "sandbox-secret")).is_success
    answer = office.api.at_root(back)
    assert answer.status_code == 409
    assert "connection acme: the authorisation is used up or was withdrawn: connect again" in answer.text


def test_an_identity_server_that_does_not_answer(office: Office) -> None:
    office.draft("acme")
    back = office.agree(office.address("acme"), 1)
    office.sandbox.fault(method="POST", path="/connect/token", kind="status", status=503, times=1)
    answer = office.api.at_root(back)
    assert (answer.status_code, "authorise it again" in answer.text) == (503, True)
    refused = office.api.ask("POST", "/connections/acme/save", json={})
    assert refused.json()["detail"] == "the consent for acme could not be read to its end: authorise it again"
    assert office.connected("acme")["status"] == "connected"


def test_without_an_app(office: Office) -> None:
    office.place.write(tables="[plugins.xero]\nentities_to_sync = []")
    office.place.open()
    office.draft("acme")
    answer = office.api.ask("POST", "/connections/acme/authorise")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "connection acme needs an app, and [plugins.xero.app] has no client_id: set it",
    )


@pytest.mark.row("F-1", part="api")
def test_only_admins(office: Office) -> None:
    office.draft("acme")
    user = office.place.api_of(Role.USER)
    for method, path in (
        ("POST", "/connections"),
        ("POST", "/connections/acme/authorise"),
        ("POST", "/connections/acme/organisation"),
        ("POST", "/connections/acme/save"),
        ("POST", "/connections/acme/disconnect"),
        ("DELETE", "/connections/acme"),
    ):
        assert user.ask(method, path, json={}).status_code == 403


# ------------------------------------------------------------------------------------------------------ one organisation each


def test_an_organisation_has_one_connection(either_office: Office) -> None:
    either_office.connected("acme", 1)
    either_office.draft("other")
    either_office.consent("other", 1)
    refused = either_office.api.ask("POST", "/connections/other/save", json={})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "One Ltd is connected already, under the key 'acme': an organisation has one connection",
    )
    assert either_office.show("other")["status"] == "draft"


def test_a_connection_is_bound_to_its_organisation(office: Office) -> None:
    office.connected("acme", 1)
    office.consent("acme", 2)
    office.api.post("/connections/acme/organisation", {"organisation": "Two Ltd"})
    refused = office.api.ask("POST", "/connections/acme/save", json={})
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith(
        "connection 'acme' is bound to One Ltd, and these credentials lead to Two Ltd"
    )
    office.save_customer("ada")
    office.drain("acme")
    assert office.state("ada")["state"] == "synced", "the connection goes on as it was"


@pytest.mark.row("A-6")
def test_consents_of_one_person_share_their_tokens(either_office: Office) -> None:
    """Tokens belong to a person and an app: the second consent's are the first connection's too, and none of them dies of the other's refresh."""
    either_office.connected("acme", 1)
    either_office.connected("other", 2)
    assert grants(either_office) == 1
    either_office.connected("acme", 1, user=BEN)
    assert grants(either_office) == 2
    assert either_office.connected("acme", 1, user=ADA)["status"] == "connected"
    assert grants(either_office) == 1, "what nobody goes by any more is forgotten"


def grants(office: Office) -> int:
    from sqlalchemy import func, select

    from host.sync.tables import grants as table

    with office.place.host.database.read() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_connected_again_by_the_same_person_though_the_filtered_list_is_empty(office: Office) -> None:
    office.connected("acme", 1)
    assert office.connected("acme", 1)["status"] == "connected"
    lists = [one["query"] for one in office.logged("GET", "/connections") if one["path"] == "/connections"]
    assert len(lists) == 3, "filtered; and the second time filtered, then whole"


# -------------------------------------------------------------------------------------------------- when it ends, and goes on


@pytest.mark.row("H-20")
def test_disconnected_it_sends_nothing_and_its_records_wait(either_office: Office) -> None:
    either_office.connected("acme", 1)
    either_office.connected("other", 2)
    assert either_office.api.post("/connections/acme/disconnect", {}) == {"connection": "acme", "still_to_do": ""}
    shown = either_office.show("acme")
    assert (shown["status"], shown["reason"][:16]) == ("disconnected", "disconnected by ")
    assert len(either_office.logged("DELETE", "/connections/")) == 1
    either_office.save_customer("ada", connection="acme")
    either_office.drain("acme")
    assert either_office.state("ada")["state"] == "waiting"
    assert either_office.state("ada")["reason"].startswith("acme is disconnected: disconnected by ")
    either_office.save_customer("bea", connection="other")
    either_office.drain("other")
    assert either_office.state("bea")["state"] == "synced", "the other organisation of the same person goes on"

    either_office.connected("acme", 1)
    either_office.drain("acme")
    assert either_office.state("ada")["state"] == "synced"


def test_disconnected_while_xero_cannot_be_told(office: Office) -> None:
    office.connected("acme", 1)
    office.sandbox.fault(method="DELETE", path="/connections/", kind="status", status=503, times=1)
    left = office.api.post("/connections/acme/disconnect", {})["still_to_do"]
    assert left.startswith("acme is ended here, and the remote could not be told (")
    assert left.endswith("): remove the app in the organisation's own settings")
    assert office.show("acme")["status"] == "disconnected"
    assert grants(office) == 0


@pytest.mark.row("H-21")
@pytest.mark.row("P-8")
def test_deleted_it_is_shown_to_nobody_and_connected_anew_knows_its_links(either_office: Office) -> None:
    either_office.connected("acme", 1)
    either_office.save_customer("ada")
    either_office.drain("acme")
    link = either_office.state("ada")["remote_id"]
    assert either_office.api.delete("/connections/acme")["still_to_do"] == ""
    assert either_office.api.get("/connections")["items"] == []
    assert either_office.api.ask("GET", "/connections/acme").status_code == 404

    either_office.connected("acme", 1)
    either_office.save_customer("ada", phone="020 7946 0000")
    either_office.drain("acme")
    assert either_office.state("ada")["remote_id"] == link
    assert len(either_office.logged("PUT", "Contacts")) == 1


def test_what_xero_withdraws_stops_alone_and_goes_on_when_connected_again(office: Office) -> None:
    office.connected("acme", 1)
    office.connected("other", 2, user=BEN)
    office.sandbox.control("POST", "revoke", {"user": ADA})
    office.save_customer("ada", connection="acme")
    office.save_customer("bea", connection="other")
    for key in ("acme", "other"):
        office.drain(key)
    assert office.state("bea")["state"] == "synced"
    shown = office.show("acme")
    assert shown["status"] == "needs_attention"
    assert "connect again" in shown["reason"]
    assert office.state("ada")["reason"] == f"acme needs attention: {shown['reason']}"

    office.connected("acme", 1, user=BEN)
    office.drain("acme")
    assert office.state("ada")["state"] == "synced"


def test_a_kind_that_the_consent_does_not_cover(office: Office) -> None:
    config = office.place.config
    whole = config.read_text()
    config.write_text(whole.replace(', "products", "invoices"]', "]"))
    office.place.open()
    office.connected("acme", 1)
    config.write_text(whole)
    office.place.open()
    office.save_customer("ada")
    office.drain("acme")
    shown = office.show("acme")
    assert shown["status"] == "needs_attention"
    assert (
        "lacks what the settings need by now (accounting.invoices, accounting.settings): connect it again"
        in shown["reason"]
    )
    office.connected("acme", 1)
    office.drain("acme")
    assert office.state("ada")["state"] == "synced"


def test_tokens_are_renewed_before_they_end_and_both_are_kept(office: Office, clock: Clock) -> None:
    office.connected("acme", 1)
    for renewed in (1, 2):
        office.sandbox.advance(29.5 * 60)
        clock.advance(timedelta(minutes=29.5))
        office.save_customer(f"c{renewed}")
        office.drain("acme")
        assert office.state(f"c{renewed}")["state"] == "synced"
        assert len(office.logged("POST", "/connect/token")) == 1 + renewed
