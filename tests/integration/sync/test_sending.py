"""A saved record is at the remote, once, as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.sync.world import World


def test_a_saved_record_is_created_once(world: World) -> None:
    world.save("customers", "c1")
    world.drain()
    [made] = world.remote.of("customers")
    assert (made["text"], made["mark"]) == ("Ada", "abcdef-c1")
    state = world.state("customers", "c1")
    assert (state["state"], state["remote_id"]) == ("synced", made["id"])
    assert len(world.remote.writes()) == 1
