"""``counterfoil check``"""

from __future__ import annotations

from typing import Annotated

import typer

from host.cli.base.context import config_path
from host.cli.base.output import AsJson, examples, new_app, print_json, say

app = new_app()


@app.command(epilog=examples("counterfoil check", "counterfoil check --offline --json"))
def check(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no organisation whether it answers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is in order, and what there is to do.

    Configuration, file modes, database, tables, plugins, secret key, clock, and of each connection whether it leads to its organisation and what that
    still lacks before records can go. Changes nothing, here or there; it ends with 1 if something has to be done.
    """
    from host.app import open_installation
    from host.cli.base.checks import findings

    installation = open_installation(config_path())
    try:
        found = list(findings(installation, offline=offline))
    finally:
        installation.close()
    rows = [{"what": one.what, "state": one.state, "says": one.says} for one in found]
    if as_json:
        print_json({"config": config_path(), "checks": rows})
    else:
        for row in rows:
            say(f"{row['state']:<5}  {row['what']}: {row['says']}")
    if not all(one.fine for one in found):
        raise typer.Exit(1)
