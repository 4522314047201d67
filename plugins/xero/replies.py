"""Reading replies to writes: one element for each that was sent, in its place (API facts 3.3, 3.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from marshmallow import ValidationError

from host.sync.provider import JSON, Answer, Planned, Rejected, Response, Send, Taken, Unclear, Unreadable, Verb
from plugins.xero.wire import errors
from plugins.xero.wire.numbers import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TAKEN: Final = re.compile(
    r"^(?:"
    r"The contact (?:name|number) .* is already assigned to another contact\b"
    r"|Another contact has this contact number\b"
    r"|Price List Item with Code .* already exists\b"
    r"|Invoice # must be unique\b"
    r")",
    re.DOTALL,
)
"""What Xero says when a mark, or a name that it keeps unique, is taken (API facts 4.18)."""


def envelope(response: Response, key: str) -> list[JSON]:
    """The elements of an answer. Raises ``Unreadable``."""
    try:
        read = loads(response.body)
    except ValueError as error:
        raise Unreadable("Xero's answer is cut off or no JSON") from error
    return elements_of(read, key)


def elements_of(read: object, key: str) -> list[JSON]:
    elements = read.get(key) if isinstance(read, dict) else None
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise Unreadable(f"Xero's answer has no {key}")
    return elements


def read_answers(
    planned: Sequence[Planned],
    response: Response,
    key: str,
    marks: Sequence[str],
    saved: Callable[[Planned, JSON], Answer],
) -> Sequence[Answer]:
    """One answer for each element sent. ``marks`` are the members that tell an element apart; ``saved`` reads one that Xero saved."""
    elements = envelope(response, key)
    if len(elements) != len(planned):
        raise Unreadable(f"Xero answered {len(elements)} {key} to {len(planned)} that were sent")
    return [_read_one(one, element, marks, saved) for one, element in zip(planned, elements, strict=True)]


def _read_one(
    planned: Planned, element: JSON, marks: Sequence[str], saved: Callable[[Planned, JSON], Answer]
) -> Answer:
    if not _in_its_place(body_of(planned), element, marks):
        return Unclear(reason="Xero's answer names another record in this place")
    if errors.failed(element):
        return _refused(planned, element)
    try:
        return saved(planned, element)
    except ValidationError as error:
        return Unclear(reason=f"Xero's answer can't be read: {error}")


def body_of(planned: Planned) -> JSON:
    assert isinstance(planned.step, Send)
    return planned.step.body


def _in_its_place(sent: JSON, element: JSON, marks: Sequence[str]) -> bool:
    """An element echoes what it was told apart by. One that was not saved may leave a mark out, or have a zero id (API facts 3.4)."""
    return all(
        _same(sent[mark], element.get(mark)) or (errors.failed(element) and _says_nothing(element.get(mark)))
        for mark in marks
        if mark in sent
    )


def _same(sent: Any, answered: Any) -> bool:
    return isinstance(answered, str) and answered.strip().casefold() == str(sent).strip().casefold()


def _says_nothing(value: Any) -> bool:
    return not isinstance(value, str) or is_zero(value)


def is_zero(identity: str) -> bool:
    """Whether an id is none: absent, or zeros only."""
    return set(identity) <= {"0", "-"}


def no_id() -> Unclear:
    return Unclear(reason="Xero's answer says it was saved, and gives no id")


def _refused(planned: Planned, element: JSON) -> Answer:
    assert isinstance(planned.step, Send)
    texts = errors.messages(element)
    reason = "; ".join(texts) or "Xero refused it without a reason"
    if planned.step.verb is Verb.CREATE and texts and all(TAKEN.match(text) for text in texts):
        return Taken(reason=reason)
    return Rejected(reason=reason)


def xero_warnings(element: JSON) -> tuple[str, ...]:
    return tuple(f"Xero: {text}" for text in errors.warnings(element))
