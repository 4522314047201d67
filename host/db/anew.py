"""Transactions that the database ended for another's sake, made anew.

PostgreSQL ends one of two transactions that wait for each other. Neither is at fault, and the one that was ended wrote nothing: made once more, it goes
through, because the other is over by then.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

TRIES: Final = 4
PASSING: Final = frozenset({"40P01", "40001"})
"""PostgreSQL's words for a deadlock and for a conflict of two transactions."""


def made_anew(transaction: Callable[P, T]) -> Callable[P, T]:
    """For a function that is one whole transaction, and does nothing beside it that must not be done twice."""

    @wraps(transaction)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return transaction(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) not in PASSING:
                    raise
        return transaction(*args, **kwargs)

    return call
