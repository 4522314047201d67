"""The lines of documents in their table."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from plugins.core_billing.line_identity import CONTENT
from plugins.core_billing.lookup import Row, Rows, among, as_rows, delete_rows, in_chunks, insert_rows, update_rows
from plugins.core_billing.schemas import ZERO
from plugins.core_billing.tables import lines as table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

_LINES: Final = select(table).where(among(table.c.document)).order_by(table.c.document, table.c.position)
_who_and_what = itemgetter("id", *CONTENT)


def same_lines(own: Sequence[Row], before: Sequence[Row]) -> bool:
    return list(map(_who_and_what, own)) == list(map(_who_and_what, before))


def line_row(known: Row | None, id: str, document: str, position: int, given: Row) -> Row:
    computed = known or {"net": ZERO, "tax": ZERO, "taxed_by": ""}
    return {
        "id": id,
        "document": document,
        "position": position,
        **{name: given[name] for name in CONTENT},
        **{name: computed[name] for name in ("net", "tax", "taxed_by")},
    }


def with_lines(session: Session, rows: Rows) -> Rows:
    """Give each document its lines, in order, in one query for all."""
    by_document: dict[str, Rows] = {row["id"]: [] for row in rows}
    for chunk in in_chunks(by_document):
        for line in as_rows(session.connection().execute(_LINES, {"values": chunk})):
            by_document[line["document"]].append(line)
    for row in rows:
        row["lines"] = by_document[row["id"]]
    return rows


def write_lines(session: Session, before: Sequence[Rows], after: Sequence[Rows]) -> None:
    """Write what differs, document by document, so that a change of one line touches one line."""
    made: Rows = []
    changed: Rows = []
    gone: list[str] = []
    for old, new in zip(before, after, strict=True):
        left = {line["id"]: line for line in old}
        for line in new:
            known = left.pop(line["id"], None)
            if known is None:
                made.append(line)
            elif known != line:
                changed.append(line)
        gone.extend(left)
    delete_rows(session, table, table.c.id, gone)
    update_rows(session, table, changed)
    insert_rows(session, table, made)
