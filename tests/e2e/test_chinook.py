"""The main job, at the size of a real shop: everything is at Xero, once, to the cent, in as few calls as there can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import believed, chinook
from tests.e2e.official import Official

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeHost, MakeSandbox

FEWEST_WRITES = 82
MOST_WRITES = 90


@pytest.mark.timeout(600)
def test_a_shop_is_at_xero_once_to_the_cent_and_in_few_calls(
    make_sandbox: MakeSandbox, make_host: MakeHost, reference: Path
) -> None:
    sandbox = make_sandbox()  # with Xero's own limits
    host = make_host(sandbox)
    server = host.serve()

    chinook.load_all(host, reference)
    host.run("sync", "--wait")

    official = Official(sandbox.url)
    chinook.assert_all_is_there(official, reference)
    believed.assert_contacts(official.contacts(), server.all("customers"))
    believed.assert_items(official.items(), server.all("products"))
    assert FEWEST_WRITES <= len(sandbox.writes()) <= MOST_WRITES
    assert not [call for call in sandbox.calls() if call["status"] == 429]

    # The same file again changes nothing, and what is agreed is not sent again.
    writes = len(sandbox.writes())
    done = host.json("load", "invoices", str(reference / "data" / "chinook" / "invoices.jsonl"))
    assert done["unchanged"] == chinook.INVOICES
    host.run("sync", "--wait")
    assert len(sandbox.writes()) == writes

    # One line edited: one write, the same document, the other lines' identities kept.
    before = official.invoice("CHK-00002")
    record = server.get("/invoices/chinook-invoice-2")
    lines = [
        {"id": line["id"]} | {key: line[key] for key in ("product", "description", "quantity", "unit_price")}
        for line in record["lines"]
    ]
    lines[1]["quantity"] = "3"
    answer = server.api.patch("/invoices/chinook-invoice-2", json={"lines": lines})
    assert answer.status_code == 200, answer.text
    host.run("sync", "--kind", "invoices", "--ref", "chinook-invoice-2", "--wait")
    after = official.invoice("CHK-00002")
    assert len(sandbox.writes()) == writes + 1
    assert after.invoice_id == before.invoice_id
    assert [line.line_item_id for line in after.line_items] == [line.line_item_id for line in before.line_items]
    assert after.line_items[1].quantity == 3
