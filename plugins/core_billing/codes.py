"""Codes by which the ledger knows customers, suppliers and products, made here where nobody gives one.

They are counted like numbers of documents. A code that was made is known to nobody outside: a record that bears one at the ledger is somebody else.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from sqlalchemy import select

from hookspecs import Action, GeneratesCodes, Refused, Saved
from host.folding import folded
from plugins.core_billing.lookup import Row, among, in_chunks, update_rows
from plugins.core_billing.numbers import hold_counter, next_numbers
from plugins.core_billing.records import Entry, Records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import UnitOfWork
    from plugins.core_billing.records import Holders
    from plugins.core_billing.settings import Settings

GENERATED: Final = "code_generated"


class CodedRecords(Records[Entry], GeneratesCodes):
    """``code_field`` is what holds the code, ``shares_codes`` the kinds of which no two records may be given the same."""

    code_field: ClassVar[str]
    code_noun: ClassVar[str]
    shares_codes: ClassVar[Sequence[str]]
    blank = MappingProxyType({GENERATED: False})

    def __init__(self, holders: Holders, settings: Settings) -> None:
        super().__init__(holders)
        self._settings = settings

    def generated(self, row: Row) -> tuple[str, ...]:
        """The record's ``generated``."""
        return (self.code_field,) if row[GENERATED] else ()

    # Saving ---------------------------------------------------------------------------------------------------------

    def _compose(self, session: Session, entries: Sequence[Entry], *, partial: bool) -> None:
        super()._compose(session, entries, partial=partial)
        for entry in entries:
            if entry.old and entry.old[GENERATED]:
                self._keep_generated(entry, entry.old)

    def _keep_generated(self, entry: Entry, old: Row) -> None:
        """It stays until another takes its place: a PUT that knows nothing of it has nothing against it. Emptied at the ledger, it is emptied here."""
        if not entry.row[self.code_field].strip() and not entry.given.imported:
            entry.row |= {name: old[name] for name in (self.code_field, f"{self.code_field}_key")}
        entry.row[GENERATED] = entry.row[self.code_field] == old[self.code_field]

    def _difference(self, entry: Entry) -> frozenset[str]:
        return super()._difference(entry) - {GENERATED}

    def _complete(self, session: Session, entries: Sequence[Entry]) -> None:
        super()._complete(session, entries)
        self._hold_back_makers(session, [entry.row[self.code_field] for entry in entries])
        if self.place.kind not in self._settings.generate_codes:
            return
        bare = [
            one for one in entries if one.created and not one.given.imported and not one.row[self.code_field].strip()
        ]
        taken = {entry.row[f"{self.code_field}_key"] for entry in entries}
        for entry, code in zip(bare, self._make(session, len(bare), taken), strict=True):
            entry.row |= self._with(code)
            entry.changed |= {self.code_field}

    def _hold_back_makers(self, session: Session, given: Sequence[str]) -> None:
        """Whoever makes codes waits until those that could have been made are written, and then sees them. On SQLite a writer is alone anyway."""
        if session.get_bind().dialect.name == "sqlite":
            return
        for kind in self.shares_codes:
            form = self._settings.code_format(kind)
            if any(could_make(form, code) for code in given if code):
                hold_counter(session, kind, begun=kind in self._settings.generate_codes)

    # Making ---------------------------------------------------------------------------------------------------------

    def generate_code(self, unit_of_work: UnitOfWork, ref: str) -> Saved:
        session = unit_of_work.session
        row = self._row_of(session, ref)
        if row[self.code_field].strip() and not row[GENERATED]:
            raise Refused(
                f"{self.place.noun} {ref} has the {self.code_noun} {row[self.code_field]}, which was given to it: empty it first"
            )
        [code] = self._make(session, 1, ())
        update_rows(session, self.place.table, [row | self._with(code)])
        record = self.read(session, [row["id"]])[row["id"]]
        unit_of_work.save(self.place.kind, record, action=Action.UPDATED, changed=frozenset({self.code_field}))
        return Saved(ref=ref, id=row["id"], changed=True)

    def _make(self, session: Session, count: int, taken: Iterable[str]) -> list[str]:
        """``taken``: codes, folded, that are about to be written."""
        about_to_be = set(taken)

        def used(codes: Sequence[str]) -> set[str]:
            keys = {code: folded(code) for code in codes}
            there = about_to_be | self._keys_in_use(session, keys.values())
            return {code for code, key in keys.items() if key in there}

        kind = self.place.kind
        return next_numbers(session, kind, self._settings.code_format(kind), count, used) if count else []

    def _keys_in_use(self, session: Session, keys: Iterable[str]) -> set[str]:
        table = self.place.table
        column = table.c[f"{self.code_field}_key"]
        of_kinds = [table.c.kind.in_(self.shares_codes)] if self.place.shared else []
        found: set[str] = set()
        for chunk in in_chunks(keys):
            found.update(session.scalars(select(column).where(among(column), *of_kinds), {"values": chunk}))
        return found

    def _with(self, code: str) -> Row:
        return {self.code_field: code, f"{self.code_field}_key": folded(code), GENERATED: True}


def could_make(form: str, code: str) -> bool:
    """Whether a code looks as if it was made by this format."""
    before = form.partition("{")[0]
    return folded(code).startswith(folded(before)) and any(one.isdigit() for one in code)
