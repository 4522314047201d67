"""Credentials of custom connections: a token is asked for with the app's id and secret, and again when it is spent (API facts 1.2, 1.3)."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from host.errors import AskPerson, Retry
from host.sync.provider import Request, Response, Token
from plugins.xero.wire.errors import problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.sync.provider import Connection
    from plugins.xero.settings import Settings

TOKEN_PATH: Final = "/connect/token"
CUSTOM: Final = "custom"
BROAD_SCOPE: Final = "accounting.transactions"
MADE_WITH: Final = "client_id"
"""The detail of a connection that says which app it was made with."""


def scopes(settings: Settings) -> Sequence[str]:
    """The granular scopes for what the settings send, and no more (API facts 1.5). Items are written under settings: with invoices alone Xero refuses them."""
    sent = settings.entities_to_sync
    contacts = sent & {"customers", "suppliers"} or settings.create_missing_contacts
    wanted = (
        ("accounting.contacts", bool(contacts)),
        ("accounting.invoices", "invoices" in sent),
        ("accounting.settings", "products" in sent),
        ("accounting.settings.read", "products" not in sent),
    )
    return [scope for scope, asked in wanted if asked]


def token_request(settings: Settings, connection: Connection) -> tuple[str, Request]:
    """Raises ``AskPerson`` where the configuration lacks the credentials."""
    custom = settings.custom_of(connection.key)
    if not custom.client_id or custom.client_secret is None:
        missing = "client_id" if not custom.client_id else "client_secret"
        raise AskPerson(
            f"connection {connection.key} has no {missing}: set it in [plugins.xero.custom] or [plugins.xero.connections.{connection.key}]"
        )
    made_with = connection.details.get(MADE_WITH, custom.client_id)
    if made_with != custom.client_id:
        # Calls of a custom connection name no organisation: other credentials would write into whatever they lead to.
        raise AskPerson(
            f"connection {connection.key} was made with the client_id {made_with}, and the configuration has {custom.client_id}: "
            f"run `counterfoil xero connect {connection.key}`, which finds out whether that leads to the same organisation"
        )
    form = urlencode({"grant_type": "client_credentials", "scope": " ".join(scopes(settings))})
    headers = form_headers(basic(custom.client_id, custom.client_secret.reveal()))
    return settings.endpoints.identity, Request(method="POST", path=TOKEN_PATH, body=form.encode(), headers=headers)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def form_headers(authorization: str = "") -> Mapping[str, str]:
    said = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return {"Authorization": authorization, **said} if authorization else said


def read_token(settings: Settings, connection: Connection, response: Response, now: datetime) -> Token:
    """Raises ``AskPerson`` where Xero refuses, with what to do, and ``Retry`` where it failed in passing."""
    said = problem(response.body)
    if 200 <= response.status < 300:
        access, seconds = said.get("access_token"), said.get("expires_in")
        if not isinstance(access, str) or not access or not isinstance(seconds, int):
            raise Retry("Xero's identity service answered without a token")
        return Token(
            access=access,
            expires_at=now + timedelta(seconds=seconds),
            refresh=str(said.get("refresh_token") or ""),
            scope=_scope(settings, connection, said),
        )
    if response.status in {400, 401, 403}:
        raise AskPerson(_refusal(settings, connection, str(said.get("error") or ""), response.status))
    raise Retry(f"Xero's identity service answered {response.status}")


def _scope(settings: Settings, connection: Connection, said: Mapping[str, object]) -> str:
    """By consent, what a person allowed. With credentials, what was asked for: else a scope that Xero never gives would be asked for before every call."""
    given = said.get("scope")
    return given if connection.auth != CUSTOM and isinstance(given, str) else " ".join(scopes(settings))


def serves(settings: Settings, token: Token) -> bool:
    """Whether a token has all the scopes that the settings need by now: a kind may have been added to ``entities_to_sync`` since."""
    held = set(token.scope.split())
    return set(scopes(settings)) <= held or (settings.app.broad_scopes and BROAD_SCOPE in held)


def _refusal(settings: Settings, connection: Connection, error: str, status: int) -> str:
    """What to do about it. A description may or may not come along, and is never relied on (API facts 1.3)."""
    own = f"[plugins.xero.connections.{connection.key}] or [plugins.xero.custom]"
    where = own if connection.auth == CUSTOM else "[plugins.xero.app]"
    ask = ", ".join(scopes(settings))
    advice = {
        "invalid_client": f"Xero does not know the client_id, or the client_secret is wrong: check them in {where}",
        "unauthorized_client": f"the app is not allowed to connect this way: it must be a custom connection, authorised and active, with the scopes {ask}",
        "invalid_scope": f"the app lacks a scope: tick {ask} in it at developer.xero.com and have it authorised again",
        "invalid_grant": "the authorisation is used up or was withdrawn: connect again",
    }
    if not error and status == 401:
        error = "invalid_client"
    reason = advice.get(error, f"Xero refused to give a token ({error or status})")
    return f"connection {connection.key}: {reason}"


def headers(connection: Connection, token: Token, key: str | None) -> Mapping[str, str]:
    """What every call to the accounting API carries. Without Accept the answer would be XML (API facts 3.1); a custom connection names no organisation."""
    carried = {"Authorization": f"Bearer {token.access}", "Accept": "application/json"}
    if connection.auth != CUSTOM and connection.organisation:
        carried["xero-tenant-id"] = connection.organisation
    if key is not None:
        carried["Idempotency-Key"] = key
        carried["Content-Type"] = "application/json; charset=utf-8"
    return carried
