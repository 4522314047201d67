"""Rate limits on a clock of one's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.xero.sandbox.limits import DAY, MINUTE, NO_LIMITS, Limiter, Limits

if TYPE_CHECKING:
    from plugins.xero.sandbox.limits import Verdict


def enter(
    limiter: Limiter, now: float, app: str = "app", tenant: str = "tenant", *, count_rejected: bool = False
) -> Verdict:
    verdict = limiter.enter(
        app, tenant, now, app_problem="appminute", count_rejected=count_rejected, wait_on_concurrent=False
    )
    if verdict.accepted:
        limiter.leave(app, tenant)
    return verdict


def next_window(tenant: str = "tenant") -> int:
    """The second at which the minute window that second 0 lies in is over."""
    limiter = Limiter(Limits(minute=1))
    enter(limiter, 0, tenant=tenant)
    return int(enter(limiter, 0, tenant=tenant).headers["Retry-After"])


def test_a_window_is_fixed() -> None:
    start = next_window()
    limiter = Limiter(Limits(minute=2))
    accepted = [enter(limiter, start + second).accepted for second in (0, 30, 59.9, 60, 60.5, 61)]
    assert accepted == [True, True, False, True, True, False]


def test_windows_begin_at_moments_of_their_own() -> None:
    assert len({next_window(tenant) for tenant in "abcde"}) > 1


@pytest.mark.parametrize(
    ("limits", "problem", "longest"),
    [(Limits(minute=1), "minute", MINUTE), (Limits(day=1), "day", DAY), (Limits(app_minute=1), "appminute", MINUTE)],
)
def test_retry_after_leads_into_the_next_window(limits: Limits, problem: str, longest: int) -> None:
    limiter = Limiter(limits)
    enter(limiter, 1000.25)
    refused = enter(limiter, 1000.5)
    if refused.accepted:  # the window ended between the two
        refused = enter(limiter, 1000.75)
    wait = int(refused.headers["Retry-After"])
    assert refused.headers["X-Rate-Limit-Problem"] == problem
    assert 1 <= wait <= longest
    assert not enter(limiter, 1000.75 + wait - 1.75).accepted
    assert enter(limiter, 1000.75 + wait).accepted


def test_only_what_is_in_flight_counts_as_concurrent() -> None:
    limiter = Limiter(Limits(concurrent=2, minute=0))

    def take() -> bool:
        return limiter.enter(
            "app", "tenant", 0, app_problem="", count_rejected=False, wait_on_concurrent=False
        ).accepted

    assert [take(), take(), take()] == [True, True, False]
    limiter.leave("app", "tenant")
    assert [take(), take()] == [True, False]
    assert enter(limiter, 0, tenant="other").accepted
    limiter.reset(Limits(concurrent=2))
    assert take() is False  # what runs goes on running


def test_a_limit_that_is_lifted_has_no_header() -> None:
    assert set(enter(Limiter(Limits()), 0).headers) == {
        "X-DayLimit-Remaining",
        "X-MinLimit-Remaining",
        "X-AppMinLimit-Remaining",
    }
    assert set(enter(Limiter(NO_LIMITS), 0).headers) == {"X-AppMinLimit-Remaining"}


@given(st.lists(st.floats(0, 3 * MINUTE), max_size=200), st.integers(1, 20))
def test_no_window_ever_holds_more_than_its_limit(times: list[float], limit: int) -> None:
    limiter = Limiter(Limits(minute=limit, day=0))
    probe = next_window()
    accepted = Counter(int((now - probe) // MINUTE) for now in sorted(times) if enter(limiter, now).accepted)
    asked = Counter(int((now - probe) // MINUTE) for now in times)
    assert accepted == Counter({window: min(limit, count) for window, count in asked.items()})


@pytest.mark.parametrize("wrong", [{"hour": 1}, {"minute": -1}, {"minute": 1.5}, {"minute": True}, {"minute": None}])
def test_limits_that_are_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits().changed(wrong)
