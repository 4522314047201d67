"""When things run: one seam to run something soon, and the ticks."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from host import clock
from host.db.trouble import is_unusable
from host.words import database_says

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_SECONDS: Final = 30
_log = logging.getLogger(__name__)


class _Place(Enum):
    QUEUED = auto()
    RUNNING = auto()
    RUNNING_AND_AGAIN = auto()


class Jobs:
    """Runs tasks in threads of this process, and ticks.

    ``submit`` may be called for what is running: it is run once more then, because what it looked at may have changed since it looked. Tasks of one key
    never run at the same time. A task has to find its work in the tables: what is submitted is lost when the process ends.
    """

    def __init__(self, *, workers: int = 32) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="counterfoil-job")
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._tasks: dict[str, Callable[[], object]] = {}
        self._scheduler: Any = None
        self.stopping = threading.Event()
        """Set when the process is about to end: a long task looks at it between two steps."""

    def submit(self, task: Callable[[], object], key: str) -> None:
        """Run it soon, unless it waits to be run already."""
        with self._lock:
            if self.stopping.is_set():
                return
            self._tasks[key] = task
            place = self._places.get(key)
            if place is None:
                self._places[key] = _Place.QUEUED
                self._pool.submit(self._run, key)
            elif place is _Place.RUNNING:
                self._places[key] = _Place.RUNNING_AND_AGAIN

    def _run(self, key: str) -> None:
        with self._lock:
            task = self._tasks.pop(key)
            self._places[key] = _Place.RUNNING
        try:
            task()
        except Exception as error:  # noqa: BLE001 - a task that fails must not take the pool's thread, or its next run, with it
            if is_unusable(error):
                _log.error("job %s stopped, because the database can't be used: %s", key, database_says(error))
            else:
                _log.exception("job %s failed", key)
        with self._lock:
            if self._places[key] is _Place.RUNNING_AND_AGAIN and not self.stopping.is_set():
                self._places[key] = _Place.QUEUED
                self._pool.submit(self._run, key)
            else:
                del self._places[key]
                self._tasks.pop(key, None)

    # Ticks -----------------------------------------------------------------------------------------------------

    def start_ticking(self, tick: Callable[[], None], *, every: float = TICK_SECONDS) -> None:
        """Call ``tick`` at once and then every 30 seconds, until stopped. A tick only submits; it never works itself."""
        from apscheduler.executors.pool import ThreadPoolExecutor as Executor
        from apscheduler.schedulers.background import BackgroundScheduler

        # In memory: what is due stands in our own tables, so that two hosts, or a plugin that is gone, cannot disturb it.
        # A tick that comes late still comes, and several that were missed come as one.
        self._scheduler = BackgroundScheduler(
            executors={"default": Executor(2)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        self._scheduler.add_job(tick, "interval", seconds=every, next_run_time=clock.by_machine(clock.now()))
        self._scheduler.start()

    def submit_at(self, when: datetime, task: Callable[[], object], key: str) -> None:
        """Submit it at a time known beforehand, rather than with the tick after it. A later call for the same key takes the place of the former.

        Nothing happens where ticks are switched off.
        """
        scheduler = self._scheduler
        if scheduler is None or self.stopping.is_set():
            return
        run_at = clock.by_machine(when)
        scheduler.add_job(self.submit, "date", run_date=run_at, args=(task, key), id=key, replace_existing=True)

    def stop(self) -> None:
        """No new tasks; those that run are waited for."""
        with self._lock:
            self.stopping.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
        self._pool.shutdown(wait=True, cancel_futures=True)
