"""One cause, whatever record it struck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from host.sync.causes import cause_of, gather

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Account code '200' is not valid", "Account code '4711' is not valid"),
        ('The name "Ada" is taken', 'The name "Ada Lovelace" is taken'),
        ("line 1: tax rate VAT99 is not known", "line 12: tax rate VAT20 is not known"),
        ("total 10.00 is not 10.01", "total 1,234.50 is not 7"),
        ("ada@example.com is no address", "bob.jones+x@example.org is no address"),
        ("due 2026-03-01 is before 2026-03-02", "due 2027-01-01 is before 2028-01-01"),
        (
            "document 5f0e6c1a-0000-4000-8000-1234567890ab is locked",
            "document 00000000-0000-4000-8000-1234567890ab is locked",
        ),
    ],
)
def test_numbers_and_names_make_no_difference(one: str, other: str) -> None:
    assert cause_of(one) == cause_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("account 200 is not among the accounts of One Ltd", "tax rate 200 is not among the tax rates of One Ltd"),
        ("the customer has no e-mail", "the customer has no name"),
    ],
)
def test_different_causes_stay_apart(one: str, other: str) -> None:
    assert cause_of(one) != cause_of(other)


def test_a_records_own_names_make_no_difference_and_words_that_hold_them_stay() -> None:
    assert cause_of("its customer twin is not there", ["twin"]) == "its customer … is not there"
    assert cause_of("a contact with name Ada is adamant", ["Ada"]) == "a contact with name … is adamant"
    assert cause_of("Ada Lovelace is taken", ["Ada", "Ada Lovelace", ""]) == "… is taken"
    assert cause_of("a.b is (odd)", ["a.b", "(odd)"]) == "… is …"


@dataclass
class Text:
    text: str
    records: int = 1
    at: int = 0
    connection: str = "acme"
    kind: str = "invoices"
    state: str = "failed"
    known: str | None = "acme"
    example: str = "i1"

    @property
    def first(self) -> datetime:
        return START + timedelta(minutes=self.at)

    last = first


def test_one_cause_is_told_once_with_all_its_records() -> None:
    told = [Text("code '1' is wrong", 2, 5), Text("code '2' is wrong", 3, 1), Text("no name", 4, 2)]
    wrong, nameless = gather((one, ()) for one in told)
    assert (wrong.cause, wrong.records, wrong.first, wrong.last) == (
        "code … is wrong", 5, START + timedelta(minutes=1), START + timedelta(minutes=5)
    )  # fmt: skip
    assert (nameless.cause, nameless.records) == ("no name", 4)


def test_connections_kinds_and_states_stay_apart_and_say_what_to_do() -> None:
    told = [Text("no"), Text("no", connection="other"), Text("no", kind="bills"), Text("no", state="blocked")]
    found = gather((one, ()) for one in told)
    assert len(found) == 4
    assert len({one.what_to_do for one in found}) == 2


def test_a_connection_that_is_not_there_is_a_cause() -> None:
    [one] = gather([(Text("", state="waiting", connection="nowhere", known=None), ())])
    assert (one.cause, one.what_to_do) == (
        "there is no connection 'nowhere'",
        "connect that organisation, or let the record name another connection",
    )
