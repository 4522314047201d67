"""``counterfoil park``"""

from __future__ import annotations

from typing import Annotated

import typer

from host.cli.base.output import AsJson, examples, new_app
from host.cli.base.steering import AllOption, ConnectionOption, KindOption, RefsOption, choosing, report

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil park --kind invoices --ref INV-7 --because 'disputed'",
        "counterfoil park --connection acme",
    )
)
def park(
    connection: ConnectionOption = None,
    kind: KindOption = None,
    ref: RefsOption = None,
    *,
    because: Annotated[
        str, typer.Option(metavar="TEXT", help="The reason that is shown with them.")
    ] = "parked by hand",
    everything: AllOption = False,
    as_json: AsJson = False,
) -> None:
    """Put records aside until they are unparked.

    They are left alone, also when they are saved again. What is in step already has nothing to be put aside for.

    Each record that is named and cannot be parked is told with the reason, and it ends with 1 then.
    """
    with choosing(connection, kind, ref, everything=everything) as (engine, chosen):
        steered = engine.park(chosen, because)
    report(steered, "parked", as_json=as_json)
