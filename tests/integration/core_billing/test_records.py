"""Saving, reading and deleting what invoices are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Action, BadQuery, Refused

if TYPE_CHECKING:
    from tests.integration.core_billing.conftest import House

ACME = {"ref": "acme", "name": "Acme", "email": "a@acme.example", "billing_address": {"city": "Leeds", "country": "UK"}}
SHELF = {"ref": "shelf", "name": "Oak shelf", "code": "SHELF", "sales_price": "10.50"}


def test_a_saved_record_reads_back_whole(house: House) -> None:
    [answer] = house.saved("customers", ACME)
    assert (answer.created, answer.changed) == (True, True)
    assert house.get("customers", "acme") == {
        "id": answer.id,
        "ref": "acme",
        "name": "Acme",
        "first_name": "",
        "last_name": "",
        "email": "a@acme.example",
        "phone": "",
        "tax_number": "",
        "accounts_code": "",
        "currency": "",
        "billing_address": {
            "line1": "",
            "line2": "",
            "city": "Leeds",
            "region": "",
            "postal_code": "",
            "country": "UK",
        },
        "sales_tax": "",
        "purchase_tax": "",
        "branding_theme": "",
        "connection": "",
        "active": True,
    }


def test_the_same_again_changes_nothing_and_tells_nobody(house: House) -> None:
    house.saved("customers", ACME)
    house.told()
    [answer] = house.saved("customers", ACME)
    assert (answer.created, answer.changed, house.told()) == (False, False, [])
    shown = house.get("customers", "acme")
    [answer] = house.saved("customers", shown)
    assert (answer.changed, house.told()) == (False, [])


def test_a_put_replaces_and_a_patch_changes_what_it_names(house: House) -> None:
    house.saved("customers", ACME)
    house.saved("customers", {"ref": "acme", "phone": "1", "billing_address": {"city": "York"}}, partial=True)
    patched = house.get("customers", "acme")
    assert (patched["phone"], patched["email"]) == ("1", "a@acme.example")
    assert (patched["billing_address"]["city"], patched["billing_address"]["country"]) == ("York", "UK")
    house.saved("customers", {"ref": "acme", "name": "Acme 2"})
    replaced = house.get("customers", "acme")
    assert (replaced["phone"], replaced["email"], replaced["billing_address"]["city"]) == ("", "", "")


def test_hooks_are_told_what_changed(house: House) -> None:
    house.saved("customers", ACME)
    [(_, event)] = house.events
    assert event.changed == {"ref", "name", "email", "billing_address", "active", "id"}
    house.events.clear()
    house.saved("customers", {"ref": "acme", "phone": "1", "name": "Acme"}, partial=True)
    [(_, event)] = house.events
    assert (event.action, set(event.changed)) == (Action.UPDATED, {"phone"})


def test_made_inactive_is_archived_and_coming_back_is_an_update(house: House) -> None:
    house.saved("customers", ACME)
    house.told()
    house.saved("customers", {"ref": "acme", "active": False}, partial=True)
    house.saved("customers", {"ref": "acme", "active": True}, partial=True)
    assert house.told() == [("customers", "acme", "archived"), ("customers", "acme", "updated")]


def test_bad_ones_write_nothing_and_good_ones_are_written(house: House) -> None:
    answers = house.put(
        "customers",
        {"ref": "a", "name": "A"},
        {"ref": "b", "nam": "B"},
        "no object",  # type: ignore[arg-type]
        {"ref": "a", "name": "A again"},
        {"name": "nameless"},
        {"ref": "c", "name": "C"},
    )
    assert [answer.ref for answer in answers] == ["a", "b", "", "a", "", "c"]
    assert [len(answer.problems) for answer in answers] == [0, 2, 1, 1, 1, 0]
    assert str(answers[3].problems[0]) == "ref: a stands here a second time: it is already number 1 of these records"
    assert str(answers[4].problems[0]) == "ref: is required"
    assert house.page("customers").total == 2
    assert house.get("customers", "a")["name"] == "A"
    assert house.told() == [("customers", "a", "created"), ("customers", "c", "created")]


def test_a_patch_of_nobody_is_a_problem(house: House) -> None:
    assert house.problems("customers", {"ref": "x", "name": "X"}, partial=True) == [
        "there is no customer with the ref x"
    ]


def test_customers_and_suppliers_may_share_a_ref(house: House) -> None:
    house.saved("customers", ACME)
    house.saved("suppliers", {**ACME, "name": "Acme, who supplies"})
    assert house.get("customers", "acme")["name"] == "Acme"
    assert house.id("customers", "acme") != house.id("suppliers", "acme")


# ------------------------------------------------------------------------------------------------- references


def test_a_ref_that_does_not_exist_is_named(house: House) -> None:
    assert house.problems("products", {**SHELF, "group": "wood"}) == [
        "group: there is no product group with the ref wood"
    ]


def test_records_of_one_batch_may_refer_to_those_before_them(house: House) -> None:
    house.saved("products", {"ref": "parent", "name": "P"}, {"ref": "child", "name": "C", "parent": "parent"})
    assert house.get("products", "child")["parent"] == "parent"
    assert house.problems("products", {"ref": "x", "name": "X", "parent": "y"}, {"ref": "y", "name": "Y"}) == [
        "parent: there is no product with the ref y"
    ]


def test_parents_have_no_parents(house: House) -> None:
    house.saved("products", {"ref": "a", "name": "A"}, {"ref": "b", "name": "B", "parent": "a"})
    assert house.problems("products", {"ref": "c", "name": "C", "parent": "b"}) == [
        "parent: b is a child product itself: a parent has no parent"
    ]
    house.saved("products", {"ref": "d", "name": "D"})
    assert house.problems("products", {"ref": "a", "parent": "d"}, partial=True) == [
        "parent: a is the parent of other products: it cannot have one itself"
    ]
    assert house.problems("products", {"ref": "d", "parent": "d"}, partial=True) == [
        "parent: d is a child product itself: a parent has no parent"
    ]


def test_children_of_one_batch_have_no_children(house: House) -> None:
    chain = [
        {"ref": ref, "name": ref, "parent": parent} for ref, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "c"))
    ]
    refused = "is a child product itself: a parent has no parent"
    assert house.problems("products", *chain) == [f"parent: b {refused}", f"parent: c {refused}"]
    assert [item["ref"] for item in house.page("products").items] == ["a", "b"]


def test_a_parents_mistake_is_not_its_childs(house: House) -> None:
    house.saved("products", *({"ref": ref, "name": ref, "parent": "a" if ref == "b" else ""} for ref in "abq"))
    assert house.problems("products", {"ref": "a", "parent": "q"}, {"ref": "b", "name": "Renamed"}, partial=True) == [
        "parent: a is the parent of other products: it cannot have one itself"
    ]
    assert house.get("products", "b")["name"] == "Renamed"


@pytest.mark.row("H-61", part="api")
def test_a_group_keeps_its_items_out_only_when_it_is_used_for_items(house: House) -> None:
    group = {"ref": "g", "name": "G", "exclude_from_accounting": True}
    assert house.problems("product-groups", group) == [
        "exclude_from_accounting: can be set only when use_for_items is true"
    ]
    house.saved("product-groups", {**group, "use_for_items": True})
    house.saved("products", {**SHELF, "group": "g"})
    with house.database.read() as session:
        [product] = house.billing.store.read(session, "products", [house.id("products", "shelf")]).values()
    assert product.excluded  # type: ignore[attr-defined]


def test_accounts_are_inherited_from_parent_and_group(house: House) -> None:
    house.saved("product-groups", {"ref": "g", "name": "G", "sales_account": "200", "purchase_account": "300"})
    house.saved("products", {"ref": "p", "name": "P", "group": "g", "sales_account": "210"})
    house.saved("products", {"ref": "c", "name": "C", "parent": "p"}, {"ref": "o", "name": "O", "group": "g"})
    assert house.get("products", "c")["effective"] == {
        "sales_account": "210",
        "sales_account_from": "parent",
        "purchase_account": "300",
        "purchase_account_from": "group",
    }
    assert house.get("products", "o")["effective"]["sales_account"] == "200"
    events = {event.record.ref: event.record for _, event in house.events}
    assert events["c"].effective_sales_account == "210"  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------ connections


@pytest.mark.parametrize("kind", ["customers", "suppliers", "products"])
def test_the_connection_is_free_until_one_keeps_the_record(house: House, kind: str) -> None:
    house.saved(kind, {"ref": "r", "name": "R", "connection": "uk"})
    house.saved(kind, {"ref": "r", "name": "R", "connection": "nz"})
    house.held["r"] = {"nz"}
    noun = kind.removesuffix("s")
    for connection in ("uk", "main"):
        assert house.problems(kind, {"ref": "r", "name": "R", "connection": connection}) == [
            f"connection: cannot change: this {noun} is already kept in nz"
        ]
    house.saved(kind, {"ref": "r", "name": "R renamed"})
    assert (house.get(kind, "r")["connection"], house.get(kind, "r")["name"]) == ("nz", "R renamed")


def test_the_connection_that_keeps_a_record_may_be_written_down(house: House) -> None:
    house.saved("customers", ACME)
    house.held["acme"] = {"uk"}
    house.saved("customers", {**ACME, "connection": "uk"})
    assert house.get("customers", "acme")["connection"] == "uk"


# --------------------------------------------------------------------------------------------------- deleting


def test_what_nobody_uses_goes(house: House) -> None:
    house.saved("customers", ACME)
    house.told()
    assert house.delete("customers", "acme") == "gone"
    assert (house.page("customers").total, house.told()) == (0, [("customers", "acme", "deleted")])
    with pytest.raises(LookupError, match="there is no customer with the ref acme"):
        house.delete("customers", "acme")


def test_what_a_connection_keeps_is_made_inactive(house: House) -> None:
    house.saved("customers", ACME)
    house.held["acme"] = {"uk"}
    house.told()
    assert house.delete("customers", "acme") == "inactive"
    assert house.delete("customers", "acme") == "inactive"
    assert (house.get("customers", "acme")["active"], house.told()) == (False, [("customers", "acme", "archived")])


def test_what_documents_use_is_made_inactive(house: House) -> None:
    house.saved("customers", ACME)
    house.saved("products", SHELF)
    lines = [{"product": "shelf", "description": "Shelf"}]
    house.saved("invoices", {"ref": "i", "customer": "acme", "issue_date": "2026-11-22", "lines": lines})
    assert (house.delete("customers", "acme"), house.delete("products", "shelf")) == ("inactive", "inactive")
    assert house.get("invoices", "i")["customer"] == "acme"


def test_a_group_in_use_is_not_deleted(house: House) -> None:
    house.saved("product-groups", {"ref": "g", "name": "G"})
    house.saved("products", {**SHELF, "group": "g"})
    with pytest.raises(Refused, match="product group g cannot be deleted: a product uses it"):
        house.delete("product-groups", "g")


# ---------------------------------------------------------------------------------------------------- listing


def refs(house: House, kind: str, **query: Any) -> list[str]:
    return [item["ref"] for item in house.page(kind, **query).items]


def test_lists_filter_sort_search_and_page(house: House) -> None:
    house.saved("product-groups", {"ref": "g", "name": "G"})
    house.saved(
        "products",
        {"ref": "a", "name": "Zinc bolt", "code": "B1", "group": "g"},
        {"ref": "b", "name": "Oak_shelf", "code": "S1"},
        {"ref": "c", "name": "Oak shelf", "code": "S2", "active": False},
    )
    assert refs(house, "products") == ["a", "b", "c"]
    assert refs(house, "products", sort="-name") == ["a", "b", "c"]
    assert refs(house, "products", sort="name") == ["c", "b", "a"]
    assert refs(house, "products", q="oak") == ["b", "c"]
    assert refs(house, "products", q="k_s") == ["b"]
    assert refs(house, "products", filters={"group": "g"}) == ["a"]
    assert refs(house, "products", filters={"group": "unknown"}) == []
    assert refs(house, "products", filters={"active": "false", "code": "S2"}) == ["c"]
    page = house.page("products", page=2, page_size=2)
    assert ([item["ref"] for item in page.items], page.total) == (["c"], 3)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"filters": {"colour": "red"}}, "there is no filter 'colour': there are active, code, "),
        ({"sort": "-colour"}, "cannot sort by 'colour': there are code, name, ref"),
        ({"filters": {"active": "yes"}}, "active is true or false, not 'yes'"),
        ({"filters": {"name": "a\x00"}}, "a value holds a character that is no text"),
        ({"page": 0}, "page is from 1 to 1,000,000,000, page_size from 1"),
        ({"page": 10**30}, "page is from 1 to "),
    ],
)
def test_an_unknown_filter_or_order_is_refused(sqlite_house: House, query: dict[str, Any], message: str) -> None:
    with pytest.raises(BadQuery, match=message):
        sqlite_house.page("products", **query)


@pytest.mark.parametrize("ref", ["", "a b", "a\x00", "x" * 101, "\ud800"])
def test_what_is_no_ref_names_nobody(house: House, ref: str) -> None:
    for kind in ("customers", "invoices"):
        with house.database.read() as session:
            assert house.of(kind).get(session, ref) is None
            assert house.of(kind).ids(session, [ref]) == {}
        with pytest.raises(LookupError):
            house.delete(kind, ref)
