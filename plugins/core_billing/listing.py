"""Pages of records: which filters and orders a kind has, and the query that they make."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.sql.operators import desc_op

from hookspecs import BadQuery
from plugins.core_billing.counting import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Column, Table, UnaryExpression
    from sqlalchemy.orm import Session

    from hookspecs import ListQuery
    from plugins.core_billing.lookup import Place

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # fromisoformat takes weeks and other spellings as well
MOST_PAGES: Final = 1_000_000_000
FEW: Final = 2000


@dataclass(frozen=True, slots=True)
class Filter:
    """``condition`` makes the condition of the text that was given, or raises ``BadQuery``. ``schema`` says in JSON Schema what the text must be."""

    condition: Callable[[str], ColumnElement[bool]]
    schema: Mapping[str, Any]
    loose: Callable[[str], ColumnElement[bool]] | None = None
    """The same, where it may not decide by which index the page is read."""


def equals(column: Column[Any]) -> Filter:
    return Filter(lambda value: column == value, {"type": "string"})


def is_flag(column: Column[bool]) -> Filter:
    def condition(value: str) -> ColumnElement[bool]:
        if value not in {"true", "false"}:
            raise BadQuery(f"{column.name} is true or false, not {value!r}")
        return column.is_(value == "true")

    return Filter(condition, {"type": "string", "enum": ["true", "false"]})


def refers_to(column: Column[Any], place: Place) -> Filter:
    table = place.table

    def condition(ref: str) -> ColumnElement[bool]:
        return column == select(table.c.id).where(table.c.ref == ref, *place.condition).scalar_subquery()

    return Filter(condition, {"type": "string"})


def days(column: Column[date]) -> dict[str, Filter]:
    """The day itself, and ``…_from`` and ``…_to`` for the first and last day of a span."""
    return {
        column.name: _day_filter(column, operator.eq),
        f"{column.name}_from": _day_filter(column, operator.ge),
        f"{column.name}_to": _day_filter(column, operator.le),
    }


def _day_filter(column: Column[date], compare: Callable[[Any, date], ColumnElement[bool]]) -> Filter:
    return Filter(
        lambda value: compare(column, _day(column.name, value)),
        {"type": "string", "format": "date"},
        lambda value: compare(_without_index(column), _day(column.name, value)),
    )


def _without_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, column)


def _day(name: str, value: str) -> date:
    try:
        if not _DAY.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    except ValueError as error:
        raise BadQuery(f"{name} must be a date such as 2026-11-22, not {value!r}") from error


@dataclass(frozen=True, slots=True)
class Listing:
    """``sorts`` name their columns. The order of making is the order of ids, and decides between equals."""

    table: Table
    filters: Mapping[str, Filter]
    sorts: Mapping[str, Column[Any]]
    searched: Sequence[Column[Any]]
    conditions: Sequence[ColumnElement[bool]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts, compare=False)

    def page(self, session: Session, query: ListQuery) -> tuple[list[str], int]:
        """The ids of a page, in order, and how many records there are on all pages; of many, how many there were within the last second."""
        _check_values(query)
        order = self._order(query.sort)
        counted = select(func.count()).select_from(self.table).where(*self._conditions(query))
        start = (query.page - 1) * query.page_size
        asked = query.q, *sorted(query.filters.items())
        total = self.counts.of(session.get_bind(), asked, lambda: session.scalar(counted) or 0, more_than=start)
        if start >= total:
            return [], total
        # Databases guess badly how many records a filter leaves. We know: few are sorted, of many the page is found by reading on in its order.
        few = total <= FEW
        ids = select(self.table.c.id).where(*self._conditions(query, loosely=not few))
        if few:
            order = [_directed(_without_index(one.element), down=one.modifier is desc_op) for one in order]
        page = ids.order_by(*order).limit(query.page_size).offset(start)
        return list(session.scalars(page)), total

    def _conditions(self, query: ListQuery, *, loosely: bool = False) -> list[ColumnElement[bool]]:
        conditions = [*self.conditions]
        for name, value in query.filters.items():
            if name not in self.filters:
                raise BadQuery(f"there is no filter {name!r}: there are {', '.join(sorted(self.filters))}")
            chosen = self.filters[name]
            conditions.append(((loosely and chosen.loose) or chosen.condition)(value))
        if query.q:
            conditions.append(or_(*(column.icontains(query.q, autoescape=True) for column in self.searched)))
        return conditions

    def _order(self, sort: str) -> list[UnaryExpression[Any]]:
        """Equals stand in the order of their making, backwards where the last field is descending: so one index serves both directions."""
        given = sort.split(",") if sort else []
        order: dict[str, UnaryExpression[Any]] = {}
        for one in given:
            name = one.removeprefix("-")
            if name not in self.sorts:
                raise BadQuery(f"cannot sort by {name!r}: there are {', '.join(sorted(self.sorts))}")
            order.setdefault(name, _directed(self.sorts[name], down=one.startswith("-")))
        return [*order.values(), _directed(self.table.c.id, down=sort.rpartition(",")[2].startswith("-"))]


def _directed(column: ColumnElement[Any], *, down: bool) -> UnaryExpression[Any]:
    return column.desc() if down else column.asc()


def _check_values(query: ListQuery) -> None:
    if any("\x00" in value for value in (query.q, *query.filters.values())):
        raise BadQuery("a value holds a character that is no text (NUL)")
    if not 1 <= query.page <= MOST_PAGES or query.page_size < 1:
        raise BadQuery(f"page is from 1 to {MOST_PAGES:,}, page_size from 1")
