"""``[plugins.xero]``: what is accepted, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from host.config import Secret
from plugins.xero.settings import CallLimits, Endpoints, Preset, Settings, SettingsSchema


def read(**values: Any) -> Settings:
    return Settings.of(SettingsSchema().load(values))


def test_an_empty_part_is_a_plugin_that_sends_nothing() -> None:
    assert read() == Settings()
    assert Settings().entities_to_sync == frozenset()
    assert Settings().limits == CallLimits(minute=60, concurrent=5, day=5000)
    assert Settings().endpoints == Endpoints(
        "https://login.xero.com", "https://identity.xero.com", "https://api.xero.com"
    )


def test_everything_at_once() -> None:
    settings = read(
        entities_to_sync=["customers", "invoices"],
        default_connection="none",
        create_missing_contacts=True,
        require_contact_details=True,
        document_link="https://billing.example.com",
        default_invoice_item="MISC",
        default_sales_account="200",
        custom={"client_id": "a", "client_secret": "s"},
        connections={"acme": {"client_id": "b", "client_secret": "t", "default_invoice_item": "OTHER"}},
        endpoints={"api": "http://localhost:9300"},
        limits={"minute": 0, "day": 0},
    )

    assert settings.entities_to_sync == {"customers", "invoices"}
    assert settings.default_connection == "none"
    assert settings.preset_of("acme") == Preset(default_invoice_item="OTHER", default_sales_account="200")
    assert settings.preset_of("other") == Preset(default_invoice_item="MISC", default_sales_account="200")
    assert settings.custom_of("acme").client_secret == Secret("t")
    assert settings.custom_of("other").client_secret == Secret("s")
    assert settings.endpoints.api == "http://localhost:9300"
    assert settings.endpoints.identity == "https://identity.xero.com"
    assert settings.limits == CallLimits(minute=0, concurrent=5, day=0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"entities_to_sync": ["invoices", "bills"]},
            "'bills' can't be sent to Xero: accepted are customers, suppliers, products, invoices",
        ),
        ({"entities_to_sync": "invoices"}, "Not a valid list"),
        ({"entities": []}, "Unknown field"),
        ({"default_connection": "Acme UK"}, "'Acme UK' is not a connection key: 1 to 50 of a-z"),
        ({"create_missing_contacts": "yes"}, "Not a valid boolean"),
        ({"document_link": "billing.example.com"}, "must begin with https:// or http://"),
        ({"document_link": "https://xero.example.com"}, 'contains "xero", which Xero refuses'),
        ({"default_invoice_item": "X" * 31}, "must have at most 30 characters"),
        ({"document_link": "https://a b/"}, "is not an address: it has a space in it"),
        ({"endpoints": {"api": "api.xero.com"}}, "must begin with https:// or http://"),
        ({"endpoints": {"tokens": "https://a"}}, "Unknown field"),
        ({"limits": {"minute": -1}}, "greater than or equal to 0"),
        ({"limits": {"minute": "60"}}, "Not a valid integer"),
        ({"limits": {"concurrent": 0}}, "greater than or equal to 1"),
        ({"custom": {"client_secret": "env:COUNTERFOIL_NO_SUCH_VARIABLE"}}, "COUNTERFOIL_NO_SUCH_VARIABLE is not set"),
        ({"connections": {"acme": {"client": "x"}}}, "Unknown field"),
        ({"connections": {"Acme!": {}}}, "'Acme!' is not a connection key"),
        ({"tracking": ["A", "B", "C"]}, "has 3 names: Xero has up to 2 tracking categories in use"),
        ({"tracking": ["Region", "region"]}, "the same name stands there twice: Region, region"),
        ({"tracking": ["Region", " "]}, "' ' is not accepted: a name has 1 to 100 characters"),
        ({"import_daily": ["tracking-categories"]}, "can't be imported daily while tracking is off: name some"),
        (
            {"tracking": ["Region"], "connections": {"acme": {"tracking": {"Regoin": "Area"}}}},
            "'Regoin' is not in tracking of [plugins.xero]: accepted is Region",
        ),
        (
            {"connections": {"acme": {"tracking": {"Region": "Area"}}}},
            "'Region' is not in tracking of [plugins.xero]: accepted is nothing, because tracking is off",
        ),
        (
            {"tracking": ["Region", "Team"], "connections": {"acme": {"tracking": {"Team": "region"}}}},
            "Region and Team would both mean the category Region: each needs one of its own",
        ),
    ],
)
def test_what_is_refused_says_why(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SettingsSchema().load(values)

    assert said in str(refused.value)


def test_each_tracking_name_means_the_category_so_named_unless_a_connection_says_otherwise() -> None:
    settings = read(
        tracking=["Region", "Team"], connections={"acme": {"tracking": {"Team": "Department"}}, "other": {}}
    )

    assert settings.tracking_of("acme") == {"Region": "Region", "Team": "Department"}
    assert settings.tracking_of("other") == {"Region": "Region", "Team": "Team"}
    assert read(connections={"acme": {}}).tracking_of("acme") == {}


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in SettingsSchema().fields.items() if not field.metadata.get("description")] == []
