"""``sync``: what is asked for is looked at, and sent where it differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from host.db.sessions import own_session
from host.db.watch import CHANNEL
from host.errors import AskPerson

if TYPE_CHECKING:
    from tests.integration.sync.conftest import Opener
    from tests.integration.sync.world import World


def test_records_that_are_there_already_are_not_sent_again(world: World) -> None:
    world.linked(customers=60, invoices=60)
    world.engine.request_sync()
    world.drain()
    assert world.remote.calls == []
    assert set(world.states("invoices").values()) == {"synced"}


def test_a_changed_mapping_is_sent_when_asked_to_remap(world: World) -> None:
    world.linked()
    world.engine.request_sync(kind="customers", remap=True)
    world.drain()
    assert [call.method for call in world.remote.writes()] == ["POST"]


def test_only_what_belongs_to_the_connection_that_is_named_is_sent(world: World) -> None:
    world.connect("other")
    world.save("customers", "a", connection="acme")
    world.save("customers", "o", connection="other")
    world.drain("acme")
    world.drain("other")
    world.remote.calls.clear()
    world.engine.request_sync(connection="other", remap=True)
    assert (world.state("customers", "a")["state"], world.state("customers", "o")["state"]) == ("synced", "waiting")
    assert world.row("customers", "a").inputs, "still what was agreed"
    world.drain("other")
    world.drain("acme")
    assert [call.elements[0]["ours"] for call in world.remote.writes()] == ["abcdef-o"]


def test_a_kind_added_later_is_sent_on_request(world_with: Opener) -> None:
    with world_with(only=["invoices"]) as world:
        world.save("customers", "c1", "c2")
        world.drain()
        assert world.states("customers") == {"c1": "excluded", "c2": "excluded"}
        world.provider.only = ["customers", "invoices"]
        world.engine.request_sync()
        world.drain()
        assert world.states("customers") == {"c1": "synced", "c2": "synced"}


def test_named_records_alone_are_queued(world: World) -> None:
    world.linked(customers=3)
    batch = world.engine.request_sync(kind="customers", refs=["c2"])
    with world.database.read() as session:
        shown = world.engine.batch(session, batch)
    assert shown
    assert (shown["total"], shown["records"]) == (1, {"waiting": 1})


def test_deleted_documents_are_left_alone(world: World) -> None:
    world.linked(invoices=2)
    world.delete("invoices", "i1")
    world.drain()
    world.remote.calls.clear()
    world.engine.request_sync(remap=True, kind="invoices")
    world.drain()
    assert [call.elements[0]["id"] for call in world.remote.writes()] == ["r2"]
    assert world.document("i1").status == "deleted"


def test_a_document_that_waits_to_be_deleted_still_wants_that(world: World) -> None:
    world.linked(invoices=1)
    world.delete("invoices", "i1")
    world.engine.request_sync()
    world.drain()
    assert world.document("i1").status == "deleted"


def test_two_organisations_keep_apart(world: World) -> None:
    world.connect("other")
    world.save("customers", "a", connection="acme")
    world.save("customers", "o", connection="other")
    world.save("invoices", "ia", contact="a")
    world.save("invoices", "io", contact="o")
    world.drain("acme")
    world.drain("other")
    assert [one["mark"] for one in world.remote.of("invoices", "acme")] == ["ia"]
    assert [one["mark"] for one in world.remote.of("invoices", "other")] == ["io"]
    assert len(world.remote.of("customers", "acme")) == len(world.remote.of("customers", "other")) == 1


def test_an_edit_goes_where_the_record_is_whatever_was_connected_since(world: World) -> None:
    world.linked()
    world.connect("other")
    world.save("customers", "c1", name="changed")
    world.drain()
    assert [one["text"] for one in world.remote.of("customers")] == ["changed"]
    with world.saver(origin="acme") as work:
        world.store.put(work, "customers", "c1", name="said by acme")
    assert world.state("customers", "c1")["state"] == "synced", "and does not come back from there"


def test_what_is_saved_while_the_only_connection_is_broken_waits_for_it(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=403)
    world.save("customers", "c1")
    world.drain()
    world.save("customers", "c2")
    world.save("invoices", "i1", contact="c2")
    assert world.state("customers", "c2")["state"] == "waiting"
    assert world.state("customers", "c2")["reason"].startswith("acme needs attention")
    world.engine.connect("acme", provider="tiny", auth="custom")
    world.drain()
    assert len(world.remote.of("customers")) == 2
    assert len(world.remote.of("invoices")) == 1


def test_without_a_connection_nothing_is_sent_and_the_row_says_why(world: World) -> None:
    world.connect("other")
    world.save("customers", "c1")
    state = world.state("customers", "c1")
    assert (state["state"], state["connection"]) == ("not_sent", "")
    assert "there is no default one" in state["reason"]


def test_an_unknown_kind_or_connection_names_those_that_there_are(world: World) -> None:
    with pytest.raises(AskPerson, match=r"does not sync 'hats' \(it syncs customers, invoices, payments\)"):
        world.engine.request_sync(kind="hats")
    with pytest.raises(AskPerson, match=r"there is no connection 'nobody' \(connections: acme\)"):
        world.engine.request_sync(connection="nobody")


def test_an_import_brings_reference_data_and_looks_again_at_what_is_blocked(world: World) -> None:
    taken = world.engine.import_reference("all", "acme")
    assert taken["accounts"].created == 2
    assert [account.code for account in world.store.reference["acme"].accounts or ()] == ["200", "400"]


@pytest.mark.parametrize("database_from", ["postgresql"], indirect=True)  # on SQLite they notice by themselves
def test_servers_in_other_processes_are_told_of_what_is_asked_for(world: World) -> None:
    """``counterfoil sync`` beside a server: without a word it would be sent with the next tick, half a minute later."""
    world.linked()
    with own_session(world.database.engine) as server:
        server.execute(f"LISTEN {CHANNEL}")
        world.engine.request_sync()
        assert list(server.notifies(timeout=5, stop_after=1))
