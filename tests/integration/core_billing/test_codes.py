"""Codes that are made here: one for each record, whoever saves in the same moment, and never one that somebody has."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from hookspecs import Customer
from plugins.core_billing.assembly import Billing
from plugins.core_billing.codes import could_make
from plugins.core_billing.settings import Settings
from tests.integration.core_billing.test_at_once import together

if TYPE_CHECKING:
    from tests.integration.core_billing.conftest import House

KINDS = ("customers", "suppliers", "products")


@pytest.fixture
def coding(house: House) -> House:
    return with_codes(house)


def with_codes(house: House, **settings: Any) -> House:
    house.billing = Billing(house._holders, Settings(generate_codes=KINDS, **settings))
    return house


def codes(house: House, kind: str, field: str = "accounts_code") -> list[str]:
    return sorted(item[field] for item in house.page(kind, page_size=500).items)


def test_those_who_save_at_once_get_different_codes_and_none_that_is_typed_meanwhile(coding: House) -> None:
    bare = [{"ref": f"c{number}", "name": "Ada Ltd"} for number in range(8)]
    typed = [{"ref": f"t{number}", "name": "Ada Ltd", "accounts_code": f"c0000{number}"} for number in (2, 5)]
    assert all(not answer.problems for answer in together(coding, "customers", [*bare, *typed]))
    given = [code.upper() for code in codes(coding, "customers")]
    # One that was typed after it was made is its writer's business; two that were made never are the same.
    made = [coding.get("customers", one["ref"])["accounts_code"] for one in bare]
    assert len(set(made)) == len(made) == 8
    assert set(given) <= {f"C{number:05d}" for number in range(1, 11)}


@pytest.mark.parametrize("counted", [0, 1])
def test_whoever_makes_codes_waits_for_one_that_is_being_typed(postgresql_url: str, counted: int) -> None:
    """On SQLite a writer is alone anyway."""
    from tests.integration.core_billing.conftest import House

    with House(postgresql_url) as opened:
        house = with_codes(opened)
        house.saved("customers", *[{"ref": "first", "name": "Ada Ltd"}][:counted])
        bare = {"ref": "made", "name": "Ada Ltd"}
        typed = {"ref": "typed", "name": "Ada Ltd", "accounts_code": f"C0000{counted + 1}"}
        with ThreadPoolExecutor(1) as pool:
            with house.saver() as work:
                house.of("customers").put(work, [typed])
                making = pool.submit(house.saved, "customers", bare)
                while not making.done() and not somebody_waits(house):
                    threading.Event().wait(0.01)
            making.result(timeout=30)
        assert house.get("customers", "made")["accounts_code"] == f"C0000{counted + 2}"


def somebody_waits(house: House) -> bool:
    """For a lock of another's."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with house.database.read() as session:
        return bool(session.scalar(text(waiting)))


def test_what_stands_in_the_same_batch_or_at_the_other_kind_is_passed_over(coding: House) -> None:
    coding.saved("suppliers", {"ref": "s", "name": "S", "accounts_code": " c00001 "})
    many = [{"ref": f"c{number}", "name": "Ada Ltd"} for number in range(1200)]
    coding.saved("customers", {"ref": "typed", "name": "T", "accounts_code": "Ç00003"}, *many)
    made = [
        one["accounts_code"] for page in (1, 2, 3) for one in coding.page("customers", page=page, page_size=500).items
    ]
    assert len(set(made)) == 1201
    assert not {"C00001", "C00003"} & set(made)


def test_one_rolled_back_leaves_no_gap(coding: House) -> None:
    def fail() -> None:
        with coding.saver() as work:
            coding.of("products").put(work, [{"ref": "p", "name": "P"}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    coding.saved("products", {"ref": "p", "name": "P"})
    assert codes(coding, "products", "code") == ["P00001"]


def test_a_code_that_was_made_stays_until_another_takes_its_place(coding: House) -> None:
    coding.saved("customers", {"ref": "a", "name": "Ada"})
    for partial in (False, True):
        coding.saved(
            "customers", {"ref": "a", "name": "Ada", "accounts_code": "", "phone": str(partial)}, partial=partial
        )
        assert coding.get("customers", "a")["accounts_code"] == "C00001"
    coding.saved("customers", {"ref": "a", "name": "Ada", "accounts_code": "MINE"})
    coding.saved("customers", {"ref": "a", "name": "Ada"})
    assert coding.get("customers", "a")["accounts_code"] == ""


def test_one_that_was_emptied_at_the_ledger_is_emptied_here(coding: House) -> None:
    coding.saved("customers", {"ref": "a", "name": "Ada"})
    with coding.saver(origin="acme") as work:
        coding.of("customers").put(work, [{"ref": "a", "phone": "1"}], partial=True)
        assert coding.of("customers").get(work.session, "a")["accounts_code"] == "C00001"  # type: ignore[index]
        coding.of("customers").put(work, [{"ref": "a", "accounts_code": ""}], partial=True)
    coding.saved("customers", {"ref": "a", "name": "Ada"})
    assert coding.get("customers", "a")["accounts_code"] == ""


def test_hooks_are_told_of_the_code_and_that_it_was_made(coding: House) -> None:
    coding.saved("customers", {"ref": "a", "name": "Ada"})
    [(_, saved)] = coding.events
    assert isinstance(saved.record, Customer)
    assert (saved.record.accounts_code, saved.record.generated) == ("C00001", ("accounts_code",))
    assert "accounts_code" in saved.changed
    coding.saved("customers", {"ref": "a", "name": "Ada", "accounts_code": "MINE"})
    assert coding.events[-1][1].record.generated == ()


@pytest.mark.parametrize(
    ("form", "code", "expected"),
    [
        ("C{number:05d}", "C00001", True),
        ("C{number:05d}", "ç7", True),
        ("C{number:05d}", "D00001", False),
        ("C{number:05d}", "CUSTOMER", False),
        ("{number}", "7", True),
        ("A{{B{number}", "A{B7", True),
    ],
)
def test_a_code_that_looks_made(form: str, code: str, expected: bool) -> None:
    assert could_make(form, code) is expected
