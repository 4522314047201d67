"""API tokens: made, listed, revoked. Only their hashes are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from host import clock
from host.crypto import NewToken, new_token
from host.errors import Stop
from host.ids import new_id
from host.roles import Role
from host.tables import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as lists show it; ``shown`` is how it begins."""

    id: str
    shown: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def create_token(session: Session, role: Role, *, expires_at: datetime | None = None) -> NewToken:
    """A new token. Its text is in the answer and nowhere else."""
    token = new_token()
    session.execute(
        insert(tokens).values(
            id=new_id(),
            shown=token.shown,
            hashed=token.hashed,
            role=role.value,
            created_at=clock.now(),
            expires_at=expires_at,
        )
    )
    return token


def list_tokens(session: Session) -> Sequence[Token]:
    """Every token that ever was, the oldest first."""
    return [_token(row) for row in session.execute(select(tokens).order_by(tokens.c.id))]


def revoke_token(session: Session, shown: str) -> Token:
    """Make a token invalid for good. It is named by how it begins, or by the whole of it."""
    found = [token for token in list_tokens(session) if shown.startswith(token.shown)]
    if len(found) != 1:
        known = "no token begins" if not found else f"{len(found)} tokens begin"
        raise Stop(f"{known} with {shown[:9]!r}: `counterfoil token list` shows how each begins")
    if found[0].revoked_at is None:
        session.execute(update(tokens).where(tokens.c.id == found[0].id).values(revoked_at=clock.now()))
    return found[0]


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        shown=row.shown,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
