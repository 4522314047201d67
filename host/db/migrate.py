"""Migrations: one line for the host, one for each plugin, each with its own version table, one process at a time."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from host.db.locks import NamedLock
from host.db.migration_notes import read_notes, write_notes
from host.db.trouble import is_unusable
from host.errors import Stop
from host.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection, MetaData
    from sqlalchemy.orm import Session

    from host.db.database import Database

_ENVIRONMENT: Final = Path(__file__).parents[1] / "migrations"
_WAIT_SECONDS: Final = 120.0
_log = logging.getLogger(__name__)
# Alembic's `op` and `context` are one for the whole process.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of migrations: ``name`` is ``host`` or the plugin's, ``versions`` the folder with its revisions."""

    name: str
    versions: Path

    @property
    def version_table(self) -> str:
        return f"{self.name}_migrations"


HOST: Final = Line("host", _ENVIRONMENT / "versions")


class Standing(StrEnum):
    CURRENT = "current"
    MISSING = "not migrated"
    BEHIND = "behind"
    NEWER = "newer than the code"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatus:
    """How far a database is along one line; ``reason`` is one line that says what is wrong and what to do."""

    name: str
    standing: Standing
    at: str = ""
    head: str = ""
    reason: str = ""

    @property
    def usable(self) -> bool:
        return self.standing is Standing.CURRENT


def status(database: Database, lines: Sequence[Line]) -> list[LineStatus]:
    """Where the database stands on each line. Changes nothing, and makes no file."""
    if _no_file_yet(database):
        return [_without_file(_judged(line, None), database) for line in lines]
    with reachable(database), database.engine.connect() as connection:
        notes = read_notes(connection)
        return [_noted(_judged(line, connection), notes) for line in lines]


def migrate(database: Database, plugins: Sequence[Line] = ()) -> list[LineStatus]:
    """Bring the host's tables up to date, then each plugin's. Raises ``Stop`` when the host's cannot be; a plugin that fails is undone and told."""
    with reachable(database):
        make_file(database)
        with alone(database):
            host = _advance(database, HOST)
            if not host.usable:
                raise Stop(host.reason)
            found = [_advance(database, line) for line in plugins]
            write_notes(
                database, {each.name: each.reason if each.standing is Standing.FAILED else "" for each in found}
            )
            return [host, *found]


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Nobody else migrates this database meanwhile, backs it up or puts a backup into it. Raises ``Stop`` where that takes too long to come."""
    lock = NamedLock(database, "migrate")
    if not lock.acquire(wait_seconds=_WAIT_SECONDS):
        raise Stop(
            "another process is migrating this database, backing it up or restoring it: try again when it has finished"
        )
    try:
        yield
    finally:
        lock.release()


@cache
def head_of(line: Line) -> str:
    """The revision that this program works with; read once."""
    return ", ".join(_script(_config(line)).get_heads())


def revision_of(session: Session, line: Line) -> str:
    """The revision that the database is at."""
    found = session.execute(text(f"SELECT version_num FROM {line.version_table}"))  # noqa: S608 - a name of ours
    return ", ".join(sorted(found.scalars()))


def require_current(found: LineStatus) -> None:
    """Raises ``Stop`` unless this line is up to date."""
    if not found.usable:
        raise Stop(found.reason)


def differences(database: Database, line: Line, metadata: MetaData) -> list[Any]:
    """What a migrated database has otherwise than these tables say: nothing, for a line that keeps up with its models."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    names = set(metadata.tables)
    ours = tuple(f"{name.split('_')[0]}_" for name in names)

    def of_this_line(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or (name is not None and name != line.version_table and name.startswith(ours))

    with database.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": of_this_line}
        context = MigrationContext.configure(connection, opts={"version_table": line.version_table, **options})
        return list(compare_metadata(context, metadata))


# ------------------------------------------------------------------------------------------------------- where it stands


def _judged(line: Line, connection: Connection | None) -> LineStatus:
    return standing_at(line, _version(line, connection))


def standing_at(line: Line, at: str) -> LineStatus:
    """How far a database is whose revision of this line is ``at``."""
    try:
        script = _script(_config(line))
        heads, known = script.get_heads(), {revision.revision for revision in script.walk_revisions()}
    except Exception as error:  # noqa: BLE001 - reading revisions runs a plugin's code, which must not stop the host
        return _failed(line, f"its migrations cannot be read: {one_line(error)}")
    if len(heads) != 1:
        return _failed(line, f"its migrations end in {len(heads)} heads ({', '.join(heads)}) instead of one")
    return _compared(line, at, heads[0], known)


def _compared(line: Line, at: str, head: str, known: set[str]) -> LineStatus:
    whose = "the database" if line == HOST else f"the tables of plugin {line.name!r}"
    if at == head:
        return LineStatus(name=line.name, standing=Standing.CURRENT, at=at, head=head)
    if not at:
        reason = f"{whose} must be migrated first: run `counterfoil migrate`"
        return LineStatus(name=line.name, standing=Standing.MISSING, head=head, reason=reason)
    if at in known:
        reason = f"{whose} must be migrated (from {at} to {head}): run `counterfoil migrate`"
        return LineStatus(name=line.name, standing=Standing.BEHIND, at=at, head=head, reason=reason)
    reason = (
        f"{whose} {'is' if line == HOST else 'are'} newer than this program (at revision {at}, it knows {head}): "
        "install the newer version, or put the backup from before that migration back"
    )
    return LineStatus(name=line.name, standing=Standing.NEWER, at=at, head=head, reason=reason)


def _without_file(found: LineStatus, database: Database) -> LineStatus:
    """Whoever mistyped the address must not be told to migrate, which would make an empty database."""
    if found.name != HOST.name:
        return found
    path = _file(database)
    if path.parent.is_dir():
        what, then = f"the database file {path} does not exist", "or run `counterfoil migrate`, which makes it"
    else:
        what, then = (
            f"the folder {path.parent} for the database does not exist",
            "or make the folder and run `counterfoil migrate`",
        )
    return replace(found, reason=f"{what}: correct [host] database_url, {then}")


def _noted(found: LineStatus, notes: Mapping[str, str]) -> LineStatus:
    """Whoever looks after a failed migration must not be told that nobody tried."""
    if found.standing not in {Standing.MISSING, Standing.BEHIND} or found.name not in notes:
        return found
    reason = f"{notes[found.name]}; mend the plugin and run `counterfoil migrate` again"
    return replace(found, standing=Standing.FAILED, reason=reason)


def _version(line: Line, connection: Connection | None) -> str:
    if connection is None:
        return ""
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table": line.version_table})
    return ", ".join(context.get_current_heads())


def _failed(line: Line, reason: str) -> LineStatus:
    return LineStatus(name=line.name, standing=Standing.FAILED, reason=reason)


# -------------------------------------------------------------------------------------------------------------- going on


def _advance(database: Database, line: Line) -> LineStatus:
    """One line to its head, in one transaction."""
    with database.engine.connect() as connection:
        before = _judged(line, connection)
    if before.standing in {Standing.CURRENT, Standing.NEWER, Standing.FAILED}:
        return before
    try:
        with _migrating(database) as connection:
            _upgrade(line, connection)
    except Exception as error:  # noqa: BLE001 - a plugin's migration is the plugin's code: it is told, the others go on
        _log.info("the migrations of %s failed", line.name, exc_info=True)
        return _failed(line, f"the migrations of {line.name!r} failed and were undone: {one_line(error)}")
    return LineStatus(name=line.name, standing=Standing.CURRENT, at=before.head, head=before.head)


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    """A transaction for migrations: on SQLite with foreign keys off, and checked before the commit."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            with connection.begin():
                yield connection
            return
        # A table that is made anew is dropped in between: with foreign keys on, what refers to it would be deleted with it.
        # The setting is ignored inside a transaction, so it is made before one begins.
        _driver_execute(connection, "PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                _check_references(connection)
        finally:
            connection.invalidate()  # nobody gets it from the pool with foreign keys off


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise Stop(f"rows of {broken[0]} would refer to rows of {broken[2]} that do not exist")


def _driver_execute(connection: Connection, statement: str) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    cursor.close()


def _upgrade(line: Line, connection: Connection) -> None:
    from alembic import command

    config = _config(line)
    config.attributes.update(connection=connection, version_table=line.version_table)
    with _one_at_a_time:
        command.upgrade(config, "head")


def _config(line: Line) -> Config:
    from alembic.config import Config

    if not line.versions.is_dir():
        raise FileNotFoundError(f"the folder {line.versions} does not exist")
    config = Config()
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _escaped(line.versions))
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _script(config: Config) -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config)


# ---------------------------------------------------------------------------------------------------------- the database


@contextmanager
def reachable(database: Database) -> Iterator[None]:
    """Turns "cannot connect" into one line that names the database, without its password."""
    try:
        yield
    except DatabaseError as error:
        if not is_unusable(error):
            raise
        address = database.engine.url.render_as_string(hide_password=True)
        raise Stop(f"the database {address} cannot be used: {' '.join(str(error.orig).split())}") from error


def _no_file_yet(database: Database) -> bool:
    return database.is_sqlite and not _file(database).exists()


def require_file(database: Database) -> None:
    """Raises ``Stop`` where there is no SQLite file, in one line that names it."""
    if _no_file_yet(database):
        raise Stop(f"the database file {_file(database)} does not exist: correct [host] database_url")


def make_file(database: Database) -> None:
    """A new SQLite database, for its owner alone; the files that SQLite puts beside it get the same mode."""
    if not _no_file_yet(database):
        return
    path = _file(database)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Stop(f"the database {path} cannot be made: {error.strerror}") from error


def _file(database: Database) -> Path:
    return Path(database.engine.url.database or "")
