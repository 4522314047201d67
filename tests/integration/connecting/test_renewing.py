"""A token that ends while many want it, and a process that dies with the new one in its hands."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from host.testing import Clock
    from tests.integration.connecting.conftest import Office

# Opens the host, says so, waits for the sign, and asks which organisation the connection leads to, in ten threads at once.
CROWD = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from host.app import open_host
with open_host(Path(sys.argv[1])) as host, ThreadPoolExecutor(10) as threads:
    together = threading.Barrier(10)
    def probe(_):
        together.wait()
        return host.engine.probe("acme").organisation.name
    print("ready", flush=True)
    sys.stdin.readline()
    print(sorted(set(threads.map(probe, range(10)))), flush=True)
"""

# The answer with the new tokens has come, and nothing of it is stored.
DIES = """
import os, signal, sys
from pathlib import Path
from host.app import open_host
from host.sync import guarded
guarded.read_token = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with open_host(Path(sys.argv[1])) as host:
    host.engine.probe("acme")
"""


def started(code: str, config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def spent(office: Office, clock: Clock) -> None:
    """The access token ends; the refresh token is good."""
    office.sandbox.advance(1790)
    clock.advance(timedelta(seconds=1790))


def refreshes(office: Office) -> int:
    """The consent's own exchange is the first."""
    return len(office.logged("POST", "/connect/token")) - 1


def test_twenty_threads_of_two_processes_renew_it_once(either_office: Office, clock: Clock) -> None:
    either_office.connected("acme", 1)
    spent(either_office, clock)
    crowds = [started(CROWD, either_office.place.config) for _ in range(2)]
    for crowd in crowds:
        assert crowd.stdout
        assert crowd.stdout.readline() == "ready\n"
    for crowd in crowds:
        out, err = crowd.communicate("go\n", timeout=60)
        assert (crowd.returncode, out) == (0, "['One Ltd']\n"), err
    assert refreshes(either_office) == 1


def killed_with_the_new_token(office: Office) -> None:
    process = started(DIES, office.place.config)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, err
    assert refreshes(office) == 1, "it died before it had asked"


def test_a_process_that_dies_before_it_stored_them_within_the_grace(either_office: Office, clock: Clock) -> None:
    either_office.connected("acme", 1)
    spent(either_office, clock)
    killed_with_the_new_token(either_office)
    either_office.save_customer("ada")
    clock.advance(timedelta(minutes=2))  # its claim on the renewal is over
    either_office.drain("acme")
    assert either_office.state("ada")["state"] == "synced"
    assert refreshes(either_office) == 2


def test_a_process_that_dies_before_it_stored_them_and_nobody_asks_for_an_hour(office: Office, clock: Clock) -> None:
    office.connected("acme", 1)
    spent(office, clock)
    killed_with_the_new_token(office)
    office.sandbox.advance(3600)
    clock.advance(timedelta(hours=1))
    office.save_customer("ada")
    office.drain("acme")
    shown = office.show("acme")
    assert shown["status"] == "needs_attention"
    assert shown["reason"].endswith("the authorisation is used up or was withdrawn: connect again")
    assert office.state("ada")["state"] == "waiting"

    office.connected("acme", 1)
    office.drain("acme")
    assert office.state("ada")["state"] == "synced"
