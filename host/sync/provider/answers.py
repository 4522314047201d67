"""What a reply says: of each record that a call carried, and of each that was looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host.errors import Retry

if TYPE_CHECKING:
    from hookspecs import JSON, LedgerState
    from host.sync.provider.http import Request
    from host.sync.provider.steps import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is there. ``answered`` is kept as the agreed version; ``ledger`` is where a document stands."""

    remote_id: str
    remote_number: str = ""
    remote_url: str = ""
    answered: JSON = field(default_factory=dict)
    ledger: LedgerState | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The remote let it go: ``status`` is ``deleted`` or ``voided``."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The remote said no to this record, with its own words. It waits for a person (or for the record to change)."""

    reason: str
    conflict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated(Rejected):
    """It names another record by a number that the remote does not know any more. Reading ``look`` brings today's numbers (``Looked.numbers``); then it is
    planned anew, once: said of the same generation again, it is an ordinary refusal."""

    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The mark is taken: it may be ours from a call whose answer was lost. The engine reads and looks."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """The reply does not say. Settled like a lost answer."""

    reason: str


Answer = Done | Gone | Rejected | Taken | Unclear


class Unreadable(Retry):
    """A 2xx reply that is cut off, or does not have one element for each that was sent. The outcome of what was sent is unknown; what was asked is asked
    again later."""

    def __init__(self, message: str = "the remote's answer could not be read: try again later") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What reading found, aligned with the looks: the remote record (or the candidates, as the provider likes it) or ``None``. ``more``: read this too,
    then ask again. ``numbers``: what records that are linked already are called at the remote now, by kind and remote id; their links take it over."""

    found: Sequence[JSON | None] = ()
    more: Request | None = None
    numbers: Mapping[tuple[str, str], str] = field(default_factory=dict)
