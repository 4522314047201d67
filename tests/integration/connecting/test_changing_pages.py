"""A list of several pages that somebody changes while it is read: nobody is lost, nobody comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.connecting.test_incremental import a_day_passes, acme, actions, imported, names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.testing import Clock
    from tests.integration.connecting.conftest import Office

__all__ = ["acme"]
NAMES = [f"Contact {number:02}" for number in range(25)]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.xero.looking.PAGE", 10)


@pytest.fixture
def listed(acme: Office, clock: Clock) -> Sequence[str]:
    """The ids of contacts that fill three pages, in the order of these; made a day ago, so that nothing is read again for being new."""
    made = acme.sandbox.put("Contacts", *({"Name": name} for name in NAMES))
    a_day_passes(acme, clock)
    return sorted(one["ContactID"] for one in made)


def meanwhile(office: Office, deed: str, after: int = 1, **how: Any) -> None:
    """What somebody does when this page was read."""
    plan = {"do": deed, "with": {"tenant_id": office.tenant(1), **how}}
    office.sandbox.control("POST", "meanwhile", {"address": f"Contacts.*page={after}&", **plan})


def assert_each_once(office: Office, expected: set[str]) -> None:
    records = office.api.get("/customers", page_size="500")["items"]
    assert {one["name"] for one in records} == expected
    assert len({one["sync"][0]["remote_id"] for one in records}) == len(records) == len(expected)


def test_those_that_change_move_nobody_to_another_page(acme: Office, listed: Sequence[str]) -> None:
    """By Xero's own order they would go to the end of the list, and those behind them to a page that was read."""
    meanwhile(acme, "touch", ids=listed[:5])
    assert actions(imported(acme)) == dict.fromkeys(NAMES, "create")
    assert len(acme.logged("GET", "Contacts")) == 3
    assert_each_once(acme, set(NAMES))


@pytest.mark.parametrize("after", [1, 2])
def test_those_that_are_added_come_whichever_page_they_are_on(acme: Office, listed: Sequence[str], after: int) -> None:
    """Their ids are the lowest: they stand on the first page, which was read already, and move three contacts to a page that is read again."""
    meanwhile(acme, "fill", after, contacts=3)
    added = {f"Contact {number:06}" for number in (1, 2, 3)}
    assert actions(imported(acme)) == dict.fromkeys([*NAMES, *added], "create")
    assert_each_once(acme, {*NAMES, *added})


def test_one_that_is_archived_behind_the_reader_is_told_by_the_next_import(
    acme: Office, clock: Clock, listed: Sequence[str]
) -> None:
    meanwhile(acme, "contacts/archive", contact_id=listed[0])
    meanwhile(acme, "contacts/archive", contact_id=listed[-1])
    first = actions(imported(acme))
    assert sorted(first.values()) == ["create"] * 24 + ["skip"], "the one was read before, the other after"
    a_day_passes(acme, clock)
    again = imported(acme)
    assert sorted(actions(again).values()) == ["skip", "skip"]
    assert sum("it is archived at Xero; acme:Contact" in one["reason"] for one in again["records"].values()) == 1
    assert len(names(acme)) == 24
