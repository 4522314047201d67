"""Worlds on SQLite and on PostgreSQL; one on SQLite alone where the database plays no part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from host.db import Database
from host.db import metadata as host_metadata
from host.db.migrate import make_file
from tests.integration.sync import tiny_billing
from tests.integration.sync.world import World, opened

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Opener = Callable[..., "AbstractContextManager[World]"]


def make_tables(url: str) -> None:
    database = Database.at(url)
    make_file(database)
    host_metadata.create_all(database.engine)
    tiny_billing.metadata.create_all(database.engine)
    database.close()


@pytest.fixture
def world(database_from: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from opened(database_from(make_tables), monkeypatch)


@pytest.fixture
def world_with(database_from: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Opener:
    """`with world_with(limits=...) as world`: one whose provider is set so."""

    @contextmanager
    def open_it(**provider: Any) -> Iterator[World]:
        yield from opened(database_from(make_tables), monkeypatch, **provider)

    return open_it
