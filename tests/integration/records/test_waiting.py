"""An invoice that waits over its customer or a product goes when that one is saved with what was missing, whatever else waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.records.conftest import invoice

if TYPE_CHECKING:
    from tests.integration.records.conftest import Shop

LINE = {"account": "200", "tax_rate": "NONE"}


@pytest.mark.parametrize(
    ("product", "line", "reason", "mended"),
    [
        ({"group": "hidden"}, LINE, "line 1: its product mug is not in Xero (its product group keeps", {"group": ""}),
        ({"code": "x" * 31}, LINE, "line 1: its product mug is not in Xero (its code xxx", {"code": "MUG"}),
        ({}, {"tax_rate": "NONE"}, "line 1: it has no account", {"sales_account": "200"}),
        ({}, {"account": "200"}, "line 1: it has no tax rate", {"sales_tax": "NONE"}),
        (
            {"sales_account": "9"},
            {"tax_rate": "NONE"},
            "line 1: its product mug is not in Xero (account 9 is not among",
            {"sales_account": "200"},
        ),
    ],
)
def test_over_a_product(shop: Shop, product: Any, line: Any, reason: str, mended: Any) -> None:
    shop.api.put("/product-groups/hidden", {"name": "Hidden", "use_for_items": True, "exclude_from_accounting": True})
    shop.save("/customers/ada", name="Ada Ltd")
    shop.save("/products/mug", name="Mug", **{"code": "MUG", **product})
    state = shop.save("/invoices/1", **invoice("1", "ada", {"product": "mug", **_own(line)}))
    assert (state["state"], state["reason"][: len(reason)]) == ("blocked", reason)
    shop.change("/products/mug", **mended)
    assert shop.state("/invoices/1")["state"] == "synced"


def _own(line: Any) -> Any:
    """What a line does not say itself is left to its product."""
    return {name: line.get(name, "") for name in LINE}


def test_over_a_customer(either_shop: Shop) -> None:
    shop = either_shop
    shop.save("/customers/ada", name="Ada Ltd")
    state = shop.save("/invoices/1", **invoice("1", "ada", {"account": "200", "tax_rate": ""}))
    assert (state["state"], state["reason"][:26]) == ("blocked", "line 1: it has no tax rate")
    shop.save("/customers/bea", name="Bea", branding_theme="Nowhere")
    assert shop.save("/invoices/2", **invoice("2", "bea"))["reason"].startswith("branding theme Nowhere is not among")
    shop.save("/customers/cid", name="Cid", accounts_code="C1")
    assert shop.save("/customers/twin", name="Twin", accounts_code="C1")["state"] == "conflict"
    assert shop.save("/invoices/3", **invoice("3", "twin"))["state"] == "blocked"

    shop.change("/customers/ada", sales_tax="NONE")
    shop.change("/customers/bea", branding_theme="")
    shop.change("/customers/twin", accounts_code="C2")
    assert [shop.state(f"/invoices/{one}")["state"] for one in (1, 2, 3)] == ["synced"] * 3


def test_over_a_list_as_well(shop: Shop) -> None:
    """What waits over a product that rests is looked at again when a list entry is saved, too: it may lack that."""
    shop.save("/customers/ada", name="Ada Ltd")
    shop.save("/products/mug", name="Mug", code="MUG", sales_tax="OWN")
    line = {"product": "mug", "account": "200", "tax_rate": ""}
    assert shop.save("/invoices/1", **invoice("1", "ada", line))["state"] == "blocked"
    shop.api.put(
        "/tax-rates/own", {"code": "OWN", "name": "Own", "rate": "0", "connection": "demo", "linked_to": "NONE"}
    )
    assert shop.sent("/invoices/1")["state"] == "synced"
