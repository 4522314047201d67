"""``counterfoil plugins``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.cli.base.context import installation
from host.cli.base.output import AsJson, examples, moment, new_app, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo

app = new_app("What the plugins are, and how they stand.")


@app.callback()
def plugins() -> None:
    """What the plugins are, and how they stand."""


@app.command("list", epilog=examples("counterfoil plugins list", "counterfoil plugins list --json"))
def list_plugins(*, as_json: AsJson = False) -> None:
    """Every plugin that is named or could be, and how it stands.

    Its version, the contract that it was made for, its state and why, its hooks, what it offers, and the hooks that it is owed because it failed.
    """
    from host.plugins.describing import describe, describe_available

    with installation() as found:
        standing = found.standing()
        found.plugins.take_standing(standing[1:])
        if standing[0].usable:
            found.plugins.start()
        zone = found.config.host.timezone
        described = describe(found.plugins, found.database if standing[0].usable else None)
        described += describe_available(found.plugins)
    if as_json:
        print_json(described)
        return
    for plugin in described:
        for line in _lines(plugin, zone):
            say(line)


def _lines(plugin: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    yield " ".join(part for part in (plugin["name"], plugin["version"], plugin["state"]) if part)
    if plugin["reason"]:
        yield f"  reason: {plugin['reason']}"
    if plugin["state"] == "available":
        return
    if plugin["contract_version"] is not None:
        yield f"  contract version: {plugin['contract_version']}"
    yield f"  hooks: {', '.join(plugin['hooks']) or 'none'}"
    yield f"  offers: {', '.join(plugin['offers']) or 'nothing'}"
    if plugin["failed_hooks"]:
        yield f"  failed hooks: {plugin['failed_hooks']}; run again at each start and daily. The newest:"
    for failure in plugin["failures"]:
        what = f"{failure['hook']} for {failure['kind']} {failure['ref']}"
        yield f"    {moment(failure['last_failed_at'], zone)} {what}: {failure['error']}"
