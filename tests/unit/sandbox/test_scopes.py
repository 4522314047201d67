"""Which scopes open what, and what an app may be registered with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from plugins.xero.sandbox.apps import changed, new_app, read_option
from plugins.xero.sandbox.scopes import concerns_organisations, opening

BEFORE, AFTER = datetime(2027, 9, 12, 23, 59, tzinfo=UTC), datetime(2027, 9, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "method", "now", "accepted"),
    [
        ("accounting.contacts", "GET", BEFORE, "accounting.contacts accounting.contacts.read"),
        ("accounting.contacts", "PUT", BEFORE, "accounting.contacts"),
        ("accounting.settings", "DELETE", BEFORE, "accounting.settings"),
        ("accounting.payments", "POST", BEFORE, "accounting.payments accounting.transactions"),
        ("accounting.payments", "POST", AFTER, "accounting.payments"),
        (
            "accounting.invoices",
            "GET",
            BEFORE,
            "accounting.invoices accounting.invoices.read accounting.transactions accounting.transactions.read",
        ),
    ],
)
def test_one_scope_of_these_is_enough(wanted: str, method: str, now: datetime, accepted: str) -> None:
    assert opening({wanted}, method, now) == set(accepted.split())


@pytest.mark.parametrize(
    ("scopes", "concerns"),
    [
        ("openid profile email offline_access", False),
        ("openid accounting.contacts", True),
        ("paymentservices", True),
        ("", False),
    ],
)
def test_signing_in_concerns_no_organisation(scopes: str, *, concerns: bool) -> None:
    assert concerns_organisations(frozenset(scopes.split())) is concerns


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("client_id=a", {"client_id": "a"}),
        ("client_id=a, name=A b ,kind=pkce", {"client_id": "a", "name": "A b", "kind": "pkce"}),
        (
            "client_id=a,redirect=https://x.example/y?z=1,redirect=http://localhost/",
            {"client_id": "a", "redirects": ["https://x.example/y?z=1", "http://localhost/"]},
        ),
        ("client_id=a,scopes=broad,bulk=yes,certified=no", {"scopes": "broad", "bulk": True, "certified": False}),
    ],
)
def test_an_app_as_the_command_line_names_it(text: str, fields: dict[str, Any]) -> None:
    assert read_option(text) == {"client_id": "a"} | fields


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("https://shop.example/back", True),
        ("https://shop.example", True),
        ("http://localhost/back", True),
        ("http://localhost:8000/back?x=1", True),
        ("http://127.0.0.1:8000/back", False),
        ("http://[::1]:8000/back", False),
        ("http://shop.example/back", False),
        ("http://localhost.example/back", False),
        ("https://*.shop.example/back", False),
        ("https://shop.example/back#part", False),
        ("https:///back", False),
        ("https://shop.example:port/back", False),
        ("com.shop:/back", False),
        ("", False),
    ],
)
def test_redirect_addresses_are_those_that_xero_would_take(address: str, *, taken: bool) -> None:
    if taken:
        assert changed(new_app("a"), {"redirects": [address]}).redirects == (address,)
        return
    with pytest.raises(ValueError, match="must be https://"):
        changed(new_app("a"), {"redirects": [address]})
