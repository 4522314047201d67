"""identity.xero.com: tokens for consents, custom connections and refreshes; revocation (API facts 1).

Each grant type is a method named in GRANTS.
"""

import base64
import binascii
import secrets
from typing import Any, ClassVar
from urllib.parse import parse_qs
from uuid import uuid4

from plugins.xero.sandbox.apps import App, Apps
from plugins.xero.sandbox.codes import Codes
from plugins.xero.sandbox.connections import Connections
from plugins.xero.sandbox.consent import Access, Consent, Consents, Owner
from plugins.xero.sandbox.errors import OAuthError
from plugins.xero.sandbox.messages import Answer, Incoming, json_answer
from plugins.xero.sandbox.scopes import OWN_CONNECTIONS, SCOPES
from plugins.xero.sandbox.switches import Switches
from plugins.xero.sandbox.tokens import Tokens


class Identity:
    GRANTS: ClassVar[dict[str, str]] = {
        "authorization_code": "_code",
        "client_credentials": "_machine",
        "refresh_token": "_refresh",
    }

    def __init__(
        self, apps: Apps, consents: Consents, codes: Codes, tokens: Tokens, connections: Connections, switches: Switches
    ) -> None:
        self.apps = apps
        self.consents = consents
        self.codes = codes
        self.tokens = tokens
        self.connections = connections
        self.switches = switches

    # --------------------------------------------------------------------------------------------------- endpoints

    def token(self, incoming: Incoming) -> Answer:
        try:
            form = _form(incoming)
            grant = self.GRANTS.get(form.get("grant_type", ""))
            if grant is None:
                raise OAuthError("unsupported_grant_type")
            answer = getattr(self, grant)(self._client(incoming, form), form)
        except OAuthError as refused:
            return self._refusal(refused)
        return json_answer(200, answer, {"Cache-Control": "no-store"})

    def revoke(self, incoming: Incoming) -> Answer:
        """A token that nobody knows is no error."""
        try:
            form = _form(incoming)
            app = self._client(incoming, form)
        except OAuthError as refused:
            return self._refusal(refused)
        user = self.tokens.user_of(app.client_id, form.get("token", ""))
        if user is not None:
            self.withdraw(Owner(app.client_id, user))
        return Answer(200)

    def _refusal(self, refused: OAuthError) -> Answer:
        status = int(self.switches["invalid_client_status"]) if refused.error == "invalid_client" else 400
        more = {"error_description": refused.why or refused.error} if self.switches["error_description"] else {}
        return json_answer(status, {"error": refused.error} | more)

    def withdraw(self, owner: Owner) -> int:
        """Ends the grants, what was consented to and every connection; gives how many grants were alive."""
        self.consents.forget(owner)
        self.connections.remove(owner)
        return self.tokens.revoke(owner)

    def discovery(self, base: str) -> Answer:
        return json_answer(
            200,
            {
                "issuer": self.switches["jwt_issuer"],
                "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
                "authorization_endpoint": f"{base}/identity/connect/authorize",
                "token_endpoint": f"{base}/connect/token",
                "revocation_endpoint": f"{base}/connect/revocation",
                "response_types_supported": ["code"],
                "grant_types_supported": sorted(self.GRANTS),
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": list(SCOPES),
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
        )

    # ------------------------------------------------------------------------------------------------------ grants

    def _code(self, app: App, form: dict[str, str]) -> dict[str, Any]:
        if app.org is not None:
            raise OAuthError("unauthorized_client")
        return self.tokens.issue(*self.codes.take(app, form))

    def _machine(self, app: App, form: dict[str, str]) -> dict[str, Any]:
        """A custom connection, or an app that looks after its connections; neither has a user."""
        wanted = form.get("scope", "").split() or self._unasked(app)
        if app.org is None and (app.public or set(wanted) != {OWN_CONNECTIONS}):
            raise OAuthError("unauthorized_client")
        if app.org is not None and not (wanted and app.scopes.issuperset(wanted)):
            raise OAuthError("invalid_scope")
        return self.tokens.access(Consent(app.client_id, app.client_id, " ".join(wanted), str(uuid4())))

    def _unasked(self, app: App) -> list[str]:
        """Xero's guide says that scopes must be asked for; its own Python client asks for none."""
        return (
            sorted(app.scopes) if app.org is not None and self.switches["token_without_scope"] == "all_ticked" else []
        )

    def _refresh(self, app: App, form: dict[str, str]) -> dict[str, Any]:
        return self.tokens.refresh(app.client_id, form.get("refresh_token", ""))

    # -------------------------------------------------------------------------------------------------- checking

    def bearer(self, incoming: Incoming) -> Access:
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise self.tokens.unknown()
        consent = self.tokens.opened_by(token.strip())
        app = self.apps.known(consent.client_id)
        if app is None:  # a reset took its organisation away
            raise self.tokens.unknown()
        return Access(app, consent.user, frozenset(consent.scopes.split()), consent.auth_event)

    def _client(self, incoming: Incoming, form: dict[str, str]) -> App:
        """A public app has no secret: its id in the form is all that it can say (API facts 1.2)."""
        client_id, secret = _basic(incoming) or (form.get("client_id", ""), form.get("client_secret", ""))
        app = self.apps.known(client_id)
        if app is None or not (app.public or secrets.compare_digest(app.secret.encode(), secret.encode())):
            raise OAuthError("invalid_client")
        return app


def _form(incoming: Incoming) -> dict[str, str]:
    try:
        return {name: values[-1] for name, values in parse_qs(incoming.body.decode()).items()}
    except UnicodeDecodeError:
        raise OAuthError("invalid_request") from None


def _basic(incoming: Incoming) -> tuple[str, str] | None:
    scheme, _, encoded = incoming.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_client") from None
    return client_id, secret
