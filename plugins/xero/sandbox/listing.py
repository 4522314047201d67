"""Lists: which rows, in which order, which page (API facts 3.7)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.errors import ApiException
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.where import BadWhere, Condition, Fields, Type, matches, parse, required_values
from plugins.xero.sandbox.wire import Doc, Unreadable, fold, read_moment

SqlCondition = tuple[str, Sequence[object]]
DEFAULT_PAGE_SIZE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Listed:
    """How the documents of one kind are listed.

    `read` gives the value of a where-field in a document; `indexed` has the SQL that answers equality on a field with
    any of some values, {} standing for them. Without `dated` the kind tells no time of change, and the contract knows no
    If-Modified-Since for it.
    """

    kind: str
    type_name: str
    fields: Fields
    read: Callable[[Call, Doc, str], Any]
    indexed: Mapping[str, str] = field(default_factory=dict)
    sorted_by: Mapping[str, str] = field(
        default_factory=lambda: {"UpdatedDateUTC": "updated"}
    )  # order-fields that are columns
    paged: bool = True
    dated: bool = True


def page_of(call: Call, listed: Listed, conditions: list[SqlCondition], *, forced: bool = False) -> "Page":
    """The rows to show. `forced`: some filters page even where no page was asked for."""
    asked = listed.paged and ("page" in call.query or forced)
    if listed.dated or call.switches["if_modified_since_everywhere"]:
        conditions = [*conditions, *modified_since(call)]
    where = _where(call, listed)
    if where is not None:
        conditions += _indexable(listed, where)
    wanted = Wanted(_page_number(call), _page_size(call) if asked else None)
    order = _order(call, listed)
    column = order.column(listed) if order is not None else _usual_order(call, listed)
    try:
        if where is None and column is not None:
            return _straight(call, listed, conditions, column, wanted)
        return _sifted(call, listed, conditions, where, order, wanted)
    except BadWhere as wrong:
        raise ApiException.bad_where(str(wrong)) from None


def _usual_order(call: Call, listed: Listed) -> str:
    """Only of lists with pages does anybody promise one (API facts 3.7)."""
    return "random()" if not listed.paged and call.switches["unpaged_order"] == "none" else "updated, id"


@dataclass(frozen=True)
class Wanted:
    """Which page; without a size everything."""

    number: int
    size: int | None

    def holds(self, position: int) -> bool:
        return self.size is None or (self.number - 1) * self.size <= position < self.number * self.size

    def page(self, documents: list[Doc], count: int) -> "Page":
        if self.size is None:
            return Page(documents, None)
        pages = -(-count // self.size)
        return Page(documents, {"page": self.number, "pageSize": self.size, "pageCount": pages, "itemCount": count})


@dataclass(frozen=True)
class Page:
    documents: list[Doc]
    pagination: Doc | None

    @property
    def asked(self) -> bool:
        return self.pagination is not None


def _straight(call: Call, listed: Listed, conditions: list[SqlCondition], column: str, wanted: Wanted) -> Page:
    """Filter, order and page all in SQL."""
    count = call.store.count(listed.kind, call.org, conditions)
    if wanted.size is None:
        _refuse_high_volume(call, listed, count)
        return Page(call.store.select(listed.kind, call.org, conditions, order=column), None)
    offset = (wanted.number - 1) * wanted.size
    documents = call.store.select(listed.kind, call.org, conditions, order=column, limit=wanted.size, offset=offset)
    return wanted.page(documents, count)


def _sifted(
    call: Call,
    listed: Listed,
    conditions: list[SqlCondition],
    where: Condition | None,
    order: "Order | None",
    wanted: Wanted,
) -> Page:
    """What SQL cannot decide is asked of each row. Only the page is kept in memory, unless it must be sorted first."""
    _refuse_high_volume(call, listed, call.store.count(listed.kind, call.org, conditions))
    rows = _matching(call, listed, conditions, where)
    if order is not None:
        rows = iter(sorted(rows, key=lambda row: order.key(call, listed, row), reverse=order.descending))
    count, kept = 0, []
    for position, row in enumerate(rows):
        count += 1
        if wanted.holds(position):
            kept.append(row)
    return wanted.page(kept, count)


def _matching(call: Call, listed: Listed, conditions: list[SqlCondition], where: Condition | None) -> Iterator[Doc]:
    for row in call.store.stream(listed.kind, call.org, conditions):
        if where is None or matches(where, partial(listed.read, call, row)):
            yield row


def _refuse_high_volume(call: Call, listed: Listed, count: int) -> None:
    """Xero: more than 100,000 documents in one list, or read for one, are refused, where lists have pages (API facts
    2.2)."""
    if listed.paged and count > call.switches["high_volume_documents"]:
        plural = f"{listed.type_name}s"
        raise ApiException(
            400,
            51,
            "HighVolumeException",
            f"Your request is not filtering {plural} efficiently, given the extremely high volume for this organisation.",
        )


def _page_number(call: Call) -> int:
    text = call.query.get("page", "1").strip()
    return max(1, int(text)) if text.isdecimal() else 1


def _page_size(call: Call) -> int:
    """Out of range is clamped in silence (API facts 2.2)."""
    text = call.query.get("pagesize", "").strip()
    if not text.lstrip("-").isdecimal():
        return DEFAULT_PAGE_SIZE
    return min(max(int(text), 1), LARGEST_PAGE)


# -------------------------------------------------------------------------------------------------------- filters


def comma_list(call: Call, name: str) -> list[str]:
    return [part.strip() for part in call.query.get(name.lower(), "").split(",") if part.strip()]


def one_of(column: str, values: Sequence[object]) -> SqlCondition:
    marks = ", ".join("?" * len(values))
    return f"{column} IN ({marks})", values


def modified_since(call: Call) -> list[SqlCondition]:
    """The header only; a query parameter of that name is ignored (API facts 3.1)."""
    moment = modified_since_header(call)
    if moment is None:
        return []
    milliseconds = int(moment.timestamp() * 1000)
    match call.switches["if_modified_since"]:
        case "inclusive":
            return [("updated >= ?", [milliseconds // 1000 * 1000])]
        case "next_second":
            return [("updated >= ?", [milliseconds // 1000 * 1000 + 1000])]
        case _:
            return [("updated > ?", [milliseconds // 1000 * 1000])]


def modified_since_header(call: Call) -> datetime | None:
    text = call.incoming.headers.get("if-modified-since")
    if not text:
        return None
    try:
        return read_moment(text)
    except Unreadable:
        return _http_date(text)


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def nothing_new(call: Call, documents: list[Doc]) -> Answer | None:
    """304 for an empty list, where the switch says that Xero may (API facts 3.4)."""
    if documents or not call.switches["if_modified_since_304"] or modified_since_header(call) is None:
        return None
    return Answer(304)


def _where(call: Call, listed: Listed) -> Condition | None:
    text = call.query.get("where", "")
    if not text.strip():
        return None
    try:
        return parse(text, listed.fields, listed.type_name)
    except BadWhere as wrong:
        raise ApiException.bad_where(str(wrong)) from None


def _indexable(listed: Listed, where: Condition) -> list[SqlCondition]:
    """Narrows the rows by index. The condition is still asked of each, so this may let too many through, never too few."""
    return [
        (
            listed.indexed[name].format(", ".join("?" * len(values))),
            [fold(value) if isinstance(value, str) else value for value in values],
        )
        for name, values in required_values(where).items()
        if name in listed.indexed
    ]


# ---------------------------------------------------------------------------------------------------------- order


@dataclass(frozen=True)
class Order:
    name: str
    type: Type
    descending: bool

    def column(self, listed: Listed) -> str | None:
        """The order in SQL, where a column has it; equal ones by id, as in Xero's default order."""
        name = listed.sorted_by.get(self.name)
        return name and f"{name} {'DESC' if self.descending else 'ASC'}, id"

    def key(self, call: Call, listed: Listed, document: Doc) -> tuple[bool, Any]:
        value = listed.read(call, document, self.name)
        if isinstance(value, str):
            value = fold(value)
        return (value is not None, value if value is not None else 0)


def _order(call: Call, listed: Listed) -> Order | None:
    words = call.query.get("order", "").replace(",", " , ").split()
    if not words:
        return None
    known = {name.lower(): (name, type_) for name, type_ in listed.fields.items()}
    if words[0].lower() not in known:
        raise ApiException.bad_where(f"No property or field '{words[0]}' exists in type '{listed.type_name}'")
    name, type_ = known[words[0].lower()]
    descending = len(words) > 1 and words[1].lower() in ("desc", "descending")
    return Order(name, type_, descending)
