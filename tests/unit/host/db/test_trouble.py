"""Which errors mean that the database itself is the trouble, and which that a statement was wrong."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from host.db.trouble import is_unusable, meets_everybody
from host.web.problems import Refusal
from host.web.resource import guarded

UNUSABLE = {
    "away": OperationalError("SELECT", {}, Exception("connection refused")),
    "closed under a transaction": InterfaceError("SELECT", {}, Exception("the connection is closed")),
    "spoilt": DatabaseError("SELECT", {}, Exception("file is not a database")),
    "asked again after it was lost": PendingRollbackError("Can't reconnect until ...", code="8s2b"),
    "no connection is free": NoFreeConnection("QueuePool limit"),
}
WRONG_STATEMENTS = {
    "taken": IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed")),
    "misspelt": ProgrammingError("SELEKT", {}, Exception("syntax error")),
    "too long": DataError("INSERT", {}, Exception("value too long")),
    "asked again after a statement was refused": PendingRollbackError("This Session's transaction ...", code="7s2a"),
    "ours": ValueError("no database in sight"),
}


@pytest.mark.parametrize("error", UNUSABLE.values(), ids=list(UNUSABLE))
def test_a_database_that_cannot_be_used_is_for_later(error: Exception) -> None:
    assert is_unusable(error)
    assert refused(error) == 503


@pytest.mark.parametrize("error", WRONG_STATEMENTS.values(), ids=list(WRONG_STATEMENTS))
def test_a_statement_that_is_refused_is_an_error_of_ours(error: Exception) -> None:
    assert not is_unusable(error)
    assert not meets_everybody(error)
    assert refused(error) == 500


def refused(error: Exception) -> int:
    def fails() -> None:
        raise error

    with pytest.raises(Refusal) as raised:
        guarded(fails, "x")
    return raised.value.status


def said(**what: Any) -> OperationalError:
    """By the driver, with its own code."""
    original = Exception("as the driver says it")
    vars(original).update(what)
    return OperationalError("INSERT", {}, original)


@pytest.mark.parametrize(
    ("error", "everybody"),
    [
        (said(sqlite_errorcode=sqlite3.SQLITE_FULL), True),
        (said(sqlite_errorcode=sqlite3.SQLITE_IOERR_WRITE), True),
        (said(sqlite_errorcode=sqlite3.SQLITE_ERROR), False),  # no such table: a plugin forgot its migration
        (said(sqlite_errorcode=sqlite3.SQLITE_BUSY), False),
        (said(sqlstate="53100"), True),  # the disk is full
        (said(sqlstate="57P01"), True),  # an admin ends the server
        (said(sqlstate="57014"), False),  # this statement took too long
        (said(sqlstate="40P01"), False),  # a deadlock
        (said(sqlstate=None), False),
        (OperationalError("INSERT", {}, Exception("gone"), connection_invalidated=True), True),
    ],
)
def test_what_any_statement_would_have_met_is_no_plugins_fault(error: OperationalError, everybody: bool) -> None:
    assert meets_everybody(error) is everybody
