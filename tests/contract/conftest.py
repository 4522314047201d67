"""One sandbox for all contract tests of a process, as new for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugins.xero.sandbox.world import Options
from tests.contract.running import InThread, Official, Sandbox, official, pointed_at

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running() -> Iterator[InThread]:
    """Nothing but the limits' own tests is held up by limits."""
    served = InThread(Options(no_limits=True))
    yield served
    served.stop()


@pytest.fixture
def sandbox(running: InThread) -> Iterator[Sandbox]:
    told = Sandbox(running.url)
    told.control("POST", "reset")
    yield told
    told.client.close()


@pytest.fixture
def xero(sandbox: Sandbox) -> Iterator[Official]:
    """The official client with the custom connection's token."""
    pointing = pointed_at(sandbox)
    next(pointing)
    client = official(sandbox)
    yield client
    client.client.rest_client.pool_manager.clear()
    next(pointing, None)
