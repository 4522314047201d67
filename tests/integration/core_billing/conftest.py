"""A small house around the plugin: a migrated database, the saving transaction, and a note of every event that the hooks would get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Defaults, ReferenceData
from host.db.migrate import Line
from host.testing import Saves
from plugins.core_billing.assembly import Billing
from plugins.core_billing.plugin import VERSIONS
from plugins.core_billing.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy.orm import Session

    from hookspecs import ListPage, Saved, TrackingCategory
    from plugins.core_billing.records import Records

LINE = Line("core_billing", VERSIONS)


class House(Saves):
    """Billing without a host around it."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url, LINE)
        self.held: dict[str, set[str]] = {}
        """Which connections hold a record, by its ref."""
        self.billing = Billing(self._holders, Settings())

    def _holders(
        self, session: Session, kind: str, ids: Collection[str], *, lock: bool = False
    ) -> Mapping[str, frozenset[str]]:
        refs = list(self.held)
        found = self.of(kind).ids(session, refs)
        return {found[ref]: frozenset(self.held[ref]) for ref in refs if found.get(ref) in ids}

    def of(self, kind: str) -> Records[Any]:
        return next(records for records in self.billing.all if records.place.kind == kind)

    def put(self, kind: str, *inputs: dict[str, Any], partial: bool = False) -> list[Saved]:
        with self.saver() as work:
            return list(self.of(kind).put(work, inputs, partial=partial))

    def saved(self, kind: str, *inputs: dict[str, Any], partial: bool = False) -> list[Saved]:
        """As ``put``, and every one must be good."""
        answers = self.put(kind, *inputs, partial=partial)
        assert [str(problem) for answer in answers for problem in answer.problems] == []
        return answers

    def problems(self, kind: str, *inputs: dict[str, Any], partial: bool = False) -> list[str]:
        return [str(problem) for answer in self.put(kind, *inputs, partial=partial) for problem in answer.problems]

    def get(self, kind: str, ref: str) -> dict[str, Any]:
        with self.database.read() as session:
            shown = self.of(kind).get(session, ref)
        assert shown is not None, f"there is no {ref} among the {kind}"
        return shown

    def page(self, kind: str, **query: Any) -> ListPage:
        from hookspecs import ListQuery

        with self.database.read() as session:
            return self.of(kind).list(session, ListQuery(**query))

    def id(self, kind: str, ref: str) -> str:
        with self.database.read() as session:
            return self.of(kind).ids(session, [ref])[ref]

    def tracks(self, *categories: TrackingCategory, connection: str = "uk", **names: str) -> None:
        """Say by what a connection is tracked, and which categories an import brings; with none the list stays as it is."""
        defaults = Defaults(tracking=names) if names else None
        with self.saver(origin=connection) as work:
            data = ReferenceData(tracking=categories or None, defaults=defaults)
            self.billing.store.put_reference(work, connection, data)

    def delete(self, kind: str, ref: str) -> str:
        with self.saver() as work:
            return self.of(kind).delete(work, ref).value


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with House(database_url) as house:
        yield house


@pytest.fixture
def sqlite_house(sqlite_url: str) -> Iterator[House]:
    with House(sqlite_url) as house:
        yield house
