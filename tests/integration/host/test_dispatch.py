"""Hooks fire in the saving transaction; a plugin that raises loses its own writes, never anybody's save."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from hookspecs import Action, Record
from host.dispatch import BrokeTransaction
from host.repair import Repaired, repair
from host.tables import hook_failures
from host.testing.place import HEAD

if TYPE_CHECKING:
    from host.app import Host
    from host.testing import Place
    from host.unit_of_work import Saving

WRITES = """
from sqlalchemy import text
@hookimpl
def on_entity_saved(event, unit_of_work):
    unit_of_work.session.execute(text("INSERT INTO notes VALUES (:who, :ref)"), {{"who": {name!r}, "ref": event.record.ref}})
    {then}
"""
RAISES = "raise ValueError('on purpose\\nand more')"


def opened(place: Place, **plugins: str) -> Host:
    """A host with plugins that note every record that was saved, and then do something more."""
    for name, then in plugins.items():
        place.plugin(name, WRITES.format(name=name, then=then))
    return with_notes(place)


def with_notes(place: Place, *, allow_failed: bool = False) -> Host:
    host = place.open(allow_failed=allow_failed)
    with host.database.write() as session:
        session.execute(text("CREATE TABLE notes (who VARCHAR(20), ref VARCHAR(20))"))
    return host


def save(host: Host, *refs: str, origin: str = "", action: Action = Action.UPDATED) -> None:
    with host.saver(origin=origin, correlation_id="request 1") as work:
        for ref in refs:
            tell(work, ref, action)


def tell(work: Saving, ref: str, action: Action = Action.UPDATED) -> None:
    work.save("things", Record(id=f"id-{ref}", ref=ref), action=action, changed=frozenset({"name"}))


def notes(host: Host) -> list[tuple[str, str]]:
    with host.database.read() as session:
        return sorted((who, ref) for who, ref in session.execute(text("SELECT who, ref FROM notes")))


def failures(host: Host) -> list[Any]:
    with host.database.read() as session:
        return list(session.execute(select(hook_failures).order_by(hook_failures.c.plugin, hook_failures.c.ref)))


def test_hooks_write_in_the_saving_transaction(place: Place) -> None:
    with opened(place, one="pass", two="pass") as host:
        save(host, "a", "b")
        assert notes(host) == [("one", "a"), ("one", "b"), ("two", "a"), ("two", "b")]
        with pytest.raises(ZeroDivisionError):
            save_and_fail(host)
        assert ("one", "c") not in notes(host)


def save_and_fail(host: Host) -> None:
    with host.saver() as work:
        tell(work, "c")
        raise ZeroDivisionError


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
def test_a_plugin_that_raises_loses_what_it_wrote_and_nobody_else_does(place: Place, order: tuple[str, str]) -> None:
    doing = {"good": "pass", "bad": RAISES}
    with opened(place, **{name: doing[name] for name in order}) as host:
        save(host, "a", origin="uk")
        assert notes(host) == [("good", "a")]
        [failure] = failures(host)
        assert (failure.plugin, failure.hook, failure.kind, failure.record_id, failure.ref) == (
            "bad",
            "on_entity_saved",
            "things",
            "id-a",
            "a",
        )
        assert failure.error == "ValueError: on purpose"
        assert "bad.py" in failure.traceback
        assert (failure.origin, failure.action, failure.changed) == ("uk", "updated", ["name"])
        assert failure.correlation_id == "request 1"


def test_of_many_records_only_the_guilty_one_is_lost_to_the_plugin(place: Place) -> None:
    with opened(place, picky="if event.record.ref == 'b': " + RAISES) as host:
        save(host, "a", "b", "c")
        assert notes(host) == [("picky", "a"), ("picky", "c")]
        assert [failure.ref for failure in failures(host)] == ["b"]


def test_a_failure_is_one_row_however_often(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with opened(place, bad=RAISES) as host:
        save(host, "a", action=Action.CREATED)
        with host.saver() as work:
            work.save("things", Record(id="id-a", ref="a"), action=Action.UPDATED, changed=frozenset({"colour"}))
        [failure] = failures(host)
        assert failure.attempts == 2
        assert (failure.action, failure.changed) == ("created", ["colour", "name"])
        assert failure.first_failed_at < failure.last_failed_at
        save(host, "a", action=Action.ARCHIVED)
        assert failures(host)[0].action == "archived"
    assert "plugin bad failed in on_entity_saved for things a: ValueError: on purpose" in caplog.text


@pytest.mark.parametrize(
    "then",
    [
        "unit_of_work.session.execute(text('SELECT * FROM nowhere'))",
        "raise ValueError('a NUL: \\x00')",
        "raise type('Odd', (Exception,), {})",
    ],
)
def test_whatever_it_raises_the_save_is_kept(place: Place, then: str) -> None:
    with opened(place, good="pass", bad=then) as host:
        save(host, "a", "b")
        assert notes(host) == [("good", "a"), ("good", "b")]
        assert len(failures(host)) == 2


def test_what_a_raising_hook_collected_goes_with_its_savepoint(place: Place) -> None:
    place.plugin(
        "bad",
        """
        called = []
        @hookimpl
        def on_entity_saved(event, unit_of_work):
            if event.kind == "things":
                unit_of_work.after_commit(lambda: called.append(event.record.ref))
                unit_of_work.save("echoes", event.record, action=Action.CREATED, changed=frozenset())
            if event.record.ref == "b":
                raise ValueError
        """,
    )
    place.plugin(
        "hears",
        """
        heard = []
        @hookimpl
        def on_entity_saved(event, unit_of_work):
            heard.append((event.kind, event.record.ref))
        """,
    )
    with with_notes(place) as host:
        save(host, "a", "b")
        calls, heard = host.plugins.instance("bad").called, host.plugins.instance("hears").heard
        assert calls == ["a"]
        assert heard == [("things", "a"), ("things", "b"), ("echoes", "a")]


def test_what_fails_after_the_commit_fails_alone(sqlite_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever saved is not told that it failed, and the others' calls are made."""
    with opened(sqlite_place, one="unit_of_work.after_commit(lambda: 1 / 0)") as host:
        called: list[str] = []
        with host.saver() as work:
            work.after_commit(lambda: 1 / 0)  # type: ignore[arg-type]
            work.after_commit(lambda: called.append("called"))
        assert called == ["called"]
        assert "division by zero" in caplog.text
        save(host, "a")


def test_after_the_commit_the_calls_are_made_and_the_host_is_woken(sqlite_place: Place) -> None:
    with opened(sqlite_place, one="unit_of_work.after_commit(lambda: print('called'))") as host:
        woken: list[str] = []
        host.saver._on_commit = lambda: woken.append("woken")
        save(host, "a")
        assert woken == ["woken"]
        with host.saver():
            pass
        assert woken == ["woken"]


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_hook_that_ends_the_transaction_is_named(place: Place, ending: str) -> None:
    with opened(place, rude=f"unit_of_work.session.{ending}()") as host:
        with pytest.raises(BrokeTransaction, match="plugin 'rude' committed or rolled back in on_entity_saved"):
            save(host, "a")
        assert failures(host) == []


class Watch:
    """A clock that stands still but for what a plugin takes."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_a_slow_hook_is_named(
    sqlite_place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.dispatch.time", Watch())
    takes = "import host.dispatch; host.dispatch.time.now += {}"
    with opened(sqlite_place, slow=takes.format(0.06), quick=takes.format(0.04)) as host:
        save(host, "a")
    slow = [record.getMessage() for record in caplog.records if "limit 50 ms" in record.getMessage()]
    assert len(slow) == 1
    assert slow[0].startswith("plugin slow took 60 ms in on_entity_saved for things a")


# -------------------------------------------------------------------------------------------------------------- together

TOGETHER = """
from sqlalchemy import text
def note_all(session, refs):
    session.execute(text("INSERT INTO notes VALUES ('all', :refs)"), {"refs": " ".join(refs)})
    if "bad" in refs:
        raise ValueError("not that one")
@hookimpl
def on_entity_saved(event, unit_of_work):
    unit_of_work.together(note_all, event.record.ref)
"""


def test_what_is_done_together_is_done_once_for_a_round(place: Place) -> None:
    place.plugin("collects", TOGETHER)
    with with_notes(place) as host:
        save(host, "a", "b", "c")
        assert notes(host) == [("all", "a b c")]
        with pytest.raises(ZeroDivisionError):
            save_and_fail(host)
        save(host, "d")
        assert notes(host) == [("all", "a b c"), ("all", "d")]


def test_what_fails_together_is_done_one_by_one_and_only_the_guilty_is_owed(place: Place) -> None:
    place.plugin("collects", TOGETHER)
    with with_notes(place) as host:
        save(host, "a", "bad", "c")
        assert notes(host) == [("all", "a"), ("all", "c")]
        assert [(one.ref, one.error) for one in failures(host)] == [("bad", "ValueError: not that one")]


# ------------------------------------------------------------------------------------------------------------- repairing

MOODY = """
from sqlalchemy import text
mood = []
@hookimpl
def on_entity_saved(event, unit_of_work):
    if event.record.ref in mood:
        raise ValueError("not today")
    note = {"who": event.action.value + event.origin, "ref": event.record.ref}
    unit_of_work.session.execute(text("INSERT INTO notes VALUES (:who, :ref)"), note)
@hookimpl
def on_invoice_deleted(event, unit_of_work):
    if event.record.ref in mood:
        raise ValueError("not today")
    unit_of_work.session.execute(text("INSERT INTO notes VALUES ('asked', :ref)"), {"ref": event.record.ref})
"""
STORE = """
records = {}
class Store:
    def read(self, session, kind, ids):
        return {id: records[id] for id in ids if id in records}
    def __getattr__(self, name): return lambda *arguments, **named: None
@hookimpl
def provide_billing_store(): return Store()
"""


@pytest.fixture
def moody(place: Place) -> Host:
    """A host whose plugin ``moody`` raises over the records in its mood."""
    place.plugin("books", STORE)
    place.plugin("moody", MOODY)
    return with_notes(place)


def repaired(host: Host) -> Repaired:
    return repair(host.database, host.saver, host.plugins)


def test_what_failed_is_run_again_with_the_record_as_it_is_now(moody: Host) -> None:
    with moody as host:
        mood, records = host.plugins.instance("moody").mood, host.plugins.instance("books").records
        mood[:] = ["a", "b"]
        save(host, "a", "b", "c", origin="uk")
        records.update({"id-a": Record(id="id-a", ref="a-now"), "id-b": Record(id="id-b", ref="b")})
        mood[:] = ["b"]
        assert repaired(host) == Repaired(mended=1, left=1)
        assert notes(host) == [("updateduk", "a-now"), ("updateduk", "c")]
        [left] = failures(host)
        assert (left.ref, left.attempts) == ("b", 2)
        mood[:] = []
        assert repaired(host) == Repaired(mended=1, left=0)
        assert failures(host) == []
        assert repaired(host) == Repaired()


def test_a_record_that_is_gone_by_then_is_told_as_deleted(moody: Host) -> None:
    with moody as host:
        mood = host.plugins.instance("moody").mood
        mood[:] = ["a"]
        save(host, "a")
        mood[:] = []
        assert repaired(host) == Repaired(mended=1)
        assert notes(host) == [("deleted", "a")]


@pytest.mark.parametrize(("status", "told"), [("deleting", [("asked", "a")]), ("deleted", []), (None, [])])
def test_asking_for_deletion_is_repeated_only_while_it_is_asked_for(
    moody: Host, status: str | None, told: list[tuple[str, str]]
) -> None:
    from datetime import date

    from hookspecs import Document

    with moody as host:
        document = Document(
            id="id-a", ref="a", kind="bills", number="1", contact="", contact_kind="", issue_date=date(2026, 1, 1)
        )
        mood = host.plugins.instance("moody").mood
        mood[:] = ["a"]
        with host.saver() as work:
            work.ask_deletion("bills", document)
        assert [failure.hook for failure in failures(host)] == ["on_invoice_deleted"]
        mood[:] = []
        if status is not None:
            from dataclasses import replace

            host.plugins.instance("books").records["id-a"] = replace(document, status=status)
        assert repaired(host) == Repaired(mended=1)
        assert notes(host) == told
        assert failures(host) == []


def test_more_failures_than_one_page(moody: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.repair._AT_ONCE", 3)
    with moody as host:
        refs = [f"r{number}" for number in range(8)]
        mood = host.plugins.instance("moody").mood
        mood[:] = refs
        save(host, *refs)
        mood[:] = ["r0", "r7"]
        assert repaired(host) == Repaired(mended=6, left=2)


def test_failures_of_a_plugin_that_is_not_there_wait(moody: Host) -> None:
    with moody as host:
        host.plugins.instance("moody").mood[:] = ["a"]
        save(host, "a")
        next(plugin for plugin in host.plugins.all if plugin.name == "moody").fail("on purpose")
        assert repaired(host) == Repaired()
        assert len(failures(host)) == 1


@pytest.mark.parametrize("broken", ["raise SystemExit", "1 / 0\ndef"])
def test_what_a_plugin_missed_while_it_was_not_running_it_hears_later(place: Place, broken: str) -> None:
    place.plugin("books", STORE)
    place.plugin("moody", broken)
    with with_notes(place, allow_failed=True) as host:
        save(host, "a")
        with host.saver() as work:
            work.ask_deletion("things", Record(id="id-b", ref="b"))
        assert [(failure.plugin, failure.hook, failure.ref) for failure in failures(host)] == [
            ("moody", "on_entity_saved", "a"),
            ("moody", "on_invoice_deleted", "b"),
        ]
        assert failures(host)[0].error.startswith("NotRunning: it could not be imported: ")
    path = place.folder / "plugins" / "moody.py"
    path.write_text(HEAD + MOODY.partition("@hookimpl\ndef on_invoice_deleted")[0])
    forget_modules()
    with place.open() as host:
        host.plugins.instance("books").records["id-a"] = Record(id="id-a", ref="a-now")
        repaired(host)
        assert notes(host) == [("updated", "a-now")]
        assert failures(host) == []


def forget_modules() -> None:
    """As a new process has it: a plugin's file is read again."""
    for name in [name for name in sys.modules if name.startswith("_counterfoil_plugins_")]:
        del sys.modules[name]
