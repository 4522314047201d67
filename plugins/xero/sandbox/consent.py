"""A user's yes to an app, and the claims of the tokens that it is turned into (API facts 1.3)."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox.apps import App
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.users import User

ACCESS_SECONDS = 1800
IDENTITY_SECONDS = 300


@dataclass(frozen=True)
class Consent:
    """A custom connection's consent is its own: its user is the client."""

    client_id: str
    user: str
    scopes: str
    auth_event: str

    def includes(self, scope: str) -> bool:
        return scope in self.scopes.split()


@dataclass(frozen=True)
class Access:
    """What a bearer token opens."""

    app: App
    user: str
    scopes: frozenset[str]
    auth_event: str


@dataclass(frozen=True)
class Owner:
    """Whose consents, tokens or connections are meant: any app's, any user's where nothing is said."""

    client_id: str | None = None
    user: str | None = None

    def condition(self) -> tuple[str, dict[str, str]]:
        """To be put after a WHERE that has something already, with its values."""
        named = {"client_id": self.client_id, "user": self.user}
        wanted = {name: value for name, value in named.items() if value is not None}
        return "".join(f" AND {name} = :{name}" for name in wanted), wanted


class Consents:
    """The scopes that a user has ever given an app. They add up and go only when everything is revoked (API facts 1.5)."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def widened(self, client_id: str, user: str, wanted: Iterable[str]) -> str:
        row = self.store.sql.execute(
            "SELECT scopes FROM consented WHERE client_id = ? AND user = ?", (client_id, user)
        ).fetchone()
        scopes = " ".join(dict.fromkeys([*wanted, *(row["scopes"].split() if row else ())]))
        self.store.sql.execute(
            "INSERT OR REPLACE INTO consented (client_id, user, scopes) VALUES (?, ?, ?)", (client_id, user, scopes)
        )
        return scopes

    def forget(self, owner: Owner) -> None:
        text, values = owner.condition()
        self.store.sql.execute("DELETE FROM consented WHERE true" + text, values)  # noqa: S608


def access_claims(consent: Consent, issuer: str, audience: str, now: int) -> dict[str, Any]:
    return {
        "nbf": now,
        "exp": now + ACCESS_SECONDS,
        "iss": issuer,
        "aud": audience,
        "client_id": consent.client_id,
        **_session_claims(consent.user, now),
        "jti": uuid4().hex,
        "authentication_event_id": consent.auth_event,
        "scope": consent.scopes.split(),
    }


def identity_claims(
    consent: Consent, user: User, issuer: str, now: int, access_token: str, nonce: str | None
) -> dict[str, Any]:
    """Who logged in, for the app itself; what it says of them depends on the scopes."""
    claims = {
        "nbf": now,
        "exp": now + IDENTITY_SECONDS,
        "iss": issuer,
        "aud": consent.client_id,
        "iat": now,
        "at_hash": _half_hash(access_token),
        "sid": uuid4().hex,
        **_session_claims(consent.user, now),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if consent.includes("email"):
        claims["email"] = user.email
    if consent.includes("profile"):
        names = {"given_name": user.given_name, "family_name": user.family_name}
        claims |= {"preferred_username": user.email} | names
    return claims


def _session_claims(user_id: str, now: int) -> dict[str, Any]:
    return {
        "sub": user_id,
        "auth_time": now,
        "idp": "local",
        "xero_userid": user_id,
        "global_session_id": uuid4().hex,
        "amr": ["pwd"],
    }


def _half_hash(access_token: str) -> str:
    """OpenID Connect's at_hash: the left half of the token's SHA-256."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
