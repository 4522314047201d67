"""One drain speaks for one organisation; what a dead one left is settled by the next; a broken database silences all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from host.db.locks import NamedLock
from host.errors import Stop
from host.sync import carrier as carrier_module
from host.sync.waiting import wait_for
from host.testing.tiny_remote import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.sync.world import World


def test_while_one_drain_speaks_another_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hosts on one database, in two threads: the second is told so and sends nothing."""
    event = threading.Event()
    world.remote.fails("hang", "PUT /customers", event=event)
    monkeypatch.setattr(carrier_module, "ThreadPoolExecutor", ThreadPoolExecutor)
    world.save("customers", "c1", "c2")
    other = world.new_engine()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.engine.drain, "acme")
        assert world.remote.arrived.wait(10)
        assert other.drain("acme").spoke is False
        event.set()
        assert first.result(timeout=20).spoke is True
    other.close()
    assert len(world.remote.writes()) == 1
    assert len(world.remote.of("customers")) == 2


def test_the_right_to_speak_lost_before_sending_sends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is written down, and is not made; whoever speaks next settles it."""
    world.save("customers", "c1", "c2")
    lose = LosesRight(1, monkeypatch)
    world.drain()
    assert lose.lost
    assert world.remote.calls == []
    assert [call.closed_at for call in world.calls()][-1] is None
    monkeypatch.setattr(NamedLock, "held", lose.held)
    world.drain()
    assert [one["ours"] for one in world.remote.of("customers")] == ["abcdef-c1", "abcdef-c2"]
    assert [call.method for call in world.remote.calls] == ["GET", "PUT"], "looked for first"


def test_the_right_to_speak_lost_while_a_call_is_out_books_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.save("customers", "c1")
    lose = LosesRight(2, monkeypatch)
    world.drain()
    assert len(world.remote.writes()) == 1
    assert world.state("customers", "c1")["state"] == "sending"
    monkeypatch.setattr(NamedLock, "held", lose.held)
    world.drain()
    assert world.state("customers", "c1")["state"] == "synced"
    assert len(world.remote.of("customers")) == 1
    assert len(world.remote.writes()) == 1, "found, and linked"


class LosesRight:
    """The lock is held so many times that it is asked, and then lost for good."""

    def __init__(self, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: Callable[[NamedLock], bool] = NamedLock.held
        self.times, self.lost = times, False
        monkeypatch.setattr(NamedLock, "held", lambda lock: self._asked(lock=lock))

    def _asked(self, *, lock: NamedLock) -> bool:
        if self.times == 0:
            self.lost = True
            return False
        self.times -= 1
        return self.held(lock)


def test_an_answer_that_comes_after_another_took_over_is_not_booked(world: World) -> None:
    """The later speaker closed the call; the earlier one, not dead after all, books nothing over it."""
    other = world.new_engine()

    def take_over() -> None:
        from host.sync.calls import abandon_calls

        with world.database.write() as session:
            assert (
                abandon_calls(
                    session, "acme", "another", patience=timedelta(seconds=PATIENCE_SECONDS), now=world.time.now
                )
                == 1
            )

    world.remote.fails("slow", "PUT /customers", seconds=5)
    world.time.after(2, take_over)
    world.save("customers", "c1")
    world.drain()
    other.close()
    assert [call.method for call in world.remote.calls] == ["PUT", "GET"], "settled by looking, not booked twice"
    assert world.state("customers", "c1")["state"] == "synced"


def test_a_drain_that_cannot_write_its_call_stops_says_so_and_sends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def full(statement: str) -> None:
        if statement.startswith("INSERT INTO sync_calls"):
            raise OperationalError(statement, {}, Exception("database or disk is full"))

    world.save("customers", "c1")
    world.breaking = full
    drained = world.drain()
    assert drained.spoke
    assert drained.again_at
    assert world.remote.calls == []
    assert "acme: the drain stopped, because the database can't be used" in caplog.text
    assert "disk is full" in caplog.text
    world.breaking = lambda _statement: None
    world.drain()
    assert len(world.remote.of("customers")) == 1


@pytest.mark.parametrize("failures", [1, 2])
def test_whoever_waits_is_told_of_a_database_that_stays_unusable(world: World, failures: int) -> None:
    """What disturbs it once is got over."""
    left = [OperationalError("INSERT", {}, Exception("database or disk is full"))] * failures

    def full(statement: str) -> None:
        if left and statement.startswith("INSERT INTO sync_calls"):
            raise left.pop()

    world.save("customers", "c1")
    batch = world.engine.request_sync()
    world.breaking = full
    if failures == 1:
        assert wait_for(world.engine, batch).counts == {"synced": 1}
    else:
        with pytest.raises(
            Stop, match="acme: stopped over the database, which says: database or disk is full; mend it"
        ):
            wait_for(world.engine, batch)
        assert world.remote.calls == []


def test_a_database_that_breaks_while_an_answer_is_booked_doubles_nothing(world: World) -> None:
    def full(statement: str) -> None:
        if statement.startswith("UPDATE sync_call_records"):
            raise OperationalError(statement, {}, Exception("database or disk is full"))

    world.save("customers", "c1", "c2")
    world.breaking = full
    world.drain()
    assert world.states("customers") == {"c1": "sending", "c2": "sending"}, "no record's fault"
    world.breaking = lambda _statement: None
    world.drain()
    assert len(world.remote.of("customers")) == 2
    assert len(world.remote.writes()) == 1


def test_stopping_books_what_is_out_and_starts_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.sync.lanes.most", lambda _lane, _ready: 1)
    world.remote.latency = 5
    world.save("customers", *(f"c{number}" for number in range(20)))
    world.time.after(2, world.engine.stop)
    world.drain()
    assert sorted(world.states("customers").values()) == ["synced"] * 5 + ["waiting"] * 15


def test_a_row_saved_while_a_drain_ends_is_not_left_to_the_next_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = NamedLock.release
    later = iter([lambda: world.save("customers", "c2")])

    def save_first(lock: Any) -> None:
        next(later, lambda: None)()
        release(lock)

    monkeypatch.setattr(NamedLock, "release", save_first)
    world.save("customers", "c1")
    world.drain()
    assert len(world.remote.of("customers")) == 2


def test_a_row_of_a_kind_that_is_not_known_any_more_does_not_keep_a_drain_busy(world: World) -> None:
    world.save("payments", "p1", document="i1", amount="1.00")
    world.provider.kinds = world.provider.kinds[:2]
    assert world.drain().spoke
    assert world.remote.calls == []
