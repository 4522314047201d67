"""Products on their way to Xero: their accounts, groups and parents, and what is said where Xero does not know one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.records.conftest import invoice

if TYPE_CHECKING:
    from typing import Any

    from tests.integration.records.conftest import Shop


def product(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Product {code}", "sales_price": "5.00", "sales_tax": "NONE", **more}


def lines_at_xero(shop: Shop, ref: str) -> list[tuple[str, str]]:
    there = shop.organisation.user().get("Invoices", shop.state(f"/invoices/{ref}")["remote_id"])
    return [(one.get("ItemCode", ""), one.get("AccountCode", "")) for one in there["LineItems"]]


@pytest.mark.row("H-58")
@pytest.mark.row("H-125")
@pytest.mark.row("H-127")
def test_a_line_has_its_products_account_else_its_groups_and_else_is_refused(shop: Shop) -> None:
    shop.api.put("/product-groups/g", {"name": "G", "sales_account": "260"})
    shop.api.put("/product-groups/blank", {"name": "Blank"})
    shop.api.put("/customers/ada", {"name": "Ada Ltd"})
    for ref, more in {"own": {"sales_account": "200", "group": "g"}, "grouped": {"group": "g"}}.items():
        shop.api.put(f"/products/{ref}", product(ref.upper(), **more))
    shop.api.put("/products/bare", product("BARE", group="blank"))
    assert shop.api.get("/products/grouped")["effective"]["sales_account_from"] == "group"
    state = shop.save("/invoices/1", **invoice("1", "ada", {"product": "own"}, {"product": "grouped"}))
    assert state["state"] == "synced", state
    assert lines_at_xero(shop, "1") == [("OWN", "200"), ("GROUPED", "260")]

    refused = shop.save("/invoices/2", **invoice("2", "ada", {"product": "bare"}))
    assert refused["state"] == "blocked"
    assert refused["reason"].startswith(
        "line 1: it has no account: give one to the line, its product or the product's group"
    )

    # A default of the settings does as well, and what the group is given.
    shop.set(xero='default_sales_account = "200"')
    shop.sync(kind="invoices", refs=["2"])
    assert lines_at_xero(shop, "2") == [("BARE", "200")]


@pytest.mark.row("H-60")
def test_a_group_keeps_its_products_out_of_the_ledger(shop: Shop) -> None:
    shop.api.put("/product-groups/x", {"name": "X", "use_for_items": True, "exclude_from_accounting": True})
    shop.api.put("/product-groups/y", {"name": "Y", "use_for_items": True})
    before = shop.organisation.last_call
    for change in ("made", "edited"):
        state = shop.save("/products/kept", **product("KEPT", group="x", description=change))
        assert (state["state"], state["reason"]) == ("excluded", "its product group keeps its items out of accounting")
        assert shop.save("/products/sent", **product("SENT", group="y", description=change))["state"] == "synced"
    assert {one["Code"] for one in shop.bodies(before)} == {"SENT"}


@pytest.mark.row("H-59")
def test_items_bring_their_accounts_where_those_were_imported_before(shop: Shop) -> None:
    user = shop.organisation.user()
    sides = {
        "SalesDetails": {"UnitPrice": 12.5, "AccountCode": "200"},
        "PurchaseDetails": {"UnitPrice": 7, "AccountCode": "300"},
    }
    user.put("Items", {"Code": "BOOK", "Name": "Book", **sides})
    assert shop.imported("products") == {"create": 1}
    book = shop.named("products", "Book")
    assert (book["sales_account"], book["purchase_account"]) == ("200", "300")

    # An organisation whose accounts nobody imported: the product comes without, and has them after the next import.
    second = [one["tenant_id"] for one in shop.organisation.control("GET", "organisations")][1]
    shop.engine.connect("second", provider="xero", auth="custom")
    shop.organisation.user(second).put("Items", {"Code": "BOOK", "Name": "Book", **sides})
    assert shop.imported("products", connection="second") == {"create": 1}

    def accounts() -> tuple[str, str]:
        [found] = shop.all("products", connection="second")
        return found["sales_account"], found["purchase_account"]

    assert accounts() == ("", "")
    shop.import_("accounts", connection="second")
    assert shop.imported("products", connection="second") == {"update": 1}
    assert accounts() == ("200", "300")
    assert shop.imported("products", connection="second") == {"unchanged": 1}


@pytest.mark.row("A-33")
def test_an_invoice_whose_product_xero_does_not_know_names_it_and_the_setting(shop: Shop) -> None:
    shop.api.put("/customers/ada", {"name": "Ada Ltd"})
    shop.save("/products/long", **product("X" * 31, sales_account="200"))
    shop.api.put("/invoices/1", invoice("1", "ada", {"product": "long"}))
    shop.api.post("/outbox/park", {"kind": "products", "refs": ["long"]})
    reason = shop.sent("/invoices/1")["reason"]
    assert reason.startswith("line 1: its product long is not in Xero (")
    assert (
        "check its code, link it with its Xero item or sync it, or set default_invoice_item in [plugins.xero]" in reason
    )

    # Linked by hand it is known; with the setting, no line fails for it.
    shop.organisation.user().put("Items", {"Code": "MISC", "Name": "Miscellaneous"})
    shop.set(xero='default_invoice_item = "MISC"')
    shop.sync(kind="invoices")
    assert lines_at_xero(shop, "1") == [("MISC", "200")]


@pytest.mark.parametrize("name", ["Mug", "Cup"])
def test_a_code_that_another_product_is_linked_by_is_a_conflict_that_names_it(
    shop: Shop, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it equals what is there or not."""
    shop.save("/products/mug", name="Mug", code="P3")
    state = shop.save("/products/again", name=name, code="p3" if name == "Cup" else "P3")
    assert (state["state"], state["error"]) == (
        "conflict",
        "the remote record that it matches is linked with mug: give one of the two what sets it apart (a code, a name), or undo that link",
    )
    assert [one["Name"] for one in shop.items()] == ["Mug"]
    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []
