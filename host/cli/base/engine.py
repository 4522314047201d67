"""The sync, for commands that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.errors import Stop

if TYPE_CHECKING:
    from host.app import Host
    from host.sync.engine import Engine


def engine_of(host: Host) -> Engine:
    """The host's engine. Raises ``Stop`` where no plugin keeps records."""
    if host.engine is None:
        raise Stop("no plugin that keeps records is running: `counterfoil plugins list` says why")
    return host.engine
