"""Options that were renamed in the ledger are renamed on the product groups and lines that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, false, or_, select, type_coerce

from hookspecs import Action
from host.canonical_json import encoded
from plugins.core_billing import lookup, tables
from plugins.core_billing.lookup import AT_ONCE, update_rows
from plugins.core_billing.tracking import Offer, names_of, stored_meanings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Select
    from sqlalchemy.orm import Session

    from hookspecs import UnitOfWork
    from plugins.core_billing.documents import Documents
    from plugins.core_billing.kinds import ProductGroups
    from plugins.core_billing.lookup import Row

Renamed = dict[str, dict[str, str]]
"""By tracking name: the new name of each option, by its old one."""


def renamed_options(session: Session, connection: str, changed: Iterable[tuple[Row, Row]]) -> Renamed:
    """What became of the options of categories that changed: each as it is and as it was."""
    names = names_of(stored_meanings(session).get(connection, {}))
    renamed: Renamed = {}
    for after, before in changed:
        names_now = {option["remote_id"]: option["name"] for option in after["options"]}
        moved = {
            option["name"]: names_now[option["remote_id"]]
            for option in before["options"]
            if names_now.get(option["remote_id"], option["name"]) != option["name"]
        }
        if moved and after["remote_id"] in names:
            renamed[names[after["remote_id"]]] = moved
    return renamed


def rename_options(
    unit_of_work: UnitOfWork, connection: str, renamed: Renamed, groups: ProductGroups, documents: Iterable[Documents]
) -> None:
    if renamed:
        _rename_in_groups(unit_of_work, connection, renamed, groups)
        for one in documents:
            _rename_in_lines(unit_of_work.session, connection, renamed, one)


def _rename_in_groups(unit_of_work: UnitOfWork, connection: str, renamed: Renamed, groups: ProductGroups) -> None:
    """A group serves every connection: where another one has an option of the old name, the group goes on naming that."""
    session, table = unit_of_work.session, tables.product_groups
    others = [offer for key, offer in Offer.load(session).by_connection.items() if key != connection]
    ours = {
        name: {old: new for old, new in moved.items() if not any(old in (offer.get(name) or ()) for offer in others)}
        for name, moved in renamed.items()
    }
    query = select(table.c.id).where(_may_name(table.c.tracking, ours)).order_by(table.c.id)
    for row in lookup.rows_by_id(session, table, session.scalars(query).all(), lock=True):
        if (tracking := _moved(row["tracking"], ours)) != row["tracking"]:
            row["tracking"] = tracking
            update_rows(session, table, [row])
            unit_of_work.save(
                groups.place.kind, groups.record(row), action=Action.UPDATED, changed=frozenset({"tracking"})
            )


def _rename_in_lines(session: Session, connection: str, renamed: Renamed, documents: Documents) -> None:
    """No hook is told, like of an account that a line inherits: it is the ledger's name for what the line bears there already, and nothing is sent for it."""
    after = ""
    while ids := list(session.scalars(_documents_after(after, renamed, documents))):
        after = ids[-1]
        update_rows(session, tables.lines, _changes(session, connection, renamed, documents, ids))


def _documents_after(after: str, renamed: Renamed, documents: Documents) -> Select[str]:
    lines, place = tables.lines.c, documents.place
    query = select(lines.document).join(place.table, place.table.c.id == lines.document)
    wanted = (place.table.c.kind == place.kind, lines.document > after, _may_name(lines.tracking, renamed))
    return query.where(*wanted).distinct().order_by(lines.document).limit(AT_ONCE)


def _changes(
    session: Session, connection: str, renamed: Renamed, documents: Documents, ids: Sequence[str]
) -> list[Row]:
    rows = documents.rows(session, ids, lock=True)
    homes = documents.homes(session, rows)
    lines = [line for row in rows if homes[row["contact"]] == connection for line in row["lines"]]
    moved = [line | {"tracking": _moved(line["tracking"], renamed)} for line in lines]
    return [after for before, after in zip(lines, moved, strict=True) if before != after]


def _moved(tracking: Mapping[str, str], renamed: Renamed) -> dict[str, str]:
    return {name: renamed.get(name, {}).get(option, option) for name, option in tracking.items()}


def _may_name(column: Column[str], renamed: Renamed) -> ColumnElement[bool]:
    """Leaves out what names none of these options, as the text of the column shows it already."""
    text = type_coerce(column, Text)
    written = {encoded(old) for moved in renamed.values() for old in moved}
    return or_(false(), *(text.contains(one, autoescape=True) for one in sorted(written)))
