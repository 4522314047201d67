"""Messages that Xero puts on elements and into whole answers, wherever it puts them (API facts 3.4)."""

from __future__ import annotations

from typing import Any, Final

from plugins.xero.wire.numbers import loads

FLAGS: Final = ("HasErrors", "HasValidationErrors")


def failed(element: dict[str, Any]) -> bool:
    """Whether an element of a 2xx answer was not saved: by its status, its flags or its messages, whichever is there."""
    if element.get("StatusAttributeString") == "ERROR":
        return True
    return any(element.get(flag) for flag in FLAGS) or bool(element.get("ValidationErrors"))


def messages(element: Any) -> list[str]:
    """Every validation message of an element and of what is nested in it, each once, in order."""
    found: list[str] = []
    _collect(element, found)
    return list(dict.fromkeys(found))


def _collect(value: Any, found: list[str]) -> None:
    if isinstance(value, list):
        for one in value:
            _collect(one, found)
    elif isinstance(value, dict):
        found.extend(_texts(value.get("ValidationErrors")))
        for name, one in value.items():
            if name not in {"ValidationErrors", "Warnings"}:
                _collect(one, found)


def warnings(element: dict[str, Any]) -> list[str]:
    """What Xero warns of on an element that it saved."""
    return _texts(element.get("Warnings"))


def _texts(errors: Any) -> list[str]:
    # Some samples of the documentation say Description where the wire says Message: both are read.
    if not isinstance(errors, list):
        return []
    texts = [error.get("Message") or error.get("Description") for error in errors if isinstance(error, dict)]
    return [text for text in texts if isinstance(text, str) and text]


def problem(body: bytes) -> dict[str, Any]:
    """The JSON object of an error answer with its member names in lower case; empty where the body is empty, HTML or plain text."""
    try:
        read = loads(body)
    except ValueError:
        return {}
    return {name.lower(): value for name, value in read.items()} if isinstance(read, dict) else {}


def whole_answer(body: bytes) -> str:
    """All that an error answer says, in one line."""
    said = problem(body)
    texts = messages(said.get("elements", []))
    if not texts:
        texts = [text for text in (said.get("message"), said.get("detail")) if isinstance(text, str) and text]
    return "; ".join(texts)
