"""The fixtures. What each gives is documented where its class is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from host.clock import SHIFT_VARIABLE
from host.testing.place import Place
from host.testing.sandbox import Sandbox
from host.testing.saves import Saves
from host.testing.shifted import Clock
from host.testing.tiny_remote import TinyRemote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from host.db.migrate import Line


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """An SQLite database that does not exist yet. Override this fixture to run the others on another database."""
    return f"sqlite:///{tmp_path / 'counterfoil.db'}"


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Place]:
    """The folder of an installation, empty yet. The hosts that a test opens there are closed when it ends."""
    with Place(tmp_path, database_url) as place:
        yield place


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The host's clock, in this process and in those that it starts."""
    file = tmp_path / "clock"
    monkeypatch.setenv(SHIFT_VARIABLE, str(file))
    return Clock(file)


@pytest.fixture
def remote() -> TinyRemote:
    """A ledger in memory: ``place.open(..., transport=remote.transport())`` leads every call there."""
    return TinyRemote()


@pytest.fixture
def new_sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """``new_sandbox("xero", "--no-limits")``: a running sandbox of this plugin, with these further options; it ends with the test."""
    with ExitStack() as stack:

        def start(plugin: str, *options: str) -> Sandbox:
            return stack.enter_context(Sandbox(plugin, tmp_path, options))

        yield start


@pytest.fixture
def new_saves(database_url: str) -> Iterator[Callable[..., Saves]]:
    """``new_saves(line)``: a database with the tables of these lines of migrations, and no plugin that listens."""
    with ExitStack() as stack:

        def open_it(*lines: Line) -> Saves:
            return stack.enter_context(Saves(database_url, *lines))

        yield open_it
