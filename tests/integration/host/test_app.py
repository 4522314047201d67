"""The host is assembled from its configuration, and works by itself once it is started."""

from __future__ import annotations

import queue
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from hookspecs import Action, Record
from host import clock
from host.app import open_host, open_installation
from host.config import ConfigFault
from host.errors import Stop
from host.plugins import State
from host.sync.engine import Drained

if TYPE_CHECKING:
    from pathlib import Path

    from host.app import Host
    from host.testing import Place

GOOD = """
seen = []
@hookimpl
def on_entity_saved(event, unit_of_work):
    seen.append(event.record.ref)
"""
ANY = "class Any:\n    def __getattr__(self, name): return lambda *arguments, **named: ()\n"
MIGRATED = """
from pathlib import Path
@hookimpl
def migrations():
    return Migrations(versions=Path(__file__).parent / "versions_of_{name}")
"""
REVISION = "revision = '1'\ndown_revision = None\ndef upgrade():\n    {body}\n"


def save(host: Host, ref: str = "a") -> None:
    with host.saver() as work:
        work.save("things", Record(id=f"id-{ref}", ref=ref), action=Action.CREATED, changed=frozenset())


def migrated_plugin(place: Place, name: str, body: str | None) -> None:
    """A plugin with one revision; with ``None``, its folder is missing."""
    place.plugin(name, GOOD + MIGRATED.format(name=name))
    if body is not None:
        folder = place.folder / "plugins" / f"versions_of_{name}"
        folder.mkdir()
        (folder / "1.py").write_text(REVISION.format(body=body))


def reasons(host: Host) -> dict[str, str]:
    return {plugin.name: plugin.reason for plugin in host.plugins.all if plugin.state is State.FAILED}


# ------------------------------------------------------------------------------------------------------------- assembling


def test_a_host_from_its_configuration(place: Place) -> None:
    place.plugin("good", GOOD)
    with place.open() as host:
        assert [plugin.name for plugin in host.plugins.all] == ["good"]
        assert host.settings.plugins == ("good",)
        assert (host.store, host.engine, dict(host.kinds), list(host.providers)) == (None, None, {}, [])
        assert host.vault.open(host.vault.seal("x")) == "x"
        with host.database.read() as session:
            assert host.prefix == session.execute(text("SELECT value FROM host_settings")).scalar_one()
        save(host)
        assert host.plugins.instance("good").seen == ["a"]


def test_a_keeper_of_records_brings_the_sync(sqlite_place: Place) -> None:
    sqlite_place.plugin("books", ANY + "@hookimpl\ndef provide_billing_store(): return Any()")
    with sqlite_place.open() as host:
        assert host.engine is not None
        assert host.engine.connections_with_work() == []


def test_a_database_that_is_not_migrated(place: Place) -> None:
    place.write()
    with pytest.raises(Stop) as raised:
        open_host(place.config)
    no_file = f"the database file {place.folder}/counterfoil.db does not exist: correct [host] database_url, or "
    sqlite = place.database_url.startswith("sqlite")
    first, last = (no_file, ", which makes it") if sqlite else ("the database must be migrated first: ", "")
    assert str(raised.value) == f"{first}run `counterfoil migrate`{last}"


def test_a_database_newer_than_the_code(place: Place) -> None:
    place.open().close()
    installation = open_installation(place.config)
    with installation.database.write() as session:
        session.execute(text("UPDATE host_migrations SET version_num = '9999'"))
    [line] = installation.standing()
    installation.close()
    with pytest.raises(Stop) as raised:
        open_host(place.config)
    assert str(raised.value) == (
        f"the database is newer than this program (at revision 9999, it knows {line.head}): "
        "install the newer version, or put the backup from before that migration back"
    )


def test_every_fault_of_every_plugins_table_at_once(sqlite_place: Place) -> None:
    schema = """
    from marshmallow import Schema, fields
    @hookimpl
    def config_schema():
        class Settings(Schema):
            level = fields.Integer(required=True)
        return Settings
    """
    for name in ("one", "two"):
        sqlite_place.plugin(name, schema)
    sqlite_place.write(tables="[plugins.one]\nlevel = 'x'\n[plugins.tow]\nlevel = 1\n")
    with pytest.raises(ConfigFault) as raised:
        open_host(sqlite_place.config)
    path = sqlite_place.config
    assert str(raised.value).splitlines() == [
        f"{path}:9: plugins.tow: unknown plugin (did you mean 'two'?); installed: core_billing, one, two, xero",
        f"{path}:8: plugins.one.level: 'x' is not accepted; it takes a whole number",
        f"{path}:1: plugins.two.level: missing; it takes a whole number",
    ]


def test_settings_reach_the_plugin(sqlite_place: Place) -> None:
    sqlite_place.plugin(
        "one",
        """
        from host.config import SecretField
        got = {}
        @hookimpl
        def config_schema():
            from marshmallow import Schema, fields
            return Schema.from_dict({"level": fields.Integer(), "key": SecretField()})
        @hookimpl
        def configured(settings):
            got.update(settings)
        """,
    )
    sqlite_place.write(tables="[plugins.one]\nlevel = 3\nkey = 'hunter2'\n")
    with sqlite_place.open() as host:
        got = host.plugins.instance("one").got
        assert got["level"] == 3
        assert got["key"].reveal() == "hunter2"
        assert "hunter2" not in repr(host.plugins.all)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "raise ValueError('on purpose')",
            "the migrations of 'bad' failed and were undone: ValueError: on purpose; mend the plugin and run `counterfoil migrate` again",
        ),
        ("pass\n  bad indent", "its migrations cannot be read: IndentationError: "),
        (None, "its migrations cannot be read: FileNotFoundError: the folder "),
    ],
)
def test_a_plugin_whose_migrations_fail_is_alone_with_it(place: Place, body: str | None, reason: str) -> None:
    migrated_plugin(place, "bad", body)
    migrated_plugin(place, "good", "pass")
    with place.open(allow_failed=True) as host:
        assert list(reasons(host)) == ["bad"]
        assert reasons(host)["bad"].startswith(reason)
        save(host)
        assert host.plugins.instance("good").seen == ["a"]
        assert host.plugins.instance("bad").seen == []


def test_the_failing_migration_itself_is_told_when_it_is_run(place: Place) -> None:
    migrated_plugin(place, "bad", "raise ValueError('on purpose')")
    place.write()
    [_, found] = place.migrate()
    assert found.reason == "the migrations of 'bad' failed and were undone: ValueError: on purpose"


def test_safe_mode_starts_with_none(sqlite_place: Place) -> None:
    sqlite_place.plugin("bad", "raise AssertionError")
    sqlite_place.write(tables="[plugins.nobody]\nx = 1")
    with pytest.raises(ConfigFault, match="unknown plugin"):
        open_host(sqlite_place.config)
    sqlite_place.write(tables="[plugins.bad]\nx = 1")
    sqlite_place.open(allow_failed=True).close()
    with open_host(sqlite_place.config, safe_mode=True) as host:
        assert host.plugins.all == []
        save(host)


def test_a_lost_database_is_told_in_one_line(tmp_path: Path) -> None:
    from host.crypto import generate_key

    config = tmp_path / "counterfoil.toml"
    config.write_text(
        f'[host]\ndatabase_url = "postgresql://127.0.0.1:9/x"\nsecret_key = "{generate_key()}"\nplugins=[]'
    )
    with pytest.raises(Stop, match=r"^the database postgresql://127.0.0.1:9/x cannot be used: .*refused") as raised:
        open_host(config)
    assert "\n" not in str(raised.value)


# ----------------------------------------------------------------------------------------------------- working by itself


class FakeEngine:
    """Tells what it is asked, and answers as told."""

    def __init__(self) -> None:
        self.drained: queue.Queue[str] = queue.Queue()
        self.answers: queue.Queue[Drained] = queue.Queue()
        self.asked: list[str] = []

    def put_defaults(self) -> None:
        self.asked.append("put_defaults")

    def wake(self) -> None:
        self.asked.append("wake")

    def connections_with_work(self) -> list[str]:
        return ["uk"]

    def drain(self, key: str) -> Drained:
        self.drained.put(key)
        try:
            return self.answers.get_nowait()
        except queue.Empty:
            return Drained(spoke=True)

    def stop(self) -> None:
        self.asked.append("stop")

    def close(self) -> None:
        self.asked.append("close")

    def expect_drain(self) -> None:
        assert self.drained.get(timeout=10) == "uk"

    def until_quiet(self) -> None:
        """Until nothing was drained for longer than any watch takes to notice a commit."""
        while True:
            try:
                self.drained.get(timeout=0.7)
            except queue.Empty:
                return


def with_fake_engine(host: Host) -> FakeEngine:
    fake = FakeEngine()
    engine: Any = fake
    host.engine = engine
    return fake


def test_a_commit_wakes_the_drain_with_the_scheduler_off(place: Place) -> None:
    place.write(host="scheduler = false")
    with place.open() as host:
        engine = with_fake_engine(host)
        save(host)
        assert engine.drained.empty(), "a host that is only opened does not work by itself"
        host.start()
        engine.expect_drain()
        engine.until_quiet()
        save(host)
        engine.expect_drain()
    assert engine.asked[0] == "wake"
    assert "put_defaults" in engine.asked
    assert engine.asked[-2:] == ["stop", "close"]


def test_a_commit_of_another_host_wakes_the_drain(place: Place) -> None:
    place.write(host="scheduler = false")
    with place.open() as host, place.open() as other:
        engine = with_fake_engine(host)
        host.start()
        engine.expect_drain()
        engine.until_quiet()
        with other.saver() as work:
            work.session.execute(text("INSERT INTO host_settings VALUES ('saved', 'something')"))
            work.save("things", Record(id="id", ref="a"), action=Action.CREATED, changed=frozenset())
        engine.expect_drain()


def test_where_another_process_speaks_it_is_asked_again_soon(sqlite_place: Place) -> None:
    with sqlite_place.open() as host:
        engine = with_fake_engine(host)
        engine.answers.put(Drained(spoke=False))
        begun = clock.now()
        host.start()
        engine.expect_drain()
        engine.expect_drain()
        assert clock.now() - begun < timedelta(seconds=2), "it takes over within 2 s"


def test_what_is_due_later_is_drained_then(sqlite_place: Place) -> None:
    with sqlite_place.open() as host:
        engine = with_fake_engine(host)
        host.start()
        engine.until_quiet()
        engine.answers.put(Drained(spoke=True, again_at=clock.now() + timedelta(seconds=0.2)))
        host.wake()
        engine.expect_drain()
        engine.expect_drain()


def test_closing_leaves_nothing_behind(place: Place) -> None:
    before = set(threading.enumerate())
    host = place.open()
    with_fake_engine(host)
    host.start()
    host.close()
    assert set(threading.enumerate()) - before == set()
