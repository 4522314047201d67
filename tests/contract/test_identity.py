"""Tokens, scopes, connections: sections 1.2 to 1.6 of the API facts."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.contract.running import SECOND

if TYPE_CHECKING:
    import httpx

    from tests.contract.running import Official, Sandbox

MINUTE = 60
DAY = 86_400


def refresh(sandbox: Sandbox, token: str) -> httpx.Response:
    return sandbox.ask_token(SECOND, grant_type="refresh_token", refresh_token=token)


def user_grant(sandbox: Sandbox) -> dict[str, Any]:
    granted = sandbox.control("POST", "tokens", {"scopes": ["offline_access", "accounting.contacts"]})
    return dict(granted)


def detail(response: httpx.Response) -> str:
    problem = response.json()
    assert set(problem) == {"Type", "Title", "Status", "Detail", "Instance", "Extensions"}
    assert problem["Status"] == response.status_code
    return str(problem["Detail"])


def test_a_custom_connection_gets_no_refresh_token_and_needs_no_tenant_header(sandbox: Sandbox) -> None:
    answer = sandbox.ask_token(scope="accounting.contacts accounting.settings.read").json()
    assert set(answer) == {"access_token", "expires_in", "token_type", "scope"}
    assert (answer["expires_in"], answer["token_type"]) == (1800, "Bearer")
    assert answer["scope"] == "accounting.contacts accounting.settings.read"
    assert sandbox.call("GET", "Contacts", token=answer["access_token"]).status_code == 200
    empty = sandbox.call("GET", "Contacts", token=answer["access_token"], headers={"xero-tenant-id": ""})
    assert empty.status_code == 200


@pytest.mark.parametrize(
    ("client", "form", "error"),
    [
        (("sandbox-custom", "wrong"), {}, "invalid_client"),
        (("nobody", "sandbox-secret"), {}, "invalid_client"),
        (("sandbox-custom", "sandbox-secret"), {"scope": "accounting.transactions"}, "invalid_scope"),
        (("sandbox-custom", "sandbox-secret"), {"scope": "offline_access"}, "invalid_scope"),
        (("sandbox-custom", "sandbox-secret"), {"grant_type": "password"}, "unsupported_grant_type"),
        (("sandbox-app", "sandbox-secret"), {"scope": "accounting.contacts"}, "unauthorized_client"),
        (("sandbox-custom", "sandbox-secret"), {"grant_type": "refresh_token"}, "invalid_grant"),
    ],
)
def test_the_token_endpoint_refuses(
    sandbox: Sandbox, client: tuple[str, str], form: dict[str, str], error: str
) -> None:
    refused = sandbox.ask_token(client, **form)
    assert (refused.status_code, refused.json()) == (400, {"error": error})


def test_the_status_of_invalid_client_is_a_switch(sandbox: Sandbox) -> None:
    sandbox.switch(invalid_client_status="401")
    assert sandbox.ask_token(("nobody", "x")).status_code == 401


def test_refusals_may_be_described(sandbox: Sandbox) -> None:
    sandbox.switch(error_description=True)
    refused = sandbox.ask_token(("nobody", "x")).json()
    assert set(refused) == {"error", "error_description"}
    assert refused["error"] == "invalid_client"


def test_credentials_may_come_in_the_form(sandbox: Sandbox) -> None:
    form = {"grant_type": "client_credentials", "client_id": "sandbox-custom", "client_secret": "sandbox-secret"}
    assert sandbox.client.post("/connect/token", data=form).status_code == 200


def test_access_tokens_are_signed_and_say_what_xeros_say(sandbox: Sandbox) -> None:
    token = sandbox.token()
    header, claims, signature = (part + "=" * (-len(part) % 4) for part in token.split("."))
    key_id = json.loads(base64.urlsafe_b64decode(header))["kid"]
    discovery = sandbox.client.get("/.well-known/openid-configuration").json()
    (key,) = sandbox.client.get(discovery["jwks_uri"]).json()["keys"]
    assert key["kid"] == key_id
    numbers = [int.from_bytes(base64.urlsafe_b64decode(key[name] + "==")) for name in ("e", "n")]
    rsa.RSAPublicNumbers(*numbers).public_key().verify(
        base64.urlsafe_b64decode(signature),
        token.rsplit(".", 1)[0].encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    told = json.loads(base64.urlsafe_b64decode(claims))
    named = {"nbf", "exp", "iss", "aud", "client_id", "sub", "auth_time", "idp", "xero_userid", "global_session_id"}
    assert set(told) == named | {"jti", "scope", "amr", "authentication_event_id"}
    assert told["exp"] - told["nbf"] == 1800
    assert told["client_id"] == "sandbox-custom"


def test_an_access_token_dies_after_thirty_minutes(sandbox: Sandbox) -> None:
    token = sandbox.token()
    sandbox.advance(29 * MINUTE)
    assert sandbox.call("GET", "Organisation", token=token).status_code == 200
    sandbox.advance(2 * MINUTE)
    expired = sandbox.call("GET", "Organisation", token=token)
    assert expired.status_code == 401
    assert detail(expired).startswith("TokenExpired: token expired at ")


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic c2FuZGJveA==", ""])
def test_a_missing_or_garbled_bearer_is_401(sandbox: Sandbox, header: str) -> None:
    refused = sandbox.call("GET", "Organisation", headers={"Authorization": header})
    assert (refused.status_code, detail(refused)) == (401, "AuthenticationUnsuccessful")


def test_refresh_rotates_and_the_old_token_lives_for_thirty_minutes_more(sandbox: Sandbox) -> None:
    first = user_grant(sandbox)["refresh_token"]
    second = refresh(sandbox, first).json()
    assert second["refresh_token"] != first
    assert second["scope"] == "offline_access accounting.contacts"
    assert sandbox.call("GET", "Contacts", token=second["access_token"], headers=tenant(sandbox)).status_code == 200
    sandbox.advance(29 * MINUTE)
    assert refresh(sandbox, first).status_code == 200
    sandbox.advance(2 * MINUTE)
    late = refresh(sandbox, first)
    assert (late.status_code, late.json()) == (400, {"error": "invalid_grant"})


def test_a_refresh_token_unused_for_sixty_days_is_dead(sandbox: Sandbox) -> None:
    unused, used = user_grant(sandbox)["refresh_token"], user_grant(sandbox)["refresh_token"]
    sandbox.advance(59 * DAY)
    renewed = refresh(sandbox, used).json()["refresh_token"]
    sandbox.advance(2 * DAY)
    assert refresh(sandbox, unused).json() == {"error": "invalid_grant"}
    assert refresh(sandbox, renewed).status_code == 200


def test_of_two_refreshes_with_one_token_only_the_last_pair_outlives_the_grace(sandbox: Sandbox) -> None:
    shared = user_grant(sandbox)["refresh_token"]
    one, other = (refresh(sandbox, shared).json()["refresh_token"] for _ in range(2))
    assert one != other
    sandbox.advance(31 * MINUTE)
    assert refresh(sandbox, one).json() == {"error": "invalid_grant"}
    assert refresh(sandbox, other).status_code == 200


def test_what_a_second_refresh_gets_is_a_switch(sandbox: Sandbox) -> None:
    shared = user_grant(sandbox)["refresh_token"]
    first = refresh(sandbox, shared).json()["refresh_token"]
    sandbox.switch(concurrent_refresh="same_pair")
    assert refresh(sandbox, shared).json()["refresh_token"] == first
    sandbox.switch(concurrent_refresh="invalid_grant")
    assert refresh(sandbox, shared).json() == {"error": "invalid_grant"}


def test_revoking_ends_the_grant_and_all_connections_of_the_user(sandbox: Sandbox) -> None:
    grant = user_grant(sandbox)
    revoked = sandbox.client.post("/connect/revocation", data={"token": grant["refresh_token"]}, auth=SECOND)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert refresh(sandbox, grant["refresh_token"]).json() == {"error": "invalid_grant"}
    assert connections(sandbox, grant["access_token"]) == []
    refused = sandbox.call("GET", "Contacts", token=grant["access_token"], headers=tenant(sandbox))
    assert (refused.status_code, detail(refused)) == (403, "AuthenticationUnsuccessful")
    # The custom connection of the same organisation is somebody else's.
    assert sandbox.call("GET", "Contacts").status_code == 200


# ------------------------------------------------------------------------------------------------------------ scopes


def tenant(sandbox: Sandbox) -> dict[str, str]:
    return {"xero-tenant-id": sandbox.organisation()["tenant_id"]}


@pytest.mark.parametrize(
    ("scope", "method", "path", "allowed"),
    [
        ("accounting.contacts.read", "GET", "Contacts", True),
        ("accounting.contacts.read", "PUT", "Contacts", False),
        ("accounting.contacts", "GET", "Contacts", True),
        ("accounting.contacts", "GET", "Invoices", False),
        ("accounting.invoices.read", "GET", "Invoices", True),
        ("accounting.invoices.read", "POST", "Invoices", False),
        ("accounting.payments.read", "GET", "Payments", True),
        ("accounting.invoices", "GET", "Payments", False),
        ("accounting.settings.read", "GET", "Organisation", True),
        ("accounting.settings.read", "GET", "Accounts", True),
        ("accounting.settings.read", "GET", "TaxRates", True),
        ("accounting.settings.read", "GET", "Currencies", True),
        ("accounting.settings.read", "GET", "BrandingThemes", True),
        ("accounting.settings.read", "PUT", "Accounts", False),
        ("accounting.settings.read", "DELETE", "Items/X", False),
        ("accounting.settings.read", "GET", "Items", True),
        ("accounting.invoices", "PUT", "Items", False),
    ],
)
def test_scopes_are_asked_for_each_resource_and_verb(
    sandbox: Sandbox, scope: str, method: str, path: str, allowed: bool
) -> None:
    token = sandbox.ask_token(scope=scope).json()["access_token"]
    answer = sandbox.call(method, path, {} if method in ("PUT", "POST") else None, token=token)
    if allowed:
        assert answer.status_code == 200
        return
    assert (answer.status_code, detail(answer)) == (401, "AuthorizationUnsuccessful")
    assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_items_take_the_invoices_scope_when_switched_so(sandbox: Sandbox) -> None:
    token = sandbox.ask_token(scope="accounting.invoices").json()["access_token"]
    sandbox.switch(items_invoices_scope=True)
    assert sandbox.call("PUT", "Items", {"Code": "A"}, token=token).status_code == 200


def test_a_missing_scope_can_be_403(sandbox: Sandbox) -> None:
    sandbox.switch(scope_refusal_status="403")
    token = sandbox.ask_token(scope="accounting.contacts.read").json()["access_token"]
    assert sandbox.call("PUT", "Contacts", {"Name": "X"}, token=token).status_code == 403


# ------------------------------------------------------------------------------------------------------- connections


def connections(sandbox: Sandbox, token: str, **query: str) -> list[dict[str, Any]]:
    asked = sandbox.client.get("/connections", headers={"Authorization": f"Bearer {token}"}, params=query)
    assert asked.status_code == 200
    return list(asked.json())


def test_the_official_client_reads_and_ends_connections(sandbox: Sandbox, xero: Official) -> None:
    (connection,) = xero.identity.get_connections()
    assert connection.tenant_id == sandbox.organisation()["tenant_id"]
    assert (connection.tenant_type, connection.tenant_name) == ("ORGANISATION", "Demo Company (UK)")
    xero.identity.delete_connection(connection.id)
    assert xero.identity.get_connections() == []


def test_connections_are_shown_as_xero_shows_them(sandbox: Sandbox) -> None:
    token = sandbox.token()
    (shown,) = connections(sandbox, token)
    named = {"id", "authEventId", "tenantId", "tenantType", "tenantName", "createdDateUtc", "updatedDateUtc"}
    assert set(shown) == named
    assert len(shown["createdDateUtc"].split(".")[1]) == 7
    assert sandbox.client.get("/CONNECTIONS", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_deleting_needs_the_connections_own_id(sandbox: Sandbox) -> None:
    token = sandbox.token()
    (shown,) = connections(sandbox, token)

    def delete(connection_id: str) -> httpx.Response:
        return sandbox.client.delete(f"/connections/{connection_id}", headers={"Authorization": f"Bearer {token}"})

    assert delete(shown["tenantId"]).status_code == 403
    assert delete(shown["authEventId"]).status_code == 403
    assert delete(shown["id"]).status_code == 204
    assert delete(shown["id"]).status_code == 404
    refused = sandbox.call("GET", "Contacts", token=token)
    assert (refused.status_code, detail(refused)) == (403, "AuthenticationUnsuccessful")


def test_a_reconnected_tenant_keeps_its_first_authorisation_event(sandbox: Sandbox) -> None:
    first = user_grant(sandbox)["access_token"]
    (before,) = connections(sandbox, first)
    sandbox.client.delete(f"/connections/{before['id']}", headers={"Authorization": f"Bearer {first}"})
    again = user_grant(sandbox)["access_token"]
    claims = json.loads(base64.urlsafe_b64decode(again.split(".")[1] + "=="))
    assert connections(sandbox, again, authEventId=claims["authentication_event_id"]) == []
    (after,) = connections(sandbox, again)
    assert after["authEventId"] == before["authEventId"]
    assert after["createdDateUtc"] == before["createdDateUtc"]
    assert after["updatedDateUtc"] > before["updatedDateUtc"]


def test_organisations_are_apart(sandbox: Sandbox) -> None:
    mine = sandbox.organisation()["tenant_id"]
    other = sandbox.control("POST", "organisations", {"name": "Other", "country": "NZ", "currency": "NZD"})
    sandbox.contact("Only mine")
    both = sandbox.user_token(tenant_ids=[mine, other["tenant_id"]])
    seen = sandbox.call("GET", "Contacts", token=both, headers={"xero-tenant-id": other["tenant_id"]}).json()
    assert seen["Contacts"] == []
    one = sandbox.user_token("accounting.contacts", tenant_ids=[mine])
    assert sandbox.call("GET", "Contacts", token=one, headers={"xero-tenant-id": mine}).status_code == 200
    for header in ({}, {"xero-tenant-id": "6f0c3f0e-6a55-4b7e-9b53-8a7d4a1cffff"}, {"xero-tenant-id": "nonsense"}):
        refused = sandbox.call("GET", "Contacts", token=one, headers=header)
        assert (refused.status_code, detail(refused)) == (403, "AuthenticationUnsuccessful")
    foreign = sandbox.call("GET", "Contacts", headers={"xero-tenant-id": other["tenant_id"]})
    assert foreign.status_code == 403


def test_a_user_disconnects_in_xero(sandbox: Sandbox) -> None:
    grant = user_grant(sandbox)
    sandbox.control("POST", "disconnect", {"client_id": "sandbox-second"})
    refused = sandbox.call("GET", "Contacts", token=grant["access_token"], headers=tenant(sandbox))
    assert (refused.status_code, detail(refused)) == (403, "AuthenticationUnsuccessful")
    assert connections(sandbox, grant["access_token"]) == []
    assert refresh(sandbox, grant["refresh_token"]).status_code == 200


def test_every_secret_issued_is_listed_for_those_who_look_for_leaks(sandbox: Sandbox) -> None:
    grant = user_grant(sandbox)
    renewed = refresh(sandbox, grant["refresh_token"]).json()
    issued = {sandbox.token(), "sandbox-secret"}
    for pair in (grant, renewed):
        issued |= {pair["access_token"], pair["refresh_token"]}
    assert issued <= {secret["value"] for secret in sandbox.control("GET", "secrets")}


def test_the_log_of_calls_keeps_no_token(sandbox: Sandbox) -> None:
    grant = user_grant(sandbox)
    refresh(sandbox, grant["refresh_token"])
    sandbox.call("GET", "Contacts", token=grant["access_token"])
    shown = json.dumps([sandbox.control("GET", f"calls/{call['id']}") for call in sandbox.logged()])
    assert [secret["kind"] for secret in sandbox.control("GET", "secrets") if secret["value"] in shown] == []
