"""Who asks: bearer tokens and what their roles may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from host import clock
from host.crypto import hash_token
from host.roles import Role
from host.tables import tokens
from host.web.problems import Refusal

if TYPE_CHECKING:
    from sqlalchemy import Row

    from host.db import Database

# "Last used" is for people; writing it at every request would make every reading request a writing one.
USED_EVERY: Final = timedelta(minutes=1)
_REALM: Final = 'Bearer realm="counterfoil"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is. ``shown`` is how it begins: by that lists and logs name it."""

    shown: str
    role: Role

    def require(self, role: Role) -> None:
        """Raises ``Refusal`` unless this caller may do what ``role`` may."""
        if self.role not in {role, Role.ADMIN}:
            raise Refusal(403, f"this needs a token with the role {role}; this one has the role {self.role}")


ANYBODY: Final = Caller("-", Role.USER)
"""Whoever reads what the configuration opens."""


def authenticate(database: Database, authorization: str | None) -> Caller:
    """The caller that an ``Authorization`` header names. Raises ``Refusal``."""
    text = _bearer_token(authorization)
    with database.read() as session:
        found = session.execute(select(tokens).where(tokens.c.hashed == hash_token(text))).one_or_none()
    if found is None:
        raise _not_valid("this token is not known here")
    _refuse_ended(found)
    _note_use(database, found)
    return Caller(found.shown, Role(found.role))


def _bearer_token(authorization: str | None) -> str:
    scheme, _, text = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        detail = (
            "this needs a token: send the header Authorization: Bearer TOKEN (`counterfoil token create` makes one)"
        )
        raise Refusal(401, detail, headers={"WWW-Authenticate": _REALM})
    return text.strip()


def _refuse_ended(row: Row[Any]) -> None:
    if row.revoked_at is not None:
        raise _not_valid(f"the token {row.shown}… was revoked at {row.revoked_at:%Y-%m-%d %H:%M} UTC")
    if row.expires_at is not None and row.expires_at <= clock.now():
        raise _not_valid(f"the token {row.shown}… expired at {row.expires_at:%Y-%m-%d %H:%M} UTC")


def _not_valid(detail: str) -> Refusal:
    return Refusal(401, detail, headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})


def _note_use(database: Database, row: Row[Any]) -> None:
    now = clock.now()
    if row.last_used_at is not None and now - row.last_used_at < USED_EVERY:
        return
    with database.write() as session:
        session.execute(update(tokens).where(tokens.c.id == row.id).values(last_used_at=now))
