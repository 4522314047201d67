"""JSON as it comes in: numbers stay exact, and what is not JSON is told with its line and column."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

_STRING_OR_NO_NUMBER: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')
_KEY_OR_BRACE: Final = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|[{}]')
_BYTE_ORDER_MARK: Final = "\ufeff"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class NotJson(Exception):
    """The text is not JSON. ``line`` and ``column`` count from 1, the column in characters."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class _NoNumber(Exception):
    pass


def _refuse_constant(name: str) -> Any:
    raise _NoNumber(name)


class _Twice(Exception):
    pass


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


# Kept: building a decoder costs more than reading a small record with it.
_DECODER: Final = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_each_key_once
)


def parse(raw: bytes) -> Any:
    """The value; numbers with decimals are ``Decimal``. Raises ``NotJson``."""
    text = _decoded(raw).removeprefix(_BYTE_ORDER_MARK)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(_in_our_words(error.msg), error.lineno, error.colno) from None
    except _NoNumber as error:
        raise _no_number(text, str(error)) from None
    except _Twice:
        raise _key_twice(text) from None
    except RecursionError:
        raise NotJson("it is nested too deeply", 1, 1) from None
    except (ValueError, ArithmeticError):
        # An integer of thousands of digits, or an exponent that no decimal has.
        raise NotJson("it holds a number too large to be read", 1, 1) from None


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if raw.startswith(_UTF_16):
            raise NotJson("the text is UTF-16: save it as UTF-8", 1, 1) from None
        before = raw[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode()) + 1
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        raise NotJson(message, before.count(b"\n") + 1, column) from None


def _in_our_words(message: str) -> str:
    """The decoder's message as the end of a sentence."""
    return message[:1].lower() + message[1:]


def _no_number(text: str, name: str) -> NotJson:
    # The decoder says what it met and not where: look again, past the strings, which may hold the word.
    found = next(match for match in _STRING_OR_NO_NUMBER.finditer(text) if match.group(1))
    return _at(text, found.start(), f"{name} is not a number in JSON: write a decimal such as 12.50")


def _key_twice(text: str) -> NotJson:
    """Which of two values was meant nobody can know. The decoder does not say where it met the second: look again."""
    objects: list[set[str]] = []
    for match in _KEY_OR_BRACE.finditer(text):
        token = match.group()
        if token == "{":
            objects.append(set())
        elif token == "}":
            objects.pop()
        elif match.group(1):
            key = json.loads(token.removesuffix(match.group(1)))
            if key in objects[-1]:
                return _at(text, match.start(), f"the key {key!r} stands twice in one object")
            objects[-1].add(key)
    raise AssertionError("the decoder met a key twice")


def _at(text: str, place: int, message: str) -> NotJson:
    return NotJson(message, text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place))
