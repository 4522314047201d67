"""One moment of a PostgreSQL database by its own programs, and back in one transaction."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from host.db.sessions import connect_arguments
from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from host.db import Database

NAME: Final = "database.dump"
# Whoever puts it back may be called otherwise.
_OURS: Final = ("--no-owner", "--no-privileges")


def dump(database: Database, target: Path) -> None:
    _run(["pg_dump", "--format=custom", *_OURS, f"--file={target}"], database.engine)


def load(database: Database, source: Path) -> None:
    """All of it or, whatever happens, nothing."""
    _run(["pg_restore", "--single-transaction", "--exit-on-error", *_OURS, str(source)], database.engine)


def require_empty(database: Database) -> None:
    """Raises ``Stop`` where there are tables, or somebody else who may make some."""
    with database.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        others = connection.execute(_OTHERS).scalar_one()
    address = database.engine.url.render_as_string(hide_password=True)
    if tables:
        raise Stop(
            f"the database {address} has tables ({tables[0]} is one): a backup is put back only into an empty one; make one with createdb"
        )
    if others:
        raise Stop(f"the database {address} is in use by {others} other sessions: stop the servers that use it first")


_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def _run(command: Sequence[str], engine: Engine) -> None:
    from psycopg.conninfo import make_conninfo

    address = connect_arguments(engine)
    address.pop("context", None)  # the driver's, not the server's
    password = address.pop("password", None)  # everybody on this machine sees a command line
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    program, *options = command
    try:
        subprocess.run(  # noqa: S603 - their names are ours, and no shell reads them
            [program, f"--dbname={make_conninfo(**address)}", "--no-password", *options],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise Stop(
            f"the program {program} was not found: install PostgreSQL's client programs, of the server's version or newer, or run it elsewhere"
        ) from None
    except subprocess.CalledProcessError as error:
        raise Stop(f"{program} failed: {'; '.join(error.stderr.strip().splitlines()[:3])}") from error
