"""What a provider may say of what is still missing before its records can go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hookspecs import Catalogue
    from host.sync.provider.protocol import Ask
    from host.sync.provider.wishes import Connection


class Standing(StrEnum):
    """``missing``: some things cannot go until it is there; ``blocking``: nothing that needs it can."""

    READY = "ready"
    MISSING = "missing"
    BLOCKING = "blocking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that syncing needs. ``says`` is one line on how it stands, ``to_do`` one on what to do; empty where it is ready."""

    name: str
    standing: Standing = Standing.READY
    says: str
    to_do: str = ""


@runtime_checkable
class NamesConnections(Protocol):
    """A provider whose settings name connections: one that there is not is told, since a mistyped key would have no effect, or keep records waiting."""

    @property
    def named_connections(self) -> Sequence[str]:
        """The keys of the connections that have settings of their own."""


@runtime_checkable
class TellsReadiness(Protocol):
    """A provider with these methods has something to add to what the engine finds out by itself."""

    def requirements(self, connection: Connection, catalogue: Catalogue) -> Sequence[Point]:
        """What its settings and rules need of the reference data as imported. Pure."""

    def try_out(self, ask: Ask, connection: Connection) -> Sequence[Point]:
        """Find out at the remote whether records could go now, without writing anything there. Raises what ``ask`` raises."""
