"""Times of change and numbers that the store gives out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.xero.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example has its own org
@given(
    fillings=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=6),
    changes=st.integers(0, 5),
)
def test_times_of_many_changes_are_in_order_and_not_in_the_future(
    store: Store, fillings: list[tuple[int, int]], changes: int
) -> None:
    """`fillings`: how many at once, and how long after the one before."""
    org, now, before = store.next_number(0, "org"), 1000, 0
    for _ in range(changes):
        before = store.next_stamp(org, now)
    for count, waited in fillings:
        now += waited
        stamps = store.stamps(org, now, count)
        assert len(stamps) == count
        assert all(one <= other for one, other in pairwise([before + 1, *stamps]))
        assert max(stamps, default=0) <= max(now, before + 1)
        before = max([before, *stamps])
    assert store.next_stamp(org, now) > before


def test_times_are_apart_where_there_is_room(store: Store) -> None:
    assert store.stamps(1, 1000, 3) == [998, 999, 1000]
    assert store.stamps(2, 1000, 3) == [998, 999, 1000]  # another organisation's are its own
    assert store.stamps(1, 1002, 4) == [1001, 1001, 1002, 1002]


def test_numbers_given_out_many_at_once_never_come_again(store: Store) -> None:
    assert (store.next_numbers(1, "x", 10), store.next_number(1, "x"), store.next_numbers(1, "x", 2)) == (1, 11, 12)
    assert (store.next_number(1, "y"), store.next_number(2, "x")) == (1, 1)
