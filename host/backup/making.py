"""Makes a backup of a database while it is worked on."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, select, text

from host import clock
from host.backup import postgres, sqlite
from host.backup.archive import KEY, in_the_way, pack, publish, workshop
from host.backup.manifest import POSTGRESQL, SQLITE, Manifest
from host.db.migrate import alone, reachable, require_file
from host.errors import Stop
from host.tables import settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.config.secret import Secret
    from host.db import Database

_VERSION_TABLE: Final = "_migrations"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: where it is, how many bytes it has, what it says of itself."""

    file: Path
    size: int
    manifest: Manifest


def back_up(database: Database, file: Path, keys: Sequence[Secret] = ()) -> Made:
    """Write all that the database knows at one moment to ``file``, or into a folder under a name made of the time.

    ``keys`` go into it as they are. Nobody is kept from working but a migration. The file appears whole, for its owner alone, and never takes another's
    place. Raises ``Stop`` where that cannot be; then there is no such file.
    """
    with reachable(database):
        require_file(database)
        try:
            return _made(database, _named(file), {KEY.format(n): key.reveal() for n, key in enumerate(keys, 1)})
        except (OSError, sqlite3.Error) as error:
            raise Stop(f"the backup {file} cannot be made: {_says(error)}") from error


def _named(file: Path) -> Path:
    if file.is_dir():
        file = file / f"counterfoil-{clock.now():%Y-%m-%dT%H-%M-%SZ}.zip"
    if file.exists():
        raise Stop(in_the_way(file))
    return file


def _made(database: Database, file: Path, keys: Mapping[str, str]) -> Made:
    with alone(database), workshop(file) as folder:
        manifest = _described(database, len(keys))
        copy = _copy(database, folder)
        archive = pack(folder, copy, manifest, keys)
        size = archive.stat().st_size
        publish(archive, file)
    return Made(file, size, manifest)


def _copy(database: Database, folder: Path) -> Path:
    if not database.is_sqlite:
        postgres.dump(database, folder / postgres.NAME)
        return folder / postgres.NAME
    sqlite.copy(Path(database.engine.url.database or ""), folder / sqlite.NAME)
    return folder / sqlite.NAME


def _described(database: Database, keys: int) -> Manifest:
    from importlib.metadata import version

    with database.engine.connect() as connection:
        revisions = _revisions(connection)
        if "host" not in revisions:
            raise Stop("the database has not been migrated: there is nothing in it to back up")
        prefix = connection.execute(select(settings.c.value).where(settings.c.name == "prefix")).scalar_one()
    return Manifest(
        made_at=clock.now(),
        version=version("counterfoil"),
        database=SQLITE if database.is_sqlite else POSTGRESQL,
        revisions=revisions,
        prefix=prefix,
        keys=keys,
    )


def _revisions(connection: Connection) -> dict[str, str]:
    """Read from the tables themselves: a plugin that is not installed any more has its records all the same."""
    names = [name for name in inspect(connection).get_table_names() if name.endswith(_VERSION_TABLE)]
    found = {name: connection.execute(text(f'SELECT version_num FROM "{name}"')).scalars().all() for name in names}  # noqa: S608
    return {name.removesuffix(_VERSION_TABLE): ", ".join(sorted(at)) for name, at in found.items() if at}


def _says(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return str(error)
