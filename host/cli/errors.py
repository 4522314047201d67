"""``counterfoil errors``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of
from host.cli.base.output import AsJson, moment, new_app, print_json, print_table, warn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

app = new_app()


@app.command()
def errors(
    connection: Annotated[str | None, typer.Option(help="Only of this connection.")] = None, *, as_json: AsJson = False
) -> None:
    """What does not go on by itself, each record with its reason.

    In the order in which it happened; connections that are in trouble come first.
    """
    from host.sync.connections import get_connection

    with opened_host() as host:
        engine = engine_of(host)
        with engine.reading() as session:
            shown = engine.errors(session, connection=connection and get_connection(session, connection).key)
            for one in engine.show_connections(session):
                if connection in {None, one["key"]}:
                    _tell_of(one, host.settings.timezone)
    if as_json:
        print_json(shown)
        return
    rows = [{**one, "since": moment(one["since"], host.settings.timezone)} for one in shown]
    print_table(rows, ["since", "connection", "kind", "ref", "state", "error"])


def _tell_of(connection: Mapping[str, Any], zone: tzinfo) -> None:
    """A connection that is in trouble is in no record's reasons: its records only wait."""
    if connection["status"] != "connected":
        warn(f"{connection['key']} is disconnected, and its records wait: {connection['reason']}")
    elif connection["held_until"]:
        until = moment(connection["held_until"], zone)
        warn(f"{connection['key']} is not called until {until}: {connection['held_because']}")
