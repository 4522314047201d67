"""``counterfoil errors``"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of
from host.cli.base.output import AsJson, examples, moment, new_app, print_json, print_table, say, warn
from host.cli.base.tracing import say_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from host.app import Host
    from host.sync.causes import Cause

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil errors --connection acme",
        "counterfoil errors --list --json",
        "counterfoil errors --show invoices/INV-42",
    )
)
def errors(
    connection: Annotated[str | None, typer.Option(help="Only of this connection.")] = None,
    show: Annotated[
        str | None,
        typer.Option(
            "--show",
            metavar="ID",
            help="All about one thing: a correlation id, a call's id, the remote's own correlation id, or KIND/REF.",
        ),
    ] = None,
    *,
    listed: Annotated[
        bool, typer.Option("--list", help="A line for each record, in the order in which it happened.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What does not go on by itself, and what to do.

    Each cause once, with how many records it keeps. Connections that are in trouble come first.
    """
    if show and (listed or connection):
        raise typer.BadParameter("--show goes alone: it names one thing")
    with opened_host() as host:
        if show:
            _show(host, show, as_json=as_json)
        elif listed:
            _list(host, connection, as_json=as_json)
        else:
            _by_cause(host, connection, as_json=as_json)


def _show(host: Host, wanted: str, *, as_json: bool) -> None:
    from host.errors import Stop

    with engine_of(host).reading() as session:
        found = engine_of(host).trace(session, wanted)
    if found is None:
        raise Stop(
            f"nothing is known of {wanted!r}: it takes a correlation id, a call's id, the remote's correlation id, or KIND/REF such as invoices/INV-42"
        )
    if as_json:
        print_json(found)
    else:
        say_trace(found, host.settings.timezone)


def _list(host: Host, connection: str | None, *, as_json: bool) -> None:
    engine = engine_of(host)
    with engine.reading() as session:
        key = _tell_of_connections(host, session, connection)
        shown = engine.errors(session, connection=key)
    if as_json:
        print_json(shown)
        return
    rows = [{**one, "since": moment(one["since"], host.settings.timezone)} for one in shown]
    print_table(rows, ["since", "connection", "kind", "ref", "state", "error"])


def _by_cause(host: Host, connection: str | None, *, as_json: bool) -> None:
    from host.sync.causes import show_cause

    engine = engine_of(host)
    with engine.reading() as session:
        key = _tell_of_connections(host, session, connection)
        found = engine.causes(session, connection=key)
    if as_json:
        print_json([show_cause(one, lambda at: at.isoformat()) for one in found])
    else:
        _say_causes(found, host.settings.timezone)


def _say_causes(found: Sequence[Cause], zone: tzinfo) -> None:
    from host.sync.causes import show_cause

    if not found:
        print_table([], [])
    for one in found:
        told = show_cause(one, partial(moment, zone=zone))
        when = told["first"] if one.first == one.last else f"{told['first']} to {told['last']}"
        where = f", {one.connection}" if one.connection else ""
        say(f"{one.records} {one.kind} {one.state}{where}: {one.cause}")
        say(f"    {when}; such as {one.example}")
        say(f"    {one.what_to_do}")
    if found:
        say("each of them: counterfoil errors --list; all about one: counterfoil errors --show KIND/REF")


def _tell_of_connections(host: Host, session: Any, connection: str | None) -> str | None:
    """Warns of connections in trouble, and of imports that failed. Answers the connection's key; raises ``AskPerson`` where there is none of that key."""
    from host.sync.connections import get_connection

    key = connection and get_connection(session, connection).key
    for one in engine_of(host).show_connections(session):
        if key in {None, one["key"]}:
            _tell_of(one, host.settings.timezone)
    for one in engine_of(host).imports.not_well(session):
        if key in {None, one["connection"]} and one["stage"] == "failed":
            warn(
                f"the import of {', '.join(one['kinds'])} from {one['connection']} stopped: {one['reason']}; do it again with `counterfoil import`"
            )
    return key


def _tell_of(connection: Mapping[str, Any], zone: tzinfo) -> None:
    """A connection that is in trouble is in no record's reasons: its records only wait."""
    from host.sync.connections import NOT_WORKING

    if connection["status"] in NOT_WORKING:
        warn(f"{connection['key']} {NOT_WORKING[connection['status']]}, and its records wait: {connection['reason']}")
    elif connection["held_until"]:
        until = moment(connection["held_until"], zone)
        warn(f"{connection['key']} is not called until {until}: {connection['held_because']}")
