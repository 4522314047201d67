"""Why a line of migrations could not go on when it was last tried. Kept among the host's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import String, column, delete, insert, inspect, select, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from host.db.database import Database

# Named here once more, by what is needed of it: migrations run on tables that may be older than the code.
_settings: Final = table("host_settings", column("name", String), column("value", String))
_BEGINNING: Final = "migration."


def read_notes(connection: Connection) -> Mapping[str, str]:
    """The reasons of the lines that failed, by name."""
    if not inspect(connection).has_table(_settings.name):
        return {}
    found = connection.execute(select(_settings).where(_settings.c.name.startswith(_BEGINNING)))
    return {name.removeprefix(_BEGINNING): value for name, value in found}


def write_notes(database: Database, reasons: Mapping[str, str]) -> None:
    """Keep the reasons of these lines; an empty one is taken away."""
    with database.engine.connect() as connection:
        known = read_notes(connection)
    changed = [name for name, reason in reasons.items() if reason != known.get(name, "")]
    if not changed:
        return
    with database.write() as session:
        session.execute(delete(_settings).where(_settings.c.name.in_([_BEGINNING + name for name in changed])))
        for name in changed:
            if reasons[name]:
                session.execute(insert(_settings).values(name=_BEGINNING + name, value=reasons[name]))
