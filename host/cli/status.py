"""``counterfoil status``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of
from host.cli.base.output import AsJson, examples, moment, new_app, print_json, print_table, say

if TYPE_CHECKING:
    from datetime import tzinfo

    from host.sync.queues import CallsLeft

app = new_app()


@app.command(epilog=examples("counterfoil status", "counterfoil status --json"))
def status(*, as_json: AsJson = False) -> None:
    """The sync at a glance: connections, records, imports, what waits."""
    with opened_host() as host:
        engine = engine_of(host)
        with engine.reading() as session:
            shown = engine.status(session)
            left = engine.calls_left(session)
    if as_json:
        print_json(shown)
        return
    zone = host.settings.timezone
    connections = [_connection(one, left.get(one["key"]), zone) for one in shown["connections"]]
    print_table(connections, ["key", "organisation", "status", "calls_today", "why"], nothing="no connections yet")
    say("")
    print_table(shown["records"], ["connection", "kind", "state", "count"], nothing="no records yet")
    if shown["oldest_waiting_since"]:
        say(f"\nthe oldest record that waits was saved at {moment(shown['oldest_waiting_since'], zone)}")
    if shown["imports"]:
        say("")
        print_table([_import(one, zone) for one in shown["imports"]], ["connection", "import", "asked", "stage", "why"])


def _import(one: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    waits = f"waits until {moment(one['due_at'], zone)}" if one["due_at"] else one["stage"]
    return {
        "connection": one["connection"],
        "import": " ".join(one["kinds"]),
        "asked": moment(one["asked_at"], zone),
        "stage": waits,
        "why": one["reason"],
    }


def _connection(one: dict[str, Any], left: CallsLeft | None, zone: tzinfo) -> dict[str, Any]:
    held = f"not called until {moment(one['held_until'], zone)}: {one['held_because']}" if one["held_until"] else ""
    used_up = (
        "the day's calls are used up: the next goes 24 hours after the first of them"
        if left and left.today == 0
        else ""
    )
    return {**one, "organisation": one["organisation_name"], "why": one["reason"] or held or used_up}
