"""What every test may ask for: the reference data, and a fresh database on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.testing import Place

pytest_plugins = ["pytester", "tests.rows", "host.testing"]

Prepare = Callable[[str], object]
"""Gives the empty database at a URL its tables and rows, and closes what it opened."""

LONGEST_FIRST = (
    "tests/e2e/test_killed.py",
    "tests/e2e/test_chinook.py",
    "tests/integration/web/test_every_request.py",
    "tests/deploy/",
    "tests/e2e/",
    "tests/docs/",
)
"""What takes long begins first, so that no worker is left alone with it when the others have nothing more to do."""


DATABASES: Final = frozenset({"sqlite", "postgresql"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    elsewhere = [item for item in items if _is_meant_for_another_database(item)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]
    _longest_first(items)


def _is_meant_for_another_database(item: pytest.Item) -> bool:
    """By the mark ``database("sqlite")`` of a test that asks for a database, and so would run on both kinds."""
    mark, case = item.get_closest_marker("database"), getattr(item, "callspec", None)
    if mark is None or case is None:
        return False
    asked = {one for one in case.params.values() if isinstance(one, str)} & DATABASES
    return bool(asked) and not asked & set(mark.args)


def _longest_first(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((i for i, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path)), len(LONGEST_FIRST))

    items.sort(key=place)  # keeps the order of those that are equal


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever starts the tests in the background of a shell has Ctrl-C ignored, which every process below inherits; the commands that are tested here must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)

IN_CI = os.environ.get("CI") == "true"

if not IN_CI:
    # In CI Hypothesis does so by itself: how fast a machine is that does other things as well says nothing about the code.
    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")


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


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Prepare], Path]:
    """The file that a preparation makes; made once for each test process."""
    made: dict[Prepare, Path] = {}

    def file(prepare: Prepare) -> Path:
        if prepare not in made:
            path = tmp_path_factory.mktemp("prepared") / "counterfoil.db"
            prepare(f"sqlite:///{path}")
            made[prepare] = path
        return made[prepare]

    return file


@pytest.fixture(scope="session")
def prepared_postgresql(postgres_server: PostgresServer) -> Callable[[Prepare], str]:
    """The name of the database that a preparation makes; made once for each test process."""
    made: dict[Prepare, str] = {}

    def name(prepare: Prepare) -> str:
        if prepare not in made:
            database = postgres_server.create_database()
            prepare(postgres_server.url(database))
            made[prepare] = database
        return made[prepare]

    return name


@pytest.fixture
def sqlite_from(prepared_sqlite: Callable[[Prepare], Path], sqlite_url: str) -> Callable[[Prepare], str]:
    """`sqlite_from(prepare)`: a URL of one's own copy of the database that `prepare` makes."""

    def url(prepare: Prepare) -> str:
        source, copy = prepared_sqlite(prepare), Path(sqlite_url.removeprefix("sqlite:///"))
        # Whoever closes a database last leaves no log beside it; a log left open would be part of what is copied.
        for part in source.parent.glob(f"{source.name}*"):
            shutil.copy(part, copy.with_name(copy.name + part.name.removeprefix(source.name)))
        return sqlite_url

    return url


@pytest.fixture
def postgresql_from(
    prepared_postgresql: Callable[[Prepare], str], postgres_server: PostgresServer
) -> Iterator[Callable[[Prepare], str]]:
    """`postgresql_from(prepare)`: a URL of one's own copy of the database that `prepare` makes."""
    copies: list[str] = []

    def url(prepare: Prepare) -> str:
        copies.append(postgres_server.create_database(template=prepared_postgresql(prepare)))
        return postgres_server.url(copies[-1])

    yield url
    for copy in copies:
        postgres_server.drop_database(copy)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_from(request: pytest.FixtureRequest) -> Callable[[Prepare], str]:
    """`database_from(prepare)`: as above, on SQLite and on PostgreSQL.

    Migrations take long and copies do not: a fixture that needs a migrated database is one line,
    `return database_from(migrate_everything)`, with a function of a module, so that all tests share what it made.
    """
    copy: Callable[[Prepare], str] = request.getfixturevalue(f"{request.param}_from")
    return copy


@pytest.fixture
def sqlite_place(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    """As ``place`` of ``host.testing``, which runs on both, where the database makes no difference."""
    from host.testing import Place  # pytest wants to import its plugins before anybody else

    with Place(tmp_path, sqlite_url) as place:
        yield place
