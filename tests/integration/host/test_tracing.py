"""Whoever writes a plugin can see every call of its hooks in the log."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hookspecs import Action, Record
from host.app import open_host

if TYPE_CHECKING:
    import pytest

    from host.testing import Clock, Place

PLUGIN = """
@hookimpl
def configured(settings): pass
@hookimpl
def on_entity_saved(event, unit_of_work):
    if event.record.ref == "bad":
        raise ValueError("on purpose")
@hookimpl
def on_daily_schedule(tick): pass
"""


def traced(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The trace, with every duration as ``0 ms``."""
    found = [record.getMessage() for record in caplog.records if record.name == "host.trace"]
    caplog.clear()
    return [re.sub(r"[0-9.]+ ms", "0 ms", line) for line in found]


def save(place: Place, *refs: str, origin: str = "") -> None:
    with place.host.saver(origin=origin, correlation_id="r1") as work:
        for ref in refs:
            work.save("things", Record(id=f"id-{ref}", ref=ref), action=Action.CREATED, changed=frozenset())


def test_each_call_is_a_line(sqlite_place: Place, caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    sqlite_place.plugin("scribe", PLUGIN)
    sqlite_place.write(host="trace_hooks = true")
    host = sqlite_place.open()
    assert traced(caplog) == ["configured of scribe took 0 ms: ok"], "and no settings: they hold secrets"
    save(sqlite_place, "a", origin="uk")
    assert traced(caplog) == ["on_entity_saved of scribe for things a (created from uk) took 0 ms: ok"]
    save(sqlite_place, "b", "bad")
    again = "on_entity_saved of scribe for things {} (created) took 0 ms: {}"
    assert traced(caplog) == [
        again.format("b", "ok"),
        again.format("bad", "raised ValueError: on purpose"),
        again.format("b", "ok"),  # each by itself, so that only the guilty one is lost
        again.format("bad", "raised ValueError: on purpose"),
    ]
    for day in (1, 2):
        clock.set(datetime(2030, 3, day, 12, tzinfo=UTC))
        host.daily.run_due()
    assert traced(caplog)[-1] == "on_daily_schedule of scribe for 2030-03-02 took 0 ms: ok"


def test_nothing_is_traced_unasked(sqlite_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    sqlite_place.plugin("scribe", PLUGIN)
    sqlite_place.open()
    save(sqlite_place, "a")
    assert traced(caplog) == []


def test_the_command_line_asks_for_it_too(sqlite_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    sqlite_place.plugin("scribe", PLUGIN)
    sqlite_place.open().close()
    with open_host(sqlite_place.config, trace_hooks=True):
        assert traced(caplog) == ["configured of scribe took 0 ms: ok"]
    caplog.clear()
    sqlite_place.run("serve", "--trace-hooks", "--host", "203.0.113.1")
    assert traced(caplog) == ["configured of scribe took 0 ms: ok"]
