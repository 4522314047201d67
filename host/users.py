"""People who may log in: added, listed, disabled. Only hashes of their passwords are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from host import clock
from host.crypto import hash_password
from host.errors import Stop
from host.ids import new_id
from host.roles import Role
from host.tables import users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person as lists show them; one who is disabled can't log in."""

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


def check_name(name: str) -> str:
    """The name as it is kept: capitals make no other person. Raises ``Stop`` for what is no name."""
    small = name.lower()
    if not NAME.fullmatch(small):
        raise Stop(
            f"{name!r} can't be a user's name: use 1 to 100 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit"
        )
    return small


def hashed(password: str) -> str:
    """What is kept of a password. Raises ``Stop`` for one that would be guessed, or that nobody typed.

    It takes a quarter of a second: not to be done in a transaction, which would keep others from writing.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Stop(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, this one has {len(password)}")
    if not password.isprintable():
        raise Stop("the password holds a character that nobody can type")
    return hash_password(password)


def add_user(session: Session, name: str, role: Role, hashed_password: str) -> User:
    """A new user. Raises ``Stop`` where there is one of this name."""
    values = {"name": check_name(name), "role": role.value, "created_at": clock.now()}
    try:
        with session.begin_nested():
            session.execute(insert(users).values(id=new_id(), password=hashed_password, **values))
    except IntegrityError:
        raise Stop(f"there is a user {values['name']!r} already: `counterfoil user list` shows all") from None
    return get_user(session, name)


def get_user(session: Session, name: str) -> User:
    """The user of this name. Raises ``Stop`` where there is none."""
    row = session.execute(select(users).where(users.c.name == name.lower())).one_or_none()
    if row is None:
        raise Stop(f"there is no user {name!r}: `counterfoil user list` shows all")
    return _user(row)


def list_users(session: Session) -> Sequence[User]:
    """Every user that ever was, in alphabetical order."""
    return [_user(row) for row in session.execute(select(users).order_by(users.c.name))]


def disable_user(session: Session, name: str) -> User:
    """Let a person not log in any more. Tokens are revoked on their own."""
    found = get_user(session, name)
    if found.disabled_at is None:
        session.execute(update(users).where(users.c.name == found.name).values(disabled_at=clock.now()))
    return get_user(session, name)


def enable_user(session: Session, name: str) -> User:
    """Let a person who was disabled log in again, with the former password."""
    found = get_user(session, name)
    session.execute(update(users).where(users.c.name == found.name).values(disabled_at=None))
    return get_user(session, name)


def change_password(session: Session, name: str, hashed_password: str) -> User:
    """Another password, in place of one that was forgotten."""
    found = get_user(session, name)
    session.execute(update(users).where(users.c.name == found.name).values(password=hashed_password))
    return found


def _user(row: Any) -> User:
    return User(name=row.name, role=Role(row.role), created_at=row.created_at, disabled_at=row.disabled_at)
