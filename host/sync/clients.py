"""One HTTP client per connection."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from host.measures import Measures

if TYPE_CHECKING:
    import httpx

    from host.sync.client import Client
    from host.sync.provider import Connection, Provider


def patience_of(provider: Provider, connection: Connection) -> timedelta:
    """How long a call of this connection may take."""
    return timedelta(seconds=provider.limits(connection).patience)


class Clients:
    """One client per connection, made when first needed. ``transport`` carries their calls in place of the network, where given."""

    def __init__(self, *, transport: httpx.BaseTransport | None = None, measures: Measures | None = None) -> None:
        self._transport = transport
        self._measures = measures or Measures()
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}

    def of(self, provider: Provider, connection: Connection) -> Client:
        # Not before: most commands call nobody, and httpx, which brings a command line of its own, is a tenth of what a start takes.
        from host.sync.client import Client

        with self._lock:
            if connection.key not in self._clients:
                self._clients[connection.key] = Client(
                    patience_of(provider, connection),
                    self._transport,
                    correlation_header=provider.correlation_header,
                    timed=partial(self._measures.timed, "call", connection=connection.key),
                )
            return self._clients[connection.key]

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
