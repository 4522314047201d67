"""The tutorial's plugin hears of each saved record once, and of nothing that was not saved."""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from host.dispatch import BrokeTransaction
from tests.docs.pages import DOCS, files

if TYPE_CHECKING:
    from host.testing import Place

# Called after the scribe: what the scribe heard is rolled back with everything else.
BREAKER = """
@hookimpl
def on_entity_saved(event, unit_of_work):
    if event.record.ref == "broken":
        unit_of_work.session.rollback()
    if event.record.ref == "grumpy":
        raise ValueError("on purpose")
"""


@pytest.fixture
def scribe(place: Place) -> Place:
    place.plugin("scribe", files(DOCS / "plugins.md")["plugins/scribe.py"], head="")
    place.plugin("breaker", BREAKER)
    place.names.insert(0, "core_billing")
    place.open()
    (place.folder / "scribe.log").touch()
    return place


def heard(place: Place) -> Counter[str]:
    """How often it wrote down each action and record."""
    lines = (place.folder / "scribe.log").read_text().splitlines()
    return Counter(line.partition(":")[0] for line in lines)


def test_one_line_for_each_saved_record(scribe: Place) -> None:
    lines = [{"ref": f"c{number}", "name": f"Customer {number}"} for number in range(250)]
    lines[100] = {"ref": "c100"}  # no name: refused, while its neighbours are saved
    body = "".join(f"{json.dumps(line)}\n" for line in lines)
    for _ in range(2):  # the second time nothing changes
        answer = scribe.api.ask("POST", "/customers/bulk", content=body, headers={"Content-Type": "application/jsonl"})
        assert answer.text.count('"bad"') == 1
    assert heard(scribe) == {f"created customers c{number}": 1 for number in range(250) if number != 100}


def test_savers_at_once_and_a_plugin_that_raises(scribe: Place) -> None:
    refs = [*(f"c{number}" for number in range(20)), "grumpy"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda ref: scribe.api.put(f"/customers/{ref}", {"name": ref}), refs))
    assert heard(scribe) == {f"created customers {ref}": 1 for ref in refs}


def test_a_record_saved_three_times_in_one_transaction_is_one_line(scribe: Place) -> None:
    customers = scribe.host.kinds["customers"].service
    with scribe.host.saver() as unit_of_work:
        for name in ("Ada", "Ada L", "Ada Lovelace"):
            customers.put(unit_of_work, [{"ref": "ada", "name": name}])
    assert heard(scribe) == {"created customers ada": 1}


def test_a_save_that_is_rolled_back_after_it_was_told_leaves_no_trace(scribe: Place) -> None:
    customers = scribe.host.kinds["customers"].service
    with pytest.raises(BrokeTransaction, match=re.escape("nothing was saved")), scribe.host.saver() as unit_of_work:
        customers.put(unit_of_work, [{"ref": "ada", "name": "Ada"}, {"ref": "broken", "name": "Broken"}])
    assert heard(scribe) == {}
    assert scribe.api.get("/customers")["total"] == 0
