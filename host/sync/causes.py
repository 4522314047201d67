"""Errors by their cause: the same reason, whatever record, number or name it speaks of, is told once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, select

from host.sync.outbox import chunks
from host.sync.tables import connections, rows
from host.sync.views import GOING, NEEDS_A_PERSON, stuck

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from hookspecs import BillingStore
    from host.sync.queues import Queued

MOST_TEXTS: Final = 2000
LONGEST_CAUSE: Final = 120
GAP: Final = "…"
_QUOTED: Final = re.compile(r"""'[^']*'|"[^"]*"|“[^”]*”""")
_WORD: Final = re.compile(r"[\w@][\w.,:/@+-]*[\w@]|[\w@]")
_TELLING: Final = re.compile(r"[\d@]")
"""What holds a digit or an at sign is a number, a date, a code or an address: it differs from record to record."""

WHAT_TO_DO: Final[Mapping[str, str]] = {
    "failed": "correct the record and save it: it goes again by itself; or try again as it is with `counterfoil retry`",
    "conflict": "decide which of the two is meant, correct the other, and save it or try again with `counterfoil retry`",
    "blocked": "see to what is missing: the record goes by itself when that is there, or is saved again",
    "unknown": "nothing yet: the host asks for its outcome by itself; look at it if it stays for longer than an hour",
}
NOWHERE_TO_GO: Final = "connect that organisation, or let the record name another connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why some records of one connection, kind and state do not go on. ``example`` is the ``ref`` of one of them."""

    connection: str
    kind: str
    state: str
    cause: str
    records: int
    first: datetime
    last: datetime
    example: str
    what_to_do: str


def cause_of(text: str, names: Iterable[str] = ()) -> str:
    """A reason without what is in it of one record alone: these names, whatever is quoted, numbers, dates, codes and addresses. Pure."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", GAP, text)
    text = _QUOTED.sub(GAP, text)
    text = _WORD.sub(lambda word: GAP if _TELLING.search(word[0]) else word[0], text)
    return re.sub(rf"{GAP}(?:[\s,.]*{GAP})+", GAP, text).strip()


def causes(session: Session, *, connection: str | None = None, store: BillingStore | None = None) -> Sequence[Cause]:
    """What does not go on by itself, by cause; what concerns most records comes first. ``store`` knows the records' names, which differ within a cause."""
    texts = _texts(session, connection, stuck())
    named = _names(session, texts, store)
    return gather((row, {row.example, *named.get((row.kind, row.record_id), ()), *named["", ""]}) for row in texts)


def gather(told: Iterable[tuple[Any, Iterable[str]]]) -> Sequence[Cause]:
    """Rows of texts, each with the names that it may hold, brought together by cause."""
    found: dict[tuple[str, ...], Cause] = {}
    for row, names in told:
        one = _cause(row, names)
        key = one.connection, one.kind, one.state, one.cause
        found[key] = _together(found[key], one) if key in found else one
    return sorted(found.values(), key=lambda one: (-one.records, one.first))


def counted_causes(session: Session, queued: Iterable[Queued], *, most: int) -> Sequence[tuple[str, str, int]]:
    """(connection, cause, records): so many causes, and how many records the others keep, as ``other``. Without a look at what goes on by itself, nor at
    the records."""
    known = set(session.execute(select(connections.c.key)).scalars())
    found: Counter[tuple[str, str]] = Counter()
    for one in gather((row, {row.example}) for row in _texts(session, None, rows.c.state.in_(NEEDS_A_PERSON))):
        found[one.connection, one.cause[:LONGEST_CAUSE]] += one.records
    for each in queued:
        if each.state in GOING and each.connection not in known:
            found[each.connection, nowhere(each.connection)] += each.records
    told = found.most_common(most)
    rest = found.total() - sum(records for _, records in told)
    return [(*key, records) for key, records in told] + ([("", "other", rest)] if rest else [])


def _texts(session: Session, connection: str | None, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Every reason as it stands there, counted; those of most records, where there are very many."""
    reason = case((rows.c.error != "", rows.c.error), else_=rows.c.reason)
    statement = (
        select(
            rows.c.connection,
            rows.c.kind,
            rows.c.state,
            reason.label("text"),
            connections.c.key.label("known"),
            func.count().label("records"),
            func.min(rows.c.changed_at, type_=rows.c.changed_at.type).label("first"),
            func.max(rows.c.changed_at, type_=rows.c.changed_at.type).label("last"),
            func.min(rows.c.ref).label("example"),
            func.min(rows.c.record_id).label("record_id"),
        )
        .outerjoin(connections, connections.c.key == rows.c.connection)
        .where(which)
        .group_by(rows.c.connection, rows.c.kind, rows.c.state, reason, connections.c.key)
        .order_by(func.count().desc(), func.min(rows.c.id))
        .limit(MOST_TEXTS)
    )
    if connection is not None:
        statement = statement.where(rows.c.connection == connection)
    return session.execute(statement).all()


def _cause(row: Any, names: Iterable[str]) -> Cause:
    text = nowhere(row.connection) if row.known is None and not row.text else cause_of(row.text, names)
    return Cause(
        connection=row.connection,
        kind=row.kind,
        state=row.state,
        cause=text,
        records=row.records,
        first=row.first,
        last=row.last,
        example=row.example,
        what_to_do=WHAT_TO_DO.get(row.state, NOWHERE_TO_GO),
    )


def nowhere(connection: str) -> str:
    return f"there is no connection {connection!r}"


def _together(one: Cause, other: Cause) -> Cause:
    return replace(
        one, records=one.records + other.records, first=min(one.first, other.first), last=max(one.last, other.last)
    )


def _names(
    session: Session, texts: Sequence[Row[Any]], store: BillingStore | None
) -> Mapping[tuple[str, str], Iterable[str]]:
    """The names and numbers of the records that the texts are about, by kind and id; under nobody, the refs that occur in any text."""
    words = {word for row in texts for word in _WORD.findall(row.text)}
    found: dict[tuple[str, str], Iterable[str]] = {("", ""): _refs_among(session, words)}
    for kind in {row.kind for row in texts} if store else ():
        ids = [row.record_id for row in texts if row.kind == kind]
        found |= {(kind, id): _called(record) for id, record in _read(session, store, kind, ids).items()}
    return found


def _read(session: Session, store: Any, kind: str, ids: Sequence[str]) -> Mapping[str, Any]:
    try:
        return dict(store.read(session, kind, ids))
    except LookupError:
        return {}  # a kind that nobody keeps any more


def _called(record: Any) -> Iterable[str]:
    return [text for field in ("ref", "name", "number", "code", "email") if (text := getattr(record, field, ""))]


def _refs_among(session: Session, words: Iterable[str]) -> Sequence[str]:
    found: list[str] = []
    for some in chunks(sorted(words), 500):
        found += session.execute(select(rows.c.ref).where(rows.c.ref.in_(some)).distinct()).scalars()
    return found


def show_cause(one: Cause, show: Callable[[datetime], Any]) -> dict[str, Any]:
    return {**asdict(one), "first": show(one.first), "last": show(one.last)}
