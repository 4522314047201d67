"""What the host tells plugins: frozen events, one per hook."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from hookspecs.records import Record

LOCAL: Final = ""
"""The origin of a change that a person or program of ours made. Any other origin is the key of the connection it came from."""


class Action(StrEnum):
    """What happened to a record, seen over the whole transaction."""

    CREATED = "created"
    UPDATED = "updated"
    ARCHIVED = "archived"
    """It was made inactive. Coming back is ``UPDATED`` with ``active`` among the changed fields."""
    DELETED = "deleted"
    """It is gone (for documents: deletion was asked for before, and is now confirmed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityEvent:
    """One record that changed, with its final state in this transaction.

    ``kind`` is the plural name of the API (``"invoices"``). ``changed`` is the union of the fields that changed, in the names of the record's
    attributes; for ``CREATED`` it holds every field that is set. ``origin`` is ``LOCAL`` or the key of the connection that the change came from:
    such a change must not be sent back there. ``urgent`` is true for a person's save, false when the record belongs to a batch (``batch``).
    """

    kind: str
    record: Record
    action: Action
    changed: frozenset[str] = frozenset()
    origin: str = LOCAL
    correlation_id: str = ""
    batch: str | None = None

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def urgent(self) -> bool:
        return self.batch is None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A request that arrived at ``/webhooks/<plugin>``. ``body`` is the raw body, already stored when the plugin is called."""

    plugin: str
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What to answer. Only a status: some senders count a body or a cookie as failure."""

    status: int = 200


def _no_host(provider: str, kinds: Sequence[str]) -> None:
    raise RuntimeError(f"this tick was made without a host, which alone can import {', '.join(kinds)} for {provider}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyTick:
    """The daily run of one plugin. ``local_date`` is a date in the host's time zone; after downtime only the newest missed date is run.

    ``import_again("xero", ["tax-rates", "customers"])`` imports these lists of reference data and kinds of records from each connection of an accounting
    provider that is connected: only what changed, where the remote can be asked for that. One that fails keeps no other from being imported; then it raises
    ``Retry`` with what each said, which is left to the host: the run is marked as failed. Records that the remote's limits keep waiting come later by
    themselves.
    """

    local_date: date
    now: datetime
    import_again: Callable[[str, Sequence[str]], None] = _no_host
    details: Mapping[str, str] = field(default_factory=dict)
