"""A command in a terminal: what a person sees who types at it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_SECONDS = 30.0
PROGRAM = (sys.executable, "-c", "from host.cli import main; main()")


class Terminal:
    """A child of ours whose terminal is so many columns wide. Leaving the ``with`` block kills what still runs."""

    def __init__(self, *arguments: str, columns: int = 80, environment: Mapping[str, str] | None = None) -> None:
        wide = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            with suppress(OSError):
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
                os.execve(PROGRAM[0], [*PROGRAM, *arguments], {**wide, "TERM": "xterm", **(environment or {})})
            os._exit(127)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read until the screen has shown this since the last thing that was typed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.shown:
            assert self._read(deadline), f"ended without {text!r}: {self.shown!r}"

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def end(self) -> int:
        """Read to the end; answers the exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._read(deadline):
            pass
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen in the end, without colours, each line as it was last written over."""
        return [line.rpartition("\r")[2] for line in self._plain.split("\n")]

    @property
    def parts(self) -> list[str]:
        """Everything that stood on a line at some time."""
        return [part for line in self._plain.split("\n") for part in line.split("\r")]

    @property
    def _plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown).replace("\r\n", "\n")

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._screen], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing more came: {self.shown!r}"
        try:
            found = os.read(self._screen, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self.shown += found.decode(errors="replace")
        return bool(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
        os.close(self._screen)
