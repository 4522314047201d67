"""Rate limits: section 2.1 of the API facts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from xero_python.exceptions import RateLimitException

if TYPE_CHECKING:
    import httpx

    from tests.contract.running import Official, Sandbox

LIMITS = ("x-daylimit-remaining", "x-minlimit-remaining", "x-appminlimit-remaining")


def reads(sandbox: Sandbox, count: int) -> list[httpx.Response]:
    return [sandbox.call("GET", "Currencies") for _ in range(count)]


def early_in_the_windows(sandbox: Sandbox) -> None:
    """Moves the clock until both minute windows have time left, so that what follows falls into one of each."""
    while short := [left for left in (time_left(sandbox, "minute"), time_left(sandbox, "app_minute")) if left < 15]:
        sandbox.advance(min(short))


def time_left(sandbox: Sandbox, window: str) -> int:
    lifted = {"minute": 0, "app_minute": 0, "day": 0}
    sandbox.limit(**lifted | {window: 1})
    refused = next(answer for answer in reads(sandbox, 3) if answer.status_code == 429)
    sandbox.limit(**lifted)
    return int(refused.headers["retry-after"])


def test_the_headers_count_down(sandbox: Sandbox) -> None:
    early_in_the_windows(sandbox)
    sandbox.limit(minute=60, day=5000, app_minute=10_000)
    answers = reads(sandbox, 2)
    assert [[answer.headers[name] for name in LIMITS] for answer in answers] == [
        ["4999", "59", "9999"],
        ["4998", "58", "9998"],
    ]


def test_the_call_over_the_minute_is_refused_with_nothing_but_headers(sandbox: Sandbox) -> None:
    early_in_the_windows(sandbox)
    sandbox.limit(minute=60, day=5000)
    *within, over = reads(sandbox, 61)
    assert {answer.status_code for answer in within} == {200}
    assert (over.status_code, over.content) == (429, b"")
    assert "content-type" not in over.headers
    assert over.headers["x-rate-limit-problem"] == "minute"
    assert 1 <= int(over.headers["retry-after"]) <= 60
    assert (over.headers["x-minlimit-remaining"], over.headers["x-daylimit-remaining"]) == ("0", "4940")
    sandbox.advance(int(over.headers["retry-after"]))
    assert reads(sandbox, 1)[0].status_code == 200


def test_the_day_has_a_limit_of_its_own(sandbox: Sandbox) -> None:
    sandbox.limit(day=3, minute=0)
    *within, over = reads(sandbox, 4)
    assert {answer.status_code for answer in within} == {200}
    assert (over.status_code, over.headers["x-rate-limit-problem"]) == (429, "day")
    assert over.headers["x-daylimit-remaining"] == "0"
    assert 1 <= int(over.headers["retry-after"]) <= 86_400


def test_more_than_five_at_once_are_refused(sandbox: Sandbox) -> None:
    sandbox.limit(concurrent=5)
    sandbox.token()
    sandbox.control("PUT", "latency", {"seconds": 1.5})
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: sandbox.call("GET", "Currencies"), range(6)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429]
    assert refused[0].headers["x-rate-limit-problem"] == "concurrent"
    assert "retry-after" not in refused[0].headers
    sandbox.control("PUT", "latency", {"seconds": 0})
    assert reads(sandbox, 1)[0].status_code == 200


def test_slow_calls_overlap(sandbox: Sandbox) -> None:
    sandbox.limit(concurrent=5)
    sandbox.token()
    sandbox.control("PUT", "latency", {"seconds": 3})
    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(sandbox.call, "GET", "Currencies") for _ in range(5)]
        while len([call for call in sandbox.logged("Currencies") if call["status"] is None]) < 5:
            assert not any(answer.done() for answer in answers), "one was answered before the last had come"
    assert [answer.result().status_code for answer in answers] == [200] * 5


def test_apps_and_organisations_have_windows_of_their_own(sandbox: Sandbox) -> None:
    early_in_the_windows(sandbox)
    other = sandbox.control("POST", "organisations", {"name": "Other", "country": "GB", "currency": "GBP"})
    second = sandbox.user_token()
    sandbox.limit(minute=1, day=0)
    assert [answer.status_code for answer in reads(sandbox, 2)] == [200, 429]
    for tenant in (sandbox.organisation()["tenant_id"], other["tenant_id"]):
        answer = sandbox.call("GET", "Currencies", token=second, headers={"xero-tenant-id": tenant})
        assert answer.status_code == 200


def test_an_apps_organisations_share_its_minute(sandbox: Sandbox) -> None:
    early_in_the_windows(sandbox)
    other = sandbox.control("POST", "organisations", {"name": "Other", "country": "GB", "currency": "GBP"})
    second = sandbox.user_token()
    sandbox.limit(app_minute=1)
    tenants = (sandbox.organisation()["tenant_id"], other["tenant_id"])
    answers = [
        sandbox.call("GET", "Currencies", token=second, headers={"xero-tenant-id": tenant}) for tenant in tenants
    ]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["x-rate-limit-problem"] == "appminute"


def test_what_has_no_organisation_is_outside_the_limits(sandbox: Sandbox) -> None:
    sandbox.limit(minute=1)
    header = {"Authorization": f"Bearer {sandbox.token()}"}
    for _ in range(3):
        answer = sandbox.client.get("/connections", headers=header)
        assert answer.status_code == 200
        assert not [name for name in LIMITS if name in answer.headers]
    assert reads(sandbox, 1)[0].status_code == 200


@pytest.mark.parametrize(("counts", "left"), [(True, 429), (False, 200)])
def test_whether_refused_calls_count_is_a_switch(sandbox: Sandbox, counts: bool, left: int) -> None:
    sandbox.switch(rejected_calls_count=counts)
    sandbox.limit(concurrent=1, day=2)
    sandbox.token()
    sandbox.control("PUT", "latency", {"seconds": 1})
    with ThreadPoolExecutor(2) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: sandbox.call("GET", "Currencies"), range(2))]
    assert sorted(statuses) == [200, 429]
    sandbox.control("PUT", "latency", {"seconds": 0})
    assert reads(sandbox, 1)[0].status_code == left


def test_the_official_client_names_the_limit(sandbox: Sandbox, xero: Official) -> None:
    sandbox.limit(day=1)
    xero.client.rest_client.pool_manager.connection_pool_kw["retries"] = False  # it would wait until tomorrow
    xero.accounting.get_currencies("")
    with pytest.raises(RateLimitException) as refused:
        xero.accounting.get_currencies("")
    assert refused.value.rate_limit == "day"


def test_the_limits_in_force_can_be_asked(sandbox: Sandbox) -> None:
    assert sandbox.control("GET", "limits") == {"minute": 0, "day": 0, "concurrent": 0, "app_minute": 10_000}
    sandbox.limit(minute=10, day=20, concurrent=2)
    assert sandbox.control("GET", "limits") == {"minute": 10, "day": 20, "concurrent": 2, "app_minute": 10_000}


@pytest.mark.parametrize("wrong", [{"minute": -1}, {"minute": "60"}, {"hour": 1}, {"day": True}])
def test_limits_that_are_none_are_refused(sandbox: Sandbox, wrong: dict[str, object]) -> None:
    refused = sandbox.client.put("/_sandbox/limits", json=wrong)
    assert refused.status_code == 400
    assert next(iter(wrong)) in refused.json()["error"]
