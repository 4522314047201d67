"""What every test may ask for: the reference data, and a fresh database on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester", "tests.rows"]

IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder with the feature list, the facts about the Xero API, its published contract and real records."""
    folder = os.environ.get("COUNTERFOIL_REFERENCE")
    if not folder:
        reason = "COUNTERFOIL_REFERENCE does not name the folder with the reference data"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    path = Path(folder)
    assert path.is_dir(), f"COUNTERFOIL_REFERENCE={folder} is not a folder"
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each test process, started by the first test that asks for it."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'counterfoil.db'}"


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database, dropped after the test whoever is still connected."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; a test that asks for it runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
