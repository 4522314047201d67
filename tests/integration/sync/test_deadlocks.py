"""People save and answers are booked at the same time: where two wait for each other, the database ends one, and nobody notices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from tests.integration.sync.world import World


class Deadlock(Exception):
    sqlstate = "40P01"


class Victim:
    """Ends the transaction that comes to this statement, so many times."""

    def __init__(self, statement: str, times: int) -> None:
        self.statement, self.left = statement, times

    def __call__(self, statement: str) -> None:
        if self.left and re.match(self.statement, statement):
            self.left -= 1
            raise OperationalError(statement, {}, Deadlock("deadlock detected"))


PLACES = {
    "the call is written down": "INSERT INTO sync_call_records",
    "the answer is booked": "UPDATE sync_call_records",
    "the books take it": "UPDATE tiny_records",
    "a throttled call lets go": "UPDATE sync_rows SET due_at=.* attempts=",
}


@pytest.mark.parametrize("statement", PLACES.values(), ids=list(PLACES))
def test_a_transaction_that_was_ended_for_anothers_sake_is_made_anew(world: World, statement: str) -> None:
    world.linked(invoices=2)
    if statement == PLACES["a throttled call lets go"]:
        world.remote.fails("status", "POST /invoices", status=429, headers={"Retry-After": "1"})
    world.save("invoices", "i1", "i2", reference="changed")
    started = world.time.now
    world.breaking = victim = Victim(statement, times=3)
    world.drain()
    assert victim.left == 0, "it did come to that"
    assert [one["text"] for one in world.remote.of("invoices")] == ["changed", "changed"]
    assert set(world.states("invoices").values()) == {"synced"}
    assert (world.time.now - started).total_seconds() < 5, "nothing had to be settled, and nobody had to wait"


def test_what_is_ended_again_and_again_stops_the_drain_for_a_while(world: World) -> None:
    world.save("customers", "c1")
    world.breaking = Victim("INSERT INTO sync_call_records", times=4)
    assert world.drain().again_at is not None
    assert world.remote.writes() == []
    world.drain()
    assert world.state("customers", "c1")["state"] == "synced"
