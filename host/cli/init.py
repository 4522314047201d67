"""``counterfoil init``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from host.cli.base.output import examples, new_app, say
from host.errors import Stop

app = new_app()


@app.command(epilog=examples("counterfoil init books", "counterfoil init books --sandbox http://127.0.0.1:9300"))
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the configuration and its key go.")],
    sandbox: Annotated[
        str | None, typer.Option(metavar="URL", help="Work at once against the sandbox that runs at this address.")
    ] = None,
) -> None:
    """Write a commented configuration and a file with a secret key.

    Both are for your eyes only. Overwrites nothing.
    """
    from hookspecs import Refused
    from host.cli.base.writing import write_installation

    try:
        path = write_installation(folder, sandbox)
    except Refused as error:
        raise Stop(str(error)) from error
    say(f"{path} is written. Next: counterfoil migrate -c {path}")
