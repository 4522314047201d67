"""Several savers in the same moment, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from host.db.migrate import differences
from plugins.core_billing.tables import metadata
from tests.integration.core_billing.conftest import LINE

if TYPE_CHECKING:
    from tests.integration.core_billing.conftest import House


def together(house: House, kind: str, inputs: list[dict[str, Any]]) -> list[Any]:
    """Save each in a thread of its own, all starting at once."""
    start = threading.Barrier(len(inputs))

    def one(given: dict[str, Any]) -> Any:
        start.wait(timeout=30)
        return house.put(kind, given)[0]

    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(one, inputs))


def test_counted_numbers_differ_and_leave_no_gap(house: House) -> None:
    house.saved("customers", {"ref": "acme", "name": "Acme"})
    invoices = [{"ref": f"i{number}", "customer": "acme", "issue_date": "2026-11-22"} for number in range(8)]
    assert all(not answer.problems for answer in together(house, "invoices", invoices))
    numbers = sorted(item["number"] for item in house.page("invoices").items)
    assert numbers == [f"INV-{number:05d}" for number in range(1, 9)]


def test_one_ref_made_by_many_is_one_record(house: House) -> None:
    answers = together(house, "customers", [{"ref": "acme", "name": f"Acme {number}"} for number in range(6)])
    assert [answer.problems for answer in answers] == [()] * 6
    assert [answer.created for answer in answers].count(True) == 1
    assert len({answer.id for answer in answers}) == 1
    assert house.page("customers").total == 1


def test_one_number_wanted_by_many_is_given_once(house: House) -> None:
    house.saved("customers", {"ref": "acme", "name": "Acme"})
    wanted = [
        {"ref": f"i{number}", "number": "N1", "customer": "acme", "issue_date": "2026-11-22"} for number in range(5)
    ]
    answers = together(house, "invoices", wanted)
    assert [bool(answer.problems) for answer in answers].count(False) == 1
    [holder] = house.page("invoices").items
    refused = {str(problem) for answer in answers for problem in answer.problems}
    assert refused == {f"number: N1 is already the number of invoice {holder['ref']}"}


def test_two_patches_of_one_record_are_both_kept(house: House) -> None:
    house.saved("customers", {"ref": "acme", "name": "Acme"})
    start = threading.Barrier(2)

    def patch(field: str) -> None:
        start.wait(timeout=30)
        house.saved("customers", {"ref": "acme", field: "x"}, partial=True)

    for _ in range(10):
        house.saved("customers", {"ref": "acme", "name": "Acme"})
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(patch, ("phone", "first_name")))
        got = house.get("customers", "acme")
        assert (got["phone"], got["first_name"]) == ("x", "x")


def test_the_migrations_make_the_tables_that_the_code_has(house: House) -> None:
    assert differences(house.database, LINE, metadata) == []
