"""What an idempotency key remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugins.xero.sandbox.idempotency import REMEMBERED_SECONDS, Conflict, fingerprint, recall, remember
from plugins.xero.sandbox.messages import Answer, Incoming
from plugins.xero.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = Answer(200, b'{"Invoices":[]}', "application/json")


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def request(method: str = "PUT", path: str = "/api.xro/2.0/Invoices", query: str = "", body: bytes = b"{}") -> str:
    return fingerprint(Incoming(method, path, query, {}, body))


def test_the_answer_is_given_again_for_six_minutes(store: Store) -> None:
    remember(store, "app", "k", request(), ANSWER, 1000)
    assert recall(store, "app", "k", request(), 1000 + REMEMBERED_SECONDS - 1) == ANSWER
    assert recall(store, "app", "k", request(), 1000 + REMEMBERED_SECONDS) is None
    # The six minutes count from the first call, not from the last.
    assert store.sql.execute("SELECT count(*) FROM idempotency").fetchone()[0] == 0


def test_another_app_does_not_see_it(store: Store) -> None:
    remember(store, "app", "k", request(), ANSWER, 0)
    assert recall(store, "other", "k", request(), 1) is None
    assert recall(store, "app", "K", request(), 1) is None


@pytest.mark.parametrize(
    "other",
    [
        request(method="POST"),
        request(path="/api.xro/2.0/Contacts"),
        request(query="summarizeErrors=false"),
        request(body=b"{ }"),
    ],
)
def test_another_request_is_a_conflict(store: Store, other: str) -> None:
    remember(store, "app", "k", request(), ANSWER, 0)
    with pytest.raises(Conflict):
        recall(store, "app", "k", other, 1)


def test_the_letter_case_of_the_address_does_not_matter() -> None:
    assert request(path="/API.xro/2.0/invoices") == request()
