"""Small words for messages to people."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(given: str, accepted: Iterable[str]) -> str:
    """`` (did you mean 'x'?)``, or nothing."""
    close = get_close_matches(given, list(accepted), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


def one_line(error: BaseException) -> str:
    """An error as one line: its kind, and the first line of what it says."""
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def database_says(error: BaseException) -> str:
    """The driver's own words, on one line, without the statement and the advice that SQLAlchemy adds."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
