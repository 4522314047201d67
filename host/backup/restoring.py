"""Puts a backup back where there is no database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from host.backup import postgres, sqlite
from host.backup.archive import Archive, workshop
from host.backup.manifest import SQLITE, Manifest
from host.crypto import Vault
from host.db.migrate import Standing, alone, reachable, standing_at
from host.db.presence import Presence
from host.errors import AskPerson, Stop
from host.files import write_files
from host.sync.tables import connections, grants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.config import Config
    from host.db import Ciphertext, Database
    from host.db.migrate import Line

KEY_NAME: Final = "restored{}.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A backup that was put back. ``keys`` are files with keys that the configuration does not name; ``locked_out`` the connections whose credentials none
    of the configuration's keys opens."""

    manifest: Manifest
    keys: Sequence[Path]
    locked_out: Sequence[str]


def restore(config: Config, database: Database, lines: Sequence[Line], file: Path) -> Restored:
    """Put the backup ``file`` into the database of ``config``, which must be empty; nothing else is touched, and nothing is there by half.

    ``lines`` are the migrations that this program knows: of a newer backup it understands nothing. Raises ``Stop`` where it cannot be put back.
    """
    archive = Archive(file)
    _require_known(archive, lines)
    with reachable(database):
        _require_same_kind(archive, database)
        try:
            keys = _put_back(config, database, archive)
        except (OSError, sqlite3.Error) as error:
            raise Stop(f"{file} cannot be put back: {error}") from error
        return Restored(manifest=archive.manifest, keys=keys, locked_out=_locked_out(config, database))


def _require_known(archive: Archive, lines: Sequence[Line]) -> None:
    known = {line.name: line for line in lines}
    for name, at in archive.manifest.revisions.items():
        if name in known and standing_at(known[name], at).standing is Standing.NEWER:
            whose = f"{archive.file} was made by version {archive.manifest.version}, whose tables of {name!r} are newer"
            raise Stop(f"{whose} than this program knows: install that version, and put it back with that")


def _require_same_kind(archive: Archive, database: Database) -> None:
    ours = database.engine.dialect.name
    if archive.manifest.database != ours:
        theirs = "an SQLite file" if archive.manifest.database == SQLITE else "a PostgreSQL database"
        raise Stop(
            f"{archive.file} is a backup of {theirs}, and [host] database_url names {ours}: name one of the same kind"
        )


def _put_back(config: Config, database: Database, archive: Archive) -> Sequence[Path]:
    if database.is_sqlite:
        sqlite.require_absent(_file(database))  # the locks below need its folder
    else:
        postgres.require_empty(database)  # the lock below is a session that uses it
    into = _into_sqlite if database.is_sqlite else _into_postgres
    with Presence(database, alone=True), alone(database):
        return into(config, database, archive)


def _into_sqlite(config: Config, database: Database, archive: Archive) -> Sequence[Path]:
    target = _file(database)
    sqlite.require_absent(target)  # again, now that nobody else can put one there
    with workshop(target) as folder:
        copy = folder / sqlite.NAME
        archive.extract(sqlite.NAME, copy)
        sqlite.check(copy)
        keys = _write_keys(config, archive)
        sqlite.place(copy, target)
    return keys


def _into_postgres(config: Config, database: Database, archive: Archive) -> Sequence[Path]:
    with TemporaryDirectory(prefix="counterfoil-") as folder:
        copy = Path(folder) / postgres.NAME
        archive.extract(postgres.NAME, copy)
        keys = _write_keys(config, archive)
        postgres.load(database, copy)
    return keys


def _file(database: Database) -> Path:
    return Path(database.engine.url.database or "")


def _write_keys(config: Config, archive: Archive) -> Sequence[Path]:
    """The keys of the backup that the configuration lacks, each into a file beside it."""
    ours = {key.reveal() for key in config.host.secret_keys}
    lacking = [key for key in archive.keys if key not in ours]
    names = [KEY_NAME.format("" if number == 1 else f"-{number}") for number in range(1, len(lacking) + 1)]
    paths = [config.path.with_name(name) for name in names]
    missing = {path: f"{key}\n" for path, key in zip(paths, lacking, strict=True) if not _holds(path, key)}
    write_files(missing)
    return paths


def _holds(path: Path, key: str) -> bool:
    """Whether it stands there since somebody tried before. Raises ``Stop`` where another key does."""
    if not path.exists():
        return False
    if path.read_text().strip() != key:
        raise Stop(f"{path} exists, and holds another key than the backup: move it away first")
    return True


def _locked_out(config: Config, database: Database) -> Sequence[str]:
    vault = Vault([key.reveal() for key in config.host.secret_keys])
    sealed = select(connections.c.key, grants.c.token).join(grants).where(grants.c.token.is_not(None))
    with database.read() as session:
        found = session.execute(sealed.order_by(connections.c.key)).all()
    return [key for key, token in found if not _opens(vault, token)]


def _opens(vault: Vault, token: Ciphertext) -> bool:
    try:
        vault.open(token)
    except AskPerson:
        return False
    return True
