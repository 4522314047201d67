"""A sandbox and a host, as processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.processes import Host, Sandbox

MakeSandbox = Callable[..., Sandbox]
MakeHost = Callable[..., Host]


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[MakeSandbox]:
    """Starts a sandbox with these options of its command line."""
    with ExitStack() as stack:

        def make(*options: str) -> Sandbox:
            folder = tmp_path / "sandbox"
            folder.mkdir()
            return stack.enter_context(Sandbox(folder, options))

        yield make


@pytest.fixture
def make_host(tmp_path: Path, database_url: str) -> Iterator[MakeHost]:
    """Makes an installation on this sandbox; several share nothing but it."""
    with ExitStack() as stack:

        def make(sandbox: Sandbox, *, connect: bool = True) -> Host:
            folder = tmp_path / "host"
            host = stack.enter_context(Host(folder, database_url, sandbox))
            host.set_up(connect=connect)
            return host

        yield make
