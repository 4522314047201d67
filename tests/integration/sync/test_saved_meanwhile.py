"""A call finishes the generation that it carried, and a call carries what is there when it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.sync import carrier as carrier_module

if TYPE_CHECKING:
    import pytest

    from tests.integration.sync.world import World


def test_what_is_saved_while_a_call_is_out_is_sent_after_it(world: World) -> None:
    world.remote.fails("slow", "PUT /customers", seconds=5)
    world.time.after(2, lambda: world.save("customers", "c1", name="later"))
    world.save("customers", "c1", name="sooner")
    world.drain()
    assert [call.elements[0]["text"] for call in world.remote.writes()] == ["sooner", "later"]
    assert [one["text"] for one in world.remote.of("customers")] == ["later"]
    first, second = world.remote.writes()
    assert (second.at - first.at).total_seconds() == 5, "never two calls for one record at once"


def test_nothing_is_compared_while_a_call_is_out(world: World) -> None:
    """Saved back to what was agreed, while a call carries something else: it has to go again."""
    world.linked()
    world.remote.fails("slow", "POST /customers", seconds=5)
    meanwhile: list[str] = []
    world.time.after(2, lambda: world.save("customers", "c1", name="Ada"))
    world.time.after(4, lambda: meanwhile.append(world.state("customers", "c1")["state"]))
    world.save("customers", "c1", name="changed")
    world.drain()
    assert meanwhile == ["waiting"], "not said to be what was agreed"
    assert [one["text"] for one in world.remote.of("customers")] == ["Ada"]


def test_what_is_saved_between_planning_and_sending_goes_as_it_is_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_call = carrier_module.Carrier.send
    later = iter([lambda: world.save("customers", "c2", name="later")])

    def save_first(*arguments: Any, **named: Any) -> Any:
        next(later, lambda: None)()
        return open_call(*arguments, **named)

    monkeypatch.setattr(carrier_module.Carrier, "send", save_first)
    world.save("customers", "c1", "c2", "c3")
    world.drain()
    assert [one["text"] for one in world.remote.of("customers")] == ["Ada", "later", "Ada"]
    assert len(world.remote.writes()) == 1


def test_every_call_carries_the_record_as_it_is_when_the_call_is_built(world: World) -> None:
    """A throttled call is not repeated: what goes later is what is there then."""
    world.remote.fails("status", "PUT /customers", status=429, headers={"Retry-After": "20"})
    world.time.after(10, lambda: world.save("customers", "c1", name="later"))
    world.save("customers", "c1", name="sooner")
    world.drain()
    assert [call.elements[0]["text"] for call in world.remote.writes()] == ["sooner", "later"]
    first, second = world.remote.writes()
    assert first.key != second.key
