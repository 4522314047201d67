"""``counterfoil status``"""

from __future__ import annotations

from typing import Any

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of
from host.cli.base.output import AsJson, new_app, print_json, print_table, say

app = new_app()


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """The sync at a glance: connections and how they stand, records by kind and state, the oldest that waits."""
    with opened_host() as host:
        engine = engine_of(host)
        with engine.reading() as session:
            shown = engine.status(session)
    if as_json:
        print_json(shown)
        return
    print_table(
        [_connection(one) for one in shown["connections"]], ["key", "organisation", "status", "calls_today", "why"]
    )
    say("")
    print_table(shown["records"], ["connection", "kind", "state", "count"])
    if shown["oldest_waiting_since"]:
        say(f"\nthe oldest record that waits was saved at {shown['oldest_waiting_since']}")


def _connection(one: dict[str, Any]) -> dict[str, Any]:
    held = f"held until {one['held_until']}: {one['held_because']}" if one["held_until"] else ""
    return {**one, "organisation": one["organisation_name"], "why": one["reason"] or held}
