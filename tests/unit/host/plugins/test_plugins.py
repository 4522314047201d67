"""Plugins are found, checked and started; one that is broken is listed with its reason, and the others work."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from host.db.migrate import LineStatus, Standing
from host.plugins import Plugins, State

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "from hookspecs import *\nfrom hookspecs import hookimpl\ncontract_version = 1\n"
GOOD = """
seen = []
@hookimpl
def on_entity_saved(event, unit_of_work):
    seen.append(event)
    return len(seen)
"""


def write(folder: Path, name: str, source: str, *, head: str = HEAD) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(head + dedent(source))


def loaded(folder: Path, *names: str, limit: float = 10) -> Plugins:
    plugins = Plugins(names, folder, limit=limit)
    plugins.load()
    return plugins


def started(folder: Path, *names: str, limit: float = 10) -> Plugins:
    plugins = loaded(folder, *names, limit=limit)
    plugins.start()
    return plugins


def reasons(plugins: Plugins) -> dict[str, str]:
    return {plugin.name: plugin.reason for plugin in plugins.all if plugin.state is State.FAILED}


def test_plugins_are_called_one_at_a_time_in_the_configured_order(tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        write(tmp_path, name, GOOD)
    plugins = loaded(tmp_path, "third", "first", "second")
    listeners = plugins.listeners("on_entity_saved")
    assert [listener.plugin.name for listener in listeners] == ["third", "first", "second"]
    assert listeners[1].call(event="e", unit_of_work=None) == 1
    assert listeners[1].call(event="e", unit_of_work=None) == 2
    assert listeners[0].call(event="e", unit_of_work=None) == 1
    assert plugins.listener("on_entity_saved", "second") == listeners[2]
    assert plugins.listener("on_webhook", "second") is None


def test_a_plugin_may_be_called_like_a_module_of_somebody_elses(tmp_path: Path) -> None:
    import json

    write(tmp_path / "a", "json", GOOD)
    write(tmp_path / "b", "json", GOOD + "\n__version__ = '2'")
    ours, other = loaded(tmp_path / "a", "json"), loaded(tmp_path / "b", "json")
    assert ours.all[0].active
    assert [ours.all[0].version, other.all[0].version] == ["", "2"]
    import json as again

    assert again is json


def test_without_names_everything_installed_is_taken_and_the_keeper_of_records_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "aaa_listens", GOOD)
    write(tmp_path, "bbb_keeps", "@hookimpl\ndef provide_billing_store(): return None\n")
    plugins = Plugins(None, tmp_path)
    plugins.load()
    names = [plugin.name for plugin in plugins.all]
    assert {"core_billing", "xero"} <= set(names)
    assert names.index("bbb_keeps") < names.index("aaa_listens")
    assert names.index("core_billing") < names.index("aaa_listens")


BROKEN = {
    "syntax": ("def", HEAD, "it could not be imported: SyntaxError: invalid syntax (syntax.py, line 4)"),
    "imports": (
        "import no_such_module",
        HEAD,
        "it could not be imported: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "raises": ("1 / 0", HEAD, "it could not be imported: ZeroDivisionError: division by zero"),
    "leaves": ("import sys; sys.exit(3)", HEAD, "it could not be imported: SystemExit: 3"),
    "hangs": ("import threading; threading.Event().wait()", HEAD, "it could not be imported within 0.5 s"),
    "unversioned": (
        GOOD,
        "from hookspecs import hookimpl\n",
        "it states no contract_version; this host has contract version 1: write contract_version = 1 into it (see docs/plugins.md)",
    ),
    "future": (
        GOOD,
        "from hookspecs import hookimpl\ncontract_version = 2\n",
        "it was made for contract version 2, this host has 1: install a matching version (CHANGELOG.md says what changed)",
    ),
    "typo": (
        "@hookimpl\ndef on_entity_save(event): pass",
        HEAD,
        "there is no hook 'on_entity_save' (did you mean 'on_entity_saved'?); the hooks are config_schema, configured, "
        "migrations, on_daily_schedule, on_entity_saved, on_invoice_deleted, on_webhook, provide_billing_store, "
        "provide_demo, register_commands, register_kinds, register_provider, register_routes",
    ),
    "arguments": (
        "@hookimpl\ndef on_entity_saved(event, session): pass",
        HEAD,
        "its on_entity_saved wants 'session', which that hook does not have; it has event, unit_of_work",
    ),
    "wraps": (
        "@hookimpl(wrapper=True)\ndef on_entity_saved(event): yield",
        HEAD,
        "its on_entity_saved is a wrapper: plugins are called one at a time, there is nothing to wrap",
    ),
    "hookless": ("def on_entity_saved(event): pass", HEAD, "it implements no hook: mark its hooks with @hookimpl"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_cannot_be_loaded_is_listed_and_the_others_work(tmp_path: Path, name: str) -> None:
    source, head, reason = BROKEN[name]
    write(tmp_path, name, source, head=head)
    write(tmp_path, "good", GOOD)
    plugins = started(tmp_path, name, "good", limit=0.5)
    assert reasons(plugins) == {name: reason}
    assert [listener.plugin.name for listener in plugins.listeners("on_entity_saved")] == ["good"]


def test_a_plugin_that_nobody_installed(tmp_path: Path) -> None:
    write(tmp_path, "ledger", GOOD)
    assert reasons(loaded(tmp_path, "leger", "ledger")) == {
        "leger": "it is not installed (did you mean 'ledger'?): install it, or take it out of [host] plugins"
    }


def test_a_name_that_cannot_be_a_tables_prefix(tmp_path: Path) -> None:
    write(tmp_path, "My-Ledger", GOOD)
    assert reasons(loaded(tmp_path, "My-Ledger")) == {
        "My-Ledger": "its name 'My-Ledger' is not accepted: use small letters, digits and _, at most 40"
    }


def test_two_plugins_of_one_name(tmp_path: Path) -> None:
    write(tmp_path, "core_billing", GOOD)
    assert reasons(loaded(tmp_path, "core_billing")) == {
        "core_billing": "two plugins have this name: plugins.core_billing.plugin:CoreBilling and "
        f"{tmp_path}/core_billing.py"
    }


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "@hookimpl\ndef configured(settings): raise ValueError('no\\nway')",
            "it could not answer configured: ValueError: no",
        ),
        (
            "@hookimpl\ndef configured(settings):\n    import threading; threading.Event().wait()",
            "it could not answer configured within 0.5 s",
        ),
        (
            "@hookimpl\ndef configured(settings):\n    from host.errors import Stop; raise Stop('the moon is full')",
            "the moon is full",
        ),
        ("@hookimpl\ndef register_kinds(): return 5", "its register_kinds answered int, not a list of Kind"),
        (
            "@hookimpl\ndef register_routes(): return [5, Route(path='/', target='x:y')]",
            "its register_routes answered a list of Route, int, not a list of Route",
        ),
        ("@hookimpl\ndef migrations(): return 'here'", "its migrations answered str, not Migrations"),
        ("@hookimpl\ndef register_provider(): raise SystemExit", "it could not answer register_provider: SystemExit"),
    ],
)
def test_a_plugin_that_cannot_be_started(tmp_path: Path, source: str, reason: str) -> None:
    write(tmp_path, "bad", GOOD + source)
    write(tmp_path, "good", GOOD)
    plugins = started(tmp_path, "bad", "good", limit=0.5)
    assert reasons(plugins) == {"bad": reason}
    assert [listener.plugin.name for listener in plugins.listeners("on_entity_saved")] == ["good"]


ANY = "class Any:\n    def __getattr__(self, name): return lambda *arguments, **named: None\n"
KIND = """
class Service:
    def __getattr__(self, name): return lambda *arguments, **named: None
@hookimpl
def register_kinds():
    return [Kind(name={name!r}, service=Service(), schema=object)]
"""


def test_two_plugins_offering_one_kind_are_both_refused(tmp_path: Path) -> None:
    write(tmp_path, "one", KIND.format(name="invoices"))
    write(tmp_path, "two", KIND.format(name="invoices"))
    write(tmp_path, "three", KIND.format(name="bills"))
    plugins = started(tmp_path, "one", "two", "three")
    assert reasons(plugins) == {
        "one": "it offers the kind 'invoices', and so does 'two': take one of them out of [host] plugins",
        "two": "it offers the kind 'invoices', and so does 'one': take one of them out of [host] plugins",
    }
    assert list(plugins.kinds) == ["bills"]


def test_two_stores_and_two_providers_of_one_name(tmp_path: Path) -> None:
    store = ANY + "@hookimpl\ndef provide_billing_store(): return Any()\n"
    provider = ANY + "class P(Any): name = 'ledger'\n@hookimpl\ndef register_provider(): return P()\n"
    for name, source in {"a": store, "b": store, "c": provider, "d": provider}.items():
        write(tmp_path, name, source)
    plugins = started(tmp_path, "a", "b", "c", "d")
    assert reasons(plugins)["a"].startswith("it offers a billing store, and so does 'b'")
    assert reasons(plugins)["d"].startswith("it offers the provider 'ledger', and so does 'c'")
    assert plugins.store is None
    assert plugins.providers == []


OFFERS = {
    "provide_billing_store": (
        "class Half:\n    def read(self, session, kind, ids): ...\n",
        "its provide_billing_store brought Half, which is no BillingStore: lacks find, stream, catalogue, put_reference, take_records, take_ledger_states, "
        "confirm_deletion, refuse_deletion (see docs/hooks/contributions.md)",
    ),
    "register_provider": (
        "from host.testing import TinyProvider\n"
        "class Half(TinyProvider):\n    answers = None\n    def plan(self, wish, prepared): ...\n",
        "its register_provider brought Half, which is no Provider: lacks answers; its plan takes wish, prepared, "
        "and is given wish, prepared, remote, owner (see docs/providers.md)",
    ),
}


HALF = {
    "provide_billing_store": (
        f"{ANY}class Half(Any):\n    def uses(self, session): ...\n",
        "has uses of TellsUse, and its uses takes session, and is given session, connections (see docs/hooks/contributions.md)",
    ),
    "register_provider": (
        "from host.testing import TinyProvider\n"
        "class Half(TinyProvider):\n"
        "    mirror = None\n    def miror(self, desk, kind, records, answered): ...\n    def try_out(self, ask, connection): ...\n",
        "has importable_records, remote_records of ImportsRecords, and lacks mirror; "
        "it has try_out of TellsReadiness, and lacks requirements (see docs/providers.md)",
    ),
}


@pytest.mark.parametrize("hook", HALF)
def test_what_an_offer_can_do_besides_it_can_do_whole(tmp_path: Path, hook: str) -> None:
    source, reason = HALF[hook]
    write(tmp_path, "half", f"{source}@hookimpl\ndef {hook}(): return Half()\n")
    plugins = started(tmp_path, "half")
    assert reasons(plugins) == {"half": f"its {hook} brought Half, which {reason}"}
    assert (plugins.store, plugins.providers) == (None, [])


@pytest.mark.parametrize("hook", OFFERS)
def test_what_an_offer_lacks_is_said_when_it_is_offered(tmp_path: Path, hook: str) -> None:
    source, reason = OFFERS[hook]
    write(tmp_path, "half", f"{source}@hookimpl\ndef {hook}(): return Half()\n")
    plugins = started(tmp_path, "half")
    assert reasons(plugins) == {"half": reason}
    assert (plugins.store, plugins.providers) == (None, [])


def test_what_is_inherited_from_the_protocol_alone_is_missing(tmp_path: Path) -> None:
    source = "class Half(KindService):\n    def get(self, session, ref): ...\n    def ids(self, *arguments): ...\n"
    offer = "@hookimpl\ndef register_kinds(): return [Kind(name='books', service=Half(), schema=object)]\n"
    write(tmp_path, "half", source + offer)
    assert reasons(started(tmp_path, "half")) == {
        "half": "its kind 'books' brought Half, which is no KindService: lacks list, put, delete (see docs/hooks/contributions.md)"
    }


def test_a_plugin_whose_tables_are_not_ready_is_not_started(tmp_path: Path) -> None:
    write(tmp_path, "books", GOOD + "@hookimpl\ndef configured(settings): raise AssertionError('started')")
    plugins = loaded(tmp_path, "books")
    plugins.take_standing([LineStatus(name="books", standing=Standing.BEHIND, reason="migrate first")])
    plugins.start()
    assert reasons(plugins) == {"books": "migrate first"}


def test_safe_mode_loads_none(tmp_path: Path) -> None:
    write(tmp_path, "bad", "raise AssertionError")
    plugins = loaded(tmp_path)
    assert plugins.all == []
    assert plugins.listeners("on_entity_saved") == []
