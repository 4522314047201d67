"""Tokens of custom connections, and what every call carries."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from host.config import Secret
from host.errors import AskPerson, Retry
from host.sync.provider import Token
from plugins.xero.auth import scopes
from plugins.xero.settings import Custom, Settings
from tests.unit.xero.making import UK, answer, provider, settings

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TOKEN = Token(access="abc", expires_at=NOW)


@pytest.mark.parametrize(
    ("entities", "asked"),
    [
        ({"customers"}, ["accounting.contacts", "accounting.settings.read"]),
        ({"suppliers"}, ["accounting.contacts", "accounting.settings.read"]),
        ({"products"}, ["accounting.settings"]),  # with invoices alone Xero refuses to make items (API facts 1.5)
        ({"invoices"}, ["accounting.invoices", "accounting.settings.read"]),
        ({"customers", "products", "invoices"}, ["accounting.contacts", "accounting.invoices", "accounting.settings"]),
        (set(), ["accounting.settings.read"]),
    ],
)
def test_only_the_scopes_that_are_used_are_asked_for(entities: set[str], asked: list[str]) -> None:
    assert scopes(Settings(entities_to_sync=frozenset(entities))) == asked


def test_contacts_that_invoices_bring_need_their_scope() -> None:
    assert "accounting.contacts" in scopes(
        Settings(entities_to_sync=frozenset({"invoices"}), create_missing_contacts=True)
    )


def test_a_token_is_asked_for_with_id_and_secret() -> None:
    address, request = provider().token_request(UK, None)
    form = parse_qs(request.body.decode())

    assert (address, request.method, request.path) == ("https://identity.xero.com", "POST", "/connect/token")
    assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"an-app:a-secret"
    assert form == {
        "grant_type": ["client_credentials"],
        "scope": ["accounting.contacts accounting.invoices accounting.settings"],
    }


def test_a_connection_may_have_credentials_of_its_own() -> None:
    own = {"acme": {"client_id": "own", "client_secret": Secret("s2")}}
    _, request = provider(connections=own).token_request(UK, None)

    assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"own:s2"


def test_a_connection_goes_on_with_the_app_it_was_made_with() -> None:
    made = replace(UK, details={**UK.details, "client_id": "another-app"})
    with pytest.raises(
        AskPerson,
        match="connection acme was made with the client_id another-app, and the configuration has an-app: run `counterfoil xero connect acme`",
    ):
        provider().token_request(made, None)

    provider().token_request(replace(made, details={**UK.details, "client_id": "an-app"}), None)


@pytest.mark.parametrize(
    ("of_settings", "missing"),
    [
        ({"custom": Custom()}, "client_id"),
        ({"custom": Custom("an-app")}, "client_secret"),
        # The id of one app never goes with the secret of another.
        ({"connections": {"acme": {"client_id": "own"}}}, "client_secret"),
    ],
)
def test_missing_credentials_are_named(of_settings: Any, missing: str) -> None:
    with pytest.raises(
        AskPerson,
        match=rf"connection acme has no {missing}: set it in \[plugins.xero.custom\] or \[plugins.xero.connections.acme\]",
    ):
        provider(**of_settings).token_request(UK, None)


def test_a_token_is_read() -> None:
    body = {"access_token": "abc", "expires_in": 1800, "token_type": "Bearer", "scope": "accounting.contacts"}

    asked = "accounting.contacts accounting.invoices accounting.settings"
    assert provider().read_token(UK, answer(body), NOW) == Token(
        access="abc", expires_at=NOW + timedelta(minutes=30), scope=asked
    )


@pytest.mark.parametrize(
    ("then", "now", "serves"),
    [
        ({"customers"}, {"customers", "suppliers"}, True),
        ({"customers"}, {"customers", "products"}, False),
        ({"customers", "products", "invoices"}, {"customers", "products"}, True),
    ],
)
def test_a_token_serves_while_the_settings_need_no_more_scopes(then: set[str], now: set[str], *, serves: bool) -> None:
    body = {"access_token": "abc", "expires_in": 1800, "token_type": "Bearer"}
    token = provider(entities_to_sync=frozenset(then)).read_token(UK, answer(body), NOW)
    assert provider(entities_to_sync=frozenset(now)).serves(token) is serves


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (
            400,
            {"error": "invalid_client"},
            "Xero does not know the client_id, or the client_secret is wrong: check them in",
        ),
        (401, b"", "Xero does not know the client_id, or the client_secret is wrong"),
        (401, {"error": "invalid_client"}, "Xero does not know the client_id"),
        (400, {"error": "invalid_scope"}, "tick accounting.contacts, accounting.invoices, accounting.settings in it"),
        (400, {"error": "unauthorized_client", "error_description": "Invalid scope"}, "it must be a custom connection"),
        (400, {"error": "invalid_grant"}, "connect again"),
        (400, {"error": "new_error"}, "Xero refused to give a token (new_error)"),
        (400, b"<html>", "Xero refused to give a token (400)"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, body: Any, advice: str) -> None:
    with pytest.raises(AskPerson) as refused:
        provider().read_token(UK, answer(body, status), NOW)

    assert str(refused.value).startswith("connection acme: ")
    assert advice in str(refused.value)
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (503, b"offline"), (429, b""), (200, b"<html>"), (200, {}), (200, {"access_token": ""})],
)
def test_what_fails_in_passing_is_tried_again(status: int, body: Any) -> None:
    with pytest.raises(Retry):
        provider().read_token(UK, answer(body, status), NOW)


def test_a_read_carries_token_and_accept() -> None:
    assert provider().headers(UK, TOKEN, None) == {"Authorization": "Bearer abc", "Accept": "application/json"}


def test_a_write_carries_its_key() -> None:
    headers = provider().headers(UK, TOKEN, "k1")

    assert headers["Idempotency-Key"] == "k1"
    assert headers["Content-Type"].startswith("application/json")


def test_only_other_connections_name_the_organisation() -> None:
    assert provider().headers(replace(UK, auth="app"), TOKEN, None)["xero-tenant-id"] == UK.organisation
    assert "xero-tenant-id" not in provider().headers(UK, TOKEN, None)


def test_secrets_do_not_show() -> None:
    assert "a-secret" not in repr(settings())
