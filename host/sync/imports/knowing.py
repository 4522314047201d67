"""What is known here of records that were read: who is linked with them, who may be them. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from hookspecs import Action, EntityEvent
from host import clock
from host.sync.belonging import Belonging
from host.sync.deciding import DeskOf
from host.sync.imports.candidates import Candidates
from host.sync.imports.deciding import Ours, Standing, may_be_ours, plain
from host.sync.imports.tables import import_records
from host.sync.outbox import chunks
from host.sync.provider import RemoteRecord
from host.sync.rows import digests
from host.sync.tables import IS_LINKED, rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from hookspecs import JSON, BillingStore, Record
    from host.sync.imports.staging import Wish
    from host.sync.provider import Connection, ImportsRecords, Key, Mirrored, Provider

_COLUMNS: Final = [
    rows.c[name]
    for name in (
        "id", "connection", "record_id", "remote_id", "generation", "agreed_generation", "call_id", "lost_until", "state",
    )
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """``by_remote``: by the id of the remote record that it is linked with. ``found``: by the keys of what is linked with none; ``by_record``: the same by the
    ids of those that were found."""

    by_remote: Mapping[str, Ours]
    found: Mapping[Key, Candidates]
    by_record: Mapping[str, Sequence[Candidates]]

    def candidates(self, remote: RemoteRecord) -> Sequence[Candidates]:
        """Whom its keys find, in their order."""
        return [self.found[key] for key in remote.keys if key in self.found]

    def take(self, record_ids: Iterable[str]) -> None:
        """These are found no more: another remote record is linked with them, or will be."""
        for id in record_ids:
            for one in self.by_record.get(id, ()):
                one.take(id)


def linked_with_none_of(session: Session, wish: Wish, before: datetime) -> Sequence[RemoteRecord]:
    """The remote records that ours were linked with before all of them was read, and that were not among what was read: remotes do not report what was deleted.

    One that was made there meanwhile may not have been there yet.
    """
    read = select(import_records.c.id).where(
        import_records.c.batch == wish.batch,
        import_records.c.kind == rows.c.kind,
        import_records.c.remote_id == rows.c.remote_id,
    )
    query = select(rows.c.kind, rows.c.remote_id, rows.c.remote_number, rows.c.remote_url).where(
        rows.c.connection == wish.connection,
        rows.c.kind.in_(wish.kinds),
        IS_LINKED,
        rows.c.synced_at < before,
        ~read.exists(),
    )
    return [
        RemoteRecord(
            kind=row.kind,
            id=row.remote_id,
            name=row.remote_number,
            number=row.remote_number,
            url=row.remote_url,
            fields={},
            unusable="the remote does not list it any more",
        )
        for row in session.execute(query)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Looks up for many records of one kind at once, in one transaction. ``lock``: what is found is not changed by a drain until that ends."""

    session: Session
    store: BillingStore
    provider: Provider
    importer: ImportsRecords
    connection: Connection
    prefix: str
    lock: bool = False

    def of(self, kind: str, remotes: Sequence[RemoteRecord], chosen: Container[str] = ()) -> Known:
        linked = self._rows(kind, rows.c.remote_id, {id for one in remotes for id in (one.id, one.merged_into) if id})
        known = {row.remote_id for row in linked}
        matched = [one for one in remotes if one.id not in known and may_be_ours(one, chosen=one.id in chosen)]
        by_key = self._find(kind, matched)
        held = {row.record_id for row in linked}
        found = {id for ids in by_key.values() for id in ids} - held
        standing = {row.record_id: row for row in (*linked, *self._rows(kind, rows.c.record_id, found))}
        free = {id for id in found if id not in standing or not standing[id].remote_id}
        theirs = {row.record_id: row.remote_id for row in linked}
        ours = self.ours(kind, {*held, *free}, standing, _Equal(remotes, theirs))
        candidates = {
            key: Candidates(key, [ours[id] for id in ids if id in free and id in ours], self.connection.key)
            for key, ids in by_key.items()
        }
        return Known(
            by_remote={row.remote_id: ours[row.record_id] for row in linked if row.record_id in ours},
            found=candidates,
            by_record=_by_record(candidates.values()),
        )

    def _find(self, kind: str, remotes: Sequence[RemoteRecord]) -> Mapping[Key, Sequence[str]]:
        keys = {key for one in remotes for key in one.keys}
        found: dict[Key, Sequence[str]] = {}
        for field in {key.field for key in keys}:
            of_it = [key for key in keys if key.field == field]
            ids = self.store.find(self.session, kind, self.connection.key, field, [key.value for key in of_it])
            found |= {key: ids[key.value] for key in of_it if key.value in ids}
        return found

    def _rows(self, kind: str, column: Any, values: Iterable[str]) -> list[Any]:
        found: list[Any] = []
        for chunk in chunks(sorted(values), 500):
            query = select(*_COLUMNS).where(
                rows.c.provider == self.provider.name, rows.c.kind == kind, column.in_(chunk)
            )
            if column is rows.c.remote_id:
                query = query.where(IS_LINKED, rows.c.connection == self.connection.key)
            query = query.order_by(rows.c.id)
            found += self.session.execute(query.with_for_update() if self.lock else query)
        return found

    def ours(
        self,
        kind: str,
        record_ids: Iterable[str],
        standing: Mapping[str, Any] | None = None,
        equal: Callable[[Record], bool] = lambda _record: False,
    ) -> dict[str, Ours]:
        """These records of ours, with everything that an import asks about them. How one reads back that is ``equal`` to what is there nobody asks."""
        ids = list(record_ids)
        if standing is None:
            standing = {row.record_id: row for row in self._rows(kind, rows.c.record_id, ids)}
        records = self.store.read(self.session, kind, ids)
        belonging = self._belonging(kind, records)
        same = {id for id, record in records.items() if equal(record)}
        differing = [record for id, record in records.items() if id not in same]
        agreed = self._agreed([standing[one.id].id for one in differing if one.id in standing])
        answered = {
            one.id: agreed[one.id].answered for one in differing if one.id in agreed and agreed[one.id].remote_id
        }
        mirrored = self.mirrored(kind, differing, answered)
        return {
            id: Ours(record=record, belongs=belonging[id], standing=_standing(standing[id]), equal=True)
            if id in same
            else _ours(record, belonging[id], agreed.get(id), mirrored.get(id))
            for id, record in records.items()
        }

    def _agreed(self, row_ids: Sequence[int]) -> dict[str, Any]:
        """The rows with what was agreed of each."""
        columns = [*_COLUMNS, rows.c.inputs, rows.c.answered]
        return {
            row.record_id: row
            for chunk in (row_ids[at : at + 500] for at in range(0, len(row_ids), 500))
            for row in self.session.execute(select(*columns).where(rows.c.id.in_(chunk)))
        }

    def mirrored(self, kind: str, records: Sequence[Record], answered: Mapping[str, JSON]) -> Mapping[str, Mirrored]:
        if not records:
            return {}
        desk = DeskOf(self.session, self.store, self.connection, self.prefix)
        return self.importer.mirror(desk, kind, records, answered)

    def _belonging(self, kind: str, records: Mapping[str, Record]) -> Mapping[str, str]:
        events = {id: EntityEvent(kind=kind, record=one, action=Action.UPDATED) for id, one in records.items()}
        if not events:
            return {}
        belonging = Belonging(self.provider, list(events.values()), self.session)
        return {id: belonging.of(event) for id, event in events.items()}


def _by_record(candidates: Iterable[Candidates]) -> Mapping[str, Sequence[Candidates]]:
    found: dict[str, list[Candidates]] = {}
    for one in candidates:
        for id in one.ids:
            found.setdefault(id, []).append(one)
    return found


class _Equal:
    """Whether a record has every field as the remote record that it is linked with. Of those, nothing was changed anywhere, whatever a repair would make of
    them: in an import with nothing new these are all but a few."""

    def __init__(self, remotes: Iterable[RemoteRecord], linked: Mapping[str, str]) -> None:
        self._remotes = {one.id: one for one in remotes}
        self._linked = linked

    def __call__(self, record: Record) -> bool:
        remote = self._remotes.get(self._linked.get(record.id, ""))
        return (
            remote is not None
            and not remote.merged_into
            and all(plain(getattr(record, name, "")) == value for name, value in remote.fields.items())
        )


def _ours(record: Record, belongs: str, row: Any, mirrored: Mirrored | None) -> Ours:
    if row is None:
        return Ours(record=record, belongs=belongs, mirrored=mirrored)
    now = digests(mirrored.inputs) if mirrored else {}
    return Ours(
        record=record,
        belongs=belongs,
        standing=_standing(row, row.inputs),
        mirrored=mirrored,
        changed_here=frozenset(name for name, digest in row.inputs.items() if now.get(name, digest) != digest),
    )


def _standing(row: Any, inputs: Mapping[str, str] | None = None) -> Standing:
    return Standing(
        row_id=row.id,
        connection=row.connection,
        remote_id=row.remote_id,
        pending=row.generation > row.agreed_generation,
        busy=row.call_id is not None or bool(row.lost_until and row.lost_until > clock.now()),
        inputs=inputs or {},
    )
