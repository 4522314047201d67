"""The requests and commands that saved something, as rows: where a correlation id leads to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam

from host import clock
from host.correlation import occasion
from host.db.upsert import insert_or
from host.tables import occasions

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LONGEST: Final = 500


def keep_occasion(session: Session) -> None:
    """Write down, with what is saved, what it is saved for; once, however many transactions one request or command makes."""
    now = occasion()
    if now is None:
        return
    connection = session.connection()
    what = now.what.replace("\x00", "\\x00")[:_LONGEST]  # PostgreSQL has no NUL in a text
    values = {"correlation_id": now.correlation_id, "what": what, "who": now.who, "at": clock.now()}
    connection.execute(_statement(connection.dialect.name), values)


@lru_cache
def _statement(dialect: str) -> Any:
    values = {name: bindparam(name, type_=column.type) for name, column in occasions.c.items()}
    return insert_or(occasions, dialect).values(values).on_conflict_do_nothing()
