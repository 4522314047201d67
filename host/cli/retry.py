"""``counterfoil retry``"""

from __future__ import annotations

from host.cli.base.output import AsJson, examples, new_app
from host.cli.base.steering import AllOption, ConnectionOption, KindOption, RefsOption, choosing, report

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil retry --kind invoices --ref INV-7",
        "counterfoil retry --connection acme",
        "counterfoil retry --all && counterfoil sync --wait",
    )
)
def retry(
    connection: ConnectionOption = None,
    kind: KindOption = None,
    ref: RefsOption = None,
    *,
    everything: AllOption = False,
    as_json: AsJson = False,
) -> None:
    """Try records again at once.

    What failed, what is blocked, and what waits for a later time. It mends nothing: see with `counterfoil errors` what is wrong,
    correct it, and then retry. Each record that is named and has nothing to try again is told with the reason, and it ends with 1 then.
    """
    with choosing(connection, kind, ref, everything=everything) as (engine, chosen):
        steered = engine.retry(chosen)
    report(steered, "will be tried at once, by a running server or by `counterfoil sync --wait`", as_json=as_json)
