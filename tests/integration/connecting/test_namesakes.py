"""Thousands of one name, archived at Xero or here: a clear answer, nothing lost, and work that grows as they do.

Names of active contacts are unique at Xero. Work is counted, not timed: one that grows with the square takes four times as much for twice as many.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from host.sync.imports import candidates, importer
from plugins.core_billing.store import Store
from tests.integration.connecting.test_incremental import acme, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.integration.connecting.conftest import Office

__all__ = ["acme"]
SAME = "Same Ltd"
FEW, MANY = 100, 200
MOST_TIMES = 2.3
"""For twice as many: twice the work, and what there is once."""
Element = dict[str, Any]


def load(office: Office, kind: str, records: Sequence[Element]) -> None:
    lines = "\n".join(json.dumps(one) for one in records)
    answer = office.api.ask("POST", f"/{kind}/bulk", content=lines, headers={"Content-Type": "application/jsonl"})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many transactions for a hundred records as there are for a thousand in life."""
    monkeypatch.setattr(importer, "AT_ONCE", 20)


@contextmanager
def counted(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Statements; records of ours that were found and read; comparisons of one of ours with one of theirs."""
    count: Counter[str] = Counter()

    def counting(what: str, called: Callable[..., Any], size: Callable[[Any], int]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            answer = called(*arguments)
            count[what] += size(answer)
            return answer

        return call

    def statement(*_: Any) -> None:
        count["statements"] += 1

    engine = office.place.host.database.engine
    event.listen(engine, "before_cursor_execute", statement)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "find", counting("found", Store.find, lambda found: sum(map(len, found.values()))))
        patched.setattr(Store, "read", counting("read", Store.read, len))
        patched.setattr(candidates, "_agrees", counting("compared", candidates._agrees, lambda _: 1))
        yield count
    event.remove(engine, "before_cursor_execute", statement)


def imported(office: Office, **more: Any) -> tuple[Element, Sequence[Element]]:
    """What came of how many, and the conflicts."""
    assert office.place.host.engine is not None
    batch = office.api.post("/connections/acme/import", {"kind": "customers", **more})["batch"]
    ended = office.place.host.engine.imports.see_through("acme", batch)
    assert ended["stage"] == "done", ended["reason"]
    conflicts = office.api.get(f"/batches/{batch}/records", action="conflict")["items"]
    return {action: many for action, many in ended["kinds"]["customers"].items() if many}, conflicts


def assert_linear(work: Sequence[Counter[str]]) -> None:
    few, many = work
    assert {what: times for what in many if (times := many[what] / few[what]) > MOST_TIMES} == {}


def same(many: int) -> Sequence[Element]:
    return [{"ref": f"same{number:03}", "name": SAME} for number in range(many)]


def conflict_of(many: int) -> str:
    named = "same000, same001, same002, same003, same004"
    return f"{many} records here have this name ({named}): link it with one of them by hand"


def test_namesakes_here_of_those_archived_there_are_read_once(
    acme: Office, small_portions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [active] = acme.sandbox.put("Contacts", {"Name": SAME})

    def grown_to(many: int, more: int) -> Counter[str]:
        fill(acme, contacts=more, name=SAME, status="ARCHIVED")
        load(acme, "customers", same(many))
        with counted(acme, monkeypatch) as count:
            came, [conflict] = imported(acme, whole=True)
        assert came == {"skip": many, "conflict": 1}
        assert (conflict["remote_id"], conflict["reason"]) == (active["ContactID"], conflict_of(many))
        return count

    work = [grown_to(FEW, FEW), grown_to(MANY, MANY - FEW)]
    assert (work[0]["found"], work[0]["read"], work[0]["compared"]) == (FEW, FEW, FEW)
    assert_linear(work)

    for how in ({"preview": True}, {"whole": True}, {}):
        _, [again] = imported(acme, **how)
        assert again["reason"] == conflict_of(MANY), "and says so again"
    acme.api.put("/connections/acme/links/customers/same007", {"remote_id": active["ContactID"]})
    acme.drain("acme")
    came, _ = imported(acme, whole=True)
    assert came == {"skip": MANY, "unchanged": 1}
    assert acme.api.get("/customers")["total"] == MANY


def test_one_of_ours_is_nobody_of_those_archived_there_and_no_other_is_asked_for(acme: Office) -> None:
    fill(acme, contacts=1200, name=SAME, status="ARCHIVED")
    fill(acme, contacts=1200)
    before = len(acme.logged("GET", "Contacts"))
    acme.save_customer("one", name=SAME)
    acme.drain("acme")
    [asked] = acme.logged("GET", "Contacts")[before:]
    assert asked["bytes_out"] < 1000
    assert len(acme.logged("PUT", "Contacts")) == 1
    assert acme.state("one")["state"] == "synced"
    # A name that no query can hold is looked for in the list, where those archived are not.
    before += 1
    acme.save_customer("two", name=f'The "{SAME}"')
    acme.drain("acme")
    assert len(acme.logged("GET", "Contacts")[before:]) == 2
    assert acme.state("two")["state"] == "synced"


def test_of_many_namesakes_here_one_is_linked_and_the_others_say_with_whom(acme: Office) -> None:
    fill(acme, contacts=1200)
    acme.sandbox.put("Contacts", {"Name": SAME})
    load(acme, "customers", same(MANY))
    before = len(acme.sandbox.logged("api.xro"))
    acme.drain("acme")
    [asked] = acme.sandbox.logged("api.xro")[before:]
    assert (asked["method"], asked["bytes_out"] < 1000) == ("GET", True)
    synced = [one["sync"][0] for one in acme.api.get("/customers", page_size="500")["items"]]
    error = f"Xero's contact with name {SAME} is linked to same000 already: give one of the two another"
    assert Counter((one["state"], one["error"]) for one in synced) == {("synced", ""): 1, ("conflict", error): MANY - 1}
    acme.api.patch("/customers/same001", {"name": "Another Ltd"})
    acme.drain("acme")
    assert acme.state("same001")["state"] == "synced"
