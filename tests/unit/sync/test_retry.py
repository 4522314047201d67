"""How long to leave a remote alone."""

from __future__ import annotations

from host.sync.retry import pause_after, pause_of_record


def test_pauses_grow_and_end_at_five_minutes() -> None:
    assert [pause_after(troubles).total_seconds() for troubles in range(9)] == [1, 2, 5, 10, 20, 30, 60, 300, 300]


def test_a_record_that_is_lost_again_and_again_waits_longer_each_time() -> None:
    assert [pause_of_record(lost).total_seconds() for lost in range(11)] == [0, 0, 1, 2, 5, 10, 20, 30, 60, 300, 300]
    assert pause_of_record(24).total_seconds() == 3600
