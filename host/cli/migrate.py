"""``counterfoil migrate``"""

from __future__ import annotations

import typer

from host.cli.base.context import installation
from host.cli.base.output import AsJson, examples, new_app, print_json, print_table

app = new_app()


@app.command(epilog=examples("counterfoil migrate", "counterfoil migrate -c books/counterfoil.toml --json"))
def migrate(*, as_json: AsJson = False) -> None:
    """Bring the database up to date, the plugins' tables included."""
    from host.db.migrate import migrate as bring_up_to_date

    with installation() as found:
        lines = bring_up_to_date(found.database, found.plugins.lines)
        failed = [plugin for plugin in found.plugins.all if not plugin.active]
    rows = [{"name": line.name, "state": line.standing, "revision": line.at, "reason": line.reason} for line in lines]
    rows += [{"name": one.name, "state": one.state, "revision": "", "reason": one.reason} for one in failed]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["name", "state", "revision", "reason"])
    if failed or not all(line.usable for line in lines):
        raise typer.Exit(1)
