"""A trace of hook calls, for whoever writes a plugin: which was called, about what, for how long, and how that ended."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from hookspecs import DailyTick, EntityEvent, WebhookRequest
from host.logs import fields
from host.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("host.trace")
_log.setLevel(logging.INFO)  # whoever switched it on wants to see it, also where a command shows nothing but warnings


def traced(plugin: str, hook: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, with a line in the log for each time."""

    def call_and_tell(**arguments: Any) -> Any:
        begun = time.perf_counter()
        try:
            answer = call(**arguments)
        except BaseException as error:
            _tell(plugin, hook, arguments, begun, f"raised {one_line(error)}")
            raise
        _tell(plugin, hook, arguments, begun, "ok")
        return answer

    return call_and_tell


def _tell(plugin: str, hook: str, arguments: dict[str, Any], begun: float, outcome: str) -> None:
    took = (time.perf_counter() - begun) * 1000
    # What a call was about is its first argument; settings are left out: they hold secrets.
    subject = next(iter(arguments.values()), None)
    said = f"{hook} of {plugin}{_about(subject)} took {took:.1f} ms: {outcome}"
    _log.info("%s", said, extra=fields(**_told(subject), plugin=plugin, hook=hook, took_ms=round(took, 1)))


def _about(subject: Any) -> str:
    if isinstance(subject, EntityEvent):
        by = f" from {subject.origin}" if subject.origin else ""
        return f" for {subject.kind} {subject.record.ref} ({subject.action}{by})"
    if isinstance(subject, DailyTick):
        return f" for {subject.local_date}"
    return f" for event {subject.event_id}" if isinstance(subject, WebhookRequest) else ""


def _told(subject: Any) -> dict[str, str]:
    if not isinstance(subject, EntityEvent):
        return {}
    return {"kind": subject.kind, "ref": subject.record.ref, "correlation_id": subject.correlation_id}
