"""Numbers of documents that bring none, and codes of records that get theirs here.

They are counted per kind in the saving transaction, so that one rolled back leaves no gap and two never get the same.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from host.db.upsert import insert_or
from plugins.core_billing import tables
from plugins.core_billing.lookup import among, in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from plugins.core_billing.lookup import Place


def next_numbers(
    session: Session, kind: str, form: str, count: int, used: Callable[[Sequence[str]], Collection[str]]
) -> list[str]:
    """This many numbers for the kind; ``used`` says of those that it is asked about which ones somebody bears."""
    numbers: list[str] = []
    while len(numbers) < count:
        wanted = count - len(numbers)
        last = _count_up(session, kind, wanted)
        made = [form.format(number=number) for number in range(last - wanted + 1, last + 1)]
        taken = used(made)
        numbers.extend(number for number in made if number not in taken)
    return numbers


def numbers_in_use(session: Session, place: Place, numbers: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The id and ref of the documents that bear these numbers, by number."""
    found: dict[str, tuple[str, str]] = {}
    for chunk in in_chunks(numbers):
        used = session.execute(_in_use(place), {"values": chunk})
        found.update((number, (id, ref)) for number, id, ref in used)
    return found


@cache
def _in_use(place: Place) -> Select[Any]:
    table = place.table.c
    return select(table.number, table.id, table.ref).where(among(table.number), *place.condition)


def _count_up(session: Session, kind: str, by: int) -> int:
    """Raise the counter. Its row stays locked until the transaction ends, so others count on from what is committed."""
    table = tables.sequences
    raised = update(table).where(table.c.kind == kind).values(last=table.c.last + by).returning(table.c.last)
    last = session.scalar(raised)
    if last is None:
        session.execute(
            insert_or(table, session.get_bind().dialect.name).values(kind=kind, last=0).on_conflict_do_nothing()
        )
        last = session.scalar(raised)
    assert last is not None
    return int(last)


def hold_counter(session: Session, kind: str, *, begun: bool) -> None:
    """Whoever counts on waits until this transaction ends. Where counting is not begun by this, it holds back only who counts on from somewhere."""
    table = tables.sequences
    if begun:
        _count_up(session, kind, 0)
    else:
        session.execute(select(table.c.last).where(table.c.kind == kind).with_for_update())
