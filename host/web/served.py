"""What the web side needs of a host. ``host.app`` assembles it; tests may hand in a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hookspecs import Kind
    from host.config import Config
    from host.db import Database
    from host.measures import Measures
    from host.plugins import Plugins
    from host.sync.engine import Engine
    from host.unit_of_work import Saver


class Served(Protocol):
    """One host, as the API sees it."""

    @property
    def config(self) -> Config: ...
    @property
    def database(self) -> Database: ...
    @property
    def saver(self) -> Saver: ...
    @property
    def kinds(self) -> Mapping[str, Kind]: ...
    @property
    def engine(self) -> Engine | None: ...
    @property
    def plugins(self) -> Plugins: ...
    @property
    def measures(self) -> Measures: ...
    @property
    def safe_mode(self) -> bool: ...
    @property
    def stopping(self) -> bool:
        """It was told to end: what is asked already is answered, and nothing more should come."""

    def wake(self) -> None:
        """Something was committed past the saver: look whether there is work."""
