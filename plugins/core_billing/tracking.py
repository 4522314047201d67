"""What product groups and lines are tracked by. They name a tracking name, which the settings give, and an option of the category that it means in each
connection. Tracking is off until a connection's settings give a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from hookspecs import TrackingCategory, TrackingOption
from host.words import listed
from plugins.core_billing import tables
from plugins.core_billing.lookup import as_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import Defaults
    from plugins.core_billing.lookup import Row

Meanings = dict[str, dict[str, str]]
"""By tracking name: the ``category`` that the settings mean by it, and its ``remote_id`` where it is known."""

OFF: Final = (
    "is off: `tracking` in the settings of the accounting plugin switches it on, once an organisation is connected"
)
MOST_NAMED: Final = 20

_meanings = select(tables.connections.c.key, tables.connections.c.tracking)


def category_of(*, options: Sequence[Mapping[str, Any]], **row: Any) -> TrackingCategory:
    """The record of a row."""
    return TrackingCategory(options=tuple(TrackingOption(**option) for option in options), **row)


def offered(row: Row) -> list[str]:
    """The names of the options that may be chosen."""
    return [option["name"] for option in row["options"] if option["active"]] if row["active"] else []


# ------------------------------------------------------------------------------------------ what a tracking name means


def meanings(wanted: Mapping[str, str], before: Meanings, categories: Sequence[Row]) -> Meanings:
    """Which category each name means. One that was renamed in the ledger stays what the settings mean, as long as they say what they said then."""
    by_name = {category["name"].casefold(): category["remote_id"] for category in categories}
    found = {name: by_name.get(category.casefold(), "") for name, category in wanted.items()}
    free = {category["remote_id"] for category in categories} - set(found.values())
    for name, category in wanted.items():
        known = before.get(name, {})
        if not found[name] and known.get("category") == category and known["remote_id"] in free:
            found[name] = known["remote_id"]
            free.discard(found[name])
    return {name: {"category": category, "remote_id": found[name]} for name, category in wanted.items()}


def stored_meanings(session: Session) -> dict[str, Meanings]:
    """By connection."""
    return {row.key: row.tracking for row in session.execute(_meanings)}


def names_of(known: Meanings) -> dict[str, str]:
    """The tracking name that stands for a category, by the category's ``remote_id``."""
    return {one["remote_id"]: name for name, one in known.items() if one["remote_id"]}


# -------------------------------------------------------------------------------------------------- what may be chosen


@dataclass(frozen=True, slots=True)
class Offer:
    """What each connection is tracked by: the options of each name, ``None`` where it is not known yet which category the name means."""

    by_connection: Mapping[str, Mapping[str, Sequence[str] | None]]

    @classmethod
    def load(cls, session: Session) -> Offer:
        rows = as_rows(session.connection().execute(select(tables.tracking_categories)))
        known = {(row["connection"], row["remote_id"]): offered(row) for row in rows}
        return cls(
            {
                connection: {name: known.get((connection, one["remote_id"])) for name, one in meant.items()}
                for connection, meant in stored_meanings(session).items()
            }
        )

    def wrong(self, chosen: Mapping[str, str], connection: str = "") -> Iterator[str]:
        """What is wrong with these choices, in the connection or, where it is open which, in all of them."""
        if not chosen:
            return
        own = self.by_connection.get(connection)
        offers = list(self.by_connection.values()) if own is None else [own]
        names = list(dict.fromkeys(name for offer in offers for name in offer))
        if not names:
            yield OFF
            return
        for name, option in chosen.items():
            if name not in names:
                yield f"has no {name!r}: accepted are {listed(names)}"
            else:
                yield from _wrong_option(name, option, [offer[name] for offer in offers if name in offer])


def _wrong_option(name: str, option: str, lists: Sequence[Sequence[str] | None]) -> Iterator[str]:
    options = list(dict.fromkeys(one for options in lists for one in options or ()))
    if option not in options and None not in lists:
        yield f"{name} has no option {option!r}: accepted are {_some(options)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return f"{listed(names[:MOST_NAMED])} and {more} more" if more > 0 else listed(names)


def new_choices(given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What was not chosen before: only that is checked. A choice that was good once stays, whatever became of the option since."""
    return {name: option for name, option in given.items() if before.get(name) != option}


def taken_from_group(group: Mapping[str, str], connections: Iterable[Defaults]) -> dict[str, str]:
    """What a line takes over from its product's group: nothing where tracking is off, and nothing under a name that the settings gave up."""
    names = {name for defaults in connections for name in defaults.tracking}
    return {name: option for name, option in group.items() if name in names}
