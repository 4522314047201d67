"""A billing host and a remote in one thread and in made-up time: a call takes as long as the remote says, and waiting moves the clock.

What happens is the same every time: no test sleeps, and an hour of a drain takes a second.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, select

from host import clock
from host.crypto import Vault, generate_key
from host.db import Database
from host.db import metadata as host_metadata
from host.sync import carrier as carrier_module
from host.sync import engine as engine_module
from host.sync import views
from host.sync.connections import get_connection
from host.sync.engine import Drained, Engine
from host.sync.grants import grant_of
from host.sync.tables import calls, grants, rows
from host.testing.tiny_provider import TinyProvider
from host.testing.tiny_remote import TinyRemote
from host.unit_of_work import Saver
from tests.integration.sync import tiny_billing
from tests.integration.sync.tiny_billing import TinyBilling, dispatch_to

if TYPE_CHECKING:
    import threading

    import pytest

    from host.sync.provider import Connection, Token

PREFIX = "abcdef"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Death(Exception):
    """The process ends here. Whatever would still be done in it meets the same end."""


class Time:
    """The clock, and what is to happen at which moment. Moments end whoever waits."""

    def __init__(self) -> None:
        self.now = START
        self._coming: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def at(self, moment: datetime, call: Callable[[], object]) -> None:
        heapq.heappush(self._coming, (moment, next(self._numbers), call))

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        self.at(self.now + timedelta(seconds=seconds), call)

    def pass_by(self, seconds: float) -> None:
        """Let so much time pass, or less: until the next thing happens."""
        until = self.now + timedelta(seconds=seconds)
        if self._coming and self._coming[0][0] <= until:
            moment, _, call = heapq.heappop(self._coming)
            self.now = max(self.now, moment)
            call()
        else:
            self.now = until

    def pass_whole(self, seconds: float) -> None:
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.pass_by((until - self.now).total_seconds())


class Pool:
    """Stands for the carrier's threads: the remote gets a call at once, and the answer comes when the call has taken its time."""

    def __init__(self, time: Time, remote: TinyRemote, step: Callable[[], None]) -> None:
        self._time, self._remote, self._step = time, remote, step
        self._out = 0
        self.most_out = 0

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self._step()
        future: Future[Any] = Future()
        self._out += 1
        self.most_out = max(self.most_out, self._out)
        result = call(*arguments)
        self._time.after(self._remote.took, lambda: self._answer(future, result))
        return future

    def _answer(self, future: Future[Any], result: Any) -> None:
        self._out -= 1
        future.set_result(result)

    def shutdown(self, *, wait: bool) -> None:
        while wait and self._out:
            self._step()
            self._time.pass_by(3600)


class World:
    """One host on one database, with as many remotes as it is connected to."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch, **provider: Any) -> None:
        self.time = Time()
        self.remote = TinyRemote()
        self.remote.later = self.time.after
        self.provider = TinyProvider(**provider)
        self.store = TinyBilling()
        self.vault = Vault([generate_key()])
        self.database = Database.at(url)
        self.pools: list[Pool] = []
        self.breaking: Callable[[str], None] = lambda _statement: None
        self._steps_to_live: int | None = None
        self._undisturbed = False
        host_metadata.create_all(self.database.engine)
        tiny_billing.metadata.create_all(self.database.engine)
        event.listen(self.database.engine, "before_cursor_execute", self._before_statement)
        event.listen(self.database.engine, "commit", lambda _connection: self._before_commit())
        monkeypatch.setattr(clock, "now", lambda: self.time.now)
        monkeypatch.setattr(engine_module, "Wakeup", self._wakeup)
        monkeypatch.setattr(carrier_module, "ThreadPoolExecutor", self._pool)
        monkeypatch.setattr("host.sync.grants.time.sleep", self.time.pass_by)
        self.engine = self.new_engine()

    def _before_statement(self, _conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.breaking(statement)
        self._step()

    def _before_commit(self) -> None:
        self.breaking("COMMIT")
        self._step()

    def _step(self) -> None:
        """A statement, a commit or a send of the drain; the last one that it lives to see ends it."""
        if self._steps_to_live is None or self._undisturbed:
            return
        self._steps_to_live -= 1
        if self._steps_to_live <= 0:
            raise Death

    def dies_after(self, steps: int) -> None:
        self._steps_to_live = steps

    def revive(self) -> None:
        """Another process starts where the last one ended."""
        self._steps_to_live = None
        self.engine.close()
        self.engine = self.new_engine()

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What people do meanwhile happens in a process that lives."""
        before, self._undisturbed = self._undisturbed, True
        try:
            yield
        finally:
            self._undisturbed = before

    def _wakeup(self, event: threading.Event) -> Callable[..., None]:
        return VirtualWakeup(event, self.time)

    def _pool(self, **_options: Any) -> Pool:
        self.pools.append(Pool(self.time, self.remote, self._step))
        return self.pools[-1]

    def _wake(self) -> None:
        self.engine.wake()

    def new_engine(self) -> Engine:
        """A host that has just started."""
        self.saver = Saver(self.database, dispatch_to(self.provider), self._wake)
        return Engine(
            database=self.database,
            vault=self.vault,
            saver=self.saver,
            store=self.store,
            providers=[self.provider],
            prefix=PREFIX,
            transport=self.remote.transport(),
        )

    def close(self) -> None:
        self.breaking = lambda _statement: None
        self.engine.close()
        self.database.close()

    # What tests do -------------------------------------------------------------------------------------------------

    def connect(self, key: str = "acme") -> None:
        self.engine.connect(key, provider="tiny", auth="custom")
        self.remote.calls.clear()

    def save(self, kind: str, *ids: str, batch: str | None = None, connection: str = "", **fields: Any) -> None:
        """One transaction; a batch's when ``batch`` is given, else a person's."""
        defaults: Mapping[str, Mapping[str, Any]] = {"customers": {"name": "Ada"}, "invoices": {"contact": "c1"}}
        with self.saver(batch=batch) as work:
            for id in ids:
                self.store.put(work, kind, id, connection=connection, **{**defaults.get(kind, {}), **fields})

    def delete(self, kind: str, id: str) -> bool:
        with self.saver() as work:
            return self.store.delete(work, kind, id)

    def drain(self, key: str = "acme") -> Drained:
        return self.engine.drain(key)

    def linked(self, *, customers: int = 1, invoices: int = 0) -> None:
        """So many records that are there already."""
        self.save("customers", *(f"c{number}" for number in range(1, customers + 1)))
        if invoices:
            self.save("invoices", *(f"i{number}" for number in range(1, invoices + 1)))
        self.drain()
        self.remote.calls.clear()

    # What tests see ------------------------------------------------------------------------------------------------

    def state(self, kind: str, id: str) -> dict[str, Any]:
        with self.database.read() as session:
            [state] = views.states(session, kind, [id])[id]
        return state

    def states(self, kind: str) -> dict[str, str]:
        with self.database.read() as session:
            found = session.execute(select(rows.c.record_id, rows.c.state).where(rows.c.kind == kind))
            return {one.record_id: one.state for one in found}

    def document(self, id: str, kind: str = "invoices") -> Any:
        with self.database.read() as session:
            return self.store.read(session, kind, [id])[id]

    def row(self, kind: str, id: str) -> Any:
        with self.database.read() as session:
            return session.execute(select(rows).where(rows.c.kind == kind, rows.c.record_id == id)).one()

    def connection(self, key: str = "acme") -> Connection:
        with self.database.read() as session:
            return get_connection(session, key)

    def token(self, key: str = "acme") -> Token:
        """The token that is stored, whether it is still good or not."""
        with self.database.read() as session:
            sealed = session.execute(select(grants.c.token).where(grants.c.id == grant_of(self.database, key)))
            return self.engine._grants._open(sealed.scalar_one())

    def calls(self) -> Sequence[Any]:
        with self.database.read() as session:
            return session.execute(select(calls).order_by(calls.c.id)).all()


class VirtualWakeup:
    """Waiting that moves the clock instead."""

    def __init__(self, event: threading.Event, time: Time) -> None:
        self._event, self._time = event, time

    def __call__(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> None:
        if not self._event.is_set():
            self._time.pass_by(seconds)
        self._event.clear()


def opened(url: str, monkeypatch: pytest.MonkeyPatch, **provider: Any) -> Iterator[World]:
    """A connected world, closed afterwards."""
    world = World(url, monkeypatch, **provider)
    world.connect()
    yield world
    world.close()
