"""What Xero's answers mean for a call as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from host.sync.provider import Fate, Response, Trouble
from plugins.xero.judge import calls_left, judge
from tests.unit.xero.making import answer

SCOPES = ("accounting.contacts", "accounting.invoices")


def unauthorised(detail: str, **headers: str) -> Response:
    return answer({"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": detail}, 401, **headers)


@pytest.mark.parametrize(
    ("outcome", "fate"),
    [
        (answer({"Invoices": []}), Fate.ANSWERED),
        (Trouble.REFUSED, Fate.NOT_DONE),
        (Trouble.LOST, Fate.UNKNOWN),
        (answer({"ErrorNumber": 10, "Type": "ValidationException", "Message": "m", "Elements": []}, 400), Fate.REFUSED),
        (answer({"Message": "Idempotency Key: k1 is used with a different request."}, 400), Fate.UNKNOWN),
        (
            answer(
                {
                    "Elements": [
                        {"ValidationErrors": [{"Message": "Idempotency Key: k is used with a different request."}]}
                    ]
                },
                400,
            ),
            Fate.UNKNOWN,
        ),
        (
            answer({"ErrorNumber": 51, "Type": "HighVolumeException", "Message": "Your request is not filtering"}, 400),
            Fate.REFUSED,
        ),
        (unauthorised("TokenExpired: token expired at 11/20/2026 03:15:42"), Fate.TOKEN_EXPIRED),
        (unauthorised("AuthenticationUnsuccessful"), Fate.TOKEN_EXPIRED),
        (answer(b"", 401), Fate.TOKEN_EXPIRED),
        (unauthorised("AuthorizationUnsuccessful"), Fate.DISCONNECTED),
        (unauthorised("x", www_authenticate="insufficient_scope"), Fate.DISCONNECTED),
        (unauthorised("x", www_authenticate="insufficent_scope"), Fate.DISCONNECTED),  # as Xero's FAQ spells it
        (answer({"Detail": "AuthenticationUnsuccessful"}, 403), Fate.DISCONNECTED),
        (answer(b"", 403), Fate.DISCONNECTED),
        (answer(b"", 404, content_type="text/html; charset=utf-8"), Fate.REFUSED),
        (answer(b"too much", 413), Fate.REFUSED),
        (answer(b"", 415), Fate.REFUSED),
        (answer({"ErrorNumber": 20, "Message": "The Api Method called is not implemented"}, 501), Fate.REFUSED),
        (answer(b"", 429, x_rate_limit_problem="minute", retry_after="26"), Fate.THROTTLED),
        (
            answer(b"<html>", 500, content_type="text/html"),
            Fate.UNKNOWN_OVER,
        ),  # the answer is cached under its key: never that key again
        (answer(b"<html>", 502), Fate.UNKNOWN),
        (answer(b"The Xero API is temporarily unavailable", 503), Fate.UNKNOWN),
        (answer(b"", 504), Fate.UNKNOWN),
    ],
)
def test_fates(outcome: Any, fate: Fate) -> None:
    assert judge(outcome, SCOPES).fate is fate


@pytest.mark.parametrize(
    ("headers", "wait", "whole_day"),
    [
        ({"x_rate_limit_problem": "minute", "retry_after": "26"}, 26, False),
        ({"x_rate_limit_problem": "Day", "retry_after": "77000"}, 77000, True),
        ({"x_rate_limit_problem": "DayLimit"}, None, True),
        ({"x_rate_limit_problem": "concurrent"}, 1, False),  # no Retry-After is promised for it
        ({"x_rate_limit_problem": "appminute"}, 60, False),
        ({"x_rate_limit_problem": "appminute", "retry_after": "7"}, 7, False),
        ({}, None, False),
    ],
)
def test_limits(headers: dict[str, str], wait: float | None, *, whole_day: bool) -> None:
    verdict = judge(answer(b"", 429, **headers), SCOPES)

    assert (verdict.wait_seconds, verdict.whole_day) == (wait, whole_day)


@pytest.mark.parametrize(
    ("challenge", "named"),
    [
        ('Bearer error="insufficient_scope", scope="accounting.settings"', "accounting.settings"),
        ('Bearer error="insufficient_scope"', "one of accounting.contacts, accounting.invoices"),
    ],
)
def test_a_missing_scope_is_named(challenge: str, named: str) -> None:
    verdict = judge(unauthorised("AuthorizationUnsuccessful", www_authenticate=challenge), SCOPES)

    assert f"({named})" in verdict.reason


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (answer(b"The Organisation is offline", 503), "The Organisation is offline (503)"),
        (answer(b"<html><body>x</body></html>", 500), "Xero failed (500)"),
        (answer({"Elements": [{"ValidationErrors": [{"Message": "A"}, {"Message": "B"}]}]}, 400), "A; B"),
        (answer(b"", 400), "Xero refused the call (400) without a reason"),
    ],
)
def test_reasons_are_xeros_own_words_where_it_has_any(outcome: Response, reason: str) -> None:
    assert judge(outcome, SCOPES).reason == reason


def test_what_is_left_is_read_from_the_headers() -> None:
    assert calls_left(answer({}, x_minlimit_remaining="59", x_daylimit_remaining="4999")) == (59, 4999)
    assert calls_left(answer({})) == (None, None)
    assert calls_left(answer({}, x_minlimit_remaining="many")) == (None, None)
