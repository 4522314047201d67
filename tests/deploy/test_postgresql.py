"""postgresql/create.sql, by psql itself: a role and a database that the host can work with and nobody else."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from host.db import Database
from host.db.migrate import migrate
from host.testing import Place
from tests.deploy.recipes import DEPLOY
from tests.postgres import account, programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

SCRIPT = DEPLOY / "postgresql" / "create.sql"


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    yield postgres_server
    postgres_server.drop_database("counterfoil")
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE counterfoil")


def create(server: PostgresServer, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script, typed as its first lines say, by the superuser."""
    reached = ["--host", str(server.folder), "--username", account(), "--dbname", "postgres"]
    with SCRIPT.open() as script:
        return subprocess.run(
            [str(programs() / "psql"), "--no-psqlrc", *reached],
            stdin=script,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


def url(server: PostgresServer, role: str) -> str:
    return f"postgresql://{role}@/counterfoil?host={server.folder}"


def test_the_host_works_with_it_and_nobody_else_comes_in(server: PostgresServer) -> None:
    made = create(server)
    assert (made.returncode, made.stderr) == (0, "")
    database = Database.at(url(server, "counterfoil"))
    assert [line.usable for line in migrate(database)] == [True]
    database.close()

    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        [able] = connection.execute(
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = 'counterfoil'"
        ).fetchall()
        assert able == (False,)
        connection.execute("CREATE ROLE stranger LOGIN")
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url(server, "stranger"))
        connection.execute("DROP ROLE stranger")


def test_a_password_is_set_where_there_is_one(server: PostgresServer) -> None:
    assert create(server, COUNTERFOIL_DB_PASSWORD="it's secret").returncode == 0
    with psycopg.connect(server.url("postgres")) as connection:
        [(kept,)] = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'counterfoil'").fetchall()
    assert kept.startswith("SCRAM-SHA-256$")


def test_the_way_back_is_an_empty_database_under_the_same_name(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/operation.md says: the old one is renamed, the script makes another, the backup is put back."""
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")
    assert create(server).returncode == 0
    with Place(tmp_path, url(server, "counterfoil"), names=["core_billing"]) as place:
        place.write()
        place.migrate()
        file = tmp_path / "ada.jsonl"
        file.write_text('{"ref": "ada", "name": "Ada"}\n')
        assert place.run("load", "customers", str(file)).code == 0
        assert place.run("backup", str(tmp_path / "backup.zip")).code == 0

        twice = create(server)
        assert twice.returncode != 0
        assert 'database "counterfoil" already exists' in twice.stderr
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER DATABASE counterfoil RENAME TO counterfoil_aside")
        assert create(server).returncode == 0
        restored = place.run("restore", str(tmp_path / "backup.zip"))
        assert restored.code == 0, restored.err
        assert place.run("load", "customers", str(file), "--json").json["unchanged"] == 1
    server.drop_database("counterfoil_aside")
