"""``counterfoil unpark``"""

from __future__ import annotations

from host.cli.base.output import AsJson, examples, new_app
from host.cli.base.steering import AllOption, ConnectionOption, KindOption, RefsOption, choosing, report

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil unpark --kind invoices --ref INV-7",
        "counterfoil unpark --all",
    )
)
def unpark(
    connection: ConnectionOption = None,
    kind: KindOption = None,
    ref: RefsOption = None,
    *,
    everything: AllOption = False,
    as_json: AsJson = False,
) -> None:
    """Go on with records that were parked, as they are now.

    Each record that is named and is not parked is told, and it ends with 1 then.
    """
    with choosing(connection, kind, ref, everything=everything) as (engine, chosen):
        steered = engine.unpark(chosen)
    report(steered, "will go on, by a running server or by `counterfoil sync --wait`", as_json=as_json)
