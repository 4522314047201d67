"""What ``counterfoil sync --wait`` says of records that did not go."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from host.cli.sync import told_together
from host.sync.waiting import Remaining

BROKEN = "acme needs attention: reconnect it"


def unsent(ref: str, state: str = "waiting", reason: str = BROKEN, **more: Any) -> dict[str, Any]:
    return {"kind": "invoices", "ref": ref, "state": state, "error": "", "reason": reason, "until": None, **more}


def test_what_has_one_cause_is_told_once() -> None:
    waiting = [unsent(f"I-{number}") for number in range(1, 1201)]
    blocked = unsent("I-9999", "blocked", "its customer has no name")
    assert list(told_together([waiting[0], blocked, *waiting[1:]], UTC)) == [
        f"invoices I-1, I-2, I-3 and 1,197 more: waiting: {BROKEN}",
        "invoices I-9999: blocked: its customer has no name",
    ]


def test_a_few_are_named_each() -> None:
    assert list(told_together([unsent("I-1"), unsent("I-2")], UTC)) == [f"invoices I-1, I-2: waiting: {BROKEN}"]


def test_all_that_did_not_go_are_counted_though_not_all_are_told() -> None:
    remaining = Remaining(counts={"synced": 5, "excluded": 2, "waiting": 1500, "blocked": 1}, unsent=[unsent("I-1")])
    assert remaining.count == 1501
