"""Where in a TOML file each key stands, and which stands there twice: ``tomllib`` does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Statement:
    """A key with its value, or the head of a table: the line where it begins, and every path that it names, the outermost first."""

    line: int
    paths: list[KeyPath]
    again: bool
    """The head of an array's next table: it may stand there again, and its keys with it."""


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line number of every key and table of a valid TOML text. A key inside a value has the line where the value begins."""
    found: dict[KeyPath, int] = {}
    for statement in _statements(text):
        for path in statement.paths:
            found.setdefault(path, statement.line)
    return found


def stands_twice(text: str) -> tuple[KeyPath, int, int] | None:
    """The first key or table that stands there twice, with both lines."""
    found: dict[KeyPath, int] = {}
    for statement in _statements(text):
        last = statement.paths[-1]
        if statement.again:
            found = {path: line for path, line in found.items() if path[: len(last)] != last}
        elif last in found:
            return last, found[last], statement.line
        found[last] = statement.line
    return None


def _statements(text: str) -> Iterator[_Statement]:
    """Each by itself, so that one too many, or a broken one after it, does no harm."""
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
            yield _Statement(begun, [table], again=statement.lstrip().startswith("[["))
        elif parsed:
            yield _Statement(begun, [table + path for path in _paths(parsed)], again=False)
        statement = ""


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
