"""``counterfoil demo``"""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from host.cli.base.context import using_config
from host.cli.base.output import examples, new_app, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hookspecs import Demo
    from host.app import Host
    from host.cli.base.children import Child
    from host.sync.engine import Engine

LOOK_SECONDS: Final = 0.2
NOTES: Final = "demo.json"

app = new_app()


@dataclass(frozen=True, slots=True)
class Place:
    """The demo's folder and addresses. A second start in the same folder goes on where the first one was."""

    folder: Path
    port: int
    sandbox_port: int

    @property
    def config(self) -> Path:
        return self.folder / "counterfoil.toml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"


@app.command(
    epilog=examples(
        "counterfoil demo", "counterfoil demo --port 8100 --dir /tmp/demo", "counterfoil demo --exit-when-synced"
    )
)
def demo(
    port: Annotated[int, typer.Option(help="The port of the host.", min=1, max=65535)] = 8000,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="D", help="Where it keeps its files; a second start goes on there.")
    ] = Path("counterfoil-demo"),
    *,
    exit_when_synced: Annotated[
        bool, typer.Option("--exit-when-synced", help="End with a summary once everything has gone across.")
    ] = False,
) -> None:
    """Show everything on this machine; no account is needed.

    A ledger that runs here, a host beside it, and records that go across as you watch.
    """
    from host.cli.base.children import require_free

    require_free(port, "choose another with --port")
    place = _place(folder, port)
    offered = _offered()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it, the processes beside it end with it
    try:
        _run(place, offered, exit_when_synced=exit_when_synced)
    except KeyboardInterrupt:
        say(f"\nThe demo is stopped; `counterfoil demo --dir {folder}` goes on where it was.")
        if exit_when_synced:
            raise


def _run(place: Place, offered: Sequence[Demo], *, exit_when_synced: bool) -> None:
    with ExitStack() as stack:
        children = _start_sandboxes(stack, place, offered)
        _prepare(place)
        children.append(stack.enter_context(_serve(place)))
        with using_config(place.config):
            _connect(place, offered)
            _load_and_watch(place, offered, children, exit_when_synced=exit_when_synced)


def _place(folder: Path, port: int) -> Place:
    """The same ports as last time for what the configuration names; a folder of our own."""
    from host.cli.base.children import free_port
    from host.errors import Stop
    from host.files import write_files

    notes = folder / NOTES
    try:
        if notes.exists():
            return Place(folder, port, _sandbox_port(notes))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Stop(f"{folder} is there and is not a demo's folder: choose another with --dir")
        place = Place(folder, port, free_port())
        write_files({notes: json.dumps({"sandbox_port": place.sandbox_port})})
    except OSError as error:
        raise Stop(f"{folder} cannot be used: {error.strerror}: choose another with --dir") from error
    return place


def _sandbox_port(notes: Path) -> int:
    from host.errors import Stop

    try:
        return int(json.loads(notes.read_text())["sandbox_port"])
    except (ValueError, TypeError, KeyError) as error:
        raise Stop(
            f"{notes} does not say what the demo wrote there: remove {notes.parent}, or choose another with --dir"
        ) from error


def _offered() -> Sequence[Demo]:
    """What the installed plugins bring."""
    from host.plugins import Plugins

    plugins = Plugins()
    plugins.load()
    return [demo for plugin in plugins.active if (demo := plugins.ask_demo(plugin))]


def _start_sandboxes(stack: ExitStack, place: Place, offered: Sequence[Demo]) -> list[Child]:
    from host.cli.base.children import Child, require_free

    children = []
    for demo in offered:
        if demo.sandbox:
            require_free(place.sandbox_port, "choose another folder with --dir")
            values = {"port": place.sandbox_port, "state": place.folder / "sandbox.db"}
            command = [part.format(**values) for part in demo.sandbox]
            child = stack.enter_context(Child("the sandbox", command, place.folder / "sandbox.log"))
            child.wait_until_ready(place.sandbox_url + demo.ready_path)
            children.append(child)
    return children


def _prepare(place: Place) -> None:
    """The configuration, once, and the tables of this version."""
    from host.app import open_installation
    from host.cli.base.writing import write_installation
    from host.db.migrate import migrate

    if not place.config.exists():
        write_installation(place.folder, place.sandbox_url)
    found = open_installation(place.config)
    try:
        migrate(found.database, found.plugins.lines)
    finally:
        found.close()


def _serve(place: Place) -> Child:
    from host.cli.base.children import Child

    command = ["-c", "from host.cli import main; main()", "-c", str(place.config), "serve", "--port", str(place.port)]
    child = Child("the host", command, place.folder / "host.log")
    try:
        child.wait_until_ready(f"{place.url}/healthz")
    except BaseException:
        child.__exit__(None, None, None)
        raise
    return child


def _connect(place: Place, offered: Sequence[Demo]) -> None:
    """Link the demo's organisation with the plugin's own commands, as anybody would."""
    from host.app import open_host
    from host.cli.base.runner import run
    from host.errors import Stop

    with open_host(place.config) as host:
        engine = _engine(host)
        with engine.reading() as session:
            if engine.show_connections(session):
                return
    for demo in offered:
        for command in filter(None, (demo.connect, *demo.after_connect)):
            if run(["-c", str(place.config), *command]):
                raise Stop(f"`counterfoil {' '.join(command)}` failed: the demo's files are in {place.folder}")


def _engine(host: Host) -> Engine:
    from host.cli.base.engine import engine_of

    return engine_of(host)


# ------------------------------------------------------------------------------------------------- watching it go across


def _load_and_watch(
    place: Place, offered: Sequence[Demo], children: Sequence[Child], *, exit_when_synced: bool
) -> None:
    from host.app import open_host

    with open_host(place.config) as host:
        engine = _engine(host)
        with engine.reading() as session:
            shown = {one["row_id"]: one["state"] for one in engine.news(session, {}, limit=None)}
        _load(host, engine, offered)
        if not exit_when_synced:
            _introduce(host, place)
        _watch(engine, children, shown, until_synced=exit_when_synced)
        if exit_when_synced:
            _summarise(engine)


def _load(host: Host, engine: Engine, offered: Sequence[Demo]) -> None:
    """Save the demo's records; those that are there already are left as they are."""
    for demo in offered:
        for kind, records in demo.records() if demo.records else ():
            batch = engine.open_batch("demo", kind)
            with host.saver(batch=batch) as work:
                service = host.kinds[kind].service
                known = service.ids(work.session, [record["ref"] for record in records])
                service.put(work, [record for record in records if record["ref"] not in known])
            engine.close_batch(batch)


def _introduce(host: Host, place: Place) -> None:
    from host.roles import Role
    from host.tokens import create_token

    with host.database.write() as session:
        token = create_token(session, Role.ADMIN).text
    say(
        f"\nThe host is at {place.url}, the ledger that it talks to at {place.sandbox_url}, their files in {place.folder}/."
    )
    say(
        f"Your token: {token}\n\nSave an invoice, and watch it go across:\n\n{_example(place, token)}\n\nCtrl-C ends the demo.\n"
    )


def _example(place: Place, token: str) -> str:
    invoice = {
        "customer": "harbour-joinery",
        "issue_date": "2026-11-22",
        "due_date": "2026-12-22",
        "lines": [
            {"product": "support-hour", "description": "Support, one hour", "quantity": "2", "unit_price": "85.00"}
        ],
    }
    return (
        f"  curl -X PUT {place.url}/api/v1/invoices/my-first \\\n"
        f"    -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\\n"
        f"    -d '{json.dumps(invoice)}'"
    )


def _watch(engine: Engine, children: Sequence[Child], shown: dict[int, str], *, until_synced: bool) -> None:
    """Say what becomes of each record, as it happens. ``shown`` are the states that need not be said."""
    from host.sync.waiting import is_moving

    while True:
        for child in children:
            child.require_alive()
        with engine.reading() as session:
            records, moving = engine.news(session, shown), is_moving(session)
        for one in records:
            shown[one["row_id"]] = one["state"]
            say(_line(one))
        if until_synced and not moving:
            return
        time.sleep(LOOK_SECONDS)


def _line(one: Mapping[str, Any]) -> str:
    name = f"{one['kind']} {one['ref']}"
    if one["state"] == "synced":
        return f"  {name} → {one['remote_number'] or one['remote_id'] or one['reason']}"
    return f"  {name}: {one['state']}: {one['error'] or one['reason']}"


def _summarise(engine: Engine) -> None:
    """What went across; exit code 1 when anything did not."""
    with engine.reading() as session:
        status, errors = engine.status(session), engine.errors(session)
    calls = sum(connection["calls_today"] for connection in status["connections"])
    counts = ", ".join(f"{one['count']} {one['kind']} {one['state']}" for one in status["records"])
    say(f"\n{counts}, in {calls} calls.")
    if errors:
        raise typer.Exit(1)
