"""The name under which a request or a command is found again: in the log, on what it saved, and with the calls that were made for it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from host.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._:@-]{1,64}")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What somebody asked for: ``what`` in the words of the log (``PUT /api/v1/invoices/42``), ``who`` as far as it is known."""

    correlation_id: str
    what: str
    who: str = ""


_occasion: Final[ContextVar[Occasion | None]] = ContextVar("counterfoil_occasion", default=None)


def occasion() -> Occasion | None:
    """What this thread or task works for; ``None`` for what the host does by itself."""
    return _occasion.get()


def correlation_id() -> str:
    """The name of what this thread or task works for; empty for what the host does by itself."""
    now = _occasion.get()
    return now.correlation_id if now else ""


@contextmanager
def correlated(what: str, *, given: str = "", who: str = "") -> Iterator[Occasion]:
    """What is done inside is done for this. ``given`` is a name that the asker brought: one that is not well formed is replaced by one of ours."""
    now = Occasion(given if WELL_FORMED.fullmatch(given) else new_id(), what, who)
    token = _occasion.set(now)
    try:
        yield now
    finally:
        _occasion.reset(token)


def asked_by(who: str) -> None:
    """Who asks is known only now."""
    now = _occasion.get()
    if now:
        _occasion.set(replace(now, who=who))
