"""A count of many may be a second old and no older; every other is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.core_billing.counting import MANY, SECONDS, Counts

if TYPE_CHECKING:
    import pytest


class Database:
    """Stands for one that is asked."""


class List:
    """A list of so many records, and how often they were counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, records: int) -> None:
        self.records, self.counted, self.now = records, 0, 1000.0
        self.database: Any = Database()
        self.counts = Counts()
        monkeypatch.setattr("plugins.core_billing.counting.monotonic", lambda: self.now)

    def total(self, asked: str = "", *, more_than: int = 0, database: Any = None) -> int:
        return self.counts.of(database or self.database, asked, self._count, more_than=more_than)

    def _count(self) -> int:
        self.counted += 1
        return self.records


def test_many_are_counted_once_a_second_and_no_count_is_older(monkeypatch: pytest.MonkeyPatch) -> None:
    many = List(monkeypatch, MANY)
    assert many.total() == MANY
    many.records += 1
    many.now += SECONDS - 0.001
    assert (many.total(), many.counted) == (MANY, 1)
    many.now += 0.001
    assert (many.total(), many.counted) == (MANY + 1, 2)


def test_fewer_are_counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    few = List(monkeypatch, MANY - 1)
    assert few.total() == MANY - 1
    few.records -= 1
    assert (few.total(), few.counted) == (MANY - 2, 2)


def test_many_that_became_few_are_not_many_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    many = List(monkeypatch, MANY)
    many.total()
    many.records = 3
    many.now += SECONDS
    assert many.total() == 3
    many.records = 2
    assert many.total() == 2


def test_each_question_and_each_database_has_a_count_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    many = List(monkeypatch, MANY)
    many.total("a")
    many.records += 1
    other = Database()
    assert many.total("b") == many.total("a", database=other) == MANY + 1
    assert many.total("a") == MANY


def test_a_page_beyond_what_was_counted_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    many = List(monkeypatch, MANY)
    many.total()
    many.records += 50
    assert many.total(more_than=MANY) == MANY + 50


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = List(monkeypatch, MANY)
    for number in range(5000):
        many.total(str(number))
    [kept] = many.counts._kept.values()
    assert len(kept) <= 1000
