"""Processes that a command starts beside itself, and ends with itself."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, Self
from urllib.error import URLError
from urllib.request import urlopen

from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

READY_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 40.0
LOOK_SECONDS: Final = 0.05
PORTS: Final = range(10_000, 32_000)
"""Below those that Linux gives to outgoing connections: nobody gets one of these by chance between our look and our use of it."""


class Child:
    """A Python process whose output goes to a file. Leaving the ``with`` block ends it."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is ours to handle, and passed on as a request to end.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, on our own modules
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, address: str) -> None:
        """Until the address answers. Raises ``Stop`` with the last thing it said where it ends before."""
        deadline = time.monotonic() + READY_SECONDS
        while not answers(address):
            if self._process.poll() is not None:
                raise Stop(f"{self.name} ended at once: {self._last_words()}")
            if time.monotonic() > deadline:
                raise Stop(f"{self.name} is not ready after {READY_SECONDS:g} seconds: see {self._log}")
            time.sleep(LOOK_SECONDS)

    def require_alive(self) -> None:
        """Raises ``Stop`` where it has ended."""
        if self._process.poll() is not None:
            raise Stop(f"{self.name} ended by itself: see {self._log}")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("error: ") if lines else f"see {self._log}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def answers(address: str) -> bool:
    """Whether a GET of this address is answered with success."""
    with suppress(URLError, OSError, HTTPException), urlopen(address, timeout=2) as answer:  # noqa: S310 - an address of ours
        return bool(answer.status == 200)
    return False


def require_free(port: int, option: str) -> None:
    """Raises ``Stop`` where something listens there already: it would be taken for the process that we are about to start."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise Stop(f"port {port} is taken: stop what uses it, or {option}") from error


def free_port() -> int:
    """One that nothing listens on. At random, so that two who ask at the same time get two, whatever seeds the generator."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with suppress(OSError), socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            return port
    raise Stop("no port is free on this machine")
