"""Waiting for a batch to arrive, in whatever process: ``sync --wait``, the demo, tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select, true

from host import clock
from host.errors import Stop
from host.sync.connections import CONNECTED
from host.sync.tables import connections, rows
from host.sync.views import show_state, states_statement

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from host.sync.engine import Drained, Engine

SOON: Final = timedelta(seconds=120)
LOOK_SECONDS: Final = 0.2
FINE: Final = ("synced", "excluded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """How a batch stands. ``counts`` are its records by state; ``unsent`` the first thousand of those that are neither synced nor meant to stay here, with
    their reasons."""

    counts: Mapping[str, int]
    unsent: Sequence[Mapping[str, Any]]
    timed_out: bool = False

    @property
    def count(self) -> int:
        """How many are unsent in all."""
        return sum(count for state, count in self.counts.items() if state not in FINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why no call of a connection leaves for now."""

    connection: str
    until: datetime
    reason: str


def wait_for(
    engine: Engine,
    batch: str,
    *,
    timeout: float | None = None,
    on_progress: Callable[[Mapping[str, int], frozenset[Held]], None] | None = None,
    stopping: threading.Event | None = None,
) -> Remaining:
    """Drain in this process where nobody else does, and watch, until nothing of the batch will be due within two minutes.

    It takes over when the process that speaks dies. ``timeout`` is in seconds of real time. ``on_progress`` is told how many records are in
    which state, and for which pauses they wait. Ends early, without losing anything, when ``stopping`` is set. The engine is stopped at the end: this is
    for processes that live as long as their task.
    """
    stop = stopping or threading.Event()
    started, drains = time.monotonic(), _Drains(engine)
    try:
        while not stop.is_set():
            drains.start_missing()
            with engine.reading() as session:
                moving = is_moving(session, batch)
                if on_progress:
                    on_progress(batch_counts(session, batch), held(session, batch))
            if not moving:
                return _remaining(engine, batch)
            if timeout is not None and time.monotonic() - started > timeout:
                return _remaining(engine, batch, timed_out=True)
            stop.wait(LOOK_SECONDS)
        return _remaining(engine, batch, timed_out=True)
    finally:
        drains.close()


class _Drains:
    """One drain for each connection that has work, in this process, unless another process speaks for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="drain")
        self._running: dict[str, Future[Drained]] = {}
        self._troubled: set[str] = set()

    def start_missing(self) -> None:
        for key, future in list(self._running.items()):
            if future.done():
                del self._running[key]
                self._learn(key, future.result())  # a drain that broke is not passed over in silence
        for key in self._engine.connections_with_work():
            if key not in self._running:
                self._running[key] = self._pool.submit(self._engine.drain, key)

    def _learn(self, key: str, drained: Drained) -> None:
        """What disturbs a database in passing disturbs it once. Twice in a row it is full, or spoilt, and somebody has to mend it."""
        if not drained.trouble:
            self._troubled.discard(key)
        elif key in self._troubled:
            raise Stop(
                f"{key}: stopped over the database, which says: {drained.trouble}; mend it and run this again: "
                "what is out is settled first, and nothing is lost"
            )
        else:
            self._troubled.add(key)

    def close(self) -> None:
        self._engine.stop()
        self._pool.shutdown(wait=True)


def batch_counts(session: Session, batch: str) -> Mapping[str, int]:
    """The records of a batch by state."""
    found = session.execute(select(rows.c.state, func.count()).where(rows.c.batch == batch).group_by(rows.c.state))
    return {row[0]: row[1] for row in found}


def is_moving(session: Session, batch: str | None = None) -> bool:
    """Whether a record (of the batch) is on its way, or will be due within two minutes on a connection that works."""
    soon = clock.now() + SOON
    found = session.execute(
        select(rows.c.id)
        .join(connections, connections.c.key == rows.c.connection)
        .where(
            true() if batch is None else rows.c.batch == batch,
            connections.c.status == CONNECTED,
            or_(connections.c.hold_until.is_(None), connections.c.hold_until <= soon),
            or_(rows.c.due_at <= soon, and_(rows.c.call_id.is_not(None), rows.c.due_at.is_(None))),
        )
        .limit(1)
    )
    return found.first() is not None


def held(session: Session, batch: str) -> frozenset[Held]:
    """The pauses of connections for which records of the batch wait."""
    found = session.execute(
        select(connections.c.key, connections.c.hold_until, connections.c.hold_reason)
        .join(rows, rows.c.connection == connections.c.key)
        .where(rows.c.batch == batch, rows.c.due_at.is_not(None), connections.c.hold_until > clock.now())
        .distinct()
    )
    return frozenset(Held(connection=one.key, until=one.hold_until, reason=one.hold_reason) for one in found)


def _remaining(engine: Engine, batch: str, *, timed_out: bool = False) -> Remaining:
    with engine.reading() as session:
        found = session.execute(
            states_statement().where(rows.c.batch == batch, rows.c.state.not_in(FINE)).order_by(rows.c.id).limit(1000)
        )
        unsent = [{"kind": row.kind, "ref": row.ref, **show_state(row)} for row in found]
        return Remaining(counts=batch_counts(session, batch), unsent=unsent, timed_out=timed_out)
