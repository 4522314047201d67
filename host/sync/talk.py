"""What one drain is: who talks to which organisation, with what. Handed to each of its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.sync.clients import patience_of

if TYPE_CHECKING:
    from datetime import timedelta

    from host.db import Database
    from host.sync.provider import Connection, Provider


class Silenced(Exception):
    """The right to speak is lost: nothing more is sent or booked. Whoever speaks now settles what is out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """``speaker`` marks the calls of this drain."""

    database: Database
    provider: Provider
    connection: Connection
    prefix: str
    speaker: str
    still_speaking: Callable[[], bool]

    @property
    def patience(self) -> timedelta:
        """How long a call may take."""
        return patience_of(self.provider, self.connection)

    @property
    def key(self) -> str:
        return self.connection.key
