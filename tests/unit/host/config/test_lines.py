"""Where each key of a TOML text stands."""

from __future__ import annotations

import pytest

from host.config.lines import key_lines, line_of, stands_twice

TEXT = '''\
# a comment
top = 1
[host]  # [not.a.table]
"quoted key" = "x = 1"
many = [
  1, # two
  [2],
]
text = """
[plugins.fake]
fake = 1
"""
after.dotted = true

[plugins.a."b.c"]
inline = {one = 1, two = {three = 3}}
[[plugins.list]]
x = 1
'''


def test_every_key_has_its_line() -> None:
    assert key_lines(TEXT) == {
        ("top",): 2,
        ("host",): 3,
        ("host", "quoted key"): 4,
        ("host", "many"): 5,
        ("host", "text"): 9,
        ("host", "after"): 13,
        ("host", "after", "dotted"): 13,
        ("plugins", "a", "b.c"): 15,
        ("plugins", "a", "b.c", "inline"): 16,
        ("plugins", "a", "b.c", "inline", "one"): 16,
        ("plugins", "a", "b.c", "inline", "two"): 16,
        ("plugins", "a", "b.c", "inline", "two", "three"): 16,
        ("plugins", "list"): 17,
        ("plugins", "list", "x"): 18,
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TEXT, None),
        ("a = 1\nb.c = 2\n'a' = 3\n", (("a",), 1, 3)),
        ("[t]\nb.c = 2\nb.d = 3\nb.c = [\n1,\n]\n", (("t", "b", "c"), 2, 4)),
        ("[t]\n[u]\n[t]\n", (("t",), 1, 3)),
        ("[[t]]\nx = 1\n[t.u]\n[[t]]\nx = 2\n[t.u]\n", None),
        ("[[t]]\nx = 1\n[[t]]\nx = 2\nx = 3\n", (("t", "x"), 4, 5)),
        ("a = 1\na = \n", None),
    ],
)
def test_what_stands_there_twice(text: str, found: object) -> None:
    assert stands_twice(text) == found


def test_what_is_missing_has_the_line_of_its_table() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("host", "many", "0")) == 5
    assert line_of(lines, ("plugins", "a", "b.c", "gone")) == 15
    assert line_of(lines, ("gone",)) == 1
