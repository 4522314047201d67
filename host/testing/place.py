"""The folder of an installation, and what can be done there."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Final, Self

from host.app import Host, open_host, open_installation
from host.crypto import generate_key
from host.db.migrate import LineStatus, migrate
from host.roles import Role
from host.testing.api import Api
from host.testing.tiny_provider import PLUGIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import httpx

HEAD: Final = """
from hookspecs import *
from hookspecs import hookimpl
contract_version = 1
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed with ``--json``."""
        return json.loads(self.out)


@dataclass
class Place:
    """A folder with a configuration and plugins; hosts are opened there, on a database that is migrated first.

    ``names`` are the plugins that the configuration names, in call order: installed ones, files of ``plugin_dir`` (this folder's ``plugins``, unless
    another one is named), and what ``plugin`` wrote there.
    """

    folder: Path
    database_url: str
    names: list[str] = field(default_factory=list)
    plugin_dir: Path | None = None
    _key: str = field(default_factory=generate_key, repr=False)
    _lines: tuple[str, str] = field(default=("", ""), repr=False)
    _named: tuple[str, ...] | None = field(default=None, repr=False)
    _opened: list[Host] = field(default_factory=list, repr=False)
    _apis: dict[tuple[int, Role], Api] = field(default_factory=dict, repr=False)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "counterfoil.toml"

    # Before it is opened ---------------------------------------------------------------------------------------

    def plugin(self, name: str, source: str, *, head: str = HEAD) -> None:
        """Write a plugin of one file here and name it in the configuration. ``head`` gives it the contract's names and version."""
        folder = self.folder / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(head + dedent(source))
        self.names.append(name)

    def tiny_provider(self, *only: str) -> None:
        """Write and name a plugin ``tiny``, an accounting provider that sends these kinds to a ``TinyRemote``.

        After ``place.open(..., transport=remote.transport())`` comes ``host.engine.connect("acme", provider="tiny", auth="custom")``; from then on
        ``host.engine.drain("acme")`` sends what waits.
        """
        self.plugin("tiny", PLUGIN.format(only=only), head="")

    def write(self, *, host: str = "", tables: str = "") -> Path:
        """Write the configuration; ``host`` are further lines for ``[host]``, ``tables`` the tables of the plugins. Answers its path."""
        self._lines, self._named = (host, tables), tuple(self.names)
        (self.folder / "plugins").mkdir(exist_ok=True)
        self.config.write_text(
            f'[host]\ndatabase_url = "{self.database_url}"\nsecret_key = "{self._key}"\n'
            f'plugins = {self.names}\nplugin_dir = "{self.plugin_dir or "plugins"}"\n{host}\n{tables}'
        )
        self.config.chmod(0o600)
        return self.config

    def migrate(self) -> list[LineStatus]:
        """Make the tables, or bring them up to date."""
        installation = open_installation(self.config)
        try:
            return migrate(installation.database, installation.plugins.lines)
        finally:
            installation.close()

    # Hosts -----------------------------------------------------------------------------------------------------

    def open(
        self,
        *names: str,
        plugin_dir: Path | None = None,
        tables: str = "",
        safe_mode: bool = False,
        allow_failed: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> Host:
        """A host with these plugins, beside those named before; its configuration is written where that changes it, and its database migrated.

        It works by itself only once its ``start()`` is called. In life a plugin that cannot be loaded or started does not keep a host from opening; here it
        fails the test, with its reason, unless that is what the test is about (``allow_failed``; ``host.plugins.failed`` then has it). ``transport`` carries
        all calls to remotes in place of the network.
        """
        self.names += names
        self.plugin_dir = plugin_dir or self.plugin_dir
        if tables or plugin_dir or self._named != tuple(self.names):
            self.write(host=self._lines[0], tables=tables or self._lines[1])
        self.migrate()
        host = open_host(self.config, safe_mode=safe_mode, transport=transport)
        self._opened.append(host)
        failed = [f"plugin {plugin.name} failed: {plugin.reason}" for plugin in host.plugins.failed]
        assert allow_failed or not failed, "; ".join(failed)
        return host

    @property
    def host(self) -> Host:
        """The host that was opened last."""
        assert self._opened, "no host is open: place.open(...) opens one"
        return self._opened[-1]

    @property
    def api(self) -> Api:
        """The HTTP API of that host, with an admin's token."""
        return self.api_of(Role.ADMIN)

    def api_of(self, role: Role) -> Api:
        """The same with a token of this role."""
        host = self.host
        if (id(host), role) not in self._apis:
            self._apis[id(host), role] = Api(host, role)
        return self._apis[id(host), role]

    # Commands --------------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> Ran:
        """One command line, without the program's name, in this process and on this configuration. For commands that end by themselves."""
        from host.cli.base.runner import run

        with _logging_kept(), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            try:
                code = run(["-c", str(self.config), *arguments])
            except SystemExit as ended:  # a plugin's command may have a parser of its own
                code = ended.code if isinstance(ended.code, int) else 1
        return Ran(code, out.getvalue(), err.getvalue())

    # Ending ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for api in self._apis.values():
            api.close()
        while self._opened:
            self._opened.pop().close()


@contextmanager
def _logging_kept() -> Iterator[None]:
    """A command sets up the logging of its process; here the process goes on when it has ended."""
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
