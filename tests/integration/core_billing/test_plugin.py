"""The plugin as the host meets it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pluggy
import pytest

from hookspecs import CONTRACT_VERSION, PROJECT, BillingStore, Contributions, Events
from host.db import Database
from host.db.migrate import migrate
from plugins.core_billing.plugin import CoreBilling, holders_of_sync
from tests.integration.core_billing.conftest import LINE

if TYPE_CHECKING:
    from tests.integration.core_billing.conftest import House

KINDS = [
    "customers",
    "suppliers",
    "product-groups",
    "products",
    "tax-rates",
    "accounts",
    "tracking-categories",
    "invoices",
]


@pytest.fixture
def manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Contributions)
    manager.add_hookspecs(Events)
    manager.register(CoreBilling(), "core_billing")
    manager.check_pending()
    return manager


def test_it_offers_kinds_and_a_store(manager: pluggy.PluginManager) -> None:
    [schema] = manager.hook.config_schema()
    manager.hook.configured(settings=schema().load({"default_accounting_status": "authorised"}))
    [kinds] = manager.hook.register_kinds()
    [store] = manager.hook.provide_billing_store()
    [migrations] = manager.hook.migrations()
    assert [kind.name for kind in kinds] == KINDS
    assert kinds[-1].service.blank["accounting_status"] == "authorised"
    assert BillingStore in type(store).__mro__
    assert (migrations.versions / "0001_core_billing.py").is_file()
    assert CoreBilling.contract_version == CONTRACT_VERSION


def test_two_hosts_in_one_process_share_nothing() -> None:
    one, other = CoreBilling(), CoreBilling()
    one.configured({"default_accounting_status": "authorised"})
    other.configured({})
    found = [plugin.register_kinds()[-1].service.blank["accounting_status"] for plugin in (one, other)]  # type: ignore[attr-defined]
    assert found == ["authorised", "draft"]


def test_the_demo_company_loads(house: House, manager: pluggy.PluginManager) -> None:
    [demo] = manager.hook.provide_demo()
    loaded = {}
    for kind, records in demo.records():
        house.saved(kind, *records)
        loaded[kind] = len(records)
    assert loaded == {"customers": 6, "product-groups": 3, "products": 12, "invoices": 20}
    totals = {item["total"] for item in house.page("invoices").items}
    assert len(totals) > 15
    assert {item["accounting_status"] for item in house.page("invoices").items} == {"draft", "authorised"}


def test_who_holds_a_record_is_asked_of_the_sync_engine(database_url: str) -> None:
    database = Database.at(database_url)
    migrate(database, [LINE])
    with database.read() as session:
        assert not any(holders_of_sync(session, "customers", ["x"]).values())
    database.close()


def test_naming_the_plugin_loads_nothing_heavy() -> None:
    program = "import sys, plugins.core_billing.plugin; print(*sorted({'sqlalchemy', 'marshmallow', 'alembic'} & sys.modules.keys()))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
