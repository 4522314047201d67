"""A host of one's own: a folder with a configuration, and plugins that are single files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from host.app import Host, open_host, open_installation
from host.crypto import generate_key
from host.db.migrate import LineStatus, migrate

HEAD = """
from hookspecs import *
from hookspecs import hookimpl
contract_version = 1
"""


@dataclass
class Place:
    """A folder in which a host lives. ``plugin`` adds one; ``write`` writes the configuration that names them."""

    folder: Path
    database_url: str
    names: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "counterfoil.toml"

    def plugin(self, name: str, source: str, *, head: str = HEAD) -> None:
        (self.folder / "plugins").mkdir(exist_ok=True)
        (self.folder / "plugins" / f"{name}.py").write_text(head + dedent(source))
        self.names.append(name)

    def write(self, *, host: str = "", tables: str = "") -> Path:
        (self.folder / "plugins").mkdir(exist_ok=True)
        self.config.write_text(
            f'[host]\ndatabase_url = "{self.database_url}"\nsecret_key = "{generate_key()}"\n'
            f'plugins = {self.names}\nplugin_dir = "plugins"\n{host}\n{tables}'
        )
        self.config.chmod(0o600)
        return self.config

    def migrate(self) -> list[LineStatus]:
        installation = open_installation(self.config)
        try:
            return migrate(installation.database, installation.plugins.lines)
        finally:
            installation.close()

    def open(self, *, safe_mode: bool = False) -> Host:
        """The host, its configuration written and its database migrated."""
        if not self.config.exists():
            self.write()
        self.migrate()
        return open_host(self.config, safe_mode=safe_mode)


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    """On SQLite and on PostgreSQL."""
    return Place(tmp_path, database_url)


@pytest.fixture
def sqlite_place(tmp_path: Path, sqlite_url: str) -> Place:
    """Where the database makes no difference."""
    return Place(tmp_path, sqlite_url)
