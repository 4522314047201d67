"""``counterfoil check``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from host.cli.base.context import config_path, installation
from host.cli.base.output import AsJson, new_app, print_json, print_table

if TYPE_CHECKING:
    from host.app import Installation

app = new_app()


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Look whether configuration, database and plugins are in order. Changes nothing."""
    with installation() as found:
        rows = [{"what": "configuration", "state": "ok", "reason": ""}, *_database(found), *_plugins(found)]
    if as_json:
        print_json({"config": config_path(), "checks": rows})
    else:
        print_table(rows, ["what", "state", "reason"])
    if any(row["state"] != "ok" for row in rows):
        raise typer.Exit(1)


def _database(found: Installation) -> list[dict[str, str]]:
    rows = []
    standing = found.standing()
    for line in standing:
        what = "database" if line.name == "host" else f"tables of {line.name}"
        rows.append({"what": what, "state": "ok" if line.usable else line.standing, "reason": line.reason})
    if standing[0].usable:
        found.plugins.take_standing(standing[1:])
        found.plugins.start()
    return rows


def _plugins(found: Installation) -> list[dict[str, str]]:
    return [
        {"what": f"plugin {plugin.name}", "state": "ok" if plugin.active else plugin.state, "reason": plugin.reason}
        for plugin in found.plugins.all
    ]
