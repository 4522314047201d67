"""``counterfoil import``"""

from __future__ import annotations

from typing import Annotated

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of
from host.cli.base.output import AsJson, examples, new_app, print_json, say

app = new_app()


@app.command(
    "import",
    epilog=examples(
        "counterfoil import all --connection acme",
        "counterfoil import tax-rates --connection acme --json",
    ),
)
def import_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="What to import, such as tax-rates; all: everything of it.")
    ],
    connection: Annotated[str, typer.Option(metavar="KEY", help="The connection to import from.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Import a connection's reference data; importing again updates it.

    Tax rates, accounts, currencies, branding themes: what records may name.
    """
    with opened_host() as host:
        taken = engine_of(host).import_reference(kind, connection)
    if as_json:
        print_json({name: {field: getattr(one, field) for field in one.__slots__} for name, one in taken.items()})
        return
    for name, one in taken.items():
        say(f"{name}: {one.created} new, {one.updated} updated, {one.unchanged} unchanged, {one.removed} removed")
