"""Small words for messages to people."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

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


_TOKEN: Final = re.compile(r"(cf_[A-Za-z0-9_-]{6})[A-Za-z0-9_-]+")


def cut_tokens(text: str) -> str:
    """The text with each API token of ours cut to how lists show it: what people type may end up in a log."""
    return _TOKEN.sub(r"\1…", text)
