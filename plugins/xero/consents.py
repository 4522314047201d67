"""Connections that a person lets in on Xero's own page: authorisation code, refresh, and the organisations that a consent opened (API facts 1.2 to 1.5)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from host.errors import AskPerson, Retry
from host.sync.provider import Granted, Organisation, Request
from plugins.xero.auth import MADE_WITH, TOKEN_PATH, basic, form_headers, read_token, scopes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from host.sync.provider import Ask, Connection, Consent, Response, Token
    from plugins.xero.settings import App, Settings

AUTHORISE_PATH: Final = "/identity/connect/authorize"
CONNECTIONS_PATH: Final = "/connections"
OURS: Final = ("openid", "profile", "email", "offline_access")
"""Who it was that consented, and a token that outlives half an hour."""
BROAD: Final = ("accounting.transactions", "accounting.contacts", "accounting.settings")
CONNECTION_ID: Final = "connection_id"


def wanted_scopes(settings: Settings) -> Sequence[str]:
    """Granular ones; broad ones for an app that was made before there were others (API facts 1.5)."""
    return [*OURS, *(BROAD if settings.app.broad_scopes else scopes(settings))]


def consent_address(settings: Settings, connection: Connection, consent: Consent) -> str:
    """Raises ``AskPerson`` where the configuration has no app."""
    query = {
        "response_type": "code",
        "client_id": _app(settings, connection).client_id,
        "redirect_uri": consent.redirect,
        "scope": " ".join(wanted_scopes(settings)),
        "state": consent.state,
    }
    if settings.app.pkce:
        query |= {"code_challenge": _challenge(consent.verifier), "code_challenge_method": "S256"}
    return f"{settings.endpoints.login.rstrip('/')}{AUTHORISE_PATH}?{urlencode(query, quote_via=quote)}"


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def code_request(settings: Settings, connection: Connection, consent: Consent, code: str) -> tuple[str, Request]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": consent.redirect}
    if settings.app.pkce:
        form["code_verifier"] = consent.verifier
    return _token_call(settings, connection, form)


def refresh_request(settings: Settings, connection: Connection, token: Token | None) -> tuple[str, Request]:
    """Raises ``AskPerson`` where a new token would not do: only a person can widen what a consent allows."""
    if token is None or not token.refresh:
        raise AskPerson(f"connection {connection.key} was never authorised: connect it again")
    missing = set(wanted_scopes(settings)) - set(token.scope.split())
    if missing:
        raise AskPerson(
            f"connection {connection.key} lacks what the settings need by now ({', '.join(sorted(missing))}): connect it again to allow it"
        )
    return _token_call(settings, connection, {"grant_type": "refresh_token", "refresh_token": token.refresh})


def _token_call(settings: Settings, connection: Connection, form: Mapping[str, str]) -> tuple[str, Request]:
    app = _app(settings, connection)
    if app.client_secret is None:  # an app for PKCE alone has none, and says who it is in the form (API facts 1.2)
        body, headers = {**form, "client_id": app.client_id}, form_headers()
    else:
        body, headers = {**form}, form_headers(basic(app.client_id, app.client_secret.reveal()))
    request = Request(method="POST", path=TOKEN_PATH, body=urlencode(body).encode(), headers=headers)
    return settings.endpoints.identity, request


def _app(settings: Settings, connection: Connection) -> App:
    app = settings.app
    if not app.client_id or (app.client_secret is None and not app.pkce):
        missing = "client_id" if not app.client_id else "client_secret"
        raise AskPerson(f"connection {connection.key} needs an app, and [plugins.xero.app] has no {missing}: set it")
    made_with = connection.details.get(MADE_WITH, app.client_id)
    if connection.status == "connected" and made_with != app.client_id:
        raise AskPerson(
            f"connection {connection.key} was made with the app {made_with}, and [plugins.xero.app] has {app.client_id}: connect it again"
        )
    return app


def read_granted(settings: Settings, connection: Connection, response: Response, now: datetime) -> Granted:
    token = read_token(settings, connection, response, now)
    said = json.loads(response.body)
    person, claims = _claims(said.get("id_token")), _claims(token.access)
    user = claims.get("xero_userid") or person.get("xero_userid")
    name = f"{person.get('given_name') or ''} {person.get('family_name') or ''}".strip()
    email = str(person.get("email") or "")
    return Granted(
        token=token,
        account=f"{settings.app.client_id}:{user}" if user else "",
        person=f"{name} <{email}>" if name and email else name or email,
    )


def _claims(token: Any) -> dict[str, Any]:
    """What a token says. It came straight from Xero over TLS, which vouches for it (OpenID Connect Core 3.1.3.7); nothing to verify, or to rely on."""
    try:
        _, payload, _ = str(token).split(".")
        found = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# ------------------------------------------------------------------------------------------------------- the organisations


class _ConnectionSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    id = fields.String(required=True)
    tenant_id = fields.String(required=True, data_key="tenantId")
    tenant_type = fields.String(required=True, data_key="tenantType")
    tenant_name = fields.String(load_default="", allow_none=True, data_key="tenantName")


def organisations(settings: Settings, ask: Ask, granted: Granted) -> Sequence[Organisation]:
    """Those of this consent; where it opened none anew, as after a reconnect, all that this person ever opened to the app (API facts 1.4)."""
    event = _claims(granted.token.access).get("authentication_event_id")
    found = _connections(ask, (("authEventId", str(event)),)) if event else []
    found = found or _connections(ask, ())
    return [
        Organisation(
            id=one["tenant_id"],
            name=one["tenant_name"] or one["tenant_id"],
            details={CONNECTION_ID: one["id"], MADE_WITH: settings.app.client_id},
        )
        for one in found
        if one["tenant_type"] == "ORGANISATION"
    ]


def _connections(ask: Ask, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    answer = ask(Request(method="GET", path=CONNECTIONS_PATH, query=tuple(query)))
    try:
        found: list[dict[str, Any]] = _ConnectionSchema(many=True).load(json.loads(answer.body))
    except (ValueError, ValidationError) as error:
        raise Retry(f"Xero's list of connections can't be read: {error}") from error
    return found


def leave_request(connection: Connection) -> Request | None:
    """One organisation of one app. To revoke the token instead would end every connection that the person made, other people's among them."""
    connection_id = connection.details.get(CONNECTION_ID)
    if not connection_id:
        return None
    return Request(method="DELETE", path=f"{CONNECTIONS_PATH}/{quote(connection_id, safe='')}")
