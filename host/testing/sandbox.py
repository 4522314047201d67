"""The ledger that a plugin brings to rehearse on, known by what its ``provide_demo`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from host.cli.base.children import Child, free_port
from host.cli.base.writing import sandbox_table
from host.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from hookspecs import Demo


class Sandbox:
    """A sandbox in a process of its own, for the ``with`` block. ``place.open("core_billing", "xero", tables=sandbox.table)`` makes a host that talks to it,
    and ``place.run(*command)`` for each of ``connecting`` links the two."""

    def __init__(self, plugin: str, folder: Path, options: Sequence[str] = ()) -> None:
        self._plugins = Plugins([plugin])
        self._plugins.load()
        [self._plugin] = self._plugins.all
        self._demo = self._offered()
        self._port = free_port()
        values = {"port": self._port, "state": folder / "sandbox.db"}
        command = [part.format(**values) for part in self._demo.sandbox]
        self._child = Child("the sandbox", [*command, *options], folder / "sandbox.log")

    def _offered(self) -> Demo:
        demo = self._plugins.ask_demo(self._plugin)
        if demo is None or not demo.sandbox:
            raise LookupError(self._plugin.reason or f"plugin {self._plugin.name!r} brings no sandbox")
        return demo

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def table(self) -> str:
        """The plugin's part of a configuration that leads to this sandbox."""
        return sandbox_table(self._plugin, self._demo, self.url)

    @property
    def connecting(self) -> Sequence[Sequence[str]]:
        """The command lines that link a connection with this sandbox and make it ready."""
        return [command for command in (self._demo.connect, *self._demo.after_connect) if command]

    def __enter__(self) -> Self:
        self._child.__enter__()
        try:
            self._child.wait_until_ready(self.url + self._demo.ready_path)
        except BaseException:
            self._child.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, error, traceback)
