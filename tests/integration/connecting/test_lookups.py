"""Who looks for a few rows reads a few: with a hundred thousand of them, a statement that reads all would make every save and every answer slow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Engine

    from tests.integration.connecting.conftest import Office

IDENTITIES: Final = {
    "sync_rows": ("id", "record_id", "remote_id", "batch", "call_id", "waits_for", "correlation_id"),
    "sync_calls": ("id",),
    "sync_call_records": ("call_id", "row_id"),
    "sync_import_records": ("id", "batch", "record_id"),
    "core_billing_parties": ("id", "ref", "name_key", "accounts_code_key"),
    "core_billing_products": ("id", "ref", "name_key", "code_key"),
    "core_billing_documents": ("id", "ref", "number"),
    "core_billing_lines": ("id", "document"),
}
"""Columns by which a statement means a few rows of a table that grows."""


class Plans:
    """How SQLite goes about each statement of an engine, in its own words."""

    def __init__(self, engine: Engine) -> None:
        self.of: dict[str, list[str]] = {}
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool
    ) -> None:
        if statement not in self.of and statement.startswith(("SELECT", "UPDATE", "DELETE")):
            asking = cursor.connection.cursor()
            asking.execute(f"EXPLAIN QUERY PLAN {statement}", parameters[0] if executemany else parameters)
            self.of[statement] = [str(row[3]) for row in asking.fetchall()]
            asking.close()


def tables_meant(statement: str) -> Iterator[tuple[str, list[str]]]:
    """The tables of which a statement means a few rows, with the columns that say which."""
    for table, columns in IDENTITIES.items():
        named = [column for column in columns if re.search(rf"\b{table}\.{column} (=|IN) [(?]", statement)]
        if named:
            yield table, named


def reads_too_much(statement: str, plan: list[str]) -> list[str]:
    return [
        step
        for table, columns in tables_meant(statement)
        for step in plan
        if re.match(rf"(SCAN|SEARCH) {table}\b", step)
        and not any(f"{column}=?" in step for column in (*columns, "rowid"))
    ]


def test_what_means_a_few_rows_reads_no_others(office: Office) -> None:
    office.connected("acme")
    engine = office.place.host.engine
    assert engine is not None
    office.sandbox.control("POST", "fill", {"contacts": 20, "tenant_id": office.tenant(1)})
    plans = Plans(office.place.host.database.engine)
    office.api.post("/connections/acme/import", {"kind": "all"})
    engine.imports.go_on("acme")
    office.api.post("/connections/acme/import", {"kind": "customers", "whole": True})
    engine.imports.go_on("acme")
    office.save_customer("C-1", accounts_code="C1")
    office.api.put("/products/P-1", {"name": "Cleaning", "code": "P1", "sales_price": "10", "sales_account": "200"})
    line = {"product": "P-1", "description": "Cleaning", "unit_price": "10", "tax_rate": "OUTPUT2"}
    office.api.put(
        "/invoices/I-1", {"customer": "C-1", "issue_date": "2026-03-02", "status": "authorised", "lines": [line]}
    )
    office.drain("acme")
    office.save_customer("C-1", accounts_code="C2")
    office.drain("acme")
    assert office.state("C-1")["state"] == "synced"

    assert len([one for one in plans.of if any(tables_meant(one))]) > 40
    wasteful = {statement: found for statement, plan in plans.of.items() if (found := reads_too_much(statement, plan))}
    assert wasteful == {}
