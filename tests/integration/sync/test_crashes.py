"""Whatever breaks, and wherever the drain dies: in the end the remote holds what billing holds, once.

Each case is a story made from a seed: saves, renumberings and deletions at random moments, answers that are lost in all ways, and drains that die at a
random statement, commit or send. Then a healthy drain tidies up. ``FULL=1`` tells many more stories.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.sync.world import Death

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.sync.world import World

FULL = os.environ.get("FULL") == "1"
STORIES = 500 if FULL else 12
ROUNDS = 5

FAULTS: list[dict[str, Any]] = [
    {"kind": "lose"},
    {"kind": "cut"},
    {"kind": "refuse"},
    {"kind": "truncate"},
    {"kind": "partial"},
    {"kind": "late", "seconds": 20},
    {"kind": "late", "seconds": 85},
    {"kind": "slow", "seconds": 8},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 500, "done": True},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 503, "done": True},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "3"}},
    {"kind": "status", "status": 401},
]
LINES = (
    "PUT /customers",
    "PUT /invoices",
    "PUT /payments",
    "POST /customers",
    "POST /invoices",
    "GET /",
    "POST /token",
)


class Story:
    """What happens to one world, and what must be true of it in the end."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.numbers = 0
        self.deaths = 0
        self.happened = 0

    # What people do ------------------------------------------------------------------------------------------------

    def something(self) -> None:
        self.happened += 1
        with self.world.undisturbed():
            self.dice.choice(
                [self.new_customers, self.new_invoices, self.new_payment, self.edit, self.edit, self.remove]
            )()

    def batch(self) -> str | None:
        return self.world.engine.open_batch("load") if self.dice.random() < 0.3 else None

    def new_ids(self, letter: str) -> list[str]:
        start, self.numbers = self.numbers, self.numbers + self.dice.randint(1, 4)
        return [f"{letter}{number}" for number in range(start, self.numbers)]

    def new_customers(self) -> None:
        batch = self.batch()
        self.world.save("customers", *self.new_ids("c"), batch=batch, name=self.text())
        if batch and self.dice.random() < 0.7:
            self.world.engine.close_batch(batch)

    def new_invoices(self) -> None:
        customers = self.ids("customers")
        if customers:
            self.world.save("invoices", *self.new_ids("i"), contact=self.dice.choice(customers), reference=self.text())

    def new_payment(self) -> None:
        invoices = self.living()
        if invoices:
            [id, *_] = self.new_ids("p")
            self.numbers += 1
            self.world.save("payments", id, document=self.dice.choice(invoices), amount=f"{self.numbers}.00")

    def edit(self) -> None:
        invoices = self.living()
        if self.dice.random() < 0.4 and (customers := self.ids("customers")):
            self.world.save("customers", self.dice.choice(customers), name=self.text())
        elif invoices:
            id = self.dice.choice(invoices)
            old = self.world.document(id)
            number = f"{id}-{self.happened}" if self.dice.random() < 0.3 else old.number
            self.world.save("invoices", id, contact=old.contact, reference=self.text(), number=number)

    def remove(self) -> None:
        invoices = set(self.living()) - {self.world.document(id, "payments").document for id in self.ids("payments")}
        if invoices:
            self.world.delete("invoices", self.dice.choice(sorted(invoices)))

    def text(self) -> str:
        return self.dice.choice(["plain", "other", "third", "poison" if self.dice.random() < 0.2 else "fourth"])

    def ids(self, kind: str) -> list[str]:
        with self.world.database.read() as session:
            return [record.id for record in self.world.store.stream(session, kind)]

    def living(self) -> list[str]:
        return [id for id in self.ids("invoices") if self.world.document(id).status == "draft"]

    # What breaks ---------------------------------------------------------------------------------------------------

    def round(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            self.something()
        for _ in range(self.dice.randint(0, 4)):
            self.world.time.after(self.dice.uniform(0, 40), self.something)
        for _ in range(self.dice.randint(0, 3)):
            self.world.remote.fails(match=self.dice.choice(LINES), **self.dice.choice(FAULTS))
        if self.dice.random() < 0.7:
            self.world.dies_after(self.dice.randint(1, 220))
        try:
            self.world.drain()
        except Death:
            self.deaths += 1
        self.world.revive()

    def end(self) -> None:
        """Nothing breaks any more: all that is still to happen happens, and a healthy host goes on until nothing is left."""
        self.world.time.pass_whole(120)
        for fault in self.world.remote.faults:
            fault.times = 0
        self.world.engine.connect("acme", provider="tiny", auth="custom")
        for _ in range(40):
            drained = self.world.drain()
            if not drained.again_at and not self.world.engine.connections_with_work():
                return
            self.world.time.pass_whole(30)
        pytest.fail(f"there is no end to it: {self.world.states('invoices')}")

    # What must be true ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        remote, ours = self.world.remote, Counter[str]()
        for kind in ("customers", "invoices", "payments"):
            there = {element["ours"]: element for element in remote.of(kind)}
            ours.update(element["ours"] for element in remote.of(kind))
            for id in self.ids(kind):
                self.check_one(kind, id, there.pop(f"abcdef-{id}", None))
            assert not there, f"{kind} that billing does not have"
        assert max(ours.values(), default=1) == 1, "something is there twice"
        assert len(remote.calls) < 40 + 14 * (self.happened + self.deaths + len(remote.faults)), "too many calls"

    def check_one(self, kind: str, id: str, element: dict[str, Any] | None) -> None:
        state, record = self.world.state(kind, id), self.world.document(id, kind)
        if kind == "invoices" and record.status == "deleted":
            assert element is None, f"{id} is deleted here and lives there"
        elif "poison" in {getattr(record, "reference", ""), getattr(record, "name", "")}:
            assert state["state"] in {"failed", "blocked"}
        elif state["state"] == "blocked":
            assert self.world.state(*self.needs(kind, record))["state"] in {"failed", "blocked"}
        else:
            assert state["state"] == "synced", (kind, id, state)
            assert element, f"{kind} {id} is missing"
            assert element["id"] == state["remote_id"]
            assert self.as_told(element) == self.as_kept(kind, record)

    def needs(self, kind: str, record: Any) -> tuple[str, str]:
        return ("customers", record.contact) if kind == "invoices" else ("invoices", record.document)

    def as_told(self, element: dict[str, Any]) -> tuple[str, str]:
        return element["mark"], element.get("text", "") or str(Decimal(element.get("amount", "0")))

    def as_kept(self, kind: str, record: Any) -> tuple[str, str]:
        if kind == "payments":
            return "", str(record.amount)
        if kind == "invoices":
            return record.number, record.reference or "0"
        return f"abcdef-{record.id}", record.name


@pytest.mark.parametrize("seed", range(STORIES))
def test_in_the_end_both_sides_are_equal(seed: int, world: World) -> None:
    story = Story(world, seed)
    for _ in range(ROUNDS):
        story.round()
    story.end()
    story.check()


def test_the_stories_hold_deaths_of_every_kind(world: World) -> None:
    """Else the test above would show nothing: a drain that is told to die does, and its call is left without an answer."""
    world.save("customers", "c1")
    points: list[Callable[[], None]] = []
    for after in range(1, 400):
        world.dies_after(after)
        try:
            world.drain()
        except Death:
            points.append(lambda: None)
        else:
            break
        world.revive()
    assert 20 < len(points) < 399
    assert [one["ours"] for one in world.remote.of("customers")] == ["abcdef-c1"]
    assert {"the process that sent it ended before the answer was booked"} <= {call.reason for call in world.calls()}
