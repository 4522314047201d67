"""What a provider may offer beside ``Provider``: records that come from the remote into the billing records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from hookspecs import JSON, Catalogue, Record
    from host.sync.provider.http import Response
    from host.sync.provider.protocol import Ask
    from host.sync.provider.wishes import Connection, Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A field that a record of ours is known by, and the value that the remote record has. ``id``: the remote record bears our mark.

    ``unless_differs``: fields in which both may have a value, and where they differ the two are not the same after all.
    """

    field: str
    value: str
    unless_differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRecord:
    """A record of the remote, as a record of ``kind``. One that may be either of two kinds (a customer, a supplier) is answered once as each.

    ``fields`` are all that the provider knows how to take over, in the words of the kind's API (numbers without needless zeros), empty where the remote has
    nothing. ``keys`` are tried in their order, where nothing is linked with it yet. ``number`` is what people know it by there.

    ``unusable`` says why nobody can work with it any more (archived); ``merged_into`` is the id of the one that took its place. ``aside`` says why it comes
    only where a person chooses it.
    """

    kind: str
    id: str
    name: str
    number: str = ""
    url: str = ""
    fields: Mapping[str, Any]
    keys: tuple[Key, ...] = ()
    unusable: str = ""
    merged_into: str = ""
    aside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Which records of the remote are asked for: all of these kinds, those with these ids, what a person searches for, or what changed since."""

    connection: Connection
    catalogue: Catalogue
    prefix: str
    kinds: Sequence[str]
    ids: Sequence[str] = ()
    search: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """A record of ours as it stands, or would stand, at the remote.

    ``inputs`` are those of ``Prepared``. ``fields`` is how it reads back from there, like ``RemoteRecord.fields``: what was repaired on the way out is not
    a difference; a field that is never sent is missing. ``before`` is the same for what was last agreed, as far as that is known. ``answered`` is what to
    keep as agreed where the remote has it like this.
    """

    inputs: Mapping[str, Any]
    fields: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    answered: JSON = field(default_factory=dict)


@runtime_checkable
class ImportsRecords(Protocol):
    """What a ``Provider`` has as well that brings records. What becomes of each (made, changed, linked, left alone) is decided and done by the engine."""

    @property
    def importable_records(self) -> Sequence[str]:
        """The kinds, in the order in which ``import all`` takes them, after the reference data."""

    def remote_records(self, reading: Reading, ask: Ask) -> Iterator[Sequence[RemoteRecord]]:
        """The remote's records, page by page: no more than a page is kept in memory. One call may bring several kinds.

        A record that is answered twice counts once, as it was answered last; one that is there all the while must not be left out because others change
        while the pages are read. Raises what ``ask`` raises, and ``Retry`` for what cannot be read.
        """

    def mirror(
        self, desk: Desk, kind: str, records: Sequence[Record], answered: Mapping[str, JSON]
    ) -> Mapping[str, Mirrored]:
        """These records as the remote would have them, by id; ``answered`` is what was kept of each that is linked. One that cannot be put into the remote's
        terms is missing."""


@runtime_checkable
class ReadsChanges(Protocol):
    """What an importer has as well whose remote can be asked for what changed since a time (``Reading.since``). Without it every import reads everything."""

    def import_basis(self, reading: Reading) -> str:
        """All that decides about a record besides itself (settings, the codes of lists), as a text: where it is another than at the last import, everything is
        read again."""

    def answered_at(self, response: Response) -> datetime | None:
        """When this was answered, by the remote's own clock; ``None`` where it does not say: the next import then reads everything."""

    def list_changed(self, kind: str, ask: Ask, connection: Connection, since: datetime) -> bool:
        """Whether a list (``Provider.importable``) may have changed since. ``True`` without asking, where the remote cannot be asked that."""
