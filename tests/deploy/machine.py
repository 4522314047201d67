"""A machine for one test: the files of this one below a layer of its own, its own processes, network and (where it is wanted) systemd.

Recipes are carried out on it as they stand, at the paths and ports that they name, by root; nothing of it remains. It costs a second or so.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from tests.conftest import IN_CI
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

PROJECT: Final = Path(__file__).parents[2]
CHECKOUT: Final = "/usr/local/src/counterfoil"
"""Where a machine has the project."""
BOOT: Final = Path(__file__).with_name("boot.sh")
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# pip finds what it is to install here already, in the versions of the lock file: the packages that these tests run on. And hatchling, which
# builds ours, is among them.
OFFLINE: Final = {
    "PIP_NO_INDEX": "1",
    "PIP_QUIET": "1",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_NO_BUILD_ISOLATION": "false",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}
NAMESPACES: Final = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup")
# However a test process ends, its machines end with it.
NEW_NAMESPACES: Final = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", *NAMESPACES, "--propagation=private", "--fork", "--kill-child"),
)
_CLONE_NEWNET: Final = 0x40000000


def needs(*programs: str) -> None:
    """Skips a test where a program that it needs is not on this machine; never in CI, whose script installs them."""
    missing = [one for one in programs if shutil.which(one, path=f"{os.environ['PATH']}:{PATH}") is None]
    if missing:
        _impossible(f"not on this machine: {', '.join(missing)}")


def _impossible(reason: str) -> None:
    pytest.fail(reason) if IN_CI else pytest.skip(reason)


class Machine:
    """With ``systemd`` as its first process, or with nothing that starts anything."""

    def __init__(self, folder: Path, *, systemd: bool = True) -> None:
        needs("setpriv", "unshare", "nsenter", "ip", *(["systemctl"] if systemd else []))
        if os.geteuid() != 0:
            _impossible("making a machine needs root")
        self.folder = folder
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir()
        first = "systemd" if systemd else "none"
        self._log = (folder / "boot.log").open("wb")
        self._process = subprocess.Popen(
            [*NEW_NAMESPACES, "sh", str(BOOT), str(folder), sys.base_prefix, _packages(), str(PROJECT), first],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH, "container": "counterfoil-tests", "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        self._await((folder / "ready").exists, "the machine")
        self.pid = _child(self._process.pid)
        if systemd:
            self._await(lambda: self.done("systemctl", "is-active", "machine.target").returncode == 0, "systemd")

    def _await(self, fulfilled: Callable[[], bool], what: str) -> None:
        wait_until(lambda: fulfilled() or self._process.poll() is not None, what=what)
        if self._process.poll() is not None:
            self.close()
            _impossible(f"{what} did not come up here: {(self.folder / 'boot.log').read_text()[-2000:]}")

    # What is done there -----------------------------------------------------------------------------------------

    def command(self, *command: str, **environment: str) -> list[str]:
        """The command line that runs this one there, as root."""
        entering = ["nsenter", f"--target={self.pid}", *NAMESPACES]
        given = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **OFFLINE, **environment}
        return [*entering, "env", "-i", *(f"{name}={value}" for name, value in given.items()), *command]

    def done(self, *command: str, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """How a command ended there."""
        return subprocess.run(
            self.command(*command, **environment),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, *command: str, text: str | None = None, **environment: str) -> str:
        """What a command prints there that must succeed."""
        done = self.done(*command, text=text, **environment)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, *command: str, **environment: str) -> None:
        """A program that goes on there until it is stopped, at the latest with the machine."""
        noted = ["sh", "-c", f'echo $$ >/run/{name}.pid && exec "$@"', name, *command]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._started[name] = subprocess.Popen(
                self.command(*noted, **environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def stop(self, name: str, signal: str = "TERM") -> int:
        """Send it a signal, and wait for the end: its exit code."""
        self.shell(f"kill -{signal} $(cat /run/{name}.pid)")
        return self._started.pop(name).wait(timeout=60)

    def shell(self, script: str) -> str:
        """A script that must succeed, every line of it."""
        return self.run("bash", "-euo", "pipefail", "-c", script)

    @property
    def root(self) -> Path:
        """Its files, as this process reaches them."""
        return Path(f"/proc/{self.pid}/root")

    def write(self, path: str, text: str) -> None:
        there = self.root / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)

    def listens(self, port: int) -> bool:
        """Whether something there listens at this port."""
        with self.network():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            except OSError:
                return False
        return True

    @contextmanager
    def network(self) -> Iterator[None]:
        """What this thread connects to inside is on that machine."""
        with Path("/proc/thread-self/ns/net").open("rb") as ours, Path(f"/proc/{self.pid}/ns/net").open("rb") as theirs:
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())

    # Ending -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends every process of it; its files were in memory."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        for one in self._started.values():
            one.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _packages() -> str:
    """Where the packages are that these tests run on."""
    return str(Path(pytest.__file__).parents[1])


def _child(pid: int) -> int:
    [found] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found)


def _enter(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
