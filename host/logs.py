"""The log: lines to standard error, as text for people or as one JSON object a line for programs. Each bears the correlation id of what it is about.

The standard library's logging is what every library here writes to already; a second system would need a bridge to this one.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from host.correlation import correlation_id

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT: Final = "text"
JSON: Final = "json"
FORMATS: Final = (TEXT, JSON)
LEVELS: Final = ("debug", "info", "warning", "error")
_FIELDS: Final = "counterfoil_fields"
_QUIET: Final = {"psycopg": "error"}
"""It warns of every pipeline that a failing statement ended; the statement's own error is raised, and dealt with."""
# What would break a line in two, or move the cursor of whoever reads it: an address that somebody asks for may hold it.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if chr(code) != "\t"}


def fields(**values: Any) -> Mapping[str, Any]:
    """For ``extra=``: what a line is about, as fields of their own. ``correlation_id`` takes the place of the current one; what is empty is left out.

    Never a secret, and nothing of a record but its kind, ``ref`` and reason.
    """
    return {_FIELDS: {name: value for name, value in values.items() if value not in {"", None}}}


def write_log(*, form: str = TEXT, level: str = "warning", packages: Mapping[str, str] | None = None) -> None:
    """To standard error in this form, in place of what was said before. ``level`` is everybody's; ``packages`` have levels of their own.

    Whoever runs us inside a program with a log of its own keeps that one.
    """
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one.formatter, JsonLines | TextLines)]:
        root.removeHandler(handler)
    if root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == JSON else TextLines())
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, own in {**_QUIET, **(packages or {})}.items():
        logging.getLogger(name).setLevel(own.upper())


def about(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a line."""
    named = {"correlation_id": correlation_id()} if correlation_id() else {}
    return {**named, **getattr(record, _FIELDS, {})}


class JsonLines(logging.Formatter):
    """One JSON object a line. ``time level logger message`` are always there, ``error`` holds a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **about(record),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        # ASCII alone: a surrogate or a line separator in somebody's text then harms nobody's reader.
        return json.dumps(told, default=str)


class TextLines(logging.Formatter):
    """``time level logger: message (name_id=value ...)``, and a traceback below it. Of the fields only the identities: the rest is in the message."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(sep=" ", timespec="milliseconds")
        named = " ".join(f"{name}={value}" for name, value in about(record).items() if name.endswith("_id"))
        line = f"{at} {record.levelname} {record.name}: {record.getMessage()}{f' ({named})' if named else ''}"
        line = line.translate(_CONTROLS)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
