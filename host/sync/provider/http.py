"""One HTTP call, its answer, and what that means for the call as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP call, without credentials. ``path`` counts from the provider's base address; ``query`` is sent in this order."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, read to its end. ``headers`` have lower-case names. ``correlation_id`` is the remote's own name for the call."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str = ""


class Trouble(StrEnum):
    """Why there is no answer."""

    REFUSED = "connection refused"
    """Nothing was sent: certainly not done."""
    LOST = "no answer"
    """Timed out, reset or cut off: perhaps done, perhaps still running."""


class Fate(StrEnum):
    """What an answer, or its absence, means for a whole call."""

    ANSWERED = "answered"
    """2xx: ``answers`` tells of each record."""
    REFUSED = "refused"
    """Not done, and it would be refused again: the engine halves it until the guilty record stands alone."""
    THROTTLED = "throttled"
    """Not done: over a limit. Nobody's fault, and no attempt."""
    TOKEN_EXPIRED = "token expired"
    """Not done: get a new token and send it again, once."""
    DISCONNECTED = "disconnected"
    """Not done: the connection needs a person; its records wait."""
    NOT_DONE = "not done"
    """Certainly not done, in passing: try again later."""
    UNKNOWN_OVER = "unknown, over"
    """Perhaps done, surely not running any more; its key is never used again."""
    UNKNOWN = "unknown"
    """Perhaps done, perhaps still running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``reason`` is for people. ``wait_seconds``: how long the remote asked for. ``whole_day``: it is the day's limit that is used up;
    without ``wait_seconds`` the connection is then left alone for a quarter of an hour instead of a second."""

    fate: Fate
    reason: str = ""
    wait_seconds: float | None = None
    whole_day: bool = False


def judge_by_status(outcome: Response | Trouble) -> Verdict:
    """What a status code means where a provider knows nothing more particular (RFC 9110; DESIGN, "known outcome")."""
    if isinstance(outcome, Trouble):
        return Verdict(fate=Fate.NOT_DONE if outcome is Trouble.REFUSED else Fate.UNKNOWN, reason=outcome.value)
    status = outcome.status
    if 200 <= status < 300:
        return Verdict(fate=Fate.ANSWERED)
    if status == 429:
        return Verdict(fate=Fate.THROTTLED, reason="over the remote's limit", wait_seconds=retry_after(outcome))
    if status == 401:
        return Verdict(fate=Fate.TOKEN_EXPIRED, reason="the remote did not accept the token")
    if status == 403:
        return Verdict(fate=Fate.DISCONNECTED, reason="the remote refuses this connection")
    if 400 <= status < 500 or status == 501:
        return Verdict(fate=Fate.REFUSED, reason=f"the remote refused the call with status {status}")
    if status in {502, 503, 504}:
        return Verdict(fate=Fate.UNKNOWN, reason=f"the remote answered {status}", wait_seconds=retry_after(outcome))
    return Verdict(fate=Fate.UNKNOWN_OVER, reason=f"the remote answered {status}")


def retry_after(response: Response) -> float | None:
    """The seconds of a ``Retry-After`` header; ``None`` where it is absent or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
