"""One seam to run something soon: nothing is lost, nothing of one key runs twice at a time."""

from __future__ import annotations

import queue
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from host import clock
from host.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.stop()


class Gate:
    """A task that tells when it begins and waits until it is let through."""

    def __init__(self) -> None:
        self.begun: queue.Queue[int] = queue.Queue()
        self.open: queue.Queue[None] = queue.Queue()
        self.at_once = 0
        self.most_at_once = 0
        self.times = 0

    def __call__(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.times += 1
        self.begun.put(self.times)
        self.open.get(timeout=10)
        self.at_once -= 1

    def let_through(self) -> None:
        self.open.put(None)


def test_what_is_submitted_runs(jobs: Jobs) -> None:
    done = threading.Event()
    jobs.submit(done.set, "one")
    assert done.wait(10)


def test_what_runs_already_is_run_once_more_afterwards(jobs: Jobs) -> None:
    gate = Gate()
    jobs.submit(gate, "one")
    assert gate.begun.get(timeout=10) == 1
    for _ in range(3):
        jobs.submit(gate, "one")
    with pytest.raises(queue.Empty):
        gate.begun.get(timeout=0.1)
    gate.let_through()
    assert gate.begun.get(timeout=10) == 2
    gate.let_through()
    with pytest.raises(queue.Empty):
        gate.begun.get(timeout=0.1)
    assert gate.most_at_once == 1


def test_what_waits_already_is_not_queued_twice() -> None:
    jobs = Jobs(workers=1)
    gate, done = Gate(), queue.Queue[str]()
    jobs.submit(gate, "first")
    gate.begun.get(timeout=10)
    jobs.submit(lambda: done.put("old"), "second")
    jobs.submit(lambda: done.put("new"), "second")
    gate.let_through()
    assert done.get(timeout=10) == "new"
    jobs.stop()
    assert done.empty()


def test_keys_do_not_wait_for_each_other(jobs: Jobs) -> None:
    gates = [Gate(), Gate()]
    for number, gate in enumerate(gates):
        jobs.submit(gate, str(number))
    for gate in gates:
        gate.begun.get(timeout=10)
    for gate in gates:
        gate.let_through()


def test_a_database_that_cannot_be_used_is_told_in_one_line(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    def failing() -> None:
        done.set()
        raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    jobs.submit(failing, "daily")
    assert done.wait(10)
    jobs.stop()
    assert caplog.messages == ["job daily stopped, because the database can't be used: database or disk is full"]
    assert caplog.records[0].exc_info is None


def test_a_task_that_fails_is_told_and_runs_again(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    calls: queue.Queue[None] = queue.Queue()

    def failing() -> None:
        calls.put(None)
        raise ValueError("on purpose")

    jobs.submit(failing, "one")
    calls.get(timeout=10)
    jobs.submit(failing, "one")
    calls.get(timeout=10)
    jobs.stop()
    assert "job one failed" in caplog.text
    assert "on purpose" in caplog.text


def test_stopping_waits_for_what_runs_and_takes_nothing_new() -> None:
    jobs, gate, late = Jobs(workers=1), Gate(), threading.Event()
    jobs.submit(gate, "one")
    gate.begun.get(timeout=10)
    jobs.submit(late.set, "two")
    stopping = threading.Thread(target=jobs.stop)
    stopping.start()
    assert jobs.stopping.wait(10)
    jobs.submit(late.set, "three")
    assert stopping.is_alive()
    gate.let_through()
    stopping.join(10)
    assert not stopping.is_alive()
    assert not late.is_set()


def test_ticks_come_at_once_and_again(jobs: Jobs) -> None:
    ticks: queue.Queue[None] = queue.Queue()
    jobs.start_ticking(lambda: ticks.put(None), every=0.05)
    for _ in range(3):
        ticks.get(timeout=10)


def test_a_tick_that_fails_does_not_end_the_ticks(jobs: Jobs) -> None:
    ticks: queue.Queue[None] = queue.Queue()

    def failing() -> None:
        ticks.put(None)
        raise ValueError("on purpose")

    jobs.start_ticking(failing, every=0.05)
    for _ in range(2):
        ticks.get(timeout=10)


def test_a_time_known_beforehand_is_kept(jobs: Jobs) -> None:
    done: queue.Queue[str] = queue.Queue()
    jobs.start_ticking(lambda: None)
    jobs.submit_at(clock.now() + timedelta(hours=1), lambda: done.put("late"), "one")
    jobs.submit_at(clock.now() + timedelta(seconds=0.05), lambda: done.put("soon"), "one")
    jobs.submit_at(clock.now() - timedelta(hours=1), lambda: done.put("overdue"), "two")
    assert {done.get(timeout=10), done.get(timeout=10)} == {"soon", "overdue"}


def test_a_shifted_clock_shifts_what_is_due(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clock").write_text("3600")
    monkeypatch.setenv(clock.SHIFT_VARIABLE, str(tmp_path / "clock"))
    done = threading.Event()
    jobs.start_ticking(lambda: None)
    jobs.submit_at(clock.now() + timedelta(seconds=0.05), done.set, "one")
    assert done.wait(10)


def test_without_ticks_nothing_is_put_off(jobs: Jobs) -> None:
    done = threading.Event()
    jobs.submit_at(clock.now(), done.set, "one")
    jobs.submit(lambda: None, "two")
    assert not done.wait(0.1)
