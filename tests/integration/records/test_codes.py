"""Codes that are generated for customers, suppliers and products, and what a new product is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.records.test_products import product

if TYPE_CHECKING:
    from tests.integration.records.conftest import Shop

ON = 'generate_codes = ["customers", "suppliers", "products"]'


@pytest.mark.row("H-121")
@pytest.mark.row("H-122")
def test_a_new_customer_gets_a_number_which_xero_gets_too(either_shop: Shop) -> None:
    shop = either_shop
    shop.api.put("/customers/bare", {"name": "Bare Ltd"})
    assert shop.api.get("/customers/bare")["accounts_code"] == ""
    generated = shop.api.post("/customers/bare/generate-code", {})
    assert generated["accounts_code"] == "C00001"
    assert shop.sent("/customers/bare")["remote_number"] == "C00001"

    shop.set(billing=ON)
    shop.api.put("/customers/typed", {"name": "Typed Ltd", "accounts_code": "c00003"})
    assert shop.save("/customers/ada", name="Ada Ltd")["state"] == "synced"
    assert shop.save("/customers/bob", name="Bob Ltd")["state"] == "synced"
    shop.save("/suppliers/wood", name="Wood Ltd")
    codes = {one["ref"]: one["accounts_code"] for kind in ("customers", "suppliers") for one in shop.all(kind)}
    assert codes == {"bare": "C00001", "ada": "C00002", "typed": "c00003", "bob": "C00004", "wood": "S00001"}
    there = {one["Name"]: one.get("AccountNumber") for one in shop.contacts()}
    assert there == {f"{ref.title()} Ltd": code for ref, code in codes.items()}

    # It stays with its customer, whoever saves that without knowing of it, and whatever the settings say by then.
    shop.set()
    assert shop.save("/customers/ada", name="Ada Ltd", phone="1")["state"] == "synced"
    assert shop.contact("/customers/ada")["AccountNumber"] == "C00002"
    shop.api.put("/customers/new", {"name": "New Ltd"})
    assert shop.api.get("/customers/new")["accounts_code"] == ""


@pytest.mark.row("H-124")
def test_a_new_product_gets_a_code_that_xero_takes(shop: Shop) -> None:
    shop.set(billing=ON + '\nproduct_code_format = "SHOP-ITEM-NUMBER-{number:010d}"')
    assert shop.save("/products/book", name="Book", sales_price="5")["state"] == "synced"
    book = shop.api.get("/products/book")
    assert book["code"] == "SHOP-ITEM-NUMBER-0000000001"
    assert len(book["code"]) <= 30
    assert shop.item("/products/book")["Code"] == book["code"]
    assert shop.save("/products/own", **product("OWN"))["remote_number"] == "OWN"


@pytest.mark.parametrize("kind", ["customers", "products"])
def test_a_generated_code_is_never_whose_it_is_at_xero(shop: Shop, kind: str) -> None:
    user = shop.organisation.user()
    if kind == "customers":
        stranger = user.put("Contacts", {"Name": "Stranger Ltd", "AccountNumber": "C00001"})
    else:
        stranger = user.put("Items", {"Code": "P00001", "Name": "Stranger Ltd"})
    shop.set(billing=ON)
    refused = shop.save(f"/{kind}/ada", name="Ada Ltd")
    assert (refused["state"], refused["remote_id"]) == ("conflict", "")
    assert "Stranger Ltd has the" in refused["error"]
    assert "which was generated here: have another generated, or give it the one that is meant" in refused["error"]

    # Nor does an import take the one for the other.
    assert shop.imported(kind) == {"create": 1}
    shop.api.post(f"/{kind}/ada/generate-code", {})
    assert shop.sent(f"/{kind}/ada")["state"] == "synced"
    there = shop.contacts() if kind == "customers" else shop.items()
    number = "AccountNumber" if kind == "customers" else "Code"
    assert {one["Name"]: one[number][1:] for one in there} == {"Stranger Ltd": "00001", "Ada Ltd": "00002"}
    assert shop.named(kind, "Stranger Ltd")["sync"][0]["remote_id"] in (
        stranger.get("ContactID"),
        stranger.get("ItemID"),
    )


def test_what_xero_has_is_not_replaced_by_what_was_generated(shop: Shop) -> None:
    user = shop.organisation.user()
    user.put("Contacts", {"Name": "Ada Ltd", "AccountNumber": "BANK-7"})
    user.put("Contacts", {"Name": "Without Ltd"})
    user.put("Items", {"Code": "BOOK", "Name": "Book"})
    shop.set(billing=ON)
    # An import gives nobody a number.
    assert shop.imported("customers", choose=[one["ContactID"] for one in shop.contacts() if one["Name"] != "Ada Ltd"])
    assert [one["accounts_code"] for one in shop.all("customers")] == [""]

    # Linked by its name, the contact keeps its number, and the next import brings it.
    state = shop.save("/customers/ada", name="Ada Ltd", email="ada@example.com")
    assert (state["state"], state["remote_number"]) == ("synced", "BANK-7")
    assert state["warnings"] == [
        "accounts code C00001 left out: Xero's contact has BANK-7, which an import brings here"
    ]
    shop.change("/customers/ada", phone="1")
    assert shop.contact("/customers/ada")["AccountNumber"] == "BANK-7"
    assert shop.imported("customers") == {"update": 1, "unchanged": 1}
    assert shop.api.get("/customers/ada")["accounts_code"] == "BANK-7"
    assert shop.change("/customers/ada", phone="2")["warnings"] == []

    # A product with a generated code is still found by its name.
    shop.api.put("/products/book", {"name": "Book"})
    assert shop.imported("products") == {"link": 1}
    assert shop.api.get("/products/book")["code"] == "BOOK"


def test_a_lost_create_with_a_generated_code_is_found_again(shop: Shop) -> None:
    shop.set(billing=ON)
    shop.organisation.control("POST", "faults", method="PUT", path=".*Items.*", kind="drop_after", times=1)
    assert shop.save("/products/book", name="Book", sales_price="5")["state"] == "synced"
    assert [one["Code"] for one in shop.items()] == ["P00001"]


def test_who_may_be_given_a_code(shop: Shop) -> None:
    shop.api.put("/customers/typed", {"name": "Typed Ltd", "accounts_code": "T1"})
    for path, status, detail in (
        ("/customers/typed", 409, "customer typed has the accounts code T1, which was given to it: empty it first"),
        ("/customers/nobody", 404, "there is nothing with the ref 'nobody' among the customers"),
        ("/invoices/1", 404, "invoices have no codes that are made here"),
    ):
        answer = shop.api.ask("POST", f"{path}/generate-code")
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert shop.api.get("/customers/typed")["accounts_code"] == "T1"


@pytest.mark.row("H-126", part="api")
def test_a_new_product_is_given_the_accounts_of_the_settings(shop: Shop) -> None:
    shop.set(billing='new_product_sales_account = "200"\nnew_product_purchase_account = "300"')
    shop.api.put("/product-groups/g", {"name": "G", "sales_account": "260"})

    def accounts(ref: str, **more: Any) -> tuple[str, str]:
        shown = shop.api.put(f"/products/{ref}", product(ref.upper(), **more))
        return shown["sales_account"], shown["purchase_account"]

    assert accounts("new") == ("200", "300")
    assert accounts("own", sales_account="260") == ("260", "300")
    # Named empty it stays so, and in a group that has an account it goes by that.
    assert accounts("empty", sales_account="") == ("", "300")
    assert accounts("grouped", group="g") == ("", "300")
    # Only a new one; and what an import brings is as Xero has it.
    assert accounts("new") == ("", "")
    shop.organisation.user().put("Items", {"Code": "PEN", "Name": "Pen"})
    shop.imported("products")
    assert shop.named("products", "Pen")["sales_account"] == ""


@pytest.mark.row("H-108", part="api")
@pytest.mark.row("H-109")
def test_products_have_parents_where_that_is_switched_on(shop: Shop) -> None:
    shop.save("/products/top", **product("TOP", sales_account="200"))
    before = shop.organisation.last_call
    for text in ("made", "edited"):
        state = shop.save("/products/child", **product("CHILD", parent="top", description=text))
        assert (state["state"], state["reason"]) == ("excluded", "it has a parent product, whose item stands for it")
    shop.sync()
    assert shop.organisation.writes(before) == []

    # Switched off, no product gets one; who has one goes on as it was, and may lose it.
    shop.set(billing="parent_products = false")
    refusal = [("parent", "products have no parents here: [plugins.core_billing] parent_products is false")]
    assert shop.refused("PUT", "/products/other", product("OTHER", parent="top")) == refusal
    assert shop.api.put("/products/plain", product("PLAIN", parent=""))["parent"] == ""
    assert shop.refused("PATCH", "/products/plain", {"parent": "top"}) == refusal
    assert shop.save("/products/child", **product("CHILD", parent="top", description="again"))["state"] == "excluded"
    assert shop.change("/products/child", parent="")["state"] == "synced"
    assert {one["Code"] for one in shop.bodies(before)} == {"PLAIN", "CHILD"}
