"""Serving the sandbox on a port."""

import contextlib
import errno
import socket
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from plugins.xero.sandbox.app import create_app
from plugins.xero.sandbox.apps import SECRET
from plugins.xero.sandbox.gateway import CUT
from plugins.xero.sandbox.world import Options, OrganisationOption


class CuttableProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # which class depends on the machine
    """uvicorn's protocol, with the connection within the application's reach, so that faults can cut it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        protocol: Any = self
        served = protocol.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[CUT] = self.cut
            await served(scope, receive, send)

        protocol.app = app

    def cut(self, flush: bool) -> None:  # noqa: FBT001 called through the scope
        """Closed after what was sent is out, or reset at once."""
        if flush:
            self.transport.close()
        else:
            self.transport.abort()


class Server(uvicorn.Server):
    """Says in one line where it listens once it does."""

    greeting = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self.greeting:
            sys.stdout.write(self.greeting + "\n")
            sys.stdout.flush()


def server(options: Options) -> Server:
    config = uvicorn.Config(
        create_app(options), http=CuttableProtocol, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Head and body leave as two writes; without this each answer waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _why_not(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "it is taken: stop what uses it, or choose another with --port"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return "that is no address of this machine: choose another with --host"
    return error.strerror or str(error)


def run(
    port: int = 9300,
    state: Path | None = None,
    organisations: Sequence[OrganisationOption] = (),
    *,
    apps: Sequence[Mapping[str, Any]] = (),
    no_limits: bool = False,
    latency: float = 0.0,
    host: str = "127.0.0.1",
) -> int:
    """Serves until interrupted; gives the exit code. Port 0 takes any free one."""
    try:
        listener = listen(host, port)
    except OSError as error:
        sys.stderr.write(f"error: cannot listen on {host}:{port}: {_why_not(error)}\n")
        return 1
    wanted = tuple(organisations) or (OrganisationOption(),)
    try:
        ready = server(Options(wanted, state, apps, no_limits=no_limits, latency=latency))
    except (OSError, sqlite3.Error) as error:
        listener.close()
        sys.stderr.write(f"error: the state file {state} cannot be used: {error}\n")
        return 1
    where = f"http://{host}:{listener.getsockname()[1]}"
    ready.greeting = (
        f"Xero sandbox on {where} · custom connection sandbox-custom / {SECRET} · app sandbox-app / {SECRET}"
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has closed everything
        ready.run(sockets=[listener])
    return 0
