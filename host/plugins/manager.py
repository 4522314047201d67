"""The plugins of one host: which there are, how they stand, what they offer."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

from hookspecs import (
    PROJECT,
    BillingStore,
    CommandGroup,
    Contributions,
    Demo,
    Events,
    GeneratesCodes,
    Kind,
    KindService,
    LocksRecords,
    Migrations,
    Route,
    TellsUse,
)
from host.errors import CounterfoilError
from host.plugins.checking import check_hooks, check_version
from host.plugins.finding import Candidate, CannotLoad, candidates, missing
from host.plugins.fitting import faults_of, half_done
from host.plugins.patience import TookTooLong, within
from host.plugins.tracing import traced
from host.words import did_you_mean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from host.config import Config
    from host.db.migrate import Line, LineStatus

LIMIT_SECONDS: Final = 10.0
PAGES: Final = {
    "Provider": "docs/providers.md",
    "BillingStore": "docs/hooks/contributions.md",
    "KindService": "docs/hooks/contributions.md",
}
"""Where people read what an offer needs."""
_log = logging.getLogger(__name__)
T = TypeVar("T")


class State(StrEnum):
    ACTIVE = "active"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Plugin:
    """One plugin as ``plugins list`` shows it. A failed one is never called again; ``reason`` is one line that says why."""

    name: str
    version: str = ""
    contract: Any = None
    """The contract version that it states."""
    place: str = ""
    state: State = State.ACTIVE
    reason: str = ""
    hooks: frozenset[str] = frozenset()
    migrations: Migrations | None = None
    commands: Sequence[CommandGroup] = ()
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    store: BillingStore | None = None
    provider: Any = None
    kinds: Sequence[Kind] = ()
    routes: Sequence[Route] = ()
    demo: Demo | None = None

    @property
    def active(self) -> bool:
        return self.state is State.ACTIVE

    def fail(self, reason: str) -> None:
        self.state, self.reason = State.FAILED, reason
        self.store, self.provider, self.kinds, self.routes, self.demo = None, None, (), (), None
        _log.warning("plugin %s failed: %s", self.name, reason)


@dataclass(frozen=True, slots=True)
class Listener:
    """One plugin's implementation of one hook."""

    plugin: Plugin
    hook: str
    call: Callable[..., Any]


class Plugins:
    """Loads plugins in call order; asks each what it offers; never lets one that fails touch another.

    ``order`` are the names in ``[host] plugins``; without it everything that is installed is taken, a keeper of the records before those who listen.
    ``trace``: every call of a hook is a line in the log.
    """

    def __init__(
        self,
        order: Sequence[str] | None = None,
        folder: Path | None = None,
        *,
        limit: float = LIMIT_SECONDS,
        trace: bool = False,
    ) -> None:
        self._order = order
        self._folder = folder
        self._limit = limit
        self._trace = trace
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(Events)
        self._pluggy.add_hookspecs(Contributions)
        self._instances: dict[str, Any] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self.installed: frozenset[str] = frozenset()
        self.all: list[Plugin] = []
        self.available: list[Candidate] = []
        """Installed, and not named."""

    # Loading ---------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Import the plugins and ask them what can be answered without a configuration."""
        found = candidates(self._folder)
        self.installed = frozenset(found)
        names = sorted(found) if self._order is None else self._order
        wanted = [found.get(name) or missing(name, did_you_mean(name, found)) for name in names]
        self.all = [self._load(one) for one in wanted]
        self.available = [found[name] for name in sorted(found) if name not in names]
        if self._order is None:
            self.all.sort(key=lambda plugin: "provide_billing_store" not in plugin.hooks)
        for plugin in self.all:
            if plugin.active:
                self._pluggy.register(self._instances[plugin.name], plugin.name)
        for plugin in self.all:
            self._ask_about(plugin)

    def _load(self, one: Candidate) -> Plugin:
        plugin = Plugin(name=one.name, version=one.version, place=one.place)
        instance = self._guarded(plugin, "be imported", one.load)
        if not plugin.active:
            return plugin
        plugin.contract = getattr(instance, "contract_version", None)
        try:
            check_version(instance)
            plugin.hooks = check_hooks(instance, one.name)
        except CannotLoad as error:
            plugin.fail(str(error))
            return plugin
        plugin.version = plugin.version or str(getattr(instance, "__version__", ""))
        self._instances[one.name] = instance
        return plugin

    def _ask_about(self, plugin: Plugin) -> None:
        plugin.migrations = self._ask_one(plugin, "migrations", Migrations)
        plugin.commands = self._ask_several(plugin, "register_commands", CommandGroup)

    # Settings and migrations -----------------------------------------------------------------------------------

    def configure(self, config: Config) -> None:
        """Read each plugin's table by the plugin's schema. Raises ``ConfigFault`` with a line for everything that is wrong in any of them."""
        from host.config import ConfigFault

        complaints = config.unknown_plugins(self.installed | {plugin.name for plugin in self.all})
        for plugin in self.active:
            schema = self.ask_schema(plugin)
            if plugin.active:
                plugin.settings, wrong = config.plugin_settings(plugin.name, schema)
                complaints += wrong
        if complaints:
            raise ConfigFault("\n".join(complaints))

    @property
    def lines(self) -> list[Line]:
        """The plugins' lines of migrations."""
        from host.db.migrate import Line

        return [Line(plugin.name, plugin.migrations.versions) for plugin in self.active if plugin.migrations]

    def take_standing(self, statuses: Iterable[LineStatus]) -> None:
        """A plugin whose tables are not what its code expects is failed."""
        standing = {each.name: each for each in statuses}
        for plugin in self.active:
            found = standing.get(plugin.name)
            if found is not None and not found.usable:
                plugin.fail(found.reason)

    def ask_schema(self, plugin: Plugin) -> type[Any] | None:
        """The schema of its table, for those who write a configuration."""
        schema: type[Any] | None = self._ask(plugin, "config_schema")
        return schema

    def ask_demo(self, plugin: Plugin) -> Demo | None:
        """What it brings to a demonstration; can be asked before there is a configuration."""
        return self._ask_one(plugin, "provide_demo", Demo)

    # Starting --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Hand each plugin its settings and take what it offers."""
        from host.sync.provider import OPTIONAL, Provider

        for plugin in self.active:
            self._ask(plugin, "configured", settings=plugin.settings)
            plugin.store = self._ask_fitting(plugin, "provide_billing_store", BillingStore, [TellsUse])
            plugin.provider = self._ask_fitting(plugin, "register_provider", Provider, OPTIONAL)
            plugin.kinds = self._ask_kinds(plugin)
            plugin.routes = self._ask_several(plugin, "register_routes", Route)
            plugin.demo = self.ask_demo(plugin)
        self._refuse_what_is_offered_twice()
        self._listeners.clear()

    def _refuse_what_is_offered_twice(self) -> None:
        offers: dict[str, list[Plugin]] = defaultdict(list)
        for plugin in self.active:
            for offer in _offers(plugin):
                offers[offer].append(plugin)
        for offer, offering in offers.items():
            if len(offering) > 1:
                for plugin in offering:
                    others = ", ".join(repr(other.name) for other in offering if other is not plugin) or "itself twice"
                    plugin.fail(f"it offers {offer}, and so does {others}: take one of them out of [host] plugins")

    # What the host asks ----------------------------------------------------------------------------------------

    @property
    def active(self) -> list[Plugin]:
        return [plugin for plugin in self.all if plugin.active]

    @property
    def failed(self) -> list[Plugin]:
        return [plugin for plugin in self.all if not plugin.active]

    @property
    def store(self) -> BillingStore | None:
        return next((plugin.store for plugin in self.active if plugin.store is not None), None)

    @property
    def providers(self) -> list[Any]:
        return [plugin.provider for plugin in self.active if plugin.provider is not None]

    @property
    def kinds(self) -> dict[str, Kind]:
        return {kind.name: kind for plugin in self.active for kind in plugin.kinds}

    @property
    def packages(self) -> frozenset[str]:
        """The packages that the active plugins' code is in: under these names they log."""
        loaded = [self.instance(plugin.name) for plugin in self.active]
        modules = [one.__name__ if isinstance(one, ModuleType) else type(one).__module__ for one in loaded]
        return frozenset(module.partition(".")[0] for module in modules)

    def listeners(self, hook: str) -> list[Listener]:
        """The active plugins that implement a hook, in call order."""
        if hook not in self._listeners:
            self._listeners[hook] = [
                Listener(plugin, hook, self._caller(plugin, hook)) for plugin in self.active if hook in plugin.hooks
            ]
        return [listener for listener in self._listeners[hook] if listener.plugin.active]

    def listener(self, hook: str, name: str) -> Listener | None:
        """The named plugin's implementation of a hook, where it is active and has one."""
        return next((each for each in self.listeners(hook) if each.plugin.name == name), None)

    def instance(self, name: str) -> Any:
        """The object or module that a loaded plugin is. Raises ``KeyError`` for one that could not be loaded."""
        return self._instances[name]

    # Calling ---------------------------------------------------------------------------------------------------

    def _caller(self, plugin: Plugin, hook: str) -> Callable[..., Any]:
        """Calls this plugin alone: pluggy calls all, in its own order, and stops at the first that raises."""
        others = [instance for name, instance in self._instances.items() if name != plugin.name]
        caller = self._pluggy.subset_hook_caller(hook, remove_plugins=others)

        def call(**arguments: Any) -> Any:
            answers = caller(**arguments)
            return answers[0] if answers else None

        return traced(plugin.name, hook, call) if self._trace else call

    def _ask(self, plugin: Plugin, hook: str, **arguments: Any) -> Any:
        """One question to one plugin; ``None`` where it does not answer that hook, or fails over it."""
        if not plugin.active or hook not in plugin.hooks:
            return None
        call = self._caller(plugin, hook)
        return self._guarded(plugin, f"answer {hook}", lambda: call(**arguments))

    def _ask_one(self, plugin: Plugin, hook: str, expected: type[T]) -> T | None:
        answer = self._ask(plugin, hook)
        if answer is None or isinstance(answer, expected):
            return answer
        plugin.fail(f"its {hook} answered {_type(answer)}, not {expected.__name__}")
        return None

    def _ask_several(self, plugin: Plugin, hook: str, expected: type[T]) -> Sequence[T]:
        answer = self._ask(plugin, hook)
        if answer is None:
            return ()
        if isinstance(answer, list | tuple) and all(isinstance(one, expected) for one in answer):
            return tuple(answer)
        plugin.fail(f"its {hook} answered {_type(answer)}, not a list of {expected.__name__}")
        return ()

    def _ask_fitting(self, plugin: Plugin, hook: str, contract: type[Any], besides: Sequence[type[Any]]) -> Any:
        """What it offers, where that can do all that the contract wants of it, and what it can do ``besides`` whole."""
        offer = self._ask(plugin, hook)
        if offer is None or self._fits(plugin, hook, offer, contract, besides):
            return offer
        return None

    def _ask_kinds(self, plugin: Plugin) -> Sequence[Kind]:
        kinds = self._ask_several(plugin, "register_kinds", Kind)
        besides = [LocksRecords, GeneratesCodes]
        fitting = [self._fits(plugin, f"kind {kind.name!r}", kind.service, KindService, besides) for kind in kinds]
        return kinds if all(fitting) else ()

    def _fits(
        self, plugin: Plugin, what: str, offer: object, contract: type[Any], besides: Sequence[type[Any]]
    ) -> bool:
        brought, page = f"its {what} brought {_type(offer)}, which", PAGES[contract.__name__]
        faults = self._guarded(plugin, f"show its {contract.__name__}", lambda: faults_of(offer, contract))
        if faults:
            plugin.fail(f"{brought} is no {contract.__name__}: {'; '.join(faults)} (see {page})")
        elif plugin.active:
            half = self._guarded(plugin, f"show its {contract.__name__}", lambda: list(half_done(offer, besides)))
            if half:
                plugin.fail(f"{brought} {'; it '.join(half)} (see {page})")
        return plugin.active

    def _guarded(self, plugin: Plugin, what: str, call: Callable[[], Any]) -> Any:
        try:
            return within(self._limit, call)
        except KeyboardInterrupt:
            raise
        except TookTooLong as error:
            plugin.fail(f"it could not {what} within {self._limit:g} s")
            _log.debug("", exc_info=error)
        except (CannotLoad, CounterfoilError) as error:
            plugin.fail(str(error))
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises at start, also SystemExit, fails that plugin alone
            plugin.fail(f"it could not {what}: {one_line(error)}")
            _log.debug("plugin %s could not %s", plugin.name, what, exc_info=error)
        return None


def _type(answer: object) -> str:
    if isinstance(answer, list | tuple):
        return f"a list of {', '.join(sorted({type(one).__name__ for one in answer}))}"
    return type(answer).__name__


def _offers(plugin: Plugin) -> list[str]:
    """What only one plugin can offer, in words."""
    offers = [f"the kind {kind.name!r}" for kind in plugin.kinds]
    if plugin.store is not None:
        offers.append("a billing store")
    if plugin.provider is not None:
        offers.append(f"the provider {getattr(plugin.provider, 'name', '')!r}")
    return offers
