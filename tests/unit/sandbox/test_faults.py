"""Which faults meet which call, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.xero.sandbox.faults import Applied, Faults, read


def faults(*wanted: dict[str, Any]) -> Faults:
    made = Faults()
    for one in wanted:
        made.add(one)
    return made


def test_every_match_applies_and_counts_for_itself() -> None:
    waiting = faults(
        {"kind": "delay", "seconds": 1, "times": 2},
        {"kind": "delay", "seconds": 0.5, "path": "Invoices$", "times": 3},
        {"kind": "drop_after", "method": "PUT"},
    )
    first = waiting.take("PUT", "/api.xro/2.0/invoices")
    assert (first.delay("before"), first.delay("after"), first.dropped_after) == (1.5, 0, True)
    second = waiting.take("PUT", "/api.xro/2.0/Invoices")
    assert (second.delay("before"), second.dropped_after) == (1.5, False)
    third = waiting.take("GET", "/api.xro/2.0/Invoices")
    assert third.delay("before") == 0.5
    assert (waiting.waiting, waiting.take("GET", "/x").faults) == ([], ())


def test_a_call_that_does_not_match_uses_nothing_up() -> None:
    waiting = faults({"kind": "status", "method": "PUT|POST", "path": "/Items"})
    assert waiting.take("GET", "/api.xro/2.0/Items").faults == ()
    assert waiting.take("PUT", "/api.xro/2.0/Contacts").faults == ()
    assert len(waiting.take("POST", "/api.xro/2.0/Items").faults) == 1


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ({"kind": "status", "status": 500}, "inside"),
        ({"kind": "status"}, "inside"),
        ({"kind": "status", "status": 503}, "at_the_door"),
        ({"kind": "status", "status": 429}, "at_the_door"),
        ({"kind": "status", "status": 502, "when": "after"}, "afterwards"),
        ({"kind": "status", "status": 500, "when": "after"}, "afterwards"),
    ],
)
def test_where_a_status_comes_from(wanted: dict[str, Any], place: str) -> None:
    applied = Applied((read(wanted),))
    places = {name for name in ("inside", "at_the_door", "afterwards") if getattr(applied, name) is not None}
    assert places == {place}


def test_the_smallest_of_several_partial_batches_counts() -> None:
    assert Applied((read({"kind": "partial", "elements": 5}), read({"kind": "partial"}))).elements == 1
    assert Applied().elements is None


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "explode"},
        {"kind": "delay", "seconds": -1},
        {"kind": "delay", "seconds": True},
        {"kind": "partial", "elements": 1.5},
        {"kind": "status", "status": "500"},
        {"kind": "status", "path": "["},
        {"kind": "status", "when": "during"},
        {"kind": "truncate", "when": "before"},
        {"kind": "status", "times": 0},
        {"kind": "status", "color": 1},
    ],
)
def test_what_is_no_fault(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 each says its own sentence; the contract suite reads them
        read(wrong)
