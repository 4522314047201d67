"""Deleting is asked for, then confirmed or refused by the remote's own word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from host.sync.tables import rows

if TYPE_CHECKING:
    from tests.integration.sync.conftest import Opener
    from tests.integration.sync.world import World


def test_what_was_never_sent_goes_at_once(world: World) -> None:
    world.save("customers", "c1")
    world.save("invoices", "i1")
    assert world.delete("invoices", "i1") is False
    world.drain()
    assert world.remote.writes("invoices") == []
    assert world.state("invoices", "i1")["reason"] == "the record is gone"


def test_what_is_there_is_looked_at_deleted_and_confirmed(world: World) -> None:
    world.linked(invoices=1)
    assert world.delete("invoices", "i1") is True
    assert world.state("invoices", "i1")["state"] == "deleting"
    world.drain()
    assert world.remote.of("invoices") == []
    assert world.document("i1").status == "deleted"
    assert (world.state("invoices", "i1")["state"], world.state("invoices", "i1")["reason"]) == ("synced", "deleted")
    assert (len(world.remote.reads()), len(world.remote.writes())) == (1, 1)


def test_what_is_gone_there_already_is_confirmed_without_a_write(world: World) -> None:
    world.linked(invoices=1)
    world.remote.elements["acme/invoices"]["r1"]["status"] = "deleted"
    world.delete("invoices", "i1")
    world.drain()
    assert world.document("i1").status == "deleted"
    assert world.remote.writes() == []


def test_a_refusal_brings_the_document_back_with_the_reason(world: World) -> None:
    world.linked(invoices=1)
    world.remote.elements["acme/invoices"]["r1"]["text"] = "paid"
    world.delete("invoices", "i1")
    world.drain()
    assert (world.document("i1").status, world.document("i1").status_reason) == ("draft", "it has a payment")
    state = world.state("invoices", "i1")
    assert (state["state"], state["reason"]) == ("synced", "not deleted: it has a payment")
    assert len(world.remote.writes()) == 1, "a refusal changes nothing here that would have to be sent"


def test_a_change_before_a_refused_deletion_is_sent_after_it(world: World) -> None:
    world.linked(invoices=1)
    world.save("invoices", "i1", reference="changed")
    world.remote.elements["acme/invoices"]["r1"]["text"] = "paid"
    world.delete("invoices", "i1")
    world.drain()
    assert [one["text"] for one in world.remote.of("invoices")] == ["changed"]


def test_a_refused_deletion_is_not_tried_again_by_a_sync_that_was_asked_for_meanwhile(world: World) -> None:
    """What was paid there is freed of its payment later: the invoice, which nobody wants deleted any more, stays."""
    world.linked(invoices=1)
    there = world.remote.elements["acme/invoices"]["r1"]
    there["text"] = "paid"
    world.remote.fails("slow", "POST /invoices", seconds=5)
    world.time.after(2, lambda: (world.engine.request_sync(), there.update(text="free again")))
    world.delete("invoices", "i1")
    world.drain()
    assert world.document("i1").status == "draft"
    assert [one["status"] for one in world.remote.of("invoices")] == ["draft"]
    assert world.state("invoices", "i1")["state"] == "synced"


def test_deleting_while_its_create_is_out_waits_for_the_answer(world: World) -> None:
    world.linked()
    world.remote.fails("slow", "PUT /invoices", seconds=5)
    world.time.after(2, lambda: world.delete("invoices", "i1"))
    world.save("invoices", "i1")
    world.drain()
    assert [call.method for call in world.remote.writes()] == ["PUT", "POST"]
    assert world.remote.of("invoices") == []
    assert world.document("i1").status == "deleted"


def test_deleting_while_its_create_is_lost_settles_that_first(world: World) -> None:
    world.linked()
    world.remote.fails("lose", "PUT /invoices")
    world.time.after(2, lambda: world.delete("invoices", "i1"))
    world.save("invoices", "i1")
    world.drain()
    assert world.remote.of("invoices") == []
    assert world.document("i1").status == "deleted"


def test_deleting_waits_for_a_lost_create_that_may_still_land(world: World) -> None:
    """It was not there when asked; it lands a minute later. Deleting is confirmed only when it cannot land any more."""
    world.linked()
    world.remote.fails("late", "PUT /invoices", seconds=75)
    world.time.after(2, lambda: world.delete("invoices", "i1"))
    world.save("invoices", "i1")
    while world.engine.drain("acme").again_at or world.engine.connections_with_work():
        world.time.pass_whole(30)
    assert world.remote.of("invoices") == []
    assert world.document("i1").status == "deleted"
    assert [one["status"] for one in world.remote.elements["acme/invoices"].values()] == ["deleted"], "it did land"


def test_deletion_of_a_linked_document_goes_though_its_kind_is_not_synced_any_more(world_with: Opener) -> None:
    with world_with() as world:
        world.linked(invoices=1)
        world.provider.only = ["customers"]
        world.delete("invoices", "i1")
        world.drain()
        assert world.remote.of("invoices") == []
        assert world.document("i1").status == "deleted"


def test_books_that_cannot_take_a_deletion_hold_up_nobody(world: World) -> None:
    world.linked(invoices=3)
    world.store.broken = {"i2"}
    for id in ("i1", "i2", "i3"):
        world.delete("invoices", id)
    world.drain()
    assert world.states("invoices") == {"i1": "synced", "i2": "failed", "i3": "synced"}
    assert "the books cannot let i2 go" in world.state("invoices", "i2")["error"]


@pytest.mark.parametrize("database_from", ["postgresql"], indirect=True)  # on SQLite whoever may write is alone
def test_while_a_deletion_is_decided_no_call_can_carry_the_record(world: World) -> None:
    """Nobody holds it and so it goes at once: a call that left between the asking and the commit would leave it behind at the remote."""
    world.save("invoices", "i1")
    carried = select(rows.c.id).where(rows.c.record_id == "i1").with_for_update(nowait=True)
    with world.saver() as work:
        assert world.store.delete(work, "invoices", "i1") is False
        with world.database.write() as call, pytest.raises(OperationalError, match="could not obtain lock"):
            call.execute(carried)
