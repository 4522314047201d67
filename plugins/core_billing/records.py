"""The flow that every kind of record goes through: read the inputs, find what is there, look up what they refer to, compose the rows, check, compare,
write, and tell the unit of work. A kind says what it is (``Records``' attributes) and overrides a step where it needs thought."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, TypeVar

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from hookspecs import LOCAL, NOTHING, Action, Deletion, Kind, KindService, ListPage, Problem, Record, Refused, Saved
from host.folding import folded
from host.ids import new_id
from plugins.core_billing.fields import REF
from plugins.core_billing.lookup import (
    Row,
    Rows,
    ids_by_ref,
    insert_rows,
    refs_by_id,
    rows_by_id,
    rows_by_ref,
    update_rows,
)
from plugins.core_billing.reading import Reader
from plugins.core_billing.shown_schemas import shown_schema

if TYPE_CHECKING:
    from marshmallow import fields
    from sqlalchemy import Column
    from sqlalchemy.orm import Session

    from hookspecs import JSON, ListQuery, UnitOfWork
    from plugins.core_billing.listing import Listing
    from plugins.core_billing.lookup import Place
    from plugins.core_billing.schemas import Input

T = TypeVar("T")
E = TypeVar("E", bound="Entry")
TRIES: Final = 3


class Holders(Protocol):
    """Which connections hold these records of a kind, or may hold them: ``host.sync.holders``. With ``lock`` the answer stands until the transaction ends."""

    def __call__(
        self, session: Session, kind: str, ids: Collection[str], *, lock: bool = False
    ) -> Mapping[str, frozenset[str]]: ...


@dataclass(frozen=True, slots=True)
class Given:
    """One input, read. ``values`` is empty where there are problems. ``named`` are the fields that it brought itself; ``imported``: from a connection."""

    position: int
    ref: str
    values: Row
    problems: tuple[Problem, ...] = ()
    named: frozenset[str] = frozenset()
    imported: bool = False


@dataclass(slots=True)
class Entry:
    """One good input on its way into the database. ``old`` is what is there, ``row`` what shall be."""

    given: Given
    old: Row | None = None
    row: Row = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    changed: frozenset[str] = frozenset()

    @property
    def ref(self) -> str:
        return self.given.ref

    @property
    def created(self) -> bool:
        return self.old is None

    @property
    def to_write(self) -> bool:
        return not self.problems and bool(self.created or self.changed)

    def refuse(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))


class Records(KindService, Generic[E]):
    """The records of one kind that has a table row each."""

    place: Place
    schema: type[Input]
    listing: Listing
    references: ClassVar[Mapping[str, Place]] = {}
    """Fields that hold another record's ref, and where that is."""
    blank: Mapping[str, Any] = NOTHING
    """Columns that no input sets, and fields that stay as they are when a PUT does not name them, with their first value."""
    read_only: frozenset[str] = frozenset({"id", "sync"})
    uses: ClassVar[Sequence[tuple[Column[Any], str]]] = ()
    """Columns of others that hold the id of a record of this kind, and what those are called."""
    entry_type: type[E]
    compared: ClassVar[Sequence[str]] = ()
    """Fields that ``BillingStore.find`` compares as people do; each has a column ``<field>_key`` beside it."""
    held: bool = False
    """Connections hold records of this kind, each fixed to one."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders
        self._reader = Reader(self.schema, self.read_only)

    def kind(self) -> Kind:
        return Kind(
            name=self.place.kind,
            service=self,
            schema=self.schema,
            read_only=self.read_only,
            shown=shown_schema(self.schema, self.shown_more()),
            filters={name: one.schema for name, one in sorted(self.listing.filters.items())},
            sorts=sorted(self.listing.sorts),
        )

    def shown_more(self) -> Mapping[str, fields.Field[Any]]:
        """What reads back beside the input's fields and the id."""
        return {}

    # Reading --------------------------------------------------------------------------------------------------------

    def get(self, session: Session, ref: str) -> JSON | None:
        id = self.ids(session, [ref]).get(ref)
        return self.show(session, [id])[0] if id else None

    def list(self, session: Session, query: ListQuery) -> ListPage:
        ids, total = self.listing.page(session, query)
        return ListPage(items=self.show(session, ids), total=total)

    def ids(self, session: Session, refs: Sequence[str]) -> Mapping[str, str]:
        return ids_by_ref(session, self.place, filter(REF.fullmatch, refs))

    def lock(self, session: Session, ref: str) -> None:
        if REF.fullmatch(ref):
            rows_by_ref(session, self.place, [ref])

    def read(self, session: Session, ids: Iterable[str]) -> dict[str, Record]:
        """The records with these ids."""
        return {row["id"]: self.record(row) for row in self.rows(session, ids)}

    def show(self, session: Session, ids: Sequence[str]) -> Sequence[JSON]:
        """The records with these ids as the API shows them, in this order."""
        rows = {row["id"]: row for row in self.rows(session, ids)}
        names = {
            name: refs_by_id(session, place.table, {row[name] for row in rows.values()})
            for name, place in self.references.items()
        }
        return [
            self.shown({**rows[id], **{name: refs.get(rows[id][name], "") for name, refs in names.items()}})
            for id in ids
            if id in rows
        ]

    def rows(self, session: Session, ids: Iterable[str], *, lock: bool = False) -> Rows:
        return rows_by_id(session, self.place.table, ids, lock=lock)

    def record(self, row: Row) -> Record:
        """The frozen record of a row."""
        raise NotImplementedError

    def named(self, row: Row) -> JSON:
        """The identity and the fields of the schema, as they are."""
        return {"id": row["id"], **{name: row[name] for name in self._reader.names}}

    def shown(self, row: Row) -> JSON:
        """A row as the API shows it; references are refs already."""
        raise NotImplementedError

    # Saving ---------------------------------------------------------------------------------------------------------

    def put(self, unit_of_work: UnitOfWork, inputs: Sequence[JSON], *, partial: bool = False) -> Sequence[Saved]:
        session = unit_of_work.session
        given = self._read_inputs(inputs, partial=partial)
        if unit_of_work.origin != LOCAL:
            given = [replace(one, imported=True) for one in given]
        good = [one for one in given if not one.problems]
        entries, records = without_races(session, lambda: self._save(session, good, partial=partial))
        for entry in entries:
            if entry.to_write:
                unit_of_work.save(
                    self.place.kind, records[entry.row["id"]], action=_action(entry), changed=entry.changed
                )
        answers = {entry.given.position: _saved(entry) for entry in entries}
        return [answers.get(one.position) or Saved(ref=one.ref, problems=one.problems) for one in given]

    def _save(
        self, session: Session, good: Sequence[Given], *, partial: bool
    ) -> tuple[Sequence[E], Mapping[str, Record]]:
        entries = [self.entry_type(one) for one in good]
        self._find_old(session, entries)
        if partial:
            self._refuse_unknown(entries)
        self._compose(session, [entry for entry in entries if not entry.problems], partial=partial)
        self._check(session, [entry for entry in entries if not entry.problems])
        for entry in entries:
            if not entry.problems:
                entry.changed = self._difference(entry)
        written = [entry for entry in entries if entry.to_write]
        self._complete(session, written)
        written = [entry for entry in written if entry.to_write]
        self._write(session, written)
        return entries, self._records(session, written) if written else {}

    def _read_inputs(self, inputs: Sequence[JSON], *, partial: bool) -> Sequence[Given]:
        first: dict[str, int] = {}
        return [self._read_input(position, one, first, partial=partial) for position, one in enumerate(inputs)]

    def _read_input(self, position: int, one: Any, first: dict[str, int], *, partial: bool) -> Given:
        values = self._reader.read(one, partial=partial)
        ref = one.get("ref", "") if isinstance(one, dict) else ""
        if not isinstance(ref, str) or not REF.fullmatch(ref):
            problems = values if isinstance(values, list) else [Problem("ref", "is required")]
            return Given(position, ref if isinstance(ref, str) else "", {}, tuple(problems))
        if ref in first:
            problem = Problem(
                "ref", f"{ref} stands here a second time: it is already number {first[ref] + 1} of these records"
            )
            return Given(position, ref, {}, (problem,))
        first[ref] = position
        if isinstance(values, list):
            return Given(position, ref, {}, tuple(values))
        return Given(position, ref, values, named=frozenset(one))

    def _find_old(self, session: Session, entries: Sequence[E]) -> None:
        old = self._rows_by_ref(session, [entry.ref for entry in entries])
        for entry in entries:
            entry.old = old.get(entry.ref)

    def _rows_by_ref(self, session: Session, refs: Sequence[str]) -> Mapping[str, Row]:
        return rows_by_ref(session, self.place, refs)

    def _refuse_unknown(self, entries: Sequence[E]) -> None:
        for entry in entries:
            if entry.created:
                entry.refuse("", f"there is no {self.place.noun} with the ref {entry.ref}")

    def _compose(self, session: Session, entries: Sequence[E], *, partial: bool) -> None:
        """Fill in each entry's ``row``: what was given, with refs turned into ids, over what stays."""
        known = {
            name: ids_by_ref(session, place, {entry.given.values.get(name, "") for entry in entries} - {""})
            for name, place in self.references.items()
        }
        for entry in entries:
            entry.row = self._base(entry, partial=partial) | entry.given.values
            for name, place in self.references.items():
                if entry.given.values.get(name):
                    self._refer(entry, name, place, known[name])
            entry.row.update({f"{name}_key": folded(entry.row[name]) for name in self.compared})
            if not entry.problems:
                self._noticed(entry, known)

    def _base(self, entry: E, *, partial: bool) -> Row:
        if entry.old is None:
            base = {**self.blank, "id": new_id()}
            if self.place.shared:
                base["kind"] = self.place.kind
            return base
        if partial:
            return dict(entry.old)
        kept = {name: entry.old[name] for name in entry.old.keys() - self._reader.names}
        return kept | {name: entry.old[name] for name in self.blank}

    def _refer(self, entry: E, name: str, place: Place, known: Mapping[str, str]) -> None:
        ref = entry.given.values[name]
        if ref in known:
            entry.row[name] = known[ref]
        else:
            entry.refuse(name, f"there is no {place.noun} with the ref {ref}")

    def _noticed(self, entry: E, known: dict[str, dict[str, str]]) -> None:
        """An entry is composed without problems: later ones of the batch may refer to it."""
        for name, place in self.references.items():
            if place is self.place:
                known[name][entry.ref] = entry.row["id"]

    def _check(self, session: Session, entries: Sequence[E]) -> None:
        """Refuse what the rules of the kind forbid."""
        if self.held:
            self._keep_connections(session, entries)

    def _keep_connections(self, session: Session, entries: Sequence[E]) -> None:
        moved = [entry for entry in entries if entry.old and entry.row["connection"] != entry.old["connection"]]
        if not moved:
            return
        holders = self._holders(session, self.place.kind, [entry.row["id"] for entry in moved], lock=True)
        for entry in moved:
            self._keep_connection(entry, holders.get(entry.row["id"], frozenset()))

    def _keep_connection(self, entry: E, holders: frozenset[str]) -> None:
        assert entry.old is not None
        if not holders or (not entry.old["connection"] and holders == {entry.row["connection"]}):
            return
        if entry.row["connection"]:
            names = ", ".join(sorted(holders))
            entry.refuse("connection", f"cannot change: this {self.place.noun} is already kept in {names}")
        else:
            entry.row["connection"] = entry.old["connection"]

    def _difference(self, entry: E) -> frozenset[str]:
        return difference(entry.row, entry.old) - self._keys

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(f"{name}_key" for name in self.compared)

    def _complete(self, session: Session, entries: Sequence[E]) -> None:
        """Fill in what follows from the rest, for those that will be written."""

    def _write(self, session: Session, entries: Sequence[E]) -> None:
        insert_rows(session, self.place.table, [entry.row for entry in entries if entry.created])
        update_rows(session, self.place.table, [entry.row for entry in entries if not entry.created])

    def _records(self, session: Session, entries: Sequence[E]) -> Mapping[str, Record]:
        return {entry.row["id"]: self.record(entry.row) for entry in entries}

    # Deleting -------------------------------------------------------------------------------------------------------

    def delete(self, unit_of_work: UnitOfWork, ref: str) -> Deletion:
        session = unit_of_work.session
        outcome, record = without_races(session, lambda: self._delete(session, ref))
        if record is not None:
            action = Action.DELETED if outcome is Deletion.GONE else Action.ARCHIVED
            changed: frozenset[str] = frozenset() if outcome is Deletion.GONE else frozenset({"active"})
            unit_of_work.save(self.place.kind, record, action=action, changed=changed)
        return outcome

    def _delete(self, session: Session, ref: str) -> tuple[Deletion, Record | None]:
        row = self._row_of(session, ref)
        user = self._user(session, row)
        if not user:
            record = self.read(session, [row["id"]])[row["id"]]
            session.execute(delete(self.place.table).where(self.place.table.c.id == row["id"]))
            return Deletion.GONE, record
        if "active" not in row:
            raise Refused(f"{self.place.noun} {ref} cannot be deleted: {user} it")
        if not row["active"]:
            return Deletion.INACTIVE, None
        update_rows(session, self.place.table, [row | {"active": False}])
        return Deletion.INACTIVE, self.read(session, [row["id"]])[row["id"]]

    def _row_of(self, session: Session, ref: str) -> Row:
        row = self._rows_by_ref(session, [ref]).get(ref) if REF.fullmatch(ref) else None
        if row is None:
            raise LookupError(f"there is no {self.place.noun} with the ref {ref}")
        return row

    def _user(self, session: Session, row: Row) -> str:
        """Who needs the record, for people; empty where nobody does."""
        for column, noun in self.uses:
            if session.scalar(select(exists().where(column == row["id"]))):
                return f"{noun} uses"
        if self.held and self._holders(session, self.place.kind, [row["id"]], lock=True).get(row["id"]):
            return "a connection keeps"
        return ""


def without_races(session: Session, work: Callable[[], T]) -> T:
    """Do ``work``, and do it anew when another transaction made the same record, or took away one it refers to, in the same moment.

    On SQLite a transaction that may write is alone, so whatever happens there is no race.
    """
    if session.get_bind().dialect.name == "sqlite":
        return work()
    for _ in range(TRIES - 1):
        try:
            with session.begin_nested():
                return work()
        except IntegrityError:
            continue
    return work()


def difference(row: Row, old: Row | None) -> frozenset[str]:
    """The fields that change. Of a new record those that are set."""
    if old is None:
        return frozenset(name for name, value in row.items() if value not in ("", None, {}) and name != "kind")
    return frozenset(name for name, value in row.items() if value != old[name])


def _action(entry: Entry) -> Action:
    if entry.created:
        return Action.CREATED
    if "active" in entry.changed and not entry.row["active"]:
        return Action.ARCHIVED
    return Action.UPDATED


def _saved(entry: Entry) -> Saved:
    if entry.problems:
        return Saved(ref=entry.ref, id=entry.old["id"] if entry.old else "", problems=tuple(entry.problems))
    return Saved(ref=entry.ref, id=entry.row["id"], created=entry.created, changed=entry.to_write)
