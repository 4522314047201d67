"""Authorisation codes: good once, for five minutes, for the app and the address that asked (API facts 1.2)."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping

from plugins.xero.sandbox.apps import App
from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.consent import Consent
from plugins.xero.sandbox.errors import OAuthError
from plugins.xero.sandbox.store import Store

CODE_SECONDS = 300
VERIFIER = re.compile(r"^[A-Za-z0-9._~-]{43,128}$")


class Codes:
    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def new(self, consent: Consent, redirect: str, challenge: str | None, nonce: str | None) -> str:
        value = f"sandbox-code-{secrets.token_urlsafe(32)}"
        self.store.sql.execute(
            "INSERT INTO authorisation_code"
            " (value, client_id, user, scopes, auth_event, redirect, challenge, nonce, expires)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                value,
                consent.client_id,
                consent.user,
                consent.scopes,
                consent.auth_event,
                redirect,
                challenge,
                nonce,
                self.clock.seconds() + CODE_SECONDS,
            ),
        )
        return value

    def take(self, app: App, form: Mapping[str, str]) -> tuple[Consent, str | None]:
        """The consent behind a code, and the nonce that its id token repeats. Used up by the first attempt of its app,
        whether that succeeds or not."""
        row = self.store.sql.execute(
            "SELECT * FROM authorisation_code WHERE value = ? AND client_id = ?", (form.get("code"), app.client_id)
        ).fetchone()
        if row is None or row["used"] or self.clock.seconds() >= row["expires"]:
            raise OAuthError("invalid_grant")
        self.store.sql.execute("UPDATE authorisation_code SET used = 1 WHERE value = ?", (row["value"],))
        if form.get("redirect_uri") != row["redirect"] or not _proven(row["challenge"], form.get("code_verifier")):
            raise OAuthError("invalid_grant")
        return Consent(row["client_id"], row["user"], row["scopes"], row["auth_event"]), row["nonce"]


def _proven(challenge: str | None, verifier: str | None) -> bool:
    """PKCE: whoever exchanges the code is who asked for it."""
    if challenge is None:
        return True
    if verifier is None or not VERIFIER.match(verifier):
        return False
    return secrets.compare_digest(challenge_of(verifier), challenge)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
