"""The kind ``tracking-categories``: what imports brought, for people who choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hookspecs import Problem, Refused, Saved
from plugins.core_billing import lookup, tables
from plugins.core_billing.listing import Listing, equals
from plugins.core_billing.records import Entry, Records
from plugins.core_billing.schemas import TrackingCategoryInput
from plugins.core_billing.shown_schemas import category_fields
from plugins.core_billing.tracking import category_of, names_of, offered, stored_meanings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from marshmallow import fields
    from sqlalchemy.orm import Session

    from hookspecs import JSON, Deletion, Record, UnitOfWork
    from plugins.core_billing.lookup import Row, Rows

_categories = tables.tracking_categories.c
NOT_HERE: Final = "tracking categories are made and changed in the ledger, and come with an import"


class TrackingCategories(Records[Entry]):
    """What imports brought. Nobody else makes one: a category that the ledger does not have would only keep documents from going."""

    entry_type = Entry
    place = lookup.TRACKING_CATEGORIES
    schema = TrackingCategoryInput
    read_only = frozenset({"id", "sync", "stands_for"})
    listing = Listing(
        table=tables.tracking_categories,
        filters={name: equals(_categories[name]) for name in ("ref", "name", "connection")},
        sorts={name: _categories[name] for name in ("ref", "name")},
        searched=(_categories.name, _categories.ref),
        conditions=[_categories.active.is_(True)],
    )

    def shown_more(self) -> Mapping[str, fields.Field[Any]]:
        return category_fields()

    def put(self, unit_of_work: UnitOfWork, inputs: Sequence[JSON], *, partial: bool = False) -> Sequence[Saved]:
        answers = []
        for one in self._read_inputs(inputs, partial=partial):
            problems = one.problems or (Problem("", NOT_HERE),)
            answers.append(Saved(ref=one.ref, problems=problems))
        return answers

    def delete(self, unit_of_work: UnitOfWork, ref: str) -> Deletion:
        self._row_of(unit_of_work.session, ref)
        raise Refused(NOT_HERE)

    def rows(self, session: Session, ids: Iterable[str], *, lock: bool = False) -> Rows:
        names = {key: names_of(known) for key, known in stored_meanings(session).items()}
        found = super().rows(session, ids, lock=lock)
        return [row | {"stands_for": names.get(row["connection"], {}).get(row["remote_id"], "")} for row in found]

    def record(self, row: Row) -> Record:
        return category_of(**row)

    def shown(self, row: Row) -> JSON:
        return {**self.named(row), "options": offered(row), "stands_for": row["stands_for"]}
