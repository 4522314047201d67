"""What an answer of Xero's means for a call as a whole (API facts 1.6, 2.1, 3.4, 3.6). Never assumes JSON: a refusal may be empty, HTML or plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from host.sync.provider import Fate, Response, Trouble, Verdict, judge_by_status, retry_after
from plugins.xero.wire.errors import problem, whole_answer

KEY_REUSED: Final = re.compile(r"idempotency key.*used with a different request", re.IGNORECASE | re.DOTALL)
SCOPE_MISSING: Final = re.compile(r"insuff?ici?ent_scope", re.IGNORECASE)  # Xero's own pages misspell it
SCOPE_NAMED: Final = re.compile(r'scope="([^"]+)"')
APP_MINUTE_SECONDS: Final = 60.0
CONCURRENT_SECONDS: Final = 1.0


def judge(outcome: Response | Trouble, scopes: Sequence[str]) -> Verdict:
    """``scopes`` are those that our connections ask for: named where Xero says that one is missing and not which."""
    if isinstance(outcome, Trouble) or 200 <= outcome.status < 300:
        return judge_by_status(outcome)
    match outcome.status:
        case 304:
            return Verdict(fate=Fate.ANSWERED)  # only where it was asked what changed since
        case 400:
            return _bad_request(outcome)
        case 401:
            return _unauthorised(outcome, scopes)
        case 403:
            return _forbidden(outcome)
        case 404:
            return Verdict(fate=Fate.REFUSED, reason="Xero does not have a record of this call (any more)")
        case 405 | 412 | 413 | 415 | 501:
            return Verdict(fate=Fate.REFUSED, reason=_said(outcome, "Xero refused the call"))
        case 429:
            return _over_limit(outcome)
        case _:
            general = judge_by_status(outcome)
            return Verdict(fate=general.fate, reason=_said(outcome, "Xero failed"), wait_seconds=general.wait_seconds)


def _bad_request(response: Response) -> Verdict:
    said = whole_answer(response.body)
    if KEY_REUSED.search(said):
        # An earlier call with this key did arrive: what became of it is not known from here.
        return Verdict(fate=Fate.UNKNOWN, reason=said)
    return Verdict(fate=Fate.REFUSED, reason=said or "Xero refused the call (400) without a reason")


def _unauthorised(response: Response, scopes: Sequence[str]) -> Verdict:
    challenge = response.headers.get("www-authenticate", "")
    detail = str(problem(response.body).get("detail", ""))
    if SCOPE_MISSING.search(challenge) or detail.startswith("AuthorizationUnsuccessful"):
        named = SCOPE_NAMED.search(challenge)
        missing = named[1] if named else f"one of {', '.join(scopes)}"
        return Verdict(
            fate=Fate.DISCONNECTED,
            reason=f"the connection lacks a scope at Xero ({missing}): tick it in the app at developer.xero.com, then connect again",
        )
    return Verdict(fate=Fate.TOKEN_EXPIRED, reason=detail or "Xero did not accept the token")


def _forbidden(response: Response) -> Verdict:
    said = _said(response, "no reason given")
    return Verdict(
        fate=Fate.DISCONNECTED,
        reason=f"Xero does not let this connection in ({said}): the organisation was disconnected or reset there, or the app lost its rights; connect again",
    )


def _over_limit(response: Response) -> Verdict:
    limit = response.headers.get("x-rate-limit-problem", "").lower()
    wait = retry_after(response)
    if "day" in limit:
        return Verdict(
            fate=Fate.THROTTLED, reason="Xero's limit of calls a day is used up", wait_seconds=wait, whole_day=True
        )
    if "app" in limit:
        return Verdict(
            fate=Fate.THROTTLED, reason="over Xero's limit for the app", wait_seconds=wait or APP_MINUTE_SECONDS
        )
    if "concurrent" in limit:
        return Verdict(
            fate=Fate.THROTTLED, reason="over Xero's limit of calls at once", wait_seconds=wait or CONCURRENT_SECONDS
        )
    return Verdict(fate=Fate.THROTTLED, reason="over Xero's limit of calls a minute", wait_seconds=wait)


def _said(response: Response, otherwise: str) -> str:
    """What Xero says, where it says it in words for people; a page of HTML says nothing to them."""
    said = whole_answer(response.body)
    if not said and "html" not in response.headers.get("content-type", ""):
        said = response.body[:200].decode(errors="replace").strip()
    return f"{said} ({response.status})" if said and not said.startswith("<") else f"{otherwise} ({response.status})"


def calls_left(response: Response) -> tuple[int | None, int | None]:
    """What is left of the minute and of the day, as Xero counts them (API facts 2.1)."""
    return _whole(response, "x-minlimit-remaining"), _whole(response, "x-daylimit-remaining")


def _whole(response: Response, header: str) -> int | None:
    value = response.headers.get(header, "").strip()
    return int(value) if value.isascii() and value.isdigit() else None
