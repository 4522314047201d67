"""``counterfoil errors``"""

from __future__ import annotations

from typing import Annotated

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of
from host.cli.base.output import AsJson, new_app, print_json, print_table

app = new_app()


@app.command()
def errors(
    connection: Annotated[str | None, typer.Option(help="Only of this connection.")] = None, *, as_json: AsJson = False
) -> None:
    """What does not go on by itself, in the order in which it happened: each record with its state and the reason."""
    with opened_host() as host:
        engine = engine_of(host)
        with engine.reading() as session:
            shown = engine.errors(session, connection=connection)
    if as_json:
        print_json(shown)
    else:
        print_table(shown, ["since", "connection", "kind", "ref", "state", "error"])
