"""``counterfoil serve``"""

from __future__ import annotations

import errno
import gc
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.output import examples, new_app, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.applications import Starlette
    from uvicorn import Server

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS: Final = 30
KEEP_ALIVE_SECONDS: Final = 75
BACKLOG: Final = 2048

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil serve", "counterfoil serve --port 8100 --host 0.0.0.0", "counterfoil serve --safe-mode"
    )
)
def serve(
    port: Annotated[
        int, typer.Option(help="The port to listen on; 0 takes any that is free.", min=0, max=65535)
    ] = 8000,
    address: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    *,
    safe_mode: Annotated[bool, typer.Option("--safe-mode", help="Load no plugin at all.")] = False,
    trace_hooks: Annotated[
        bool, typer.Option("--trace-hooks", help="Log every call of a hook, for those who write plugins.")
    ] = False,
) -> None:
    """Serve the HTTP API and keep the ledger in step, until Ctrl-C.

    Ctrl-C or SIGTERM: what is being answered is answered, and calls that are out are finished first.
    """
    from host.web.app import build

    with (
        opened_host(safe_mode=safe_mode, trace_hooks=trace_hooks, serving=True) as host,
        listening(address, port) as listener,
    ):
        host.start()
        run(build(host), listener, when_told=host.begin_to_stop)


@contextmanager
def listening(address: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there. Raises ``Stop`` where that is not possible."""
    from host.errors import Stop

    try:
        family, kind, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise Stop(f"{address} is no address to listen on: {error.strerror}") from error
    with listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(BACKLOG)
        except OSError as error:
            raise Stop(_why_not(error, address, port)) from error
        yield listener


def _why_not(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {address} is taken: stop what uses it, or choose another with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is not an address of this machine: choose another with --host"
    return f"cannot listen on {address}, port {port}: {error.strerror}"


def url_of(listener: socket.socket) -> str:
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}" if listener.family == socket.AF_INET6 else f"http://{address}:{port}"


def run(application: Starlette, listener: socket.socket, *, when_told: Callable[[], None] = lambda: None) -> None:
    """Serve until a signal; requests that are being answered are answered. ``when_told`` is called as soon as the signal has come."""
    import uvicorn

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            say(f"Counterfoil is ready at {url_of(listener)} (Ctrl-C stops it)")

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            when_told()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,  # ours leaves the query out
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Announced(config)
    # What is here now stays to the end: looked through no more for cycles, which is a tenth of the time that an import takes.
    gc.collect()
    gc.freeze()
    with _stopped_by_signals(server):
        server.run(sockets=[listener])


@contextmanager
def _stopped_by_signals(server: Server) -> Iterator[None]:
    """uvicorn raises the signal that ended it once more when it has ended: by then it has done what it should."""

    def stop(_signal: int, _frame: Any) -> None:
        server.should_exit = True

    former = {one: signal.signal(one, stop) for one in STOPPING}
    try:
        yield
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)
