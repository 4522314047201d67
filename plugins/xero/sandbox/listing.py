"""Lists: which rows, in which order, which page (API facts 3.7)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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

    `read` gives the value of a where-field in a document; `indexed` names the column that answers equality on a field
    and how the value is written there."""

    kind: str
    type_name: str
    fields: Fields
    read: Callable[[Call, Doc, str], Any]
    indexed: Mapping[str, str] = field(default_factory=dict)
    paged: bool = True


def page_of(call: Call, listed: Listed, conditions: list[SqlCondition], *, forced: bool = False) -> "Page":
    """The rows to show. `forced`: some filters page even where no page was asked for."""
    asked = listed.paged and ("page" in call.query or forced)
    conditions = [*conditions, *modified_since(call)]
    where = _where(call, listed)
    if where is not None:
        conditions += _indexable(listed, where)
    size = _page_size(call) if asked else None
    number = _page_number(call)
    order = _order(call, listed)
    try:
        if where is None and order is None:
            return _straight(call, listed, conditions, number, size)
        return _sifted(call, listed, conditions, where, order, number, size)
    except BadWhere as wrong:
        raise ApiException.bad_where(str(wrong)) from None


@dataclass(frozen=True)
class Page:
    documents: list[Doc]
    pagination: Doc | None

    @property
    def asked(self) -> bool:
        return self.pagination is not None


def _straight(call: Call, listed: Listed, conditions: list[SqlCondition], number: int, size: int | None) -> Page:
    count = call.store.count(listed.kind, call.org, conditions)
    if size is None:
        _refuse_high_volume(call, listed, count)
        return Page(call.store.select(listed.kind, call.org, conditions), None)
    documents = call.store.select(listed.kind, call.org, conditions, limit=size, offset=(number - 1) * size)
    return Page(documents, _pagination(number, size, count))


def _sifted(
    call: Call,
    listed: Listed,
    conditions: list[SqlCondition],
    where: Condition | None,
    order: "Order | None",
    number: int,
    size: int | None,
) -> Page:
    _refuse_high_volume(call, listed, call.store.count(listed.kind, call.org, conditions))
    found = list(_matching(call, listed, conditions, where))
    if order is not None:
        found.sort(key=lambda document: order.key(call, listed, document), reverse=order.descending)
    if size is None:
        return Page(found, None)
    start = (number - 1) * size
    return Page(found[start : start + size], _pagination(number, size, len(found)))


def _matching(call: Call, listed: Listed, conditions: list[SqlCondition], where: Condition | None) -> Iterator[Doc]:
    for document in call.store.select(listed.kind, call.org, conditions):
        if where is None or matches(where, lambda name, row=document: listed.read(call, row, name)):  # type: ignore[misc]
            yield document


def _refuse_high_volume(call: Call, listed: Listed, count: int) -> None:
    """Xero: more than 100,000 documents in one list, or read for one, are refused (API facts 2.2)."""
    if count > call.switches["high_volume_documents"]:
        plural = f"{listed.type_name}s"
        raise ApiException(
            400,
            51,
            "HighVolumeException",
            f"Your request is not filtering {plural} efficiently, given the extremely high volume for this organisation.",
        )


def _pagination(number: int, size: int, count: int) -> Doc:
    return {"page": number, "pageSize": size, "pageCount": -(-count // size), "itemCount": count}


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
    from email.utils import parsedate_to_datetime

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
        one_of(listed.indexed[name], [fold(value) if isinstance(value, str) else value for value in values])
        for name, values in required_values(where).items()
        if name in listed.indexed
    ]


# ---------------------------------------------------------------------------------------------------------- order


@dataclass(frozen=True)
class Order:
    name: str
    type: Type
    descending: bool

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
