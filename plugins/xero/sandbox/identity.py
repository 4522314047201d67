"""identity.xero.com: tokens for custom connections, refresh with rotation, revocation (API facts 1).

Each grant type is a method named in GRANTS; the authorisation-code flow joins there and hands out its first grant
with `new_family`.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs
from uuid import uuid4

from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.errors import Problem
from plugins.xero.sandbox.jwt import Signer
from plugins.xero.sandbox.messages import Answer, Incoming, json_answer
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.switches import Switches

ACCESS_SECONDS = 1800
GRACE_SECONDS = 30 * 60
UNUSED_SECONDS = 60 * 86_400
SECRET = "sandbox-secret"

READ_AND_WRITE = (
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
    "accounting.settings",
    "accounting.contacts",
    "accounting.attachments",
)
REPORTS = ("aged", "balancesheet", "banksummary", "budgetsummary", "executivesummary", "profitandloss", "trialbalance")
SCOPES = (
    "openid",
    "profile",
    "email",
    "offline_access",
    *READ_AND_WRITE,
    *(f"{scope}.read" for scope in READ_AND_WRITE),
    *(f"accounting.reports.{report}.read" for report in (*REPORTS, "taxreports", "tenninetynine")),
    "accounting.budgets.read",
    "paymentservices",
)
# No refresh and no identity for a machine (API facts 1.2).
CUSTOM_SCOPES = tuple(scope for scope in SCOPES if scope not in ("openid", "profile", "email", "offline_access"))


class OAuthError(Exception):
    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


@dataclass(frozen=True)
class App:
    client_id: str
    secret: str
    name: str
    org: int | None  # the organisation of a custom connection
    scopes: frozenset[str]


@dataclass(frozen=True)
class Access:
    """What a bearer token opens."""

    app: App
    user: str
    scopes: frozenset[str]
    auth_event: str


@dataclass(frozen=True)
class Consent:
    """A user's yes to an app: what tokens are made of."""

    client_id: str
    user: str
    scopes: str
    auth_event: str


class Identity:
    GRANTS: ClassVar[dict[str, str]] = {"client_credentials": "_custom_connection", "refresh_token": "_refresh"}

    def __init__(self, store: Store, clock: Clock, switches: Switches, signer: Signer) -> None:
        self.store = store
        self.clock = clock
        self.switches = switches
        self.signer = signer

    # --------------------------------------------------------------------------------------------------- endpoints

    def token(self, incoming: Incoming) -> Answer:
        try:
            form = _form(incoming)
            grant = self.GRANTS.get(form.get("grant_type", ""))
            if grant is None:
                raise OAuthError("unsupported_grant_type")
            return json_answer(
                200, getattr(self, grant)(self._client(incoming, form), form), {"Cache-Control": "no-store"}
            )
        except OAuthError as refused:
            return json_answer(refused.status, {"error": refused.error})

    def revoke(self, incoming: Incoming) -> Answer:
        """Ends the grant and every connection of its user to the app; a token nobody knows is no error."""
        try:
            form = _form(incoming)
            app = self._client(incoming, form)
        except OAuthError as refused:
            return json_answer(refused.status, {"error": refused.error})
        row = self.store.sql.execute(
            "SELECT user FROM grant_token WHERE value = ? AND client_id = ?", (form.get("token", ""), app.client_id)
        ).fetchone()
        if row is not None:
            owner = (app.client_id, row["user"])
            self.store.sql.execute("UPDATE grant_token SET revoked = 1 WHERE client_id = ? AND user = ?", owner)
            self.store.sql.execute("UPDATE connection SET removed = 1 WHERE client_id = ? AND user = ?", owner)
        return Answer(200)

    def discovery(self, base: str) -> Answer:
        return json_answer(
            200,
            {
                "issuer": self.switches["jwt_issuer"],
                "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
                "token_endpoint": f"{base}/connect/token",
                "revocation_endpoint": f"{base}/connect/revocation",
                "grant_types_supported": sorted(self.GRANTS),
                "scopes_supported": list(SCOPES),
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
        )

    # ------------------------------------------------------------------------------------------------------ grants

    def _custom_connection(self, app: App, form: dict[str, str]) -> dict[str, Any]:
        if app.org is None:
            raise OAuthError("unauthorized_client")
        wanted = form.get("scope", "").split() or self._unasked(app)
        if not wanted or not app.scopes.issuperset(wanted):
            raise OAuthError("invalid_scope")
        return self.access_token(Consent(app.client_id, app.client_id, " ".join(wanted), str(uuid4())))

    def _unasked(self, app: App) -> list[str]:
        """Xero's guide says that scopes must be asked for; its own Python client asks for none."""
        return sorted(app.scopes) if self.switches["token_without_scope"] == "all_ticked" else []

    def _refresh(self, app: App, form: dict[str, str]) -> dict[str, Any]:
        row = self.store.sql.execute(
            "SELECT * FROM grant_token WHERE value = ? AND client_id = ?", (form.get("refresh_token"), app.client_id)
        ).fetchone()
        now = self.clock.seconds()
        if row is None or row["revoked"] or now >= row["issued"] + UNUSED_SECONDS:
            raise OAuthError("invalid_grant")
        if row["superseded"] is not None:
            self._check_grace(row["superseded"], now)
        consent = Consent(app.client_id, row["user"], row["scopes"], row["auth_event"])
        answer = self.access_token(consent)
        if row["superseded"] is not None and self.switches["concurrent_refresh"] == "same_pair":
            return answer | {"refresh_token": self._latest(row["family"])}
        return answer | {"refresh_token": self.rotate(row["family"], consent)}

    def _check_grace(self, superseded: float, now: float) -> None:
        if now >= superseded + GRACE_SECONDS or self.switches["concurrent_refresh"] == "invalid_grant":
            raise OAuthError("invalid_grant")

    def _latest(self, family: str) -> str:
        row = self.store.sql.execute(
            "SELECT value FROM grant_token WHERE family = ? AND superseded IS NULL", (family,)
        ).fetchone()
        return str(row["value"])

    # -------------------------------------------------------------------------------------------------- issuing

    def access_token(self, consent: Consent) -> dict[str, Any]:
        now = self.clock.seconds()
        token = self.signer.sign(self._claims(consent, int(now)))
        self.store.sql.execute(
            "INSERT INTO token (value, client_id, user, scopes, expires, auth_event) VALUES (?, ?, ?, ?, ?, ?)",
            (token, consent.client_id, consent.user, consent.scopes, now + ACCESS_SECONDS, consent.auth_event),
        )
        return {
            "access_token": token,
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
            "scope": consent.scopes,
        }

    def new_family(self, consent: Consent) -> str:
        return self.rotate(str(uuid4()), consent)

    def rotate(self, family: str, consent: Consent) -> str:
        """A new refresh token; all earlier ones of its family live on for the grace period only."""
        now = self.clock.seconds()
        value = f"sandbox-refresh-{secrets.token_urlsafe(32)}"
        self.store.sql.execute(
            "UPDATE grant_token SET superseded = ? WHERE family = ? AND superseded IS NULL", (now, family)
        )
        self.store.sql.execute(
            "INSERT INTO grant_token (value, family, client_id, user, scopes, auth_event, issued)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (value, family, consent.client_id, consent.user, consent.scopes, consent.auth_event, now),
        )
        return value

    def _claims(self, consent: Consent, now: int) -> dict[str, Any]:
        return {
            "nbf": now,
            "exp": now + ACCESS_SECONDS,
            "iss": self.switches["jwt_issuer"],
            "aud": self.switches["jwt_audience"],
            "client_id": consent.client_id,
            "sub": consent.user,
            "auth_time": now,
            "idp": "local",
            "xero_userid": consent.user,
            "global_session_id": uuid4().hex,
            "jti": uuid4().hex,
            "authentication_event_id": consent.auth_event,
            "scope": consent.scopes.split(),
            "amr": ["pwd"],
        }

    # -------------------------------------------------------------------------------------------------- checking

    def bearer(self, incoming: Incoming) -> Access:
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        row = None
        if scheme.lower() == "bearer":
            row = self.store.sql.execute("SELECT * FROM token WHERE value = ?", (token.strip(),)).fetchone()
        if row is None:
            raise Problem(401, "Unauthorized", self.switches["malformed_token_detail"])
        if self.clock.seconds() >= row["expires"]:
            raise Problem(401, "Unauthorized", f"TokenExpired: token expired at {_american(row['expires'])}")
        app = self.app(row["client_id"])
        if app is None:  # a reset took its organisation away
            raise Problem(401, "Unauthorized", self.switches["malformed_token_detail"])
        return Access(app, row["user"], frozenset(row["scopes"].split()), row["auth_event"])

    def app(self, client_id: str) -> App | None:
        row = self.store.sql.execute("SELECT * FROM app WHERE client_id = ?", (client_id,)).fetchone()
        if row is None:
            return None
        return App(row["client_id"], row["secret"], row["name"], row["org"], frozenset(row["scopes"].split()))

    def register(self, client_id: str, name: str, scopes: tuple[str, ...], org: int | None = None) -> None:
        self.store.sql.execute(
            "INSERT OR IGNORE INTO app (client_id, secret, name, org, scopes) VALUES (?, ?, ?, ?, ?)",
            (client_id, SECRET, name, org, " ".join(scopes)),
        )

    def issued(self) -> list[dict[str, str]]:
        """Every secret and token so far, for those who prove that none of them leaked."""
        kinds = {
            "client_secret": "SELECT DISTINCT secret AS value FROM app",
            "access_token": "SELECT value FROM token",
            "refresh_token": "SELECT value FROM grant_token",
        }
        return [
            {"kind": kind, "value": row["value"]}
            for kind, query in kinds.items()
            for row in self.store.sql.execute(query)
        ]

    def _client(self, incoming: Incoming, form: dict[str, str]) -> App:
        client_id, secret = _basic(incoming) or (form.get("client_id", ""), form.get("client_secret", ""))
        app = self.app(client_id)
        if app is None or not secrets.compare_digest(app.secret.encode(), secret.encode()):
            raise OAuthError("invalid_client", int(self.switches["invalid_client_status"]))
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


def _american(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%m/%d/%Y %H:%M:%S")
