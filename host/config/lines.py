"""Where in a TOML file each key stands: ``tomllib`` does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

KeyPath = tuple[str, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line number of every key and table of a valid TOML text. A key inside a value has the line where the value begins."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement, begun = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not statement:
            begun = number
        statement += line
        parsed = _parsed(statement)
        if parsed is None:
            continue  # a value that goes on in the next line
        if statement.lstrip().startswith("["):
            table = _innermost(parsed)
            found.setdefault(table, begun)
        else:
            for path in _paths(parsed):
                found.setdefault(table + path, begun)
        statement = ""
    return found


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _parsed(statement: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return None


def _innermost(header: Any) -> KeyPath:
    if isinstance(header, list):  # [[array of tables]]
        return _innermost(header[-1])
    for key, inner in header.items():
        return (key, *_innermost(inner))
    return ()


def _paths(parsed: Mapping[str, Any]) -> list[KeyPath]:
    paths: list[KeyPath] = []
    for key, value in parsed.items():
        paths.append((key,))
        if isinstance(value, Mapping):
            paths.extend((key, *path) for path in _paths(value))
    return paths
