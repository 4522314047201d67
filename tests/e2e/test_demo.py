"""The demo: everything at once, with no account and no configuration."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from host.cli.base.children import free_port
from tests.e2e.processes import COUNTERFOIL, Program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    return [*COUNTERFOIL, "demo", "--port", str(free_port()), "--dir", str(tmp_path / "demo")]


@pytest.fixture
def started(command: list[str], tmp_path: Path) -> Iterator[Program]:
    program = Program(command, tmp_path / "demo.log")
    wait_until(lambda: "Ctrl-C ends the demo" in program.output() or not program.alive, what="the demo")
    yield program
    if program.alive:
        program.stop()


def children_of(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def run(command: list[str], *more: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_it_shows_what_goes_across_and_ends_with_a_summary(command: list[str]) -> None:
    shown = run(command, "--exit-when-synced").stdout.splitlines()
    assert "  invoices demo-invoice-1 → DEMO-0001" in shown
    assert shown[-1].startswith("6 customers synced, 20 invoices synced, 12 products synced, in ")

    # A second start goes on where it was: nothing is made or sent again.
    again = run(command, "--exit-when-synced").stdout.splitlines()
    assert again[-1] == shown[-1]
    assert not [line for line in again if "→" in line]


def test_it_gives_an_address_a_token_and_an_example_that_works(started: Program) -> None:
    assert started.alive, started.output()
    example = started.output().split("watch it go across:")[1].split("Ctrl-C")[0]

    answer = subprocess.run(
        [*shlex.split(example.replace("\\\n", " ")), "--silent", "--show-error", "--fail-with-body"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    wait_until(lambda: "invoices my-first →" in started.output(), what="the example at Xero")

    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(timeout=60) == 0
    assert "goes on where it was" in started.output()


def test_two_that_start_at_the_same_moment_keep_apart(tmp_path: Path) -> None:
    both = []
    for name in ("one", "two"):
        command = [*COUNTERFOIL, "demo", "--port", str(free_port()), "--dir", str(tmp_path / name)]
        both.append(Program([*command, "--exit-when-synced"], tmp_path / f"{name}.log"))
    for program in both:
        assert program.process.wait(timeout=120) == 0, program.output()
        assert "6 customers synced, 20 invoices synced, 12 products synced, in " in program.output()
    ports = {json.loads((tmp_path / name / "demo.json").read_text())["sandbox_port"] for name in ("one", "two")}
    assert len(ports) == 2


def test_a_sandbox_that_dies_ends_it_with_a_word(started: Program, tmp_path: Path) -> None:
    [sandbox] = [pid for pid in children_of(started.process.pid) if "plugins.xero.sandbox" in command_of(pid)]
    os.kill(sandbox, signal.SIGKILL)
    assert started.process.wait(timeout=60) == 1
    log = tmp_path / "demo" / "sandbox.log"
    assert started.output().splitlines()[-1] == f"error: the sandbox ended by itself: see {log}"


def test_a_port_that_is_taken_is_said_in_one_line(command: list[str]) -> None:
    port = int(command[command.index("--port") + 1])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = run(command, "--exit-when-synced", code=1)
    assert done.stderr.splitlines() == [
        f"error: port {port} is taken: stop what uses it, or choose another with --port"
    ]


def test_a_folder_of_somebody_elses_is_left_alone(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("mine")
    done = run(command, code=1)
    assert done.stderr.splitlines() == [
        f"error: {tmp_path / 'demo'} is there and is not a demo's folder: choose another with --dir"
    ]
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["thesis.txt"]
