"""Whatever kills the server, at whatever moment: nothing is doubled, nothing is missing."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import chinook
from tests.e2e.official import Official

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeHost, MakeSandbox
    from tests.e2e.processes import Sandbox

FULL = bool(os.environ.get("FULL"))
KILLS = {"sqlite": 1000 if FULL else 30, "postgresql": 1000 if FULL else 10}
LATENCY = "0.4"
LIFE_SECONDS = (0.3, 2.0)
"""Where the kill does not wait for a write, it falls on a server that is starting, taking over or settling."""


@pytest.mark.timeout(36_000 if FULL else 900)
def test_a_server_killed_again_and_again_still_sends_everything_once(
    make_sandbox: MakeSandbox, make_host: MakeHost, reference: Path
) -> None:
    sandbox = make_sandbox("--no-limits", "--latency", LATENCY)
    host = make_host(sandbox)
    host.set("plugins.xero.limits", concurrent=2)  # so that the shop lasts for all the kills
    chinook.load_all(host, reference)
    dice = random.Random(20261122)

    with_calls_out = 0
    kills = KILLS[host.database_url.partition(":")[0]]
    for kill in range(kills):
        writes = len(sandbox.writes())
        server = host.serve(wait=False)
        if kill % 2 == 0:
            sandbox.wait_for_writes(writes + 1)
            time.sleep(dice.uniform(0, 0.3))
        else:
            time.sleep(dice.uniform(*LIFE_SECONDS))
        server.kill()
        seen = sandbox.writes()
        with_calls_out += bool([call for call in seen if call["status"] is None])
        assert seen, "the kill fell before the first write"
        assert not everything_is_written(sandbox), f"kill {kill} fell after the last write"
    assert with_calls_out >= kills // 3

    host.run("sync", "--wait")
    chinook.assert_all_is_there(Official(sandbox.url), reference)


def everything_is_written(sandbox: Sandbox) -> bool:
    return Official(sandbox.url).count_of_invoices() == chinook.INVOICES
