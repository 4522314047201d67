"""``/metrics`` for Prometheus: what waits, how much may be called, what goes wrong, how long things take.

What is counted in the database is counted when it is asked for, so that it is the same whichever server answers; durations are this server's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from host import clock
from host.sync.causes import counted_causes
from host.tables import hook_failures
from host.web.exchange import Answer, Asked
from host.web.operations import operation

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from host.sync.engine import Engine
    from host.sync.queues import Queued
    from host.web.served import Served

MOST_CAUSES: Final = 20
METHODS: Final = frozenset({"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"})
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)


class Metrics:
    """The metrics of one server. Its registry is its own: that of the library is shared by everybody in the process."""

    def __init__(self, host: Served) -> None:
        self._registry = CollectorRegistry()
        self._durations = {
            "request": self._histogram("request", "HTTP requests answered", _QUICK, "method", "status"),
            "save": self._histogram("save", "saving transactions with their hooks", _QUICK, "origin"),
            "call": self._histogram("call", "HTTP calls to remotes", _SLOW, "connection"),
            "drain": self._histogram("drain", "runs of a drain", _SLOW, "connection"),
        }
        self._registry.register(_Counted(host))
        host.measures.listen(self._took)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(
            f"counterfoil_{name}_seconds", f"Duration of {about}.", labels, registry=self._registry, buckets=buckets
        )

    def _took(self, what: str, seconds: float, /, **labels: str) -> None:
        self._durations[what].labels(**labels).observe(seconds)

    @operation({"content": {"text/plain": {"schema": {"type": "string"}}}})
    def get_metrics(self, asked: Asked) -> Answer:
        """What waits, how much may be called, what goes wrong, how long things take: for Prometheus."""
        asked.parameters()
        return Answer(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


def method_label(method: str) -> str:
    """Anybody can make up a method; a label has few values."""
    return method if method in METHODS else "other"


class _Counted(Collector):
    """What the database knows, read in one transaction."""

    def __init__(self, host: Served) -> None:
        self._host = host

    def describe(self) -> list[Metric]:
        return []  # asked at registration: it must not need a database

    def collect(self) -> Iterator[Metric]:
        up = _gauge("database_up", "Whether the database can be read.")
        try:
            found = list(self._read())
        except SQLAlchemyError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield from [up, *found]

    def _read(self) -> Iterator[Metric]:
        with self._host.database.read() as session:
            yield _hook_failures(session)
            if self._host.engine is not None:
                queued = self._host.engine.queue(session)
                yield from _queue(queued)
                yield from _calls_left(session, self._host.engine)
                yield from _connections(session, self._host.engine)
                yield from _tokens(session, self._host.engine)
                yield _causes(session, queued)


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"counterfoil_{name}", about, labels=labels)


def _queue(queued: Sequence[Queued]) -> Iterator[Metric]:
    labels = "connection", "kind", "state"
    depth = _gauge("queue_records", "Records that are not at rest.", *labels)
    oldest = _gauge("queue_oldest_seconds", "How long ago the oldest of them was saved.", *labels)
    for one in queued:
        named = [one.connection, one.kind, one.state]
        depth.add_metric(named, one.records)
        oldest.add_metric(named, _ago(one.oldest))
    yield from (depth, oldest)


def _calls_left(session: Session, engine: Engine) -> Iterator[Metric]:
    today = _gauge("calls_left_today", "Calls that the limit of 24 hours still lets go.", "connection")
    minute = _gauge("calls_left_this_minute", "Calls that the limit of a minute still lets go.", "connection")
    for key, left in engine.calls_left(session).items():
        for gauge, calls in ((today, left.today), (minute, left.this_minute)):
            if calls is not None:
                gauge.add_metric([key], calls)
    yield from (today, minute)


def _connections(session: Session, engine: Engine) -> Iterator[Metric]:
    connected = _gauge("connection_connected", "Whether a connection works; 0 needs a person.", "connection")
    held = _gauge("connection_held", "Whether a connection is left alone for a while.", "connection")
    for one in engine.show_connections(session):
        connected.add_metric([one["key"]], one["status"] == "connected")
        held.add_metric([one["key"]], one["held_until"] is not None)
    yield from (connected, held)


def _tokens(session: Session, engine: Engine) -> Iterator[Metric]:
    age = _gauge("token_age_seconds", "How long ago the remote gave the token.", "connection")
    left = _gauge("token_expires_in_seconds", "For how long the token is good.", "connection")
    for one in engine.grant_ages(session):
        if one.renewed_at:
            age.add_metric([one.connection], _ago(one.renewed_at))
        if one.expires_at:
            left.add_metric([one.connection], -_ago(one.expires_at))
    yield from (age, left)


def _causes(session: Session, queued: Sequence[Queued]) -> Metric:
    about = f"Records that do not go on by themselves, by the {MOST_CAUSES} causes of most; the rest are 'other'."
    found = _gauge("stuck_records", about, "connection", "cause")
    for connection, cause, records in counted_causes(session, queued, most=MOST_CAUSES):
        found.add_metric([connection, cause], records)
    return found


def _hook_failures(session: Session) -> Metric:
    found = _gauge("hook_failures", "Hooks that plugins owe records, because they raised.", "plugin", "hook")
    table = hook_failures.c
    for plugin, hook, owed in session.execute(
        select(table.plugin, table.hook, func.count()).group_by(table.plugin, table.hook)
    ):
        found.add_metric([plugin, hook], owed)
    return found


def _ago(at: datetime) -> float:
    return (clock.now() - at).total_seconds()
