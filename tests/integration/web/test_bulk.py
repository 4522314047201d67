"""Many records in one request: each line is answered, and bad ones take no other with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.integration.web.conftest import Office

LINES = {"Content-Type": "application/jsonl"}


def post(office: Office, *lines: str, kind: str = "customers") -> httpx.Response:
    return office.ask("POST", f"/{kind}/bulk", content="\n".join(lines).encode(), headers=LINES)


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/jsonl"
    return [json.loads(line) for line in response.text.splitlines()]


def test_every_line_is_answered_and_the_good_ones_are_saved(office: Office) -> None:
    found = answers(
        post(
            office,
            '{"ref": "ada", "name": "Ada"}',
            "",
            '{"ref": "bea", "name": ""}',
            '{"ref": "cy", "name": "Cy"',
            '{"ref": "ada", "name": "Ada again"}',
            "[]",
            '{"name": "nobody"}',
            '{"ref": "dee", "name": "Dee"}',
        )
    )
    assert [(one["line"], one["ref"], one["result"]) for one in found] == [
        (1, "ada", "created"),
        (3, "bea", "bad"),
        (4, "", "bad"),
        (5, "ada", "bad"),
        (6, "", "bad"),
        (7, "", "bad"),
        (8, "dee", "created"),
    ]
    assert [one["errors"][0]["message"] for one in found if one["result"] == "bad"] == [
        "must not be empty",
        "broken JSON at column 27: expecting ',' delimiter",
        "ada stands on line 1 already",
        'is not a JSON object: each line takes one, such as {"ref": "…"}',
        "is required",
    ]
    assert [item["ref"] for item in office.get("/customers?sort=ref")["items"]] == ["ada", "dee"]
    assert office.get("/customers/ada")["name"] == "Ada"


def test_the_same_again_changes_nothing(office: Office) -> None:
    line = '{"ref": "ada", "name": "Ada"}'
    assert [one["result"] for one in answers(post(office, line))] == ["created"]
    assert [one["result"] for one in answers(post(office, line))] == ["unchanged"]
    assert [one["result"] for one in answers(post(office, line.replace("Ada", "Bea")))] == ["updated"]


def test_they_are_one_batch(sqlite_office: Office) -> None:
    response = post(sqlite_office, *(f'{{"ref": "{number}", "colour": "red"}}' for number in range(450)), kind="books")
    assert {one["result"] for one in answers(response)} == {"created"}
    batches = {batch for batch, _ in sqlite_office.shelf.CHUNKS}
    assert [len(refs) for _, refs in sqlite_office.shelf.CHUNKS] == [200, 200, 50]
    assert batches == {response.headers["location"].removeprefix("/api/v1/batches/")}
    batch = sqlite_office.ask("GET", response.headers["location"].removeprefix("/api/v1")).json()
    assert (batch["purpose"], batch["kind"], batch["closed_at"] is not None) == ("bulk", "books", True)


def test_a_record_that_breaks_the_service_is_alone_with_it(sqlite_office: Office) -> None:
    found = answers(
        post(sqlite_office, *(f'{{"ref": "{ref}", "colour": "red"}}' for ref in ("one", "bomb", "two")), kind="books")
    )
    assert [(one["ref"], one["result"]) for one in found] == [("one", "created"), ("bomb", "bad"), ("two", "created")]
    assert found[1]["errors"] == [{"field": "", "message": "could not be saved: RuntimeError: this book explodes"}]


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.loading.PAUSES_SECONDS", (0.0, 0.0))


@pytest.mark.usefixtures("without_pauses")
def test_where_the_database_gives_up_it_is_told_from_which_line_on(sqlite_office: Office) -> None:
    refs = [*(str(number) for number in range(200)), "flood"]
    found = answers(post(sqlite_office, *(f'{{"ref": "{ref}", "colour": "red"}}' for ref in refs), kind="books"))
    assert [one["result"] for one in found] == [*["created"] * 200, "stopped"]
    why = "stopped before line 201, because the database cannot be used: disk is full"
    assert (found[-1]["line"], found[-1]["errors"][0]["message"]) == (201, why)


@pytest.mark.usefixtures("without_pauses")
def test_a_database_that_gives_up_at_once_is_a_problem_of_the_whole(sqlite_office: Office) -> None:
    response = post(sqlite_office, '{"ref": "flood", "colour": "red"}', kind="books")
    why = "stopped before line 1, because the database cannot be used: disk is full"
    assert (response.status_code, response.json()["detail"]) == (503, why)
