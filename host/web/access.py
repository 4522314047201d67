"""Who asks: bearer tokens and the two roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from host import clock
from host.crypto import hash_token
from host.tables import tokens
from host.web.problems import Refusal

if TYPE_CHECKING:
    from sqlalchemy import Row

    from host.db import Database

ADMIN: Final = "admin"
USER: Final = "user"
USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)
"""A write for each request would cost more than most requests."""
_REALM: Final = 'Bearer realm="counterfoil"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is. ``shown`` is the token's beginning, by which lists and logs name it."""

    shown: str
    role: str

    def require(self, role: str) -> None:
        """Raises ``Refusal`` unless this caller may do what ``role`` may."""
        if self.role not in {role, ADMIN}:
            raise Refusal(403, f"this needs a token with the role {role}; this one has the role {self.role}")


def authenticate(database: Database, authorization: str | None) -> Caller:
    """The caller that an ``Authorization`` header names. Raises ``Refusal``."""
    text = _bearer_token(authorization)
    with database.read() as session:
        found = session.execute(select(tokens).where(tokens.c.hashed == hash_token(text))).one_or_none()
    caller = _standing(found)
    _note_use(database, found)
    return caller


def _bearer_token(authorization: str | None) -> str:
    scheme, _, text = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        detail = (
            "this needs a token: send the header Authorization: Bearer TOKEN (`counterfoil token create` makes one)"
        )
        raise Refusal(401, detail, headers={"WWW-Authenticate": _REALM})
    return text.strip()


def _standing(row: Row[Any] | None) -> Caller:
    if row is None:
        raise _not_valid("this token is not known here")
    if row.revoked_at is not None:
        raise _not_valid(f"the token {row.shown}… was revoked on {row.revoked_at:%Y-%m-%d}")
    if row.expires_at is not None and row.expires_at <= clock.now():
        raise _not_valid(f"the token {row.shown}… expired on {row.expires_at:%Y-%m-%d}")
    return Caller(row.shown, row.role)


def _not_valid(detail: str) -> Refusal:
    return Refusal(401, detail, headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})


def _note_use(database: Database, row: Row[Any] | None) -> None:
    now = clock.now()
    if row is None or (row.last_used_at is not None and now - row.last_used_at < USE_IS_NOTED_EVERY):
        return
    with database.write() as session:
        session.execute(update(tokens).where(tokens.c.id == row.id).values(last_used_at=now))
