"""``counterfoil backup``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from host.cli.base.context import installation
from host.cli.base.output import AsJson, examples, new_app, print_json, say, size

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil backup /backups",
        "counterfoil backup before-upgrade.zip --with-key",
        "counterfoil backup /backups --json | jq -r .file",
    )
)
def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; in a folder it is named by the moment. Never overwrites.")
    ],
    *,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the secret key in as well: who has the file can then read all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write all that the database knows into one file.

    Beside a running server too: it is one moment, with no record half there, and the file appears whole or not at all. For PostgreSQL it needs pg_dump.
    """
    from host.backup import back_up

    with installation(safe_mode=True) as found:
        made = back_up(found.database, file, found.config.host.secret_keys if with_key else ())
    if as_json:
        print_json({"file": made.file, "bytes": made.size, **made.manifest.shown()})
        return
    say(f"{made.file} is written ({size(made.size)}).")
    say(
        "The secret key is in it: keep it where nobody else can read it."
        if with_key
        else "The secret key and the configuration are not in it: keep copies of them elsewhere."
    )
