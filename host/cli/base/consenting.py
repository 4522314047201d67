"""Connecting by consent from the command line: shows the address, waits until somebody has come back from it, chooses, saves."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import typer

from host.cli.base.output import say, warn
from host.errors import AskPerson, Stop
from host.sync.authorising import BY_CONSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.app import Host
    from host.sync.engine import Engine
    from host.sync.provider import Connection

LOOK_EVERY_SECONDS: Final = 0.2
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def connect_by_consent(
    host: Host, key: str, *, provider: str, name: str = "", organisation: str | None = None
) -> Connection:
    """A connection that a person lets in. Plugins' commands share it. Raises ``Stop`` or ``AskPerson`` with what to do."""
    from host.web.connections import CALLBACK

    if host.engine is None:
        raise Stop("nothing keeps the billing records: no active plugin offers a store (see: counterfoil plugins list)")
    engine = host.engine
    if _shown(engine, key) is None:
        engine.connecting.create(key, provider=provider, auth=BY_CONSENT, name=name or key)
    address = engine.connecting.authorise(key, f"{host.settings.public_url}{CALLBACK}")
    with _answered_here(host):
        say(f"Open this address in a browser, and allow access there:\n{address}")
        opened = _wait_for_answer(engine, key)
    chosen = organisation or opened["organisation"] or _ask_which(key, opened)
    engine.connecting.choose(key, chosen)
    return engine.connecting.save(key)


def _shown(engine: Engine, key: str) -> Mapping[str, Any] | None:
    with engine.reading() as session:
        return next((one for one in engine.show_connections(session) if one["key"] == key), None)


def _wait_for_answer(engine: Engine, key: str) -> Mapping[str, Any]:
    while True:
        shown = _shown(engine, key)
        asked = shown and shown["authorisation"]
        if not asked:
            raise AskPerson(f"the consent for {key} was saved or given up by somebody else")
        if asked["error"]:
            raise AskPerson(asked["error"])
        if asked["organisations"]:
            return dict(asked)
        time.sleep(LOOK_EVERY_SECONDS)


def _ask_which(key: str, opened: Mapping[str, Any]) -> str:
    names = [one["name"] for one in opened["organisations"]]
    if not sys.stdin.isatty():
        raise AskPerson(f"the consent for {key} opened {', '.join(names)}: choose one with --organisation")
    for number, name in enumerate(names, 1):
        say(f"{number}  {name}")
    while (number := typer.prompt("Which organisation", type=int)) not in range(1, len(names) + 1):
        warn(f"it takes a number from 1 to {len(names)}")
    return str(opened["organisations"][number - 1]["id"])


@contextmanager
def _answered_here(host: Host) -> Iterator[None]:
    """Listens at the host's own address while nobody else does; where a server runs there, that one hears the answer."""
    from host.cli.serve import listening

    address = urlsplit(host.settings.public_url)
    if address.scheme != "http" or address.hostname not in LOCAL:
        yield
        return
    try:
        with listening(address.hostname, address.port or 80) as listener, _serving(host, listener):
            yield
    except Stop:
        warn(
            f"the answer is expected at {host.settings.public_url}, where something listens already: is it this host's server?"
        )
        yield


@contextmanager
def _serving(host: Host, listener: Any) -> Iterator[None]:
    import uvicorn

    from host.web.app import build

    config = uvicorn.Config(build(host), log_config=None, access_log=False, server_header=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="counterfoil-consent")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
