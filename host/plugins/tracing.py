"""A trace of hook calls, for whoever writes a plugin: which was called, about what, for how long, and how that ended."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from hookspecs import DailyTick, EntityEvent, WebhookRequest
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
    taken = (time.perf_counter() - begun) * 1000
    _log.info("%s of %s%s took %.1f ms: %s", hook, plugin, _about(arguments), taken, outcome)


def _about(arguments: dict[str, Any]) -> str:
    """What a call was about. Settings are left out: they hold secrets."""
    subject = next(iter(arguments.values()), None)
    if isinstance(subject, EntityEvent):
        by = f" from {subject.origin}" if subject.origin else ""
        return (
            f" for {subject.kind} {subject.record.ref} ({subject.action}{by}, request {subject.correlation_id or '-'})"
        )
    if isinstance(subject, DailyTick):
        return f" for {subject.local_date}"
    if isinstance(subject, WebhookRequest):
        return f" for event {subject.event_id}"
    return ""
