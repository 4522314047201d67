"""``counterfoil restore``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.base.context import config_path, installation
from host.cli.base.output import AsJson, examples, moment, new_app, print_json, say, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from host.backup import Restored
    from host.db.migrate import LineStatus

app = new_app()


@app.command(
    epilog=examples("counterfoil restore before-upgrade.zip", "counterfoil restore -c books/counterfoil.toml b.zip")
)
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `counterfoil backup` wrote.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Put a backup back, into a database that is empty or not there.

    Overwrites nothing, and leaves nothing half there. What was sent after the backup is found at the ledger again, not sent twice.
    """
    from host.backup import restore as put_back

    with installation() as found:
        restored = put_back(found.config, found.database, found.lines, file)
        lines, zone = found.standing(), found.config.host.timezone
    if as_json:
        print_json(
            {
                "backup": restored.manifest.shown(),
                "keys": restored.keys,
                "locked_out": restored.locked_out,
                "to_migrate": [line.name for line in lines if not line.usable],
            }
        )
        return
    say(f"The database is as it was at {moment(restored.manifest.made_at, zone)}.")
    for told in _still_to_do(restored, lines):
        warn(told)
    say("Next: counterfoil check, then counterfoil serve")


def _still_to_do(restored: Restored, lines: Sequence[LineStatus]) -> Iterator[str]:
    if restored.keys:
        listed = ", ".join(f'"file:{path.name}"' for path in restored.keys)
        yield f"the backup's own key opens what is sealed: add {listed} to [host] secret_key in {config_path()}"
    elif restored.locked_out:
        names = ", ".join(restored.locked_out)
        yield f"no key of [host] secret_key opens the credentials of {names}: put the former key there, or connect again"
    yield from (line.reason for line in lines if not line.usable)
