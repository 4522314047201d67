"""The plugin at the host's door, and the provider's answers that concern no single kind."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any, cast

import pytest

from hookspecs import CONTRACT_VERSION, Action, EntityEvent, Refused
from host.sync.provider import Excluded, Limits, Prepared, Provider, Wanted
from plugins.xero import demo
from plugins.xero.plugin import Xero
from plugins.xero.settings import CallLimits, Settings, SettingsSchema
from tests.unit.xero.making import ALL, UK, customer, desk, invoice, link, product, provider, wish

if TYPE_CHECKING:
    from hookspecs import UnitOfWork


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    heavy = "sqlalchemy, marshmallow, httpx, typer, host.sync, plugins.xero.provider"
    code = f"import sys, plugins.xero.plugin; sys.exit(', '.join(one for one in {heavy.split(', ')!r} if one in sys.modules) or None)"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ended.stderr == ""


def test_two_hosts_in_one_process_have_settings_of_their_own() -> None:
    one, other = Xero(), Xero()
    one.configured({"entities_to_sync": ["customers"]})
    other.configured({"entities_to_sync": ["products"]})

    assert one.register_provider().settings.entities_to_sync == {"customers"}
    assert other.register_provider().settings.entities_to_sync == {"products"}


def test_the_plugin_is_made_for_this_contract_and_offers_its_commands() -> None:
    [group] = Xero().register_commands()

    assert Xero.contract_version == CONTRACT_VERSION
    assert (group.name, group.target) == ("xero", "plugins.xero.commands:app")
    assert Xero().config_schema() is SettingsSchema


@pytest.mark.parametrize(("hook", "noted"), [("on_entity_saved", "note"), ("on_invoice_deleted", "note_deletion")])
def test_hooks_write_an_intention(hook: str, noted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(f"host.sync.{noted}", lambda *arguments: calls.append(arguments))
    plugin, work = Xero(), cast("UnitOfWork", object())
    plugin.configured({})
    event = EntityEvent(kind="invoices", record=invoice(), action=Action.UPDATED)

    getattr(plugin, hook)(event=event, unit_of_work=work)

    assert calls == [(plugin.provider, event, work)]


def test_the_provider_is_what_the_engine_asks_for() -> None:
    asked: Provider = provider(limits=CallLimits(minute=0), default_connection="acme")

    assert asked.name == "xero"
    assert [(rule.kind, rule.rank) for rule in asked.kinds] == [
        ("customers", 0),
        ("suppliers", 0),
        ("products", 0),
        ("invoices", 1),
    ]
    assert asked.default_connection == "acme"
    assert asked.limits(UK) == Limits(minute=0, concurrent=5, day=5000)
    assert asked.base_url(UK) == "https://api.xero.com"


def test_a_kind_that_the_settings_do_not_name_is_excluded() -> None:
    without = provider(entities_to_sync=ALL - {"products"})
    reason = "entities_to_sync in [plugins.xero] does not name products"

    assert without.excluded("products", product()) == reason
    assert without.excluded("customers", customer()) is None
    assert without.prepare(desk(), "products", [wish("products", product())]) == [Excluded(reason)]


def test_excluded_ones_keep_their_place_among_the_others() -> None:
    wishes = [wish("products", product(id=str(number), parent="p0" if number % 2 else "")) for number in range(4)]

    prepared = provider().prepare(desk(), "products", wishes)

    assert [type(one) for one in prepared] == [Prepared, Excluded, Prepared, Excluded]


def test_a_customer_that_an_invoice_brings_goes_although_its_kind_does_not() -> None:
    only_invoices = {"entities_to_sync": frozenset({"invoices"})}
    of = wish("customers", customer())

    assert isinstance(provider(**only_invoices).prepare(desk(), "customers", [of])[0], Excluded)
    assert isinstance(
        provider(**only_invoices, create_missing_contacts=True).prepare(desk(), "customers", [of])[0], Prepared
    )
    assert provider(**only_invoices, create_missing_contacts=True).excluded("customers", customer()) is not None


def test_deleting_what_is_not_sent_any_more_still_goes_through() -> None:
    of = wish("invoices", invoice(), remote_id="x", wanted=Wanted.DELETE)

    assert provider(entities_to_sync=frozenset()).prepare(desk(links=[link("customers", "c1")]), "invoices", [of]) == [
        Prepared(inputs={})
    ]


# ---------------------------------------------------------------------------------------------------------------- demo


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"minute": 60, "day": 5000, "concurrent": 5, "app_minute": 10000}, CallLimits(60, 5, 5000)),
        ({"minute": None, "day": None, "concurrent": None}, CallLimits(0, 5, 0)),  # a sandbox without limits
        ({"minute": 0, "day": 0, "concurrent": 0}, CallLimits(0, 5, 0)),
    ],
)
def test_the_settings_for_a_sandbox_are_settings(answered: dict[str, Any], expected: CallLimits) -> None:
    written = tomllib.loads(demo.settings_with("http://127.0.0.1:9300", answered))
    settings = Settings.of(SettingsSchema().load(written["plugins"]["xero"]))

    assert settings.entities_to_sync == ALL
    assert settings.endpoints.api == settings.endpoints.identity == settings.endpoints.login == "http://127.0.0.1:9300"
    assert settings.custom.client_id == "sandbox-custom"
    assert settings.limits == expected


def test_a_sandbox_that_does_not_answer_is_said_in_one_line() -> None:
    # Port 9 is "discard" (RFC 863): nothing of ours listens there.
    with pytest.raises(
        Refused,
        match=r"^no Xero sandbox answers at http://127\.0\.0\.1:9 .*: start one with: counterfoil xero sandbox$",
    ):
        demo.settings_for("http://127.0.0.1:9/")


def test_the_demo_names_the_sandbox_and_the_commands() -> None:
    offered = Xero().provide_demo()

    assert " ".join(offered.sandbox) == "-m plugins.xero.sandbox --port {port} --state {state}"
    assert offered.ready_path == "/_sandbox/limits"
    assert offered.connect == ("xero", "connect", "demo")
    assert offered.after_connect == (("import", "all", "--connection", "demo"),)
