"""The records over HTTP: what is put is read back, exactly, with its state."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from host.roles import Role

if TYPE_CHECKING:
    from tests.integration.web.conftest import Office

ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "billing_address": {"city": "London"}}


def invoice(**more: Any) -> dict[str, Any]:
    line = {"description": "Engine", "quantity": "3", "unit_price": "0.3333"}
    return {"customer": "ada", "issue_date": "2026-03-02", "lines": [line], **more}


def test_a_record_is_created_replaced_and_read_back(office: Office) -> None:
    created = office.put("/customers/ada", ADA)
    assert (created.status_code, created.json()["name"]) == (201, "Ada Lovelace")
    assert office.get("/customers/ada") == created.json()

    replaced = office.put("/customers/ada", {"ref": "ada", "name": "Ada King"})
    assert (replaced.status_code, replaced.json()["email"]) == (200, "")
    assert replaced.json()["id"] == created.json()["id"]


def test_what_was_read_can_be_put_again(office: Office) -> None:
    office.put("/customers/ada", ADA)
    office.put("/invoices/1", invoice())
    shown = office.get("/invoices/1")
    answer = office.put("/invoices/1", shown)
    assert (answer.status_code, answer.json()) == (200, shown)


def test_patch_changes_what_it_names(office: Office) -> None:
    office.put("/customers/ada", ADA)
    answer = office.ask("PATCH", "/customers/ada", json={"phone": "123"})
    assert answer.status_code == 200
    assert (answer.json()["phone"], answer.json()["email"]) == ("123", "ada@example.com")


def test_every_record_reads_back_with_its_states(office: Office) -> None:
    office.put("/customers/ada", ADA)
    assert office.get("/customers/ada")["sync"] == []  # no plugin sends it anywhere
    assert [item["sync"] for item in office.get("/customers")["items"]] == [[]]


def test_null_leaves_a_choice_as_it_is_or_gives_it_its_default(sqlite_office: Office) -> None:
    office = sqlite_office
    office.put("/customers/ada", ADA)
    made = office.put("/invoices/1", invoice(accounting_status=None, line_amounts=None)).json()
    assert (made["accounting_status"], made["status"], made["line_amounts"]) == ("draft", "draft", "exclusive")
    office.put("/invoices/1", invoice(accounting_status="submitted"))
    kept = office.ask("PATCH", "/invoices/1", json={"accounting_status": None, "reference": "x"}).json()
    assert (kept["accounting_status"], kept["reference"]) == ("submitted", "x")


def test_lists_are_sorted_by_several_fields(office: Office) -> None:
    office.put("/customers/ada", ADA)
    for ref, day, number in (("1", "02", "B"), ("2", "03", "A"), ("3", "02", "A2")):
        office.put(f"/invoices/{ref}", invoice(issue_date=f"2026-03-{day}", number=number))
    for sort, refs in (("-issue_date,number", "231"), ("issue_date,-number", "132"), ("number,number", "231")):
        assert "".join(item["ref"] for item in office.get(f"/invoices?sort={sort}")["items"]) == refs
    wrong = office.ask("GET", "/invoices?sort=number,,shoe")
    names = "due_date, issue_date, number, ref, status, total"
    assert (wrong.status_code, wrong.json()["detail"]) == (400, f"cannot sort by '': there are {names}")


@pytest.mark.parametrize("price", ["0.3333", 0.3333])
def test_money_is_exact_from_the_body_to_the_database_and_back(office: Office, price: Any) -> None:
    office.put("/customers/ada", ADA)
    # As a JSON number too: read as a float, 0.3333 would have far more than four decimals.
    line = {"description": "Engine", "quantity": 3, "unit_price": price}
    shown = office.put("/invoices/1", invoice(lines=[line]))
    assert shown.status_code == 201, shown.text
    assert (shown.json()["lines"][0]["unit_price"], shown.json()["subtotal"]) == ("0.3333", "1.00")


def test_lists_are_filtered_sorted_and_paged(office: Office) -> None:
    for name in ("Bea", "Cy", "Ada"):
        office.put(f"/customers/{name.lower()}", {"name": name, "currency": "GBP" if name != "Cy" else "USD"})
    page = office.get("/customers?sort=-name&page=2&page_size=2")
    assert [item["ref"] for item in page.pop("items")] == ["ada"]
    assert page == {"page": 2, "page_size": 2, "total": 3}
    assert [item["ref"] for item in office.get("/customers?currency=USD")["items"]] == ["cy"]
    assert [item["ref"] for item in office.get("/customers?q=be")["items"]] == ["bea"]


@pytest.mark.parametrize(
    ("ref", "status", "kept"), [("gone", 204, False), ("asked", 202, True), ("inactive", 200, True)]
)
def test_a_deletion_is_answered_by_what_became_of_it(sqlite_office: Office, ref: str, status: int, kept: bool) -> None:
    sqlite_office.put(f"/books/{ref}", {"colour": "red"})
    answer = sqlite_office.ask("DELETE", f"/books/{ref}")
    assert answer.status_code == status
    assert answer.json()["colour"] == "red" if kept else not answer.content
    assert sqlite_office.ask("GET", f"/books/{ref}").status_code == (200 if kept else 404)


def test_a_customer_in_use_is_made_inactive(office: Office) -> None:
    office.put("/customers/ada", ADA)
    office.put("/invoices/1", invoice())
    answer = office.ask("DELETE", "/customers/ada")
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert office.ask("DELETE", "/invoices/1").status_code == 204  # nothing outside holds it
    assert office.ask("GET", "/invoices/1").status_code == 404


def test_bulk_is_a_ref_like_any_other(sqlite_office: Office) -> None:
    assert sqlite_office.put("/books/bulk", {"colour": "red"}).status_code == 201
    assert sqlite_office.get("/books/bulk")["colour"] == "red"
    assert sqlite_office.ask("PATCH", "/books/bulk", json={"colour": "blue"}).status_code == 200
    assert sqlite_office.ask("DELETE", "/books/bulk").status_code == 204


def test_a_user_works_with_records(sqlite_office: Office) -> None:
    answer = sqlite_office.ask("PUT", "/customers/ada", json=ADA, role=Role.USER)
    assert answer.status_code == 201


def test_head_is_get_without_the_body(sqlite_office: Office) -> None:
    assert sqlite_office.ask("HEAD", "/customers").status_code == 200


def test_nothing_is_cached_and_every_answer_can_be_named(sqlite_office: Office) -> None:
    answer = sqlite_office.ask("GET", "/customers/nobody")
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.headers["x-correlation-id"]) == 32


def test_two_who_save_the_same_at_once_both_succeed(office: Office) -> None:
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda number: office.put("/customers/ada", {"name": f"Ada {number}"}), range(24)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {201: 1, 200: 23}
    assert office.get("/customers")["total"] == 1


@pytest.mark.parametrize(("deadlocks", "status"), [(3, 201), (4, 503)])
def test_a_save_that_the_database_ended_for_anothers_sake_is_made_anew(
    sqlite_office: Office, deadlocks: int, status: int
) -> None:
    shelf = sqlite_office.shelf
    shelf.DEADLOCKS.extend(shelf.Deadlock("deadlock detected") for _ in range(deadlocks))
    assert sqlite_office.put("/books/one", {"colour": "red"}).status_code == status
