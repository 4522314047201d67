"""What plugin authors build their tests with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import host.testing
from hookspecs import Action, Customer
from host import clock as host_clock
from host.db.migrate import Line
from host.roles import Role
from host.testing.place import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.testing import Clock, Place, Sandbox, Saves, TinyRemote

LISTENER = """
heard = []
@hookimpl
def on_entity_saved(event, unit_of_work):
    heard.append((event.kind, event.record.ref))
"""
INVOICE = {"customer": "ada", "issue_date": "2026-03-02", "lines": [{"description": "Engine", "unit_price": "1.00"}]}


def test_every_public_name_is_documented_and_listed() -> None:
    told = host.testing.__doc__ or ""
    assert {name for name in host.testing.__all__ if name.islower()} <= set(told.replace("`", " ").split())
    assert all(getattr(host.testing, name).__doc__ for name in host.testing.__all__)


def test_a_host_with_chosen_plugins(place: Place) -> None:
    place.plugin("listener", LISTENER)
    opened = place.open("core_billing")
    place.api.put("/customers/ada", {"name": "Ada"})
    assert opened.plugins.instance("listener").heard == [("customers", "ada")]
    assert place.api.patch("/customers/ada", {"name": "Ada L"})["name"] == "Ada L"
    assert place.api.get("/customers", q="ada")["total"] == 1
    assert place.api.delete("/customers/ada") is None


def test_plugins_of_ones_own_folder(place: Place, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "listener.py").write_text(HEAD + LISTENER)
    opened = place.open("core_billing", "listener", plugin_dir=mine)
    assert [plugin.name for plugin in opened.plugins.active] == ["core_billing", "listener"]


def test_opened_again_with_one_plugin_more(sqlite_place: Place) -> None:
    sqlite_place.write(host='timezone = "Europe/London"', tables="[plugins.core_billing]")
    sqlite_place.open("core_billing").close()
    sealed = sqlite_place.host.vault.seal("x")
    sqlite_place.plugin("listener", LISTENER)
    opened = sqlite_place.open(tables='[plugins.core_billing]\ninvoice_number_format = "X{number}"')
    assert [plugin.name for plugin in opened.plugins.active] == ["core_billing", "listener"]
    sqlite_place.plugin("second", LISTENER)
    opened = sqlite_place.open()
    assert [plugin.name for plugin in opened.plugins.active] == ["core_billing", "listener", "second"]
    assert str(opened.settings.timezone) == "Europe/London"
    assert opened.vault.open(sealed) == "x"


def test_a_plugin_that_fails_fails_the_test(sqlite_place: Place) -> None:
    sqlite_place.plugin("broken", "1 / 0")
    with pytest.raises(AssertionError, match="plugin broken failed: it could not be imported: ZeroDivisionError"):
        sqlite_place.open()
    assert [plugin.name for plugin in sqlite_place.open(allow_failed=True).plugins.failed] == ["broken"]


def test_an_answer_that_is_no_success_fails_the_test(sqlite_place: Place) -> None:
    sqlite_place.open("core_billing")
    with pytest.raises(AssertionError, match=r"PUT /customers/ada was answered 422: .*name"):
        sqlite_place.api.put("/customers/ada", {})
    assert sqlite_place.api_of(Role.USER).ask("GET", "/plugins").status_code == 403


def test_commands_run_here(sqlite_place: Place) -> None:
    sqlite_place.open("core_billing").close()
    assert sqlite_place.run("plugins", "list", "--json").json[0]["name"] == "core_billing"
    ran = sqlite_place.run("load", "customers", "nowhere.jsonl")
    assert (ran.code, ran.out) == (1, "")
    assert "nowhere.jsonl" in ran.err


def test_a_clock_that_can_be_set(clock: Clock) -> None:
    moment = datetime(2031, 5, 1, 9, 0, tzinfo=UTC)
    clock.set(moment)
    assert moment <= host_clock.now() < moment + timedelta(minutes=1)
    clock.advance(timedelta(days=-1))
    assert clock.now.day == 30


def test_an_accounting_provider_without_a_ledger(place: Place, remote: TinyRemote) -> None:
    place.tiny_provider("customers", "invoices")
    opened = place.open("core_billing", transport=remote.transport())
    assert opened.engine is not None
    opened.engine.connect("acme", provider="tiny", auth="custom")
    place.api.put("/customers/ada", {"name": "Ada"})
    place.api.put("/invoices/1", INVOICE)
    opened.engine.drain("acme")
    assert [one["text"] for one in remote.of("customers")] == ["Ada"]
    assert place.api.get("/invoices/1")["sync"][0]["state"] == "synced"
    remote.fails("status", "POST /invoices", status=400)
    place.api.delete("/invoices/1")
    opened.engine.drain("acme")
    assert place.api.get("/invoices/1")["status"] == "draft", "it was refused"
    assert len(remote.of("invoices")) == 1


def test_the_sandbox_that_a_plugin_brings(sqlite_place: Place, new_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = new_sandbox("xero", "--no-limits")
    opened = sqlite_place.open("core_billing", "xero", tables=sandbox.table)
    for command in sandbox.connecting:
        assert sqlite_place.run(*command).code == 0
    assert opened.engine is not None
    sqlite_place.api.put("/customers/ada", {"name": "Ada"})
    opened.engine.drain("demo")
    assert sqlite_place.api.get("/customers/ada")["sync"][0]["state"] == "synced"
    assert any("/Contacts" in call["path"] for call in httpx.get(f"{sandbox.url}/_sandbox/calls").json())


def test_a_plugin_without_a_sandbox(new_sandbox: Callable[..., Sandbox]) -> None:
    with pytest.raises(LookupError, match="plugin 'core_billing' brings no sandbox"):
        new_sandbox("core_billing")
    with pytest.raises(LookupError, match="it is not installed"):
        new_sandbox("zero")


def test_saving_without_a_host(new_saves: Callable[[Line], Saves]) -> None:
    from plugins.core_billing.plugin import VERSIONS

    saves = new_saves(Line("core_billing", VERSIONS))
    ada = Customer(id="1", ref="ada", name="Ada")
    with saves.saver() as work:
        work.save("customers", ada, action=Action.CREATED, changed=frozenset({"name"}))
        work.save("customers", ada, action=Action.UPDATED, changed=frozenset({"email"}))
    assert saves.told() == [("customers", "ada", "created")]
    assert saves.told() == []
