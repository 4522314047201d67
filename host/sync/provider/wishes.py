"""What waits, and what is known of it: the side of a step that the engine brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import JSON, BillingStore, Record


class Wanted(StrEnum):
    SEND = "send"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The version both sides last agreed on. ``inputs`` are digests by field; ``sent`` and ``answered`` are in the remote's own terms.

    Without ``inputs`` nothing is agreed, though a link and what was answered may be there: it was linked with what it found, the outcome of an update is not
    known, or somebody asked to send it whatever was agreed. Then ours goes wherever it differs from what the remote has.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    sent: JSON = field(default_factory=dict)
    answered: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One record that waits, as it stands now. ``record`` is ``None`` where billing does not have it any more; ``correlation_id`` names its last save."""

    row_id: int
    kind: str
    record_id: str
    record: Record | None
    wanted: Wanted
    generation: int
    remote_id: str
    agreed: Agreed
    correlation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How another record stands with this connection: what a document asks about its contact and its items."""

    row_id: int
    kind: str
    record_id: str
    connection: str
    remote_id: str
    remote_number: str
    state: str
    reason: str
    ref: str = ""

    @property
    def on_its_way(self) -> bool:
        """It will be linked, or will fail, without anybody doing anything."""
        return not self.remote_id and self.state in {"waiting", "sending", "blocked", "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Who is linked with a remote record, and what was last answered of it."""

    record_id: str
    answered: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Our link to one organisation. ``details`` are the provider's own notes on it (short code, base currency); ``organisation`` is the remote's id for it."""

    key: str
    provider: str
    name: str
    organisation: str
    auth: str
    status: str
    details: Mapping[str, str] = field(default_factory=dict)


class Desk(Protocol):
    """What ``prepare`` may ask while it resolves records: a read-only session, the billing records, and the links of this connection."""

    @property
    def session(self) -> Session: ...
    @property
    def store(self) -> BillingStore: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def prefix(self) -> str:
        """This installation's mark prefix: six letters and digits, different for every installation, never containing a provider's name."""

    def links(self, kind: str, record_ids: Iterable[str]) -> Mapping[str, Link]:
        """The links of these records, by record id; missing where there is no sync row. One query for all."""

    def linked(self, kind: str, remote_ids: Iterable[str]) -> Mapping[str, Linked]:
        """Who of this kind is linked with these remote records on this connection, by remote id. One query for all."""
