"""A person at a terminal: types the commands of a page one after the other, into one shell, and looks at what they print."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import httpx

from host.cli.base.children import free_port
from tests.docs.pages import Block, Command, agrees, blocks, changed, commands

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_SECONDS: Final = 90.0
END: Final = "@end of command@"
SERVERS: Final = {"counterfoil serve": ("8000", "/healthz"), "counterfoil xero sandbox": ("9300", "/_sandbox/limits")}
"""What the pages leave running, where, and an address on it that answers once it is up."""


class Shell:
    """Bash in a folder of its own, with an empty home and the commands of this environment. The ports that the pages name are free ones here."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.ports = {port: str(free_port()) for port, _ in SERVERS.values()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERFOIL", "PYTEST"))}
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={
                **kept,
                "HOME": str(folder),
                "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
                "PYTHONDONTWRITEBYTECODE": "1",  # a file that is changed twice within a second must be read twice
                "COLUMNS": "80",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # a reader has none of those that our own tests need
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        # A person sees that an answer is a refusal; curl has to be told.
        self.define("curl", 'command curl --fail-with-body "$@"')
        self._send("set -o pipefail\n")

    def define(self, command: str, body: str) -> None:
        """What is done in place of a command."""
        self._send(f"{command}() {{ {body}; }}\n")

    def prints(self, text: str) -> str:
        """What a command prints that must succeed."""
        code, printed = self.enter(Command(text, None, 0))
        assert code == 0, printed
        return printed

    def _send(self, text: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(text.encode())
        self._bash.stdin.flush()

    def do(self, page: Path) -> None:
        """Everything that stands there, in order."""
        for block in blocks(page):
            self.do_block(block, page)

    def do_block(self, block: Block, page: Path) -> None:
        if block.file:
            self._write(block)
        for command in commands(block):
            where = f"{page.name}:{command.line}"
            code, printed = self.enter(command)
            if command.shown is None:
                assert code == 0, f"{where}: {command.text}\nended with {code} and printed\n{printed}"
            else:
                shown = self._here(command.shown)
                assert agrees(shown, printed), f"{where}: {command.text}\nis shown as\n{shown}\nand printed\n{printed}"

    def _write(self, block: Block) -> None:
        path = self.cwd / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self._here(block.text)
        if block.language == "toml":
            path.write_text(changed(path.read_text(), text))
        else:
            path.write_text(path.read_text() + text if block.continued else text)

    @property
    def cwd(self) -> Path:
        return Path(self.enter(Command("pwd", None, 0))[1].strip())

    def _here(self, text: str) -> str:
        """The page's text with this machine's ports."""
        for named, ours in self.ports.items():
            text = re.sub(rf"(?<=[:=]){named}\b", ours, text)
        return text

    def enter(self, command: Command) -> tuple[int, str]:
        """One command: how it ended, and what it printed. What it leaves running is waited for until it answers."""
        text = self._here(command.text)
        started = None
        for name, (port, path) in SERVERS.items():
            if name in text and "--help" not in text:
                text = text.replace(name, f"{name} --port {self.ports[port]}")
                started = f"http://127.0.0.1:{self.ports[port]}{path}"
        text = re.sub(r" &( *(#.*)?)$", r" >>left-running.log 2>\&1 &\1", text)
        self._send(f"{{ {text}\n}} </dev/null; code=$?\necho\necho {END} $code\n")
        printed, _, code = self._read().rpartition(f"\n{END} ")
        if started is not None:
            self._wait_until_up(started)
        return int(code), printed

    def _read(self) -> str:
        assert self._bash.stdout
        deadline, read = time.monotonic() + PATIENCE_SECONDS, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not re.search(rf"^{END} \d+\n\Z".encode(), read, re.MULTILINE):
                assert selector.select(max(0, deadline - time.monotonic())), (
                    f"it is still busy, and printed\n{read.decode()}"
                )
                read += (got := os.read(self._bash.stdout.fileno(), 65536))
                assert got, f"the shell ended, and printed\n{read.decode()}"
        return read.decode()

    def _wait_until_up(self, address: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if httpx.get(address).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"nothing answers at {address}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)  # the shell and what it left running
        self._bash.communicate()
