"""``counterfoil import``"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of, kind_named, require_refs
from host.cli.base.output import AsJson, complain, examples, new_app, print_json, say, warn
from host.cli.base.progress import status_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.app import Host
    from host.sync.engine import Engine

PAUSE_SECONDS: Final = 0.2
TOLD: Final = {"conflict": "conflict", "failed": "failed"}
"""What a person has to look at is said line by line, and ends the command with 1."""
MOST_TOLD: Final = 100
STOPPED: Final = "stopped: what was imported is kept; a running server, or the next import, goes on with the rest"
SAID: Final = {
    "create": "new",
    "link": "linked",
    "update": "updated",
    "unchanged": "unchanged",
    "skip": "skipped",
    "conflict": "conflicts",
    "failed": "failed",
}

app = new_app()


@app.command(
    "import",
    epilog=examples(
        "counterfoil import all --connection acme",
        "counterfoil import customers --connection acme --preview",
        "counterfoil import customers --connection acme --whole",
        "counterfoil import products --connection acme --group books",
        "counterfoil import tax-rates --connection acme --json",
    ),
)
def import_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="What to import, such as tax-rates or customers; all: everything.")
    ],
    connection: Annotated[str, typer.Option(metavar="KEY", help="The connection to import from.")],
    *,
    choose: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only the record with this id there; may be repeated.")
    ] = None,
    group: Annotated[str, typer.Option(metavar="REF", help="The product group for new products.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would become of each record; change none.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Read every record, not only what changed there since the last import.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import what a connection's organisation has; again updates it.

    Lists first (tax rates, accounts, currencies, branding themes, tracking categories: what records may name), then customers, suppliers and products. A
    record that is here already is linked with it instead of made again. Once all records of a kind came, only what changed there is read. It ends with 1 where
    a person has to look at something.
    """
    from host.errors import Stop

    with opened_host() as host:
        engine = engine_of(host)
        lists, records = engine.importable(connection, kind)
        if not lists and not records:
            raise Stop(f"{kind!r} can't be imported ({', '.join(engine.all_importable(connection))})")
        _check(host, records, choose=choose or (), group=group, preview=preview, whole=whole)
        taken = engine.import_reference(kind, connection) if lists and not preview else {}
        if not as_json:
            _say_lists(taken)
        brought: dict[str, Any] = {}
        if records:
            fields = {"products": {"group": group}} if group else {}
            batch = engine.imports.ask(
                connection, records, chosen=choose or (), fields=fields, preview=preview, whole=whole
            )
            _carry_out(host, engine, connection, batch, quiet=as_json)
            brought = _brought(host, engine, batch, all_records=preview or as_json)
    if as_json:
        print_json({name: asdict(one) for name, one in taken.items()} | brought)
    elif brought:
        _say_records(brought["imported"], brought["records"], preview=preview, grouped=bool(group))
    if brought and not _went_well(brought["imported"]):
        raise typer.Exit(1)


def _check(
    host: Host, records: Sequence[str], *, choose: Sequence[str], group: str, preview: bool, whole: bool
) -> None:
    from host.errors import Stop

    if choose and len(records) != 1:
        raise Stop("--choose goes with one kind of records: customers, suppliers or products")
    if preview and not records:
        raise Stop("--preview goes with records: lists are taken as they are")
    if whole and not records:
        raise Stop("--whole goes with records: lists are read whole")
    if group:
        if "products" not in records:
            raise Stop("--group goes with products")
        kind_named(host, "product-groups")
        require_refs(host, "product-groups", [group])


def _carry_out(host: Host, engine: Engine, connection: str, batch: str, *, quiet: bool) -> None:
    """Do it in this process, or watch another that does."""

    told_at = 0.0

    def so_far(_wish: Any) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < PAUSE_SECONDS:
            return  # counting reads all of it
        told_at = time.monotonic()
        shown = _shown(host, engine, batch)
        of_all = [count for kind in shown["kinds"].values() for count in kind.values()]
        left = sum(kind["left"] for kind in shown["kinds"].values())
        meter.show(f"{shown['stage']}: {sum(of_all) - left} of {sum(of_all)} records")

    try:
        with status_line("importing") as meter:
            engine.imports.see_through(connection, batch, _nothing if quiet else so_far)
    except KeyboardInterrupt:
        complain(STOPPED)
        raise


def _brought(host: Host, engine: Engine, batch: str, *, all_records: bool) -> dict[str, Any]:
    records = _records(host, engine, batch, all_records=all_records)
    return {"batch": batch, "imported": _shown(host, engine, batch), "records": records}


def _went_well(imported: Any) -> bool:
    return imported["stage"] == "done" and not any(_needs_a_person(one) for one in imported["kinds"].values())


def _nothing(_wish: Any) -> None:
    """For who reads JSON."""


def _shown(host: Host, engine: Engine, batch: str) -> Any:
    with host.database.read() as session:
        return engine.imports.show(session, batch)


def _records(host: Host, engine: Engine, batch: str, *, all_records: bool) -> Sequence[Mapping[str, Any]]:
    """What became of each, or only of those that a person has to look at."""
    found: list[Mapping[str, Any]] = []
    with host.database.read() as session:
        for action in (None,) if all_records else TOLD:
            page = 1
            while True:
                items, total = engine.imports.show_records(
                    session, batch, kind=None, action=action, page=page, page_size=500
                )
                found += items
                if page * 500 >= total:
                    break
                page += 1
    return found


# ------------------------------------------------------------------------------------------------------- what people see


def _say_lists(taken: Mapping[str, Any]) -> None:
    for name, one in taken.items():
        say(f"{name}: {one.created} new, {one.updated} updated, {one.unchanged} unchanged, {one.removed} removed")


def _say_records(imported: Any, told: Sequence[Mapping[str, Any]], *, preview: bool, grouped: bool) -> None:
    for one in told[:MOST_TOLD]:
        say(_line(one))
    if len(told) > MOST_TOLD:
        say(f"and {len(told) - MOST_TOLD} more: --json has all of them")
    for kind, counted in imported["kinds"].items():
        parts = [f"{counted[action]} {word}" for action, word in SAID.items() if counted[action]]
        if not parts and imported["stage"] != "done":
            continue  # nobody knows yet
        say(
            f"{kind}: {', '.join(parts) or _nothing_of(imported)}{' if it were imported; nothing was changed' if preview else ''}"
        )
    if imported["kinds"].get("products", {}).get("create") and not grouped:
        warn("the new products are in no product group: --group REF would put those that are still to come into one")
    if imported["stage"] == "failed":
        complain(f"it stopped: {imported['reason']}")
    elif imported["due_at"]:
        complain(f"it waits: {imported['reason']}; a running server, or the next import after that, goes on with it")


def _nothing_of(imported: Any) -> str:
    since = imported["since"]
    return f"nothing changed since {since[:16].replace('T', ' ')} UTC" if since else "none"


def _line(one: Mapping[str, Any]) -> str:
    from host.cli.load import printable

    fields = f" ({', '.join(one['changes'])})" if one["changes"] else ""
    reason = f": {one['reason']}" if one["reason"] else ""
    ref = f" {one['ref']}" if one["ref"] else ""
    return printable(f"{one['kind']} {one['name'] or one['remote_id']}: {one['action']}{ref}{fields}{reason}")


def _needs_a_person(counted: Mapping[str, int]) -> bool:
    return any(counted[action] for action in TOLD)
