"""JSON as it comes in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from host.json_text import NotJson, parse


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"0.1", Decimal("0.1")),
        (b"1e2", Decimal("1E+2")),
        (b"123456789.123456789123456789", Decimal("123456789.123456789123456789")),
        (b"12", 12),
        (b'\xef\xbb\xbf{"a": "NaN"}', {"a": "NaN"}),
        (b'[{"a": {"a": "a"}}, {"a": "b", "b": "a"}]', [{"a": {"a": "a"}}, {"a": "b", "b": "a"}]),
        ('"é\u2028"'.encode(), "é\u2028"),
    ],
)
def test_numbers_stay_exact(raw: bytes, value: Any) -> None:
    assert parse(raw) == value
    assert type(parse(raw)) is type(value)


@pytest.mark.parametrize(
    ("raw", "message", "line", "column"),
    [
        (b"", "expecting value", 1, 1),
        (b"{", "expecting property name enclosed in double quotes", 1, 2),
        (b'{\n"a": tru}', "expecting value", 2, 6),
        (b'"a\nb"', "invalid control character at", 1, 3),
        (b'["Infinity", "\\" NaN",\n  Infinity]', "Infinity is not a number in JSON: write a decimal such as 12.50", 2, 3),
        (b"\xff\xfe{\x00", "the text is UTF-16: save it as UTF-8", 1, 1),
        ('{"a":\n "é'.encode() + b"\xe9", "the byte 0xe9 is not UTF-8", 2, 4),
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice in one object", 1, 10),
        (b'{"b": {"a": "a\\" {"},\n "a": [{"\\u0061" : 1,\n"b":"a", "a":1}]}', "the key 'a' stands twice in one object", 3, 10),
        (b"[" * 200_000, "it is nested too deeply", 1, 1),
        (b"9" * 10_000, "it holds a number too large to be read", 1, 1),
        (b"1e" + b"9" * 30, "it holds a number too large to be read", 1, 1),
    ],
)  # fmt: skip
def test_what_is_not_json_is_told_by_line_and_column(raw: bytes, message: str, line: int, column: int) -> None:
    with pytest.raises(NotJson) as raised:
        parse(raw)
    assert (str(raised.value), raised.value.line, raised.value.column) == (message, line, column)
