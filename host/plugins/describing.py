"""The plugins as people are shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from host.tables import hook_failures

if TYPE_CHECKING:
    from host.db import Database
    from host.plugins.manager import Plugin, Plugins

_SHOWN: Final = 5


def describe(plugins: Plugins, database: Database | None) -> list[dict[str, Any]]:
    """One entry for each plugin: how it stands and why, what it offers, how many hooks it owes, and the newest of those."""
    return [{**_described(plugin), **_failures(plugin.name, database)} for plugin in plugins.all]


def describe_available(plugins: Plugins) -> list[dict[str, Any]]:
    """The same for what is installed and not named: nothing of it was run, so what it offers is not known."""
    nothing: dict[str, Any] = {"hooks": [], "offers": [], "failed_hooks": 0, "failures": []}
    return [
        {
            "name": one.name,
            "version": one.version,
            "contract_version": None,
            "place": one.place,
            "state": "available",
            "reason": "installed, and not named: add it to plugins in [host]",
            **nothing,
        }
        for one in plugins.available
    ]


def _described(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "contract_version": plugin.contract if isinstance(plugin.contract, int | str) else None,
        "place": plugin.place,
        "state": plugin.state.value,
        "reason": plugin.reason,
        "hooks": sorted(plugin.hooks),
        "offers": _offers(plugin),
    }


def _offers(plugin: Plugin) -> list[str]:
    offers = ["billing store"] if plugin.store is not None else []
    if plugin.provider is not None:
        offers.append(f"provider {plugin.provider.name}")
    offers += [f"kind {kind.name}" for kind in plugin.kinds]
    offers += [f"command {group.name}" for group in plugin.commands]
    offers += [f"route {route.path}" for route in plugin.routes]
    if plugin.demo is not None:
        offers.append("demo")
    return offers


def _failures(name: str, database: Database | None) -> dict[str, Any]:
    if database is None:
        return {"failed_hooks": 0, "failures": []}
    table = hook_failures
    shown = [
        table.c[column]
        for column in (
            "plugin",
            "hook",
            "kind",
            "record_id",
            "ref",
            "error",
            "attempts",
            "correlation_id",
            "first_failed_at",
            "last_failed_at",
        )
    ]
    with database.read() as session:
        count = session.execute(select(func.count()).select_from(table).where(table.c.plugin == name)).scalar_one()
        newest = session.execute(
            select(*shown).where(table.c.plugin == name).order_by(table.c.last_failed_at.desc()).limit(_SHOWN)
        )
        return {"failed_hooks": count, "failures": [dict(row) for row in newest.mappings()]}
