"""A request as it arrived and an answer as it leaves."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from plugins.xero.sandbox.wire import dumps

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Incoming:
    """Header names are lower case; `path` keeps its percent encoding, so that a number may hold a slash."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    too_large: bool = False  # over Xero's 10 MB: the body was not kept

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def query(self) -> dict[str, str]:
        """Parameter names are read in any letter case; the last of several wins."""
        return {name.lower(): value for name, value in parse_qsl(self.query_string, keep_blank_values=True)}

    @property
    def is_write(self) -> bool:
        return self.method in ("PUT", "POST", "PATCH")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(status: int, document: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, dumps(document).encode(), JSON, headers or {})


def not_found() -> Answer:
    """Xero: an unknown id is an empty HTML page (API facts 3.4)."""
    return Answer(404, b"", HTML)


def internal_error() -> Answer:
    return Answer(500, b"<html><body><h1>An error occurred</h1></body></html>", HTML)
