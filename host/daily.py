"""The daily run: each plugin once a date, over all processes and restarts, made up for (once) after downtime."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hookspecs import DailyTick
from host import clock
from host.ids import new_id
from host.tables import runs
from host.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, time
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from host.db import Database
    from host.plugins import Plugins

DAILY: Final = "daily"
HOST: Final = "host"
RETENTION: Final = "host.retention"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
_log = logging.getLogger(__name__)


def due_date(now: datetime, zone: ZoneInfo, daily_at: time) -> date:
    """The newest local date whose daily run is due. A time that a clock change leaves out, or brings twice, is due once."""
    today = now.astimezone(zone).date()
    # Compared as moments: on the two odd days of the year a comparison of local times would be an hour off.
    due = datetime.combine(today, daily_at, tzinfo=zone)
    return today if now >= due.astimezone(now.tzinfo) else today - timedelta(days=1)


class Daily:
    """Claims and runs what is due. ``own`` are the host's own runs by name, before those of the plugins; the names are none that a plugin can have.
    ``import_again`` is what ticks offer to plugins."""

    def __init__(
        self,
        database: Database,
        plugins: Plugins,
        zone: ZoneInfo,
        daily_at: time,
        own: Mapping[str, Callable[[], object]],
        import_again: Callable[[str, Sequence[str]], None],
    ) -> None:
        self._database = database
        self._plugins = plugins
        self._zone = zone
        self._daily_at = daily_at
        self._own = own
        self._import_again = import_again

    def run_due(self) -> None:
        """Run what nobody has run for the newest date that is due."""
        due = due_date(clock.now(), self._zone, self._daily_at)
        for name, call in self._calls(due).items():
            if claim(self._database, name, due):
                self._run(name, due, call)

    def _calls(self, due: date) -> Mapping[str, Callable[[], object]]:
        calls = dict(self._own)
        for listener in self._plugins.listeners("on_daily_schedule"):
            calls[listener.plugin.name] = self._tick(listener.call, due)
        return calls

    def _tick(self, call: Callable[..., object], due: date) -> Callable[[], object]:
        return lambda: call(tick=DailyTick(local_date=due, now=clock.now(), import_again=self._import_again))

    def _run(self, name: str, due: date, call: Callable[[], object]) -> None:
        state, reason = DONE, ""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - one plugin's daily run must not keep another's from running
            _log.exception("the daily run of %s for %s failed", name, due)
            state, reason = FAILED, one_line(error)
        with self._database.write() as session:
            session.execute(
                update(runs)
                .where(runs.c.plugin == name, runs.c.name == DAILY, runs.c.local_date == due)
                .values(state=state, reason=reason, finished_at=clock.now())
            )


def claim(database: Database, plugin: str, due: date) -> bool:
    """Whether this process is the one to run it. A plugin that is new here begins with the next date: nothing was missed yet."""
    with database.read() as session:
        newest = session.execute(
            select(func.max(runs.c.local_date)).where(runs.c.plugin == plugin, runs.c.name == DAILY)
        ).scalar()
    if newest is not None and newest >= due:
        return False
    state = RUNNING if newest is not None else SKIPPED
    try:
        with database.write() as session:
            _insert(session, plugin, due, state)
    except IntegrityError:
        return False  # another process was quicker
    return state == RUNNING


def _insert(session: Session, plugin: str, due: date, state: str) -> None:
    session.execute(
        insert(runs).values(id=new_id(), plugin=plugin, name=DAILY, local_date=due, state=state, started_at=clock.now())
    )
