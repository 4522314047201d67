"""Which of two records of one accounts code waits for the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from host.sync.provider import Blocked, Wanted
from plugins.xero.same_codes import behind_another
from tests.unit.xero.making import customer, desk, link, wish

FIRST = customer(id="c1", ref="first", accounts_code="AB1")
SECOND = customer(id="c2", ref="second", accounts_code="ab1")


def behind(kind: str = "customers", second: Any = SECOND, *, links: Any = (), **of_wish: Any) -> Any:
    at = desk(links=links, records=[("customers", FIRST), (kind, second)])
    return list(behind_another(at, [wish(kind, second, **of_wish)]).values())


def first(state: str = "waiting", remote_id: str = "", **more: Any) -> Any:
    return replace(link("customers", "c1", remote_id, state=state, **more), ref="first")


@pytest.mark.parametrize("state", ["waiting", "sending", "unknown"])
@pytest.mark.parametrize("kind", ["customers", "suppliers"])
def test_the_later_one_waits_while_the_first_is_on_its_way(kind: str, state: str) -> None:
    assert behind(kind, links=[first(state)]) == [
        Blocked(reason="customer first has the accounts code ab1 too, and goes first", waits_for=("customers", "c1"))
    ]


@pytest.mark.parametrize(
    "links",
    [
        [],
        [first("blocked")],
        [first("failed")],
        [first("synced", "contact-1")],
        [first(connection="other")],
    ],
)
def test_it_goes_where_the_first_does_not_or_is_there(links: Any) -> None:
    assert behind(links=links) == []


def test_it_goes_where_its_code_matches_nobody_s() -> None:
    links = [first()]
    assert behind(links=links, remote_id="contact-2") == []
    assert behind(links=links, wanted=Wanted.DELETE) == []
    assert behind(second=replace(SECOND, generated=("accounts_code",)), links=links) == []
    assert behind(second=replace(SECOND, accounts_code=""), links=links) == []
    assert behind(second=replace(SECOND, id="c0"), links=links) == [], "it was made before the first"
