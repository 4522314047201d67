"""Tokens: issued, rotated, and what becomes of them (API facts 1.3)."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.consent import ACCESS_SECONDS, Consent, Owner, access_claims, identity_claims
from plugins.xero.sandbox.errors import OAuthError, Problem
from plugins.xero.sandbox.jwt import Signer
from plugins.xero.sandbox.scopes import OFFLINE
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.switches import Switches
from plugins.xero.sandbox.users import Users

GRACE_SECONDS = 30 * 60
UNUSED_SECONDS = 60 * 86_400
EXPIRING: Mapping[str, str] = {
    "access": "UPDATE token SET expires = :now WHERE expires > :now",
    "refresh": "UPDATE grant_token SET issued = :now - :unused WHERE revoked = 0",  # nothing of its sixty days is left
    "code": "UPDATE authorisation_code SET expires = :now WHERE expires > :now",
}


class Tokens:
    def __init__(self, store: Store, clock: Clock, switches: Switches, signer: Signer, users: Users) -> None:
        self.store = store
        self.clock = clock
        self.switches = switches
        self.signer = signer
        self.users = users

    # -------------------------------------------------------------------------------------------------- issuing

    def issue(self, consent: Consent, nonce: str | None = None) -> dict[str, Any]:
        """The first answer to a consent; a refresh token comes along with offline_access."""
        answer = self.access(consent, nonce)
        if consent.includes(OFFLINE):
            answer["refresh_token"] = self._rotate(str(uuid4()), consent)
        return answer

    def access(self, consent: Consent, nonce: str | None = None) -> dict[str, Any]:
        now = self.clock.seconds()
        issuer = self.switches["jwt_issuer"]
        token = self.signer.sign(access_claims(consent, issuer, self.switches["jwt_audience"], int(now)))
        self.store.sql.execute(
            "INSERT INTO token (value, client_id, user, scopes, expires, auth_event) VALUES (?, ?, ?, ?, ?, ?)",
            (token, consent.client_id, consent.user, consent.scopes, now + ACCESS_SECONDS, consent.auth_event),
        )
        answer = {"access_token": token, "expires_in": ACCESS_SECONDS, "token_type": "Bearer", "scope": consent.scopes}
        user = self.users.known(consent.user)
        if user is not None and consent.includes("openid"):
            answer["id_token"] = self.signer.sign(identity_claims(consent, user, issuer, int(now), token, nonce))
        return answer

    def refresh(self, client_id: str, given: str) -> dict[str, Any]:
        row = self._grant(client_id, given)
        now = self.clock.seconds()
        if row is None or row["revoked"] or now >= row["issued"] + UNUSED_SECONDS:
            raise OAuthError("invalid_grant")
        repeated = row["superseded"] is not None
        if repeated:
            self._check_grace(row["superseded"], now)
        consent = Consent(client_id, row["user"], row["scopes"], row["auth_event"])
        answer = self.access(consent)
        if repeated and self.switches["concurrent_refresh"] == "same_pair":
            return answer | {"refresh_token": self._latest(row["family"])}
        return answer | {"refresh_token": self._rotate(row["family"], consent)}

    def _check_grace(self, superseded: float, now: float) -> None:
        if now >= superseded + GRACE_SECONDS or self.switches["concurrent_refresh"] == "invalid_grant":
            raise OAuthError("invalid_grant")

    def _latest(self, family: str) -> str:
        row = self.store.sql.execute(
            "SELECT value FROM grant_token WHERE family = ? AND superseded IS NULL", (family,)
        ).fetchone()
        return str(row["value"])

    def _rotate(self, family: str, consent: Consent) -> str:
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

    # -------------------------------------------------------------------------------------------------- checking

    def opened_by(self, bearer: str) -> Consent:
        """What an access token stands for; raises the 401 of one that is unknown or has expired."""
        row = self.store.sql.execute("SELECT * FROM token WHERE value = ?", (bearer,)).fetchone()
        if row is None:
            raise self.unknown()
        if self.clock.seconds() >= row["expires"]:
            raise Problem(401, "Unauthorized", f"TokenExpired: token expired at {_american(row['expires'])}")
        return Consent(row["client_id"], row["user"], row["scopes"], row["auth_event"])

    def unknown(self) -> Problem:
        return Problem(401, "Unauthorized", self.switches["malformed_token_detail"])

    def user_of(self, client_id: str, refresh_token: str) -> str | None:
        row = self._grant(client_id, refresh_token)
        return None if row is None else str(row["user"])

    def _grant(self, client_id: str, value: str) -> Row | None:
        row: Row | None = self.store.sql.execute(
            "SELECT * FROM grant_token WHERE value = ? AND client_id = ?", (value, client_id)
        ).fetchone()
        return row

    # ---------------------------------------------------------------------------------------------------- ending

    def revoke(self, owner: Owner) -> int:
        """Ends grants; gives how many were alive. Access tokens go on, but open nothing without a connection."""
        text, values = owner.condition()
        alive = "SELECT count(DISTINCT family) FROM grant_token WHERE revoked = 0"
        count = self.store.sql.execute(alive + text, values).fetchone()[0]
        self.store.sql.execute("UPDATE grant_token SET revoked = 1 WHERE revoked = 0" + text, values)  # noqa: S608
        self.store.sql.execute("UPDATE authorisation_code SET used = 1 WHERE used = 0" + text, values)  # noqa: S608
        return int(count)

    def expire(self, kind: str, owner: Owner) -> int:
        """As if their time had passed already."""
        text, values = owner.condition()
        times = {"now": self.clock.seconds(), "unused": UNUSED_SECONDS}
        return self.store.sql.execute(EXPIRING[kind] + text, values | times).rowcount

    # --------------------------------------------------------------------------------------------------- looking

    def grants(self) -> list[dict[str, Any]]:
        """The refresh tokens that live, without themselves."""
        rows = self.store.sql.execute(
            "SELECT client_id, user, scopes, auth_event, issued FROM grant_token"
            " WHERE revoked = 0 AND superseded IS NULL ORDER BY rowid"
        )
        return [dict(row) | {"issued": datetime.fromtimestamp(row["issued"], tz=UTC).isoformat()} for row in rows]

    def issued(self) -> list[dict[str, str]]:
        """Every secret and token so far, for those who prove that none of them leaked."""
        kinds = {
            "client_secret": "SELECT DISTINCT secret AS value FROM app",
            "access_token": "SELECT value FROM token",
            "refresh_token": "SELECT value FROM grant_token",
            "authorisation_code": "SELECT value FROM authorisation_code",
        }
        return [
            {"kind": kind, "value": row["value"]}
            for kind, query in kinds.items()
            for row in self.store.sql.execute(query)
        ]


def _american(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%m/%d/%Y %H:%M:%S")
