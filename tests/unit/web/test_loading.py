"""Lines of a file, and loading them, without a database."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hookspecs import JSON, Kind, Saved
from host.loading import AT_ONCE, Line, Loader, lines


def test_lines_are_numbered_as_an_editor_shows_them() -> None:
    raw = b'\xef\xbb\xbf{"a": 1}\r\n\n   \n{"b": "\xe2\x80\xa8"}'  # a line separator inside a text is no end of a line
    assert list(lines(io.BytesIO(raw))) == [Line(1, b'{"a": 1}'), Line(4, b'{"b": "\xe2\x80\xa8"}')]


def test_a_line_longer_than_any_record_is_passed_over_with_flat_memory() -> None:
    raw = b"12345\n" + b"x" * 100 + b"\n" + b"1234567890\n" + b"y" * 11
    assert list(lines(io.BytesIO(raw), longest=10)) == [
        Line(1, b"12345"),
        Line(2, None),
        Line(3, b"1234567890"),
        Line(4, None),
    ]


@dataclass
class Books:
    """A service and everything around it that a load needs, with a note of what it was asked."""

    chunks: list[list[str]] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)

    def put(self, _work: Any, inputs: Sequence[JSON]) -> Sequence[Saved]:
        self.chunks.append([one["ref"] for one in inputs])
        return [Saved(ref=one["ref"], id=one["ref"], created=True, changed=True) for one in inputs]

    @contextmanager
    def saver(self, **_about: Any) -> Iterator[Any]:
        yield None

    def open_batch(self, purpose: str, kind: str = "") -> str:
        self.batches.append(f"open {purpose} {kind}")
        return "b1"

    def touch_batch(self, batch: str) -> None:
        self.batches.append(f"touch {batch}")

    def close_batch(self, batch: str) -> None:
        self.batches.append(f"close {batch}")

    def loader(self) -> Loader:
        kind = Kind(name="books", service=cast("Any", self), schema=object)
        return Loader(kind=kind, saver=self.saver, sync=self)


def numbered(count: int) -> Iterator[Line]:
    return (Line(number, b'{"ref": "%d"}' % number) for number in range(1, count + 1))


def test_a_few_hundred_share_a_transaction_and_all_of_them_a_batch() -> None:
    books = Books()
    outcomes = list(books.loader().load(numbered(2 * AT_ONCE + 1)))
    assert [outcome.line for outcome in outcomes] == list(range(1, 2 * AT_ONCE + 2))
    assert [len(chunk) for chunk in books.chunks] == [AT_ONCE, AT_ONCE, 1]
    assert books.batches == ["open load books", "close b1"]


def test_no_lines_make_no_batch() -> None:
    books = Books()
    assert list(books.loader().load([])) == []
    assert books.batches == []


def test_a_batch_that_is_filled_slowly_is_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    books, now = Books(), [0.0]
    monkeypatch.setattr("host.loading.time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _seconds: None))

    def slowly() -> Iterator[Line]:
        for line in numbered(3):
            yield line
            now[0] += 6.0  # the next line comes that much later

    assert len(list(books.loader().load(slowly()))) == 3
    assert books.chunks == [["1", "2"], ["3"]]  # what trickles in is not held back
    assert books.batches == ["open load books", "touch b1", "close b1"]


def test_a_ref_that_stands_twice_is_refused_across_transactions_too() -> None:
    books = Books()
    again = [*numbered(AT_ONCE), Line(AT_ONCE + 1, b'{"ref": "7"}')]
    *_, last = books.loader().load(again)
    assert [str(problem) for problem in last.saved.problems] == ["ref: 7 stands on line 7 already"]
    assert [len(chunk) for chunk in books.chunks] == [AT_ONCE]


def test_a_load_that_is_broken_off_closes_its_batch() -> None:
    books = Books()

    def broken_off() -> Iterator[Line]:
        yield from numbered(AT_ONCE)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(books.loader().load(broken_off()))
    assert (len(books.chunks), books.batches[-1]) == (1, "close b1")
