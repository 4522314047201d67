"""Pages of many documents are found by index, whatever they are filtered and sorted by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from hookspecs import ListQuery
from plugins.core_billing import listing

if TYPE_CHECKING:
    from tests.integration.web.conftest import Office

ADA = {"name": "Ada Lovelace"}


def statements(office: Office, query: ListQuery) -> list[tuple[str, Any]]:
    """What is asked of the database for a page of invoices."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    engine = office.host.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with office.host.database.read() as session:
            office.host.kinds["invoices"].service.list(session, query)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return asked


def plan(office: Office, statement: str, parameters: Any) -> str:
    with office.host.database.engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return " | ".join(row[3] for row in found)


@pytest.fixture
def stocked(sqlite_office: Office) -> Office:
    sqlite_office.put("/customers/ada", ADA)
    for number in range(3):
        sqlite_office.put(
            f"/invoices/{number}",
            {"customer": "ada", "issue_date": f"2026-03-0{number + 1}", "due_date": "2026-04-01", "lines": []},
        )
    return sqlite_office


@pytest.mark.parametrize("sort", ["", "-issue_date", "issue_date", "due_date", "-total", "status", "number", "ref"])
def test_a_page_of_many_is_read_in_its_order_and_not_sorted(
    stocked: Office, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FEW", 0)
    spans = {"issue_date_from": "2026-03-01", "due_date_to": "2026-04-01"}
    counted, page, *_ = statements(stocked, ListQuery(sort=sort, filters=spans if sort == "-total" else {}))
    assert "count" in counted[0]
    assert "TEMP B-TREE" not in plan(stocked, *page) or sort in {
        "number",
        "ref",
    }  # these are unique: nothing is left to sort
    assert "INDEX" in plan(stocked, *page)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "draft"},
        {"accounting_status": "draft"},
        {"currency": ""},
        {"reference": ""},
        {"customer": "ada"},
        {"issue_date_from": "2026-03-02"},
        {"due_date_to": "2026-04-01"},
    ],
)
def test_records_are_counted_without_reading_them(stocked: Office, filters: dict[str, str]) -> None:
    counted, *_ = statements(stocked, ListQuery(filters=filters))
    assert re.search("COVERING INDEX ix_core_billing_documents_", plan(stocked, *counted))


def test_few_that_a_filter_leaves_are_sorted_instead_of_reading_all_in_order(stocked: Office) -> None:
    _, page, *_ = statements(stocked, ListQuery(filters={"currency": ""}, sort="-total"))
    assert "ix_core_billing_documents_currency" in plan(stocked, *page)


def test_however_a_page_is_found_it_is_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.put("/customers/ada", ADA)
    for number, (day, due) in enumerate([("02", ""), ("01", "2026-04-01"), ("02", "2026-05-01"), ("03", "2026-04-01")]):
        record = {"customer": "ada", "issue_date": f"2026-03-{day}", "due_date": due, "lines": []}
        assert office.put(f"/invoices/{number}", record).status_code == 201
    for query in (
        "sort=issue_date,-ref",
        "sort=-due_date&due_date_from=2026-03-01",
        "issue_date=2026-03-02&sort=-total",
    ):
        pages = []
        for few in (0, 2000):
            monkeypatch.setattr(listing, "FEW", few)
            pages.append([item["ref"] for item in office.get(f"/invoices?{query}")["items"]])
        assert pages[0] == pages[1]
        assert len(pages[0]) >= 2


def test_beyond_the_last_page_there_is_nothing(office: Office) -> None:
    office.put("/customers/ada", ADA)
    assert office.get("/customers?page=2") == {"items": [], "page": 2, "page_size": 50, "total": 1}


def test_the_total_of_many_is_never_older_than_a_second(stocked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("plugins.core_billing.counting.monotonic", lambda: now[0])
    monkeypatch.setattr("plugins.core_billing.counting.MANY", 3)
    assert stocked.get("/invoices")["total"] == 3
    stocked.put("/invoices/new", {"customer": "ada", "issue_date": "2026-03-05", "lines": []})
    now[0] += 0.999
    page = stocked.get("/invoices")
    assert (page["total"], len(page["items"])) == (3, 4), "the records are those of now"
    assert stocked.get("/invoices?page=4&page_size=1")["total"] == 4, (
        "nobody who goes through the pages misses the last"
    )
    now[0] += 0.002
    assert stocked.get("/invoices")["total"] == 4
