"""Documents: the flow of ``Records`` with lines, numbers, totals, and deletion that is asked for and confirmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from hookspecs import Action, Deletion
from host.ids import new_id
from plugins.core_billing import lookup, tables
from plugins.core_billing.document_views import shown_document
from plugins.core_billing.fields import REF
from plugins.core_billing.line_checks import wrong_lines
from plugins.core_billing.line_identity import identify, wrong_ids
from plugins.core_billing.line_rows import line_row, same_lines, with_lines, write_lines
from plugins.core_billing.listing import Listing, days, equals, is_flag, refers_to
from plugins.core_billing.lookup import Row, Rows, delete_rows, insert_rows, update_rows
from plugins.core_billing.numbers import next_numbers, numbers_in_use
from plugins.core_billing.records import Entry, Records, difference
from plugins.core_billing.schemas import ACCOUNTING_STATUSES, ZERO, InvoiceInput
from plugins.core_billing.shown_schemas import document_fields
from plugins.core_billing.tracking import Offer, new_choices, taken_from_group
from plugins.core_billing.working_out import (
    Surroundings,
    Worked,
    find_contacts,
    find_products,
    load_surroundings,
    work_out,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from marshmallow import fields
    from sqlalchemy.orm import Session

    from hookspecs import JSON, Record, UnitOfWork
    from plugins.core_billing.lookup import Place
    from plugins.core_billing.records import Holders
    from plugins.core_billing.settings import Settings

DELETING: Final = "deleting"
OVER: Final = frozenset({DELETING, "voided", "deleted"})
_COMPUTED: Final = ("subtotal", "tax_total", "total", "amount_paid", "amount_due")
_documents = tables.documents.c


@dataclass(slots=True)
class DocumentEntry(Entry):
    """``around`` is what the documents of a batch refer to, ``worked`` what became of this one."""

    around: Surroundings = field(default_factory=Surroundings)
    worked: Worked | None = None


class Documents(Records[DocumentEntry]):
    """``contact_field`` is what the API calls the contact."""

    entry_type = DocumentEntry

    contact_place: Place
    contact_field: str
    read_only = frozenset({"id", "sync", "status", "status_reason", "totals_known", *_COMPUTED})

    def __init__(self, holders: Holders, settings: Settings) -> None:
        super().__init__(holders)
        self._settings = settings
        self.blank = {
            "number": "",
            "currency": "",
            "accounting_status": settings.default_accounting_status,
            "status": "",
            "status_reason": "",
            "former_status": "",
            "ended_at": None,
            "totals_known": True,
            **dict.fromkeys(_COMPUTED, ZERO),
        }

    def shown_more(self) -> Mapping[str, fields.Field[Any]]:
        return document_fields()

    # Reading --------------------------------------------------------------------------------------------------------

    def get(self, session: Session, ref: str) -> JSON | None:
        """The standing document with this ref, else the one that ended last."""
        return super().get(session, ref) or self._get_ended(session, ref)

    def _get_ended(self, session: Session, ref: str) -> JSON | None:
        ended = select(_documents.id).where(
            _documents.kind == self.place.kind, _documents.ref == ref, _documents.ended_at.is_not(None)
        )
        id = session.scalar(ended.order_by(_documents.id.desc()).limit(1)) if REF.fullmatch(ref) else None
        return self.show(session, [id])[0] if id else None

    def read(self, session: Session, ids: Iterable[str]) -> dict[str, Record]:
        return {worked.row["id"]: worked.document() for worked in self.worked(session, ids)}

    def show(self, session: Session, ids: Sequence[str]) -> Sequence[JSON]:
        worked = {one.row["id"]: one for one in self.worked(session, ids)}
        return [shown_document(worked[id], self.contact_field) for id in ids if id in worked]

    def worked(self, session: Session, ids: Iterable[str], *, lock: bool = False) -> Sequence[Worked]:
        """These documents, worked out. Those that do not exist are missing."""
        return self.work_out(session, self.rows(session, ids, lock=lock))

    def work_out(self, session: Session, rows: Sequence[Row]) -> Sequence[Worked]:
        """Work out rows that have their lines, as ``rows`` answers them."""
        contacts = find_contacts(session, self.contact_place.kind, ids={row["contact"] for row in rows})
        products = find_products(session, ids={line["product"] for row in rows for line in row["lines"]})
        around = load_surroundings(session, contacts, products, self._holders)
        return work_out(session, [(row, row["lines"]) for row in rows], around, anew=False)

    def homes(self, session: Session, rows: Sequence[Row]) -> Mapping[str, str]:
        """The connection whose lists each contact's documents use, by the contact's id."""
        contacts = find_contacts(session, self.contact_place.kind, ids={row["contact"] for row in rows})
        around = load_surroundings(session, contacts, (), self._holders)
        return {contact.id: around.home(contact) for contact in contacts}

    def rows(self, session: Session, ids: Iterable[str], *, lock: bool = False) -> Rows:
        return with_lines(session, super().rows(session, ids, lock=lock))

    def _rows_by_ref(self, session: Session, refs: Sequence[str]) -> Mapping[str, Row]:
        found = super()._rows_by_ref(session, refs)
        with_lines(session, list(found.values()))
        return found

    # Saving ---------------------------------------------------------------------------------------------------------

    def _compose(self, session: Session, entries: Sequence[DocumentEntry], *, partial: bool) -> None:
        around = self._look_around(session, entries)
        contacts = {contact.ref: contact for contact in around.contacts.values()}
        products = {product.ref: product.id for product in around.products.values()}
        for entry in entries:
            entry.around = around
            entry.row = self._base(entry, partial=partial) | entry.given.values
            if ref := entry.row.pop(self.contact_field, ""):
                if ref in contacts:
                    entry.row["contact"] = contacts[ref].id
                else:
                    entry.refuse(self.contact_field, f"there is no {self.contact_place.noun} with the ref {ref}")
            if "lines" in entry.given.values:
                self._compose_lines(entry, products)
            else:
                entry.row["lines"] = [dict(line) for line in entry.old["lines"]] if entry.old else []
            if not entry.problems and not entry.row["currency"]:
                entry.row["currency"] = around.contacts[entry.row["contact"]].currency

    def _look_around(self, session: Session, entries: Sequence[DocumentEntry]) -> Surroundings:
        """Everything that these documents, as they are or as they shall be, refer to."""
        old = [entry.old for entry in entries if entry.old]
        given = [entry.given.values for entry in entries]
        contacts = find_contacts(
            session,
            self.contact_place.kind,
            refs={values.get(self.contact_field, "") for values in given},
            ids={row["contact"] for row in old},
        )
        products = find_products(
            session,
            refs={line["product"] for values in given for line in values.get("lines", ())},
            ids={line["product"] for row in old for line in row["lines"]},
        )
        return load_surroundings(session, contacts, products, self._holders)

    def _compose_lines(self, entry: DocumentEntry, products: Mapping[str, str]) -> None:
        old = entry.old["lines"] if entry.old else []
        given = [dict(line) for line in entry.given.values["lines"]]
        for position, line in enumerate(given):
            self._refer_line(entry, position, line, products)
        if entry.old:
            entry.problems.extend(wrong_ids(old, given))
        known = {line["id"]: line for line in old}
        ids = identify(old, given)
        for id, line in zip(ids, given, strict=True):
            if line["tracking"] is None:
                line["tracking"] = _tracked_as_before(line, known.get(id or ""), entry.around)
        entry.row["lines"] = [
            line_row(known.get(id or ""), id or new_id(), entry.row["id"], position, line)
            for position, (id, line) in enumerate(zip(ids, given, strict=True))
        ]

    def _refer_line(self, entry: DocumentEntry, position: int, line: Row, products: Mapping[str, str]) -> None:
        if ref := line["product"]:
            line["product"] = products.get(ref, "")
            if not line["product"]:
                entry.refuse(f"lines.{position}.product", f"there is no product with the ref {ref}")
        if ref := line["charge_rate"]:
            entry.refuse(f"lines.{position}.charge_rate", f"there is no charge rate with the ref {ref}")
        for number, ref in enumerate(line["time_entries"]):
            entry.refuse(f"lines.{position}.time_entries.{number}", f"there is no time entry with the ref {ref}")

    def _check(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        self._check_numbers(session, entries)
        self._check_moves(session, entries)
        self._check_tracking(session, entries)
        for entry in entries:
            if entry.old and _rank(entry.row["accounting_status"]) < _rank(entry.old["accounting_status"]):
                before, after = entry.old["accounting_status"], entry.row["accounting_status"]
                entry.refuse("accounting_status", f"cannot go back from {before} to {after}")

    def _check_numbers(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        """A number belongs to one document of its kind."""
        renamed = [entry for entry in entries if entry.row["number"] and not _keeps(entry, "number")]
        used = numbers_in_use(session, self.place, {entry.row["number"] for entry in renamed})
        for entry in renamed:
            number = entry.row["number"]
            id, ref = used.get(number, (entry.row["id"], ""))
            if id != entry.row["id"]:
                entry.refuse("number", f"{number} is already the number of {self.place.noun} {ref}")
            else:
                used[number] = entry.row["id"], entry.ref

    def _check_moves(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        """A document is its contact's connection's; once that keeps it, it cannot go to a contact of another."""
        moved = [
            entry for entry in entries if entry.old and _connection(entry, entry.row) != _connection(entry, entry.old)
        ]
        ids = [entry.row["id"] for entry in moved]
        holders = self._holders(session, self.place.kind, ids, lock=True) if moved else {}
        for entry in moved:
            held_by = holders.get(entry.row["id"], frozenset())
            if held_by and held_by != {_connection(entry, entry.row)}:
                names = ", ".join(sorted(held_by))
                entry.refuse(self.contact_field, f"cannot change to one of another connection: already kept in {names}")

    def _check_tracking(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        chosen = [(entry, position, new) for entry in entries for position, new in _choices(entry)]
        if chosen:
            offer = Offer.load(session)
            for entry, position, new in chosen:
                home = entry.around.home(entry.around.contacts[entry.row["contact"]])
                for problem in offer.wrong(new, home):
                    entry.refuse(f"lines.{position}.tracking", problem)

    def _difference(self, entry: DocumentEntry) -> frozenset[str]:
        changed = difference(_without_lines(entry.row), entry.old)
        before = entry.old["lines"] if entry.old else []
        return changed if same_lines(entry.row["lines"], before) else changed | {"lines"}

    def _complete(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        for entry in entries:
            if entry.old and entry.old["status"] in OVER:
                status = "being deleted" if entry.old["status"] == DELETING else entry.old["status"]
                entry.refuse("", f"this {self.place.noun} is {status}: it cannot be changed")
        entries = [entry for entry in entries if not entry.problems]
        if entries:
            self._compute(session, entries)
            entries = [entry for entry in entries if not entry.problems]
            self._number(session, entries)

    def _compute(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        around: Surroundings = entries[0].around
        worked = work_out(session, [(entry.row, entry.row["lines"]) for entry in entries], around, anew=True)
        around.accounts.load(session, {line.account.value for one in worked for line in one.lines})
        for entry, one in zip(entries, worked, strict=True):
            entry.problems.extend(wrong_lines(one, around, self.contact_field))
            if not entry.problems:
                _take_totals(entry, one)

    def _number(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        without = [entry for entry in entries if not entry.row["number"]]
        if without:
            taken = {entry.row["number"] for entry in entries}
            form = self._settings.invoice_number_format

            def used(numbers: Sequence[str]) -> set[str]:
                return taken | set(numbers_in_use(session, self.place, numbers))

            made = next_numbers(session, self.place.kind, form, len(without), used)
            for entry, number in zip(without, made, strict=True):
                entry.row["number"] = number
                entry.changed |= {"number"}

    def _write(self, session: Session, entries: Sequence[DocumentEntry]) -> None:
        insert_rows(session, tables.documents, [_without_lines(entry.row) for entry in entries if entry.created])
        self.write_rows(session, [entry.row for entry in entries if not entry.created])
        before = [entry.old["lines"] if entry.old else [] for entry in entries]
        write_lines(session, before, [entry.row["lines"] for entry in entries])

    def write_rows(self, session: Session, rows: Sequence[Row]) -> None:
        """Write documents over what is there, without their lines."""
        update_rows(session, tables.documents, [_without_lines(row) for row in rows])

    def _records(self, session: Session, entries: Sequence[DocumentEntry]) -> Mapping[str, Record]:
        return {entry.row["id"]: entry.worked.document() for entry in entries if entry.worked}

    # Deleting -------------------------------------------------------------------------------------------------------

    def delete(self, unit_of_work: UnitOfWork, ref: str) -> Deletion:
        session = unit_of_work.session
        row = self._row_of(session, ref)
        if row["status"] == DELETING:
            return Deletion.ASKED
        if not self._holders(session, self.place.kind, [row["id"]], lock=True).get(row["id"]):
            return self._delete_at_once(unit_of_work, row)
        asked = row | {"status": DELETING, "former_status": row["status"], "status_reason": ""}
        self.write_rows(session, [asked])
        unit_of_work.ask_deletion(self.place.kind, self.work_out(session, [asked])[0].document())
        return Deletion.ASKED

    def _delete_at_once(self, unit_of_work: UnitOfWork, row: Row) -> Deletion:
        record = self.work_out(unit_of_work.session, [row | {"status": "deleted"}])[0].document()
        delete_rows(unit_of_work.session, tables.lines, tables.lines.c.document, [row["id"]])
        delete_rows(unit_of_work.session, tables.documents, _documents.id, [row["id"]])
        unit_of_work.save(self.place.kind, record, action=Action.DELETED, changed=frozenset({"status"}))
        return Deletion.GONE


class Invoices(Documents):
    place = lookup.INVOICES
    schema = InvoiceInput
    contact_place = lookup.CUSTOMERS
    contact_field = "customer"
    listing = Listing(
        table=tables.documents,
        filters={
            **{
                name: equals(_documents[name])
                for name in ("ref", "number", "status", "accounting_status", "currency", "reference")
            },
            "customer": refers_to(_documents.contact, lookup.CUSTOMERS),
            "totals_known": is_flag(_documents.totals_known),
            **days(_documents.issue_date),
            **days(_documents.due_date),
        },
        sorts={name: _documents[name] for name in ("ref", "number", "issue_date", "due_date", "total", "status")},
        searched=(_documents.number, _documents.ref, _documents.reference),
        conditions=lookup.INVOICES.condition,
    )


def _rank(accounting_status: str) -> int:
    return ACCOUNTING_STATUSES.index(accounting_status)


def _keeps(entry: DocumentEntry, name: str) -> bool:
    return entry.old is not None and bool(entry.old[name] == entry.row[name])


def _connection(entry: DocumentEntry, row: Row) -> str:
    return entry.around.contacts[row["contact"]].connection


def _choices(entry: DocumentEntry) -> Iterator[tuple[int, dict[str, str]]]:
    """What lines say themselves and did not say before, by position; what they take over is nobody's mistake here."""
    before = {line["id"]: line["tracking"] for line in entry.old["lines"]} if entry.old else {}
    for position, given in enumerate(entry.given.values.get("lines", ())):
        line = entry.row["lines"][position]
        if new := new_choices(given["tracking"] or {}, before.get(line["id"], {})):
            yield position, new


def _tracked_as_before(line: Row, known: Row | None, around: Surroundings) -> dict[str, str]:
    """By what a line is tracked that does not say it: as it was, or, where another product was put on it, as that one's group says at this moment."""
    if known and known["product"] == line["product"]:
        tracking: dict[str, str] = known["tracking"]
        return tracking
    product = around.products.get(line["product"])
    return taken_from_group(product.row["group_tracking"], around.connections.values()) if product else {}


def _without_lines(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "lines"}


def _take_totals(entry: DocumentEntry, worked: Worked) -> None:
    """Take the computed amounts over into the row, and let the status follow what is wanted where that changed."""
    row, old = entry.row, entry.old
    entry.worked = worked
    row.update(worked.totals_to_store(), status_reason="", lines=[line.row_to_store() for line in worked.lines])
    row["amount_due"] = row["total"] - row["amount_paid"]
    if old is None or (old["accounting_status"] != row["accounting_status"] and old["status"] in ACCOUNTING_STATUSES):
        row["status"] = row["accounting_status"]
    entry.changed |= difference(_without_lines(row), old)
