"""Consents: the authorise and consent pages, codes, PKCE, users and their grants (sections 1.2 to 1.5 of the API facts)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.contract.browser import APP, CALLBACK, SCOPES, Browser, told
from tests.contract.running import official

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox

MINUTE = 60
DEMO = "Demo Company (UK)"
VERIFIER = "a" * 43


def challenge(verifier: str) -> dict[str, str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {"code_challenge": digest, "code_challenge_method": "S256"}


PKCE = challenge(VERIFIER)


@pytest.fixture
def browser(sandbox: Sandbox) -> Browser:
    return Browser(sandbox)


def exchange(
    sandbox: Sandbox, code: str, client: tuple[str, str] | None = APP, redirect: str = CALLBACK, **more: str
) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect} | more
    auth = httpx.BasicAuth(*client) if client else None
    return sandbox.client.send(sandbox.client.build_request("POST", "/connect/token", data=form), auth=auth)


def granted(sandbox: Sandbox, browser: Browser, *organisations: str, **how: Any) -> dict[str, Any]:
    answer = exchange(sandbox, browser.consent(*(organisations or (DEMO,)), **how)["code"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def connections(sandbox: Sandbox, grant: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    return list(sandbox.client.get("/connections", headers=headers, params=query).json())


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


# ------------------------------------------------------------------------------------------------------ the happy way


def test_a_person_clicks_through_and_the_app_gets_tokens(sandbox: Sandbox, browser: Browser) -> None:
    page = browser.log_in()
    assert "Sandbox App wants access" in page.text
    assert set(SCOPES.split()) <= set(page.text.split())
    back = told(browser.press(page, "Allow access", DEMO))
    assert back["state"] == "s-1"
    grant = exchange(sandbox, back["code"]).json()
    named = {"access_token", "refresh_token", "id_token", "expires_in", "token_type", "scope"}
    assert set(grant) == named
    assert (grant["expires_in"], grant["token_type"], grant["scope"]) == (1800, "Bearer", SCOPES)
    (connection,) = connections(sandbox, grant)
    assert connection["tenantName"] == DEMO
    assert connection["authEventId"] == claims(grant["access_token"])["authentication_event_id"]
    headers = {"xero-tenant-id": connection["tenantId"]}
    assert sandbox.call("GET", "Contacts", token=grant["access_token"], headers=headers).status_code == 200


def test_the_official_client_works_with_a_consent(sandbox: Sandbox, browser: Browser, xero: Official) -> None:
    kept = granted(sandbox, browser)
    theirs = official(sandbox, APP, kept)
    (connection,) = theirs.identity.get_connections()
    (organisation,) = theirs.accounting.get_organisations(connection.tenant_id).organisations
    assert organisation.name == connection.tenant_name == DEMO
    first = kept["refresh_token"]
    theirs.client.refresh_oauth2_token()
    assert kept["refresh_token"] != first
    theirs.identity.delete_connection(connection.id)
    assert theirs.identity.get_connections() == []
    last = kept["refresh_token"]
    theirs.client.revoke_oauth2_token()
    assert error(sandbox.ask_token(APP, grant_type="refresh_token", refresh_token=last)) == (400, "invalid_grant")
    theirs.client.rest_client.pool_manager.clear()


def test_discovery_says_where_to_send_people(sandbox: Sandbox) -> None:
    found = sandbox.client.get("/.well-known/openid-configuration").json()
    assert found["authorization_endpoint"] == f"{sandbox.url}/identity/connect/authorize"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "authorization_code" in found["grant_types_supported"]


def test_who_logged_in_is_told_as_far_as_was_asked(sandbox: Sandbox, browser: Browser) -> None:
    grant = granted(sandbox, browser, user="Ben Bookkeeper", nonce="n-1")
    identity = claims(grant["id_token"])
    assert identity["exp"] - identity["nbf"] == 5 * MINUTE
    assert (identity["aud"], identity["nonce"], identity["email"]) == (APP[0], "n-1", "ben@example.com")
    assert (identity["given_name"], identity["family_name"]) == ("Ben", "Bookkeeper")
    assert identity["sub"] == identity["xero_userid"] == claims(grant["access_token"])["sub"]
    digest = hashlib.sha256(grant["access_token"].encode()).digest()[:16]
    assert identity["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    named = {"nbf", "exp", "iss", "aud", "iat", "at_hash", "sid", "sub", "auth_time", "idp", "xero_userid"}
    named |= {"global_session_id", "preferred_username", "email", "given_name", "family_name", "amr"}
    assert set(identity) == named | {"nonce"}


def test_without_openid_and_offline_access_there_is_neither_identity_nor_refresh(
    sandbox: Sandbox, browser: Browser
) -> None:
    grant = granted(sandbox, browser, scope="accounting.contacts")
    assert set(grant) == {"access_token", "expires_in", "token_type", "scope"}


def test_signing_in_alone_connects_nothing(sandbox: Sandbox, browser: Browser) -> None:
    page = browser.log_in(scope="openid email")
    assert page.choices == {}
    grant = exchange(sandbox, told(browser.press(page, "Allow access"))["code"]).json()
    assert connections(sandbox, grant) == []
    identity = claims(grant["id_token"])
    assert (identity["email"], "given_name" in identity) == ("ada@example.com", False)


# ---------------------------------------------------------------------------------------------------- what goes wrong


def test_who_says_no_sends_the_app_away(sandbox: Sandbox, browser: Browser) -> None:
    page = browser.press(browser.log_in(), "Cancel")
    assert told(page) == {"error": "access_denied", "state": "s-1"}
    assert sandbox.control("GET", "grants") == []


@pytest.mark.parametrize("state", ["", "ä &=?#", "x" * 500])
def test_the_state_comes_back_as_it_was_sent(browser: Browser, state: str) -> None:
    page = browser.press(browser.log_in(state=state), "Cancel")
    assert page.response.headers["location"].startswith(CALLBACK)
    assert told(page).get("state", "") == state


def test_without_a_state_none_comes_back(browser: Browser) -> None:
    assert "state" not in browser.consent(DEMO, state=None)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"client_id": "nobody"}, "unauthorized_client"),
        ({"client_id": None}, "unauthorized_client"),
        ({"client_id": "sandbox-custom"}, "unauthorized_client"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_request"),
        ({"redirect_uri": CALLBACK.upper()}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "?x=1"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "accounting.contacts accounting.everything"}, "invalid_scope"),
        ({"scope": "accounting.transactions"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"code_challenge": "x", "code_challenge_method": "plain"}, "invalid_request"),
        ({"client_id": "sandbox-pkce"}, "invalid_request"),
    ],
)
def test_an_address_that_is_not_in_order_ends_on_a_page(
    browser: Browser, changes: dict[str, str | None], word: str
) -> None:
    page = browser.open(browser.address(**changes))
    assert page.response.status_code == 400
    assert "location" not in page.response.headers
    assert f"Error: {word}" in page.text


def test_mistakes_can_go_to_the_app_once_its_address_is_known(sandbox: Sandbox, browser: Browser) -> None:
    sandbox.switch(authorise_errors="redirect", authorise_scope_error="unauthorized_client")
    page = browser.open(browser.address(scope="accounting.everything"))
    assert told(page) == {"error": "unauthorized_client", "state": "s-1"}
    assert browser.open(browser.address(redirect_uri="https://example.com/")).response.status_code == 400


def test_pages_are_not_framed_and_hold_nothing_of_the_address_unescaped(browser: Browser) -> None:
    page = browser.open(browser.address(state='"><script>alert(1)</script>'))
    assert "<script" not in page.response.text
    assert "frame-ancestors 'none'" in page.response.headers["content-security-policy"]


def test_a_code_is_good_once(sandbox: Sandbox, browser: Browser) -> None:
    code = browser.consent(DEMO)["code"]
    assert exchange(sandbox, code).status_code == 200
    assert error(exchange(sandbox, code)) == (400, "invalid_grant")


def test_a_code_is_good_for_five_minutes(sandbox: Sandbox, browser: Browser) -> None:
    early, late = browser.consent(DEMO)["code"], browser.consent(DEMO)["code"]
    sandbox.advance(5 * MINUTE - 5)
    assert exchange(sandbox, early).status_code == 200
    sandbox.advance(6)
    assert error(exchange(sandbox, late)) == (400, "invalid_grant")


def test_a_code_is_for_its_app_and_address_only(sandbox: Sandbox, browser: Browser) -> None:
    sandbox.control("POST", "apps", {"client_id": "other", "redirects": [CALLBACK]})
    code = browser.consent(DEMO)["code"]
    assert error(exchange(sandbox, code, ("other", "sandbox-secret"))) == (400, "invalid_grant")
    assert error(exchange(sandbox, code, (APP[0], "wrong"))) == (400, "invalid_client")
    assert error(exchange(sandbox, code, redirect="http://localhost:8000/elsewhere")) == (400, "invalid_grant")
    assert error(exchange(sandbox, "made-up")) == (400, "invalid_grant")


# --------------------------------------------------------------------------------------------------------------- PKCE


def test_an_app_without_a_secret_proves_itself_by_its_verifier(sandbox: Sandbox, browser: Browser) -> None:
    code = browser.consent(DEMO, client_id="sandbox-pkce", **PKCE)["code"]
    named = {"client_id": "sandbox-pkce"}
    grant = exchange(sandbox, code, None, code_verifier=VERIFIER, **named).json()
    refreshed = sandbox.client.post(
        "/connect/token", data=named | {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    )
    assert refreshed.status_code == 200
    token = refreshed.json()["refresh_token"]
    assert sandbox.client.post("/connect/revocation", data=named | {"token": token}).status_code == 200
    assert connections(sandbox, grant) == []


@pytest.mark.parametrize("verifier", ["b" * 43, "a" * 42, "a" * 129, "a" * 42 + "ä", ""])
def test_a_wrong_verifier_gets_nothing(sandbox: Sandbox, browser: Browser, verifier: str) -> None:
    code = browser.consent(DEMO, client_id="sandbox-pkce", **PKCE)["code"]
    refused = exchange(sandbox, code, None, code_verifier=verifier, client_id="sandbox-pkce")
    assert error(refused) == (400, "invalid_grant")
    # Whoever guesses does so once.
    again = exchange(sandbox, code, None, code_verifier=VERIFIER, client_id="sandbox-pkce")
    assert error(again) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, "a" * 42 + "ä", "a" * 42 + " "])
def test_a_verifier_has_43_to_128_plain_characters(sandbox: Sandbox, browser: Browser, verifier: str) -> None:
    code = browser.consent(DEMO, client_id="sandbox-pkce", **challenge(verifier))["code"]
    refused = exchange(sandbox, code, None, code_verifier=verifier, client_id="sandbox-pkce")
    assert error(refused) == (400, "invalid_grant")


def test_an_app_with_a_secret_may_use_it_too(sandbox: Sandbox, browser: Browser) -> None:
    assert exchange(sandbox, browser.consent(DEMO, **PKCE)["code"], code_verifier=VERIFIER).status_code == 200
    assert error(exchange(sandbox, browser.consent(DEMO, **PKCE)["code"])) == (400, "invalid_grant")


# ------------------------------------------------------------------------------------- organisations, users, grants


@pytest.fixture
def three(sandbox: Sandbox) -> dict[str, str]:
    """Tenant ids by name: the demo company and two more."""
    made = {DEMO: sandbox.organisation()["tenant_id"]}
    for name, country in (("North", "NZ"), ("South", "US")):
        made[name] = sandbox.control("POST", "organisations", {"name": name, "country": country})["tenant_id"]
    return made


def test_an_organisation_is_chosen_one_for_each_consent(
    sandbox: Sandbox, browser: Browser, three: dict[str, str]
) -> None:
    page = browser.log_in()
    assert page.choices == three
    nothing = browser.press(page, "Allow access")
    assert (nothing.response.status_code, "Choose the organisation to connect." in nothing.text) == (400, True)
    several = browser.press(page, "Allow access", "North", "South")
    assert (several.response.status_code, "Choose one organisation" in several.text) == (400, True)
    grant = exchange(sandbox, told(browser.press(page, "Allow access", "North"))["code"]).json()
    assert [one["tenantName"] for one in connections(sandbox, grant)] == ["North"]
    # The second consent's list has both, its filtered one the new one only.
    second = granted(sandbox, browser, "South")
    assert [one["tenantName"] for one in connections(sandbox, second)] == ["North", "South"]
    event = claims(second["access_token"])["authentication_event_id"]
    assert [one["tenantName"] for one in connections(sandbox, second, authEventId=event)] == ["South"]
    # Tokens belong to the user and the app: the first consent's reach the second's organisation.
    assert len(connections(sandbox, grant)) == 2


def test_an_advanced_app_connects_several_at_once(sandbox: Sandbox, browser: Browser, three: dict[str, str]) -> None:
    sandbox.control("PUT", f"apps/{APP[0]}", {"bulk": True})
    grant = granted(sandbox, browser, "North", "South")
    found = connections(sandbox, grant)
    assert {one["tenantName"] for one in found} == {"North", "South"}
    assert len({one["authEventId"] for one in found}) == 1
    page = browser.log_in(acr_values="bulk_connect:false")
    assert browser.press(page, "Allow access", "North", "South").response.status_code == 400


def test_a_user_chooses_among_their_own_organisations(
    sandbox: Sandbox, browser: Browser, three: dict[str, str]
) -> None:
    wanted = {"email": "cy@example.com", "given_name": "Cy", "family_name": "Clerk", "tenant_ids": [three["South"]]}
    sandbox.control("POST", "users", wanted)
    page = browser.log_in("Cy Clerk")
    assert page.choices == {"South": three["South"]}
    forged = browser.press(page, "Allow access")  # the only one is chosen already
    assert [one["tenantName"] for one in connections(sandbox, exchange(sandbox, told(forged)["code"]).json())] == [
        "South"
    ]
    page.choices["North"] = three["North"]
    page.fields = [one for one in page.fields if one[0] != "tenant"]
    assert browser.press(page, "Allow access", "North").response.status_code == 400


def test_two_users_have_grants_of_their_own(sandbox: Sandbox, browser: Browser) -> None:
    ada, ben = granted(sandbox, browser), granted(sandbox, browser, user="Ben Bookkeeper")
    (hers,), (his,) = connections(sandbox, ada), connections(sandbox, ben)
    assert hers["id"] != his["id"]
    assert hers["tenantId"] == his["tenantId"]
    sandbox.client.post("/connect/revocation", data={"token": ada["refresh_token"]}, auth=APP)
    assert connections(sandbox, ada) == []
    assert connections(sandbox, ben) == [his]
    assert [one["client_id"] for one in sandbox.control("GET", "grants")] == [APP[0]]


def test_who_leaves_an_organisation_takes_its_connections_along(
    sandbox: Sandbox, browser: Browser, three: dict[str, str]
) -> None:
    granted(sandbox, browser, "North")
    grant = granted(sandbox, browser, "South")
    changed = sandbox.control("PUT", "users/ada@example.com", {"tenant_ids": [three["South"]]})
    assert (changed["name"], changed["tenant_ids"]) == ("Ada Admin", [three["South"]])
    assert [one["tenantName"] for one in connections(sandbox, grant)] == ["South"]
    assert browser.log_in().choices == {"South": three["South"]}
    sandbox.control("PUT", "users/ada@example.com", {"tenant_ids": None})
    assert browser.log_in().choices == three


def test_a_user_who_may_only_read_is_refused_to_write(sandbox: Sandbox, browser: Browser) -> None:
    grant = granted(sandbox, browser)
    sandbox.control("PUT", "users/ada@example.com", {"role": "read_only"})
    tenant = {"xero-tenant-id": sandbox.organisation()["tenant_id"]}

    def call(method: str, path: str) -> httpx.Response:
        body = {"Name": "X"} if method == "PUT" else None
        return sandbox.call(method, path, body, token=grant["access_token"], headers=tenant)

    assert call("GET", "Contacts").status_code == 200
    actions = {action["Status"] for action in call("GET", "Organisation/Actions").json()["Actions"]}
    assert actions == {"NOT-ALLOWED"}
    refused = call("PUT", "Contacts")
    assert (refused.status_code, refused.json()["Detail"]) == (403, "AuthenticationUnsuccessful")
    sandbox.switch(role_refusal_detail="NotPermitted")
    assert call("PUT", "Contacts").json()["Detail"] == "NotPermitted"
    assert sandbox.contact("By the custom connection")["Name"] != ""
    sandbox.control("PUT", "users/ada@example.com", {"role": "standard"})
    assert call("PUT", "Contacts").status_code == 200


def test_an_answer_to_a_refresh_may_be_lost(sandbox: Sandbox, browser: Browser) -> None:
    """The old token goes on for the grace period, which is what it is for."""
    form = {"grant_type": "refresh_token", "refresh_token": granted(sandbox, browser)["refresh_token"]}
    sandbox.fault(path="connect/token", kind="drop_after")
    with pytest.raises(httpx.HTTPError):
        sandbox.ask_token(APP, **form)
    (lost,) = sandbox.control("GET", "grants")
    again = sandbox.ask_token(APP, **form)
    assert again.status_code == 200
    sandbox.advance(31 * MINUTE)
    assert error(sandbox.ask_token(APP, **form)) == (400, "invalid_grant")
    assert sandbox.ask_token(APP, **form | {"refresh_token": again.json()["refresh_token"]}).status_code == 200
    assert lost["client_id"] == APP[0]


def test_a_redirect_address_may_have_a_query_of_its_own(sandbox: Sandbox, browser: Browser) -> None:
    address = CALLBACK + "?next=a"
    sandbox.control("PUT", f"apps/{APP[0]}", {"redirects": [address]})
    back = browser.consent(DEMO, redirect_uri=address)
    assert (back["next"], back["state"]) == ("a", "s-1")
    assert exchange(sandbox, back["code"], redirect=address).status_code == 200


def test_scopes_add_up_until_everything_is_revoked(sandbox: Sandbox, browser: Browser) -> None:
    granted(sandbox, browser, scope="accounting.contacts offline_access")
    wider = granted(sandbox, browser, scope="accounting.settings.read")
    assert wider["scope"] == "accounting.settings.read accounting.contacts offline_access"
    sandbox.control("POST", "revoke", {"client_id": APP[0], "user": "ada@example.com"})
    assert granted(sandbox, browser, scope="accounting.settings.read")["scope"] == "accounting.settings.read"


def test_an_old_app_has_the_broad_scopes_until_they_end(sandbox: Sandbox, browser: Browser) -> None:
    sandbox.control("PUT", f"apps/{APP[0]}", {"scopes": "broad"})
    broad = "accounting.transactions accounting.contacts.read offline_access"
    grant = granted(sandbox, browser, scope=broad)
    tenant = {"xero-tenant-id": sandbox.organisation()["tenant_id"]}

    def status(path: str, method: str = "GET", token: str = grant["access_token"]) -> int:
        return sandbox.call(method, path, {} if method == "PUT" else None, token=token, headers=tenant).status_code

    assert (status("Invoices"), status("Payments"), status("Contacts"), status("Accounts")) == (200, 200, 200, 401)
    assert status("Invoices", "PUT") == 400  # allowed, though there is nothing in it
    read = granted(sandbox, browser, scope="accounting.transactions.read", user="Ben Bookkeeper")["access_token"]
    assert (status("Invoices", token=read), status("Invoices", "PUT", read)) == (200, 401)
    sandbox.advance(86_400 * 365)  # past 2027-09-13
    later = sandbox.ask_token(APP, grant_type="refresh_token", refresh_token=grant["refresh_token"])
    assert error(later) == (400, "invalid_grant")  # unused for more than sixty days
    assert browser.open(browser.address(scope=broad)).response.status_code == 400
    assert granted(sandbox, browser, scope="accounting.invoices")["scope"].startswith("accounting.invoices")


def test_an_organisation_has_room_for_two_uncertified_apps(sandbox: Sandbox, browser: Browser) -> None:
    for name in ("one", "two", "three"):
        sandbox.control("POST", "apps", {"client_id": name, "redirects": [CALLBACK]})
    for name in ("one", "two"):
        browser.consent(DEMO, client_id=name)
    page = browser.log_in(client_id="three")
    assert page.choices == {}
    assert "connected to two uncertified apps" in page.text
    page.choices[DEMO] = sandbox.organisation()["tenant_id"]
    assert browser.press(page, "Allow access", DEMO).response.status_code == 400
    assert browser.log_in(client_id="one").choices != {}
    sandbox.control("PUT", "apps/three", {"certified": True})
    assert browser.log_in(client_id="three").choices != {}
    for name, certified in (("three", False), ("one", True)):  # one that is certified takes no room either
        sandbox.control("PUT", f"apps/{name}", {"certified": certified})
    assert browser.consent(DEMO, client_id="three")["code"]


def test_an_app_looks_after_its_connections_without_any_user(sandbox: Sandbox, browser: Browser) -> None:
    ada, ben = granted(sandbox, browser), granted(sandbox, browser, user="Ben Bookkeeper")
    own = sandbox.ask_token(APP, scope="app.connections").json()
    assert set(own) == {"access_token", "expires_in", "token_type", "scope"}
    assert connections(sandbox, own) == [*connections(sandbox, ada), *connections(sandbox, ben)]
    (hers,) = connections(sandbox, ada)
    headers = {"Authorization": f"Bearer {own['access_token']}"}
    assert sandbox.client.delete(f"/connections/{hers['id']}", headers=headers).status_code == 204
    assert (connections(sandbox, ada), len(connections(sandbox, ben))) == ([], 1)
    (custom,) = connections(sandbox, {"access_token": sandbox.token()})
    assert sandbox.client.delete(f"/connections/{custom['id']}", headers=headers).status_code == 404  # another app's
    tenant = {"xero-tenant-id": hers["tenantId"]}
    assert sandbox.call("GET", "Contacts", token=own["access_token"], headers=tenant).status_code == 401
    for scope in ("app.connections accounting.contacts", ""):
        assert error(sandbox.ask_token(APP, scope=scope)) == (400, "unauthorized_client")
    assert error(sandbox.ask_token(("sandbox-pkce", ""), scope="app.connections")) == (400, "unauthorized_client")
    assert error(sandbox.ask_token(scope="app.connections")) == (400, "invalid_scope")


# -------------------------------------------------------------------------------------- disconnecting and reconnecting


def test_a_reconnect_has_an_empty_filtered_list(sandbox: Sandbox, browser: Browser) -> None:
    first = granted(sandbox, browser)
    (before,) = connections(sandbox, first)
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    assert sandbox.client.delete(f"/connections/{before['id']}", headers=headers).status_code == 204
    assert connections(sandbox, first) == []
    again = granted(sandbox, browser)
    event = claims(again["access_token"])["authentication_event_id"]
    assert connections(sandbox, again, authEventId=event) == []
    (after,) = connections(sandbox, again)
    assert (after["id"], after["authEventId"]) == (before["id"], before["authEventId"])
    assert after["updatedDateUtc"] > after["createdDateUtc"] == before["createdDateUtc"]


@pytest.mark.parametrize(
    ("way", "by_the_same", "by_another"), [("original", 0, 1), ("original_of_anybody", 0, 0), ("new", 1, 1)]
)
def test_whose_event_a_reconnect_has_is_a_switch(
    sandbox: Sandbox, browser: Browser, way: str, by_the_same: int, by_another: int
) -> None:
    sandbox.switch(reconnect_auth_event=way)
    granted(sandbox, browser)
    found = {}
    for user in ("Ada Admin", "Ben Bookkeeper"):
        grant = granted(sandbox, browser, user=user)
        event = claims(grant["access_token"])["authentication_event_id"]
        found[user] = len(connections(sandbox, grant, authEventId=event))
        assert len(connections(sandbox, grant)) == 1
    assert found == {"Ada Admin": by_the_same, "Ben Bookkeeper": by_another}


def test_the_callback_may_say_no_more_than_it_must(sandbox: Sandbox, browser: Browser) -> None:
    assert set(browser.consent(DEMO)) == {"code", "state", "scope", "session_state"}
    sandbox.switch(callback_says_more=False)
    assert set(browser.consent(DEMO)) == {"code", "state"}


def test_an_organisation_that_was_reset_has_a_new_tenant_id(sandbox: Sandbox, browser: Browser) -> None:
    grant = granted(sandbox, browser)
    old = sandbox.organisation()["tenant_id"]
    sandbox.contact("Gone tomorrow")
    new = sandbox.control("POST", "organisations/reset", {"tenant_id": old})["tenant_id"]
    assert new != old
    assert sandbox.organisation()["tenant_id"] == new

    def status(tenant_id: str) -> int:
        return sandbox.call(
            "GET", "Contacts", token=grant["access_token"], headers={"xero-tenant-id": tenant_id}
        ).status_code

    assert (status(old), status(new), connections(sandbox, grant)) == (403, 403, [])
    assert sandbox.ask_token(APP, grant_type="refresh_token", refresh_token=grant["refresh_token"]).status_code == 200
    again = granted(sandbox, browser)
    (connection,) = connections(sandbox, again)
    assert (connection["tenantId"], status(new)) == (new, 200)
    # The custom connection must be consented to again as well.
    assert sandbox.call("GET", "Contacts").status_code == 403
    assert sandbox.control("POST", "connect", {"client_id": "sandbox-custom"}) == {"connected": new}
    assert sandbox.listed("Contacts") == []
    assert sandbox.get("Organisation")["Organisations"][0]["OrganisationID"] == new


def test_a_reset_may_keep_its_connections(sandbox: Sandbox, browser: Browser) -> None:
    grant = granted(sandbox, browser)
    new = sandbox.control("POST", "organisations/reset", {"keep_connections": True})["tenant_id"]
    assert [one["tenantId"] for one in connections(sandbox, grant)] == [new]


# --------------------------------------------------------------------------------------------- the control interface


def test_one_control_call_consents_as_a_person_would(sandbox: Sandbox, browser: Browser) -> None:
    def consent(**more: Any) -> str:
        return str(sandbox.control("POST", "consent", {"url": browser.address()} | more)["location"])

    code = consent(user="ben@example.com").partition("code=")[2].partition("&")[0]
    assert claims(exchange(sandbox, code).json()["id_token"])["email"] == "ben@example.com"
    assert consent(allow=False) == f"{CALLBACK}?error=access_denied&state=s-1"
    refused = sandbox.client.post("/_sandbox/consent", json={"url": browser.address(redirect_uri="https://x.example")})
    assert refused.status_code == 400
    assert "is not registered for this app" in refused.json()["error"]


def test_what_was_granted_can_be_revoked_from_xeros_side(sandbox: Sandbox, browser: Browser) -> None:
    ada, ben = granted(sandbox, browser), granted(sandbox, browser, user="Ben Bookkeeper")
    unused = browser.consent(DEMO)["code"]
    assert sandbox.control("POST", "revoke", {"user": "ada@example.com"}) == {"revoked": 1}
    assert error(exchange(sandbox, unused)) == (400, "invalid_grant")
    tenant = {"xero-tenant-id": sandbox.organisation()["tenant_id"]}
    assert sandbox.call("GET", "Contacts", token=ada["access_token"], headers=tenant).status_code == 403
    assert sandbox.call("GET", "Contacts", token=ben["access_token"], headers=tenant).status_code == 200
    assert sandbox.call("GET", "Contacts").status_code == 200


def test_tokens_can_be_made_to_expire(sandbox: Sandbox, browser: Browser) -> None:
    ada, ben = granted(sandbox, browser), granted(sandbox, browser, user="Ben Bookkeeper")
    tenant = {"xero-tenant-id": sandbox.organisation()["tenant_id"]}
    assert sandbox.control("POST", "expire", {"kind": "access", "user": "ada@example.com"}) == {"expired": 1}
    expired = sandbox.call("GET", "Contacts", token=ada["access_token"], headers=tenant)
    assert (expired.status_code, expired.json()["Detail"].split(":")[0]) == (401, "TokenExpired")
    assert sandbox.call("GET", "Contacts", token=ben["access_token"], headers=tenant).status_code == 200

    def refreshed(grant: dict[str, Any]) -> int:
        form = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
        return sandbox.ask_token(APP, **form).status_code

    assert sandbox.control("POST", "expire", {"kind": "refresh", "user": "ben@example.com"}) == {"expired": 1}
    assert (refreshed(ada), refreshed(ben)) == (200, 400)
    code = browser.consent(DEMO)["code"]
    sandbox.control("POST", "expire", {"kind": "code"})
    assert error(exchange(sandbox, code)) == (400, "invalid_grant")


def test_apps_are_kept_as_in_the_developer_portal(sandbox: Sandbox, browser: Browser) -> None:
    made = sandbox.control("POST", "apps", {"client_id": "mine", "secret": "s3cret", "redirects": [CALLBACK]})
    assert (made["kind"], made["name"], made["redirects"]) == ("web", "mine", [CALLBACK])
    code = browser.consent(DEMO, client_id="mine")["code"]
    assert error(exchange(sandbox, code, ("mine", "sandbox-secret"))) == (400, "invalid_client")
    assert exchange(sandbox, code, ("mine", "s3cret")).status_code == 200
    sandbox.control("PUT", "apps/mine", {"kind": "pkce", "scopes": ["openid"]})
    shown = {app["client_id"]: app for app in sandbox.control("GET", "apps")}
    assert (shown["mine"]["kind"], shown["mine"]["scopes"], "secret" in shown["mine"]) == ("pkce", ["openid"], False)
    sandbox.control("DELETE", "apps/mine")
    assert browser.open(browser.address(client_id="mine")).response.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "apps", {"client_id": "sandbox-app"}, 400, "there is an app sandbox-app already"),
        ("POST", "apps", {"client_id": "a", "redirects": ["http://127.0.0.1/x"]}, 400, "127.0.0.1 is refused"),
        ("POST", "apps", {"client_id": "a", "redirects": ["https://*.example/x"]}, 400, "without *"),
        ("POST", "apps", {"client_id": "a", "redirects": ["ftp://localhost/x"]}, 400, "must be https://"),
        ("POST", "apps", {"client_id": "a", "redirects": [f"https://x/{n}" for n in range(51)]}, 400, "at most 50"),
        ("POST", "apps", {"client_id": "a", "kind": "spa"}, 400, "kind must be web or pkce"),
        ("POST", "apps", {"client_id": "a", "scopes": ["x"]}, 400, "unknown scopes x"),
        ("POST", "apps", {"client_id": "a", "bulk": "yes"}, 400, "bulk must be true or false"),
        ("POST", "apps", {"client": "a"}, 400, "client_id must be a text"),
        ("PUT", "apps/nobody", {}, 404, "no app nobody"),
        ("PUT", "apps/sandbox-custom", {"name": "x"}, 400, "is a custom connection"),
        ("POST", "users", {"email": "nobody"}, 400, "must be an e-mail address"),
        ("POST", "users", {"email": "ADA@example.com"}, 400, "there is a user"),
        ("POST", "users", {"email": "x@example.com", "tenant_ids": ["x"]}, 404, "no organisation x"),
        ("POST", "users", {"email": "x@example.com", "role": "king"}, 400, "role must be one of standard, read_only"),
        ("PUT", "users/nobody", {}, 404, "no user nobody"),
        ("POST", "expire", {"kind": "everything"}, 400, "kind must be one of access, refresh, code"),
        ("POST", "revoke", {"user": "nobody@example.com"}, 404, "no user nobody@example.com"),
        ("POST", "connect", {"client_id": "sandbox-app"}, 400, "is no custom connection"),
        ("POST", "organisations/reset", {"tenant_id": "x"}, 404, "no organisation x"),
    ],
)
def test_control_of_the_identity_server_refuses_in_one_sentence(
    sandbox: Sandbox, method: str, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    refused = sandbox.client.request(method, f"/_sandbox/{path}", json=body)
    assert (refused.status_code, said in refused.json()["error"]) == (status, True), refused.json()


def test_a_reset_forgets_what_people_consented_to_and_keeps_the_secrets_listed(
    sandbox: Sandbox, browser: Browser
) -> None:
    grant, unused = granted(sandbox, browser), browser.consent(DEMO)["code"]
    sandbox.control("POST", "apps", {"client_id": "mine"})
    sandbox.control("POST", "users", {"email": "x@example.com"})
    sandbox.control("POST", "reset")
    assert error(exchange(sandbox, unused)) == (400, "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    assert error(sandbox.ask_token(APP, **form)) == (400, "invalid_grant")
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    assert sandbox.client.get("/connections", headers=headers).status_code == 401
    assert {app["client_id"] for app in sandbox.control("GET", "apps")} == {
        "sandbox-app",
        "sandbox-pkce",
        "sandbox-second",
        "sandbox-custom",
    }
    assert len(sandbox.control("GET", "users")) == 2
    kinds = {secret["value"]: secret["kind"] for secret in sandbox.control("GET", "secrets")}
    assert (kinds[grant["access_token"]], kinds[grant["refresh_token"]]) == ("access_token", "refresh_token")
    (fresh,) = connections(sandbox, granted(sandbox, browser))
    assert fresh["createdDateUtc"] == fresh["updatedDateUtc"]
