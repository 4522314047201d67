"""The one place that assembles the application; everything else receives what it needs."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import select

from host import clock, waking
from host.config import Config, HostSettings, load_config
from host.crypto import Vault
from host.daily import HOST as HOST_RUN
from host.daily import RETENTION, Daily
from host.db import Database
from host.db.migrate import HOST, Line, LineStatus, require_current, status
from host.db.presence import Presence
from host.db.watch import Watch
from host.dispatch import Dispatcher
from host.errors import Stop
from host.jobs import Jobs
from host.measures import Measures
from host.plugins import Plugins
from host.repair import Repaired, repair
from host.sync.engine import Engine
from host.sync.retention import Keep, prune
from host.tables import settings as settings_table
from host.unit_of_work import Saver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import httpx

    from hookspecs import BillingStore, Kind

_log = logging.getLogger(__name__)

# Where another process speaks for a connection, ours asks again this soon: it takes over when that one dies.
_ASK_AGAIN: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Installation:
    """What there is before anything is opened: the configuration, the database it names, the plugins it names (loaded, with their settings)."""

    config: Config
    database: Database
    plugins: Plugins

    @property
    def lines(self) -> list[Line]:
        """Every line of migrations, the host's first."""
        return [HOST, *self.plugins.lines]

    def standing(self) -> list[LineStatus]:
        return status(self.database, self.lines)

    def close(self) -> None:
        self.database.close()


def open_installation(config_path: Path, *, safe_mode: bool = False, trace_hooks: bool = False) -> Installation:
    """Read the configuration and load the plugins; in safe mode none. Raises ``Stop`` (in one line, or one for each fault) for what a person must mend."""
    config = load_config(config_path)
    plugins = Plugins(
        () if safe_mode else config.host.plugins,
        None if safe_mode else config.host.plugin_dir,
        trace=trace_hooks or config.host.trace_hooks,
    )
    plugins.load()
    if not safe_mode:
        plugins.configure(config)
    return Installation(config, Database.at(config.host.database_url), plugins)


@dataclass(slots=True, kw_only=True)
class Host:
    """One running host. Opened, it can be asked and written through; ``start`` also lets it work by itself."""

    config: Config
    database: Database
    vault: Vault
    plugins: Plugins
    saver: Saver
    jobs: Jobs
    prefix: str
    engine: Engine | None
    """The sync; ``None`` where no plugin keeps the records."""
    daily: Daily
    measures: Measures
    presence: Presence
    safe_mode: bool = False
    _watch: Watch | None = field(default=None, init=False)

    @property
    def settings(self) -> HostSettings:
        return self.config.host

    @property
    def store(self) -> BillingStore | None:
        return self.plugins.store

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of records that the plugins serve, by name."""
        return self.plugins.kinds

    @property
    def providers(self) -> Sequence[Any]:
        return self.plugins.providers

    # Working by itself -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Send what waits, now and whenever something is committed, by this process or another; and tick, unless ``[host] scheduler`` is off."""
        self._put_defaults()
        self.jobs.submit(self.repair, "repair")
        self._watch = Watch(self.database, self.wake)
        self._watch.start()
        if self.settings.scheduler:
            self.jobs.start_ticking(self._tick)

    def _put_defaults(self) -> None:
        if self.engine is None:
            return
        try:
            self.engine.put_defaults()
        except Exception:  # noqa: BLE001 - a provider's own code: what it gets wrong must not keep the host from serving
            _log.exception("the connections' defaults could not be put into the records")

    def repair(self) -> Repaired:
        """Run the hooks again that plugins failed over, or missed while they were not running."""
        return repair(self.database, self.saver, self.plugins)

    def wake(self) -> None:
        """Something was committed: look whether there is work. Costs nothing where the host was only opened."""
        if self.engine is None:
            return
        self.engine.wake()
        if self._watch is not None:
            self.jobs.submit(self._look, "look")

    def _tick(self) -> None:
        self.wake()
        self.jobs.submit(self.daily.run_due, "daily")

    def _look(self) -> None:
        assert self.engine is not None
        for key in self.engine.connections_with_work():
            self.jobs.submit(partial(self._drain, key), f"drain.{key}")
        for key in self.engine.imports.waiting():
            self.jobs.submit(partial(self._import, key), f"import.{key}")

    def _import(self, key: str) -> None:
        assert self.engine is not None
        if not self.engine.imports.go_on(key):
            self.jobs.submit_at(clock.now() + _ASK_AGAIN, partial(self._import, key), f"import.{key}")

    def _drain(self, key: str) -> None:
        assert self.engine is not None
        drained = self.engine.drain(key)
        again_at = drained.again_at if drained.spoke else clock.now() + _ASK_AGAIN
        if again_at is not None:
            self.jobs.submit_at(again_at, partial(self._drain, key), f"drain.{key}")

    # Ending ----------------------------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        return self.jobs.stopping.is_set()

    def begin_to_stop(self) -> None:
        """Start nothing more; drains end when the calls that are out are answered. Waits for nothing; ``close`` does."""
        self.jobs.stopping.set()
        if self.engine is not None:
            self.engine.stop()

    def close(self) -> None:
        """Stop taking work, wait for what is being done, let go of everything. What was committed and not done is found at the next start."""
        if self.engine is not None:
            self.engine.stop()
        if self._watch is not None:
            self._watch.stop()
        self.jobs.stop()
        if self.engine is not None:
            self.engine.close()
        self.database.close()
        self.presence.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_host(
    config_path: Path,
    *,
    safe_mode: bool = False,
    trace_hooks: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> Host:
    """Assemble the host that a configuration describes. Raises ``Stop`` where it cannot work until a person mends something.

    ``transport`` carries the calls to every remote in place of the network: what tests stand behind it.
    """
    installation = open_installation(config_path, safe_mode=safe_mode, trace_hooks=trace_hooks)
    try:
        return assemble(installation, safe_mode=safe_mode, transport=transport)
    except BaseException:
        installation.close()
        raise


def assemble(
    installation: Installation, *, safe_mode: bool = False, transport: httpx.BaseTransport | None = None
) -> Host:
    """The host of an installation, which is closed with it. Raises ``Stop`` where the database is not migrated."""
    config, database, plugins = installation.config, installation.database, installation.plugins
    host_line, *plugin_lines = installation.standing()
    require_current(host_line)
    plugins.take_standing(plugin_lines)
    plugins.start()
    vault = Vault([key.reveal() for key in config.host.secret_keys])
    wakes = _Later()
    measures = Measures()
    saver = Saver(database, Dispatcher(plugins), wakes, measures)
    prefix = _prefix(database)
    engine = _engine(database, vault, saver, plugins, prefix, transport, measures)
    jobs = Jobs()
    host = Host(
        config=config,
        database=database,
        vault=vault,
        plugins=plugins,
        saver=saver,
        jobs=jobs,
        prefix=prefix,
        engine=engine,
        measures=measures,
        daily=Daily(
            database,
            plugins,
            config.host.timezone,
            config.host.daily_at,
            own={
                HOST_RUN: lambda: repair(database, saver, plugins),
                RETENTION: lambda: prune(database, _kept(config.host), jobs.stopping.is_set),
            },
            import_again=_no_imports if engine is None else engine.import_again,
        ),
        safe_mode=safe_mode,
        presence=Presence(database),
    )
    wakes.call = host.wake
    return host


def _kept(settings: HostSettings) -> Keep:
    days = settings.keep_requests_days, settings.keep_bodies_days
    requests, bodies = (timedelta(days=one) if one else None for one in days)
    return Keep(requests=requests, bodies=bodies)


def _no_imports(provider: str, kinds: Sequence[str]) -> None:
    raise Stop(f"{', '.join(kinds)} of {provider} cannot be imported: no plugin that keeps the records is running")


class _Later:
    """A call that is known only when everything is assembled."""

    call: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.call is not None:
            waking.wake(self.call)


def _engine(
    database: Database,
    vault: Vault,
    saver: Saver,
    plugins: Plugins,
    prefix: str,
    transport: httpx.BaseTransport | None,
    measures: Measures,
) -> Engine | None:
    if plugins.store is None:
        return None
    return Engine(
        database=database,
        vault=vault,
        saver=saver,
        store=plugins.store,
        providers=plugins.providers,
        prefix=prefix,
        transport=transport,
        measures=measures,
    )


def _prefix(database: Database) -> str:
    with database.read() as session:
        found = session.execute(select(settings_table.c.value).where(settings_table.c.name == "prefix"))
        return str(found.scalar_one())
