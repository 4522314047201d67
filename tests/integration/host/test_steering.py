"""A person tries records again, puts them aside and goes on with them, at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.host.conftest import Desk

NOT_THERE = "line 1: account 999 is not among the accounts of One Ltd: correct it, or, if it is new in Xero, "


def test_blocked_parked_and_sent_in_the_end(desk: Desk) -> None:
    line = {"description": "Work", "unit_price": "10.00", "account": "999", "tax_rate": "OUTPUT2"}
    invoice = {"ref": "i1", "customer": "ada", "issue_date": "2026-03-02", "lines": [line]}
    desk.good("import", "all", "--connection", "one")
    desk.good("load", "customers", desk.file("c.jsonl", {"ref": "ada", "name": "Ada"}))
    desk.good("load", "invoices", desk.file("i.jsonl", invoice))
    assert desk("sync", "--wait").code == 1

    parked = desk("park", "--ref", "i1", "--because", "disputed", "--ref", "ada")
    assert (parked.code, parked.out) == (1, "1 record parked\n")
    assert parked.err == "error: customers ada: synced: it is in step already\n"
    assert desk("errors").err == "none\n"
    again = desk("retry", "--kind", "invoices", "--ref", "i1", "--json")
    left = {"kind": "invoices", "ref": "i1", "state": "parked", "why": "it is parked"}
    assert (again.code, json.loads(again.out)) == (1, {"count": 0, "left": [left]})

    assert desk.good("unpark", "--all").startswith("1 record will go on, ")
    assert desk("sync", "--wait").err.startswith(f"error: invoices i1: blocked: {NOT_THERE}")
    line["account"] = "200"
    desk.good("load", "invoices", desk.file("i.jsonl", invoice))
    assert desk.good("retry", "--connection", "one").startswith("1 record will be tried at once, ")
    assert desk.good("sync", "--wait") == "2 synced\n"
    assert desk.good("retry", "--all").startswith("0 records ")
