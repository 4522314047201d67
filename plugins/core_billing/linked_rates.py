"""Tax rates of people's own that stand for a rate of a connection's: lines name ours, and the ledger gets its own (H-24)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from hookspecs import TaxRate
from plugins.core_billing import tables
from plugins.core_billing.amounts import quantity_text
from plugins.core_billing.lookup import as_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from plugins.core_billing.lookup import Row, Rows
    from plugins.core_billing.records import Entry

SHOWN_AT_MOST: Final = 12
_rates: Final = tables.tax_rates.c


def tax_rate(*, linked_to: str, remote_id: str, **row: Any) -> TaxRate:
    """Whoever sends it needs to know what it is in the ledger, not how it came to be that."""
    return TaxRate(**row, remote_id=remote_id or linked_to)


def check_links(session: Session, entries: Sequence[Entry]) -> None:
    """Refuse links that lead nowhere, or to a rate of another percentage."""
    theirs = _imported(session, {entry.row["connection"] for entry in entries})
    for entry in entries:
        connection = entry.row["connection"]
        if entry.row["remote_id"]:
            entry.refuse("linked_to", f"cannot be set: this tax rate came from {connection}, and stands for itself")
        elif not connection:
            entry.refuse("connection", "is required with linked_to: each connection has tax rates of its own")
        else:
            _check_link(entry, theirs.get(connection, {}))


def _check_link(entry: Entry, theirs: Mapping[str, Row]) -> None:
    connection, linked_to = entry.row["connection"], entry.row["linked_to"]
    found = theirs.get(linked_to)
    if found is None:
        entry.refuse("linked_to", f"{connection} has no tax rate {linked_to}: {_known(theirs)}")
    elif entry.row["code"] in {row["code"] for row in theirs.values()}:
        entry.refuse("code", f"{connection} has a tax rate {entry.row['code']} of its own: name that one on lines")
    elif found["rate"] != entry.row["rate"]:
        entry.refuse(
            "rate", f"{linked_to} is {quantity_text(found['rate'])} % in {connection}: this one has to be the same"
        )


def _known(theirs: Mapping[str, Any]) -> str:
    if not theirs:
        return "none was imported yet (counterfoil import tax-rates)"
    shown = sorted(theirs)[:SHOWN_AT_MOST]
    more = len(theirs) - len(shown)
    return f"there are {', '.join(shown)}{f' and {more} more' if more else ''}"


def _imported(session: Session, connections: set[str]) -> Mapping[str, Mapping[str, Row]]:
    """What these connections' imports brought, by remote id."""
    found: dict[str, dict[str, Row]] = {}
    query = select(tables.tax_rates).where(_rates.connection.in_(connections), _rates.remote_id != "")
    for row in as_rows(session.connection().execute(query)):
        found.setdefault(row["connection"], {})[row["remote_id"]] = row
    return found


def follow(linked: Rows, brought: Rows) -> Sequence[tuple[Row, Row]]:
    """What an import changes in linked rates, as pairs of now and before.

    Each has the percentage of the rate that it stands for. One whose rate is gone stands for nothing any more, and what names it waits with that reason.
    """
    theirs = {row["remote_id"]: row for row in brought} if linked else {}
    after = [_followed(row, theirs.get(row["linked_to"])) for row in linked]
    return [(now, before) for now, before in zip(after, linked, strict=True) if now != before]


def _followed(row: Row, its_rate: Row | None) -> Row:
    return row | ({"linked_to": ""} if its_rate is None else {"rate": its_rate["rate"]})
