"""A request and its answer as the handlers see them: plain data, nothing asynchronous."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from host.canonical_json import as_text
from host.json_text import NotJson, parse
from host.web.problems import Refusal, bad_parameter, bad_request, broken_json
from host.web.wire import is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hookspecs import JSON
    from host.sync.engine import Engine
    from host.web.access import Caller
    from host.web.served import Served

JSON_TYPE: Final = "application/json"
JSON_LINES_TYPE: Final = "application/jsonl"
_JSON_LINES_TYPES: Final = frozenset(
    {JSON_LINES_TYPE, "application/x-ndjson", "application/x-jsonlines", "application/jsonlines", JSON_TYPE}
)
LARGEST_PAGE: Final = 500
_MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of somebody who may ask it. ``path`` are the address's variable parts."""

    host: Served
    caller: Caller
    correlation_id: str
    path: Mapping[str, str]
    query: Sequence[tuple[str, str]] = ()
    content_type: str = ""
    if_match: str | None = None
    if_none_match: str | None = None
    body: bytes = b""

    @property
    def engine(self) -> Engine:
        """The sync. Raises ``Refusal`` where no plugin keeps the records, as in safe mode."""
        if self.host.engine is None:
            raise Refusal(503, "no plugin that keeps records is running: `counterfoil plugins list` says why")
        return self.host.engine

    def json(self) -> JSON:
        """The body, which has to be a JSON object. Raises ``Refusal``."""
        self._require_type(lambda media: media == JSON_TYPE or media.endswith("+json"), JSON_TYPE)
        if not self.body.strip():
            raise bad_request("the body is empty: it takes a JSON object")
        try:
            value = parse(self.body)
        except NotJson as error:
            raise broken_json(error) from None
        if not isinstance(value, dict):
            raise bad_request(f"the body is {_json_name(value)}: it takes a JSON object")
        return value

    def json_lines(self) -> bytes:
        """The body, which says of itself that it is JSON Lines. Raises ``Refusal``."""
        self._require_type(_JSON_LINES_TYPES.__contains__, JSON_LINES_TYPE)
        return self.body

    def _require_type(self, accepts: Callable[[str], bool], named: str) -> None:
        media, _, parameters = self.content_type.partition(";")
        if self.content_type and not accepts(media.strip().lower()):
            raise Refusal(415, f"the body is {media.strip()}: send it as Content-Type: {named}")
        name, _, charset = parameters.strip().lower().partition("=")
        if name == "charset" and charset.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise Refusal(415, f"the body is in {charset.strip(chr(34))}: send it as UTF-8")

    def parameters(self, *accepted: str) -> dict[str, str]:
        """The query, which has to consist of these, each at most once. Raises ``Refusal``."""
        given = self.any_parameters()
        for name in given:
            if name not in accepted:
                there_are = f"accepted are {', '.join(accepted)}" if accepted else "this address takes none"
                raise bad_parameter(name, f"unknown parameter: {there_are}")
        return given

    def any_parameters(self) -> dict[str, str]:
        """The query, whatever it holds. Raises ``Refusal`` where a name stands there twice."""
        given: dict[str, str] = {}
        for name, value in self.query:
            if name in given:
                raise bad_parameter(name, "it stands there twice")
            if not is_text(name + value):
                raise bad_parameter(name.replace("\x00", ""), "it holds a character that is no text")
            given[name] = value
        return given


def whole_number(parameters: dict[str, str], name: str, *, default: int, most: int = 10**_MOST_DIGITS) -> int:
    """Takes a number from 1 to ``most`` out of the parameters."""
    text = parameters.pop(name, None)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS + 1 and 1 <= int(text) <= most):
        raise bad_parameter(name, f"{text[:40]!r} is not accepted: it takes a whole number from 1 to {most}")
    return int(text)


_TYPE_NAMES: Final[Mapping[type, str]] = {str: "text", list: "a list"}


def _json_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, Decimal)) else _TYPE_NAMES[type(value)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. A body of ``None`` is none at all."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE

    def rendered(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json_bytes(self.body)


def json_bytes(value: Any, *, sort_keys: bool = False) -> bytes:
    try:
        return _encode_sorted(value) if sort_keys else _encode(value)
    except (
        UnicodeEncodeError
    ):  # half of a surrogate pair: what a request held and a refusal repeats, and UTF-8 has no form for
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, sort_keys=sort_keys)
        return text.encode("utf-8", "replace")


# A page of a list is a hundred kilobytes: with the standard library that is a tenth of the time that it takes.
_encode: Final = msgspec.json.Encoder(enc_hook=as_text).encode
_encode_sorted: Final = msgspec.json.Encoder(enc_hook=as_text, order="sorted").encode


def json_lines(values: Iterable[Any]) -> bytes:
    return b"".join(json_bytes(value) + b"\n" for value in values)
