"""How long to leave a remote alone."""

from __future__ import annotations

from host.sync.retry import pause_after


def test_pauses_grow_and_end_at_five_minutes() -> None:
    assert [pause_after(troubles).total_seconds() for troubles in range(9)] == [1, 2, 5, 10, 20, 30, 60, 300, 300]
