"""Whether the database itself is the trouble, and not what was asked of it."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

UNUSABLE: Final = (OperationalError, InterfaceError, NoFreeConnection)
"""What is raised when it is not there, not reachable, full, locked, or was lost in the middle of a transaction."""
_SQLITE_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_NOMEM,
    }
)
_POSTGRESQL_CLASSES: Final = ("08", "53", "57P", "58", "XX")
"""Of its error codes: connections, resources, a server that ends, the system, broken data."""
_LOST_BEFORE: Final = "8s2b"
"""SQLAlchemy's number for "the connection was lost, and this transaction with it"."""


def is_unusable(error: BaseException) -> bool:
    """As ``UNUSABLE``, and besides: spoilt, for which drivers have no class of its own; and what is said to whoever goes on after the connection was lost."""
    spoilt = type(error) is DatabaseError
    return (
        isinstance(error, UNUSABLE)
        or spoilt
        or (isinstance(error, PendingRollbackError) and error.code == _LOST_BEFORE)
    )


def meets_everybody(error: BaseException) -> bool:
    """Whether any other statement would have met the same: the connection is lost, the disk full, the file broken. Then no plugin is to blame."""
    if not isinstance(error, DBAPIError):
        return False
    code, state = getattr(error.orig, "sqlite_errorcode", 0), getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or code & 0xFF in _SQLITE_CODES or state.startswith(_POSTGRESQL_CLASSES)
