"""What is looked at before anything of a plugin is run: its contract version, and whether its hooks are hooks."""

from __future__ import annotations

import inspect
from typing import Any, Final

import pluggy

from hookspecs import CONTRACT_VERSION, PROJECT, Contributions, Events
from host.plugins.finding import CannotLoad
from host.words import did_you_mean

_ARGUMENTS: Final = {
    name: tuple(inspect.signature(function).parameters)[1:]
    for contract in (Events, Contributions)
    for name, function in vars(contract).items()
    if inspect.isfunction(function)
}


def check_version(plugin: Any) -> None:
    """Raises ``CannotLoad`` unless the plugin was made for this contract."""
    version = getattr(plugin, "contract_version", None)
    if version is None:
        raise CannotLoad(
            f"it states no contract_version; this host has contract version {CONTRACT_VERSION}: "
            f"write contract_version = {CONTRACT_VERSION} into it (see docs/plugins.md)"
        )
    if version != CONTRACT_VERSION:
        raise CannotLoad(
            f"it was made for contract version {version!r}, this host has {CONTRACT_VERSION}: "
            "install a matching version (CHANGELOG.md says what changed)"
        )


def check_hooks(plugin: Any, name: str) -> frozenset[str]:
    """The hooks that a plugin implements. Raises ``CannotLoad`` for one that does not exist or wants arguments it will not get."""
    probe = pluggy.PluginManager(PROJECT)  # without specifications it takes everything, to be looked at here
    probe.register(plugin, name)
    callers = probe.get_hookcallers(plugin) or []
    for caller in callers:
        for implementation in caller.get_hookimpls():
            _check_hook(caller.name, implementation)
    if not callers:
        raise CannotLoad("it implements no hook: mark its hooks with @hookimpl")
    return frozenset(caller.name for caller in callers)


def _check_hook(name: str, implementation: pluggy.HookImpl) -> None:
    if name not in _ARGUMENTS:
        meant = did_you_mean(name, _ARGUMENTS)
        raise CannotLoad(f"there is no hook {name!r}{meant}; the hooks are {', '.join(sorted(_ARGUMENTS))}")
    unknown = [argument for argument in implementation.argnames if argument not in _ARGUMENTS[name]]
    if unknown:
        has = ", ".join(_ARGUMENTS[name]) or "no arguments"
        raise CannotLoad(
            f"its {name} wants {', '.join(map(repr, unknown))}, which that hook does not have; it has {has}"
        )
    if implementation.wrapper or implementation.hookwrapper:
        raise CannotLoad(f"its {name} is a wrapper: plugins are called one at a time, there is nothing to wrap")
