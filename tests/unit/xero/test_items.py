"""Products as items."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from host.sync.provider import (
    NOT_LOOKED,
    Adopt,
    Blocked,
    Done,
    Excluded,
    Finish,
    Refuse,
    Rejected,
    Send,
    Taken,
    Verb,
    Wanted,
)
from plugins.xero.settings import Preset
from plugins.xero.wire.numbers import loads
from tests.unit.xero.making import answer, desk, nobody, planned, prepared, product, provider, wish

if TYPE_CHECKING:
    from hookspecs import Product
    from host.sync.provider import Planned

ELEMENT = {
    "Code": "SHELF",
    "Name": "Oak shelf",
    "SalesDetails": {"UnitPrice": "10.5", "AccountCode": "200", "TaxType": "OUTPUT2"},
}


def prepare_one(of: Product, **of_settings: Any) -> Any:
    [answered] = provider(**of_settings).prepare(desk(), "products", [wish("products", of)])
    return answered


def plan(of: Product, remote: Any, owner: Any = nobody, **of_wish: Any) -> Any:
    return provider().plan(wish("products", of, **of_wish), prepared("products", of), remote, owner)


def creating(of: Product) -> Planned:
    ready = prepared("products", of)
    of_wish = wish("products", of)
    step = provider().plan(of_wish, ready, NOT_LOOKED, nobody)
    assert isinstance(step, Send)
    return planned(of_wish, step, ready)


def test_a_new_product_is_sent_at_once_by_its_code() -> None:
    assert plan(product(), NOT_LOOKED) == Send(lane="create", verb=Verb.CREATE, body=ELEMENT)


def test_prices_of_four_decimals_stay_whole() -> None:
    request = provider().request([creating(product(sales_price=Decimal("0.0001")))])

    assert (request.method, request.path) == ("PUT", "/api.xro/2.0/Items")
    assert ("unitdp", "4") in request.query
    assert b'"UnitPrice":0.0001' in request.body
    assert loads(request.body)["Items"][0]["SalesDetails"]["UnitPrice"] == Decimal("0.0001")


def test_both_sides_go_where_both_are_given() -> None:
    both = product(
        purchase_price=Decimal(4),
        effective_purchase_account="300",
        purchase_tax="INPUT2",
        purchase_description="from Oslo",
    )

    body = plan(both, NOT_LOOKED).body

    assert body["PurchaseDetails"] == {"UnitPrice": "4", "AccountCode": "300", "TaxType": "INPUT2"}
    assert body["PurchaseDescription"] == "from Oslo"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": ""}, "it has no product code, which Xero needs: give it one"),
        ({"code": " "}, "it has no product code, which Xero needs: give it one"),
        ({"code": "X" * 31}, f"its code {'X' * 31} is longer than Xero's 30 characters"),
        (
            {"effective_sales_account": "999"},
            "account 999 is not among the accounts of Acme UK: correct it, or, if it is new in Xero, run counterfoil import accounts --connection acme",
        ),
        (
            {"sales_tax": "OLD"},
            "tax rate OLD is not among the tax rates of Acme UK: correct it, or, if it is new in Xero, run counterfoil import tax-rates --connection acme",
        ),
    ],
)
def test_what_cannot_go_says_why(changes: Any, reason: str) -> None:
    assert prepare_one(product(**changes)) == Blocked(reason=reason)


def test_the_settings_account_fills_in() -> None:
    ready = prepare_one(
        product(effective_sales_account=""), preset=Preset(default_sales_account="260", default_purchase_account="300")
    )

    assert ready.data["SalesDetails"]["AccountCode"] == "260"
    assert "PurchaseDetails" not in ready.data  # what is only sold is not said to be bought on an account


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"parent": "p0"}, "it has a parent product, whose item stands for it"),
        ({"excluded": True}, "its product group keeps its items out of accounting"),
    ],
)
def test_children_and_items_of_excluded_groups_are_not_meant_to_go(changes: Any, reason: str) -> None:
    assert prepare_one(product(**changes)) == Excluded(reason)
    assert provider().excluded("products", product(**changes)) == reason


def test_an_update_is_posted_whole_and_empties_what_is_empty() -> None:
    step = plan(product(), NOT_LOOKED, remote_id="x")
    assert isinstance(step, Send)

    assert step.verb is Verb.UPDATE
    assert step.body == {"ItemID": "x", "Description": "", "PurchaseDescription": "", **ELEMENT}
    assert provider().request([planned(wish("products", product()), step)]).method == "POST"


def test_a_code_that_is_there_already_is_adopted() -> None:
    found = {"ItemID": "x", "Code": "shelf", "Name": "Theirs"}

    assert plan(product(), found) == Adopt(
        remote_id="x", remote_number="shelf", answered={"ItemID": "x", "Code": "shelf", "Name": "Theirs"}
    )


def test_one_that_another_product_holds_is_a_conflict_that_names_it() -> None:
    step = plan(product(), {"ItemID": "x", "Code": "SHELF"}, owner=lambda _: "product-9")

    assert step == Refuse(
        reason="Xero's item SHELF is linked to product-9 already: give one of the two another code", conflict=True
    )


def test_an_item_with_a_code_that_was_generated_here_is_somebody_elses() -> None:
    made_up = product(generated=("code",))
    found = {"ItemID": "x", "Code": "SHELF", "Name": "Theirs"}
    refusal = Refuse(
        reason="Xero's item Theirs has the code SHELF, which was generated here: have another generated, or give it the one that is meant",
        conflict=True,
    )
    assert plan(made_up, found) == refusal
    assert provider().recognise(wish("products", made_up), ELEMENT, found, "ab12cd") == refusal
    # What a lost create of ours made is as it was sent.
    assert isinstance(
        provider().recognise(wish("products", made_up), ELEMENT, {"ItemID": "x", **ELEMENT}, "ab12cd"), Done
    )


def test_the_item_stays_when_the_product_goes() -> None:
    assert (
        provider().plan(wish("products", None, remote_id="x", wanted=Wanted.DELETE), None, NOT_LOOKED, nobody)
        == Finish()
    )


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({**ELEMENT, "ItemID": "x", "StatusAttributeString": "OK"}, Done),
        (
            {"Code": "SHELF", "ValidationErrors": [{"Message": "Price List Item with Code 'SHELF' already exists"}]},
            Taken,
        ),
        (
            {
                "ItemID": "00000000-0000-0000-0000-000000000000",
                "Code": "SHELF",
                "ValidationErrors": [{"Message": "no"}],
            },
            Rejected,
        ),
    ],
)
def test_answers(element: dict[str, Any], expected: type) -> None:
    [answered] = provider().answers([creating(product())], answer({"Items": [element]}))

    assert type(answered) is expected


def test_a_saved_item_is_known_by_the_code_that_xero_gave_back() -> None:
    [done] = provider().answers([creating(product())], answer({"Items": [{**ELEMENT, "ItemID": "x"}]}))

    assert isinstance(done, Done)
    assert (done.remote_id, done.remote_number) == ("x", "SHELF")


# ----------------------------------------------------------------------------------------------------------- settling


def code_look(of: Product) -> Planned:
    of_wish = wish("products", of)
    return planned(of_wish, provider().mark(of_wish, {"Code": of.code}, "ab12cd"))


@pytest.mark.parametrize(
    ("codes", "where"),
    [
        (["A", "B"], 'Code=="A" OR Code=="B"'),
        (['A"B'], None),
        ([f"C{number}" for number in range(200)], None),  # items come in one list: many at once are cheaper so
    ],
)
def test_items_are_looked_up_by_code(codes: list[str], where: str | None) -> None:
    request = provider().look_request([code_look(product(code=code)) for code in codes])

    assert dict(request.query).get("where") == where
    assert dict(request.query)["unitdp"] == "4"


def test_the_exact_code_is_preferred_to_one_of_another_case() -> None:
    items = {
        "Items": [{"ItemID": "a", "Code": "shelf"}, {"ItemID": "b", "Code": "SHELF"}, {"ItemID": "c", "Code": "lamp"}]
    }

    looked = provider().look_answer(
        [code_look(product()), code_look(product(code="LAMP")), code_look(product(code="X"))], [answer(items)]
    )

    assert [found and found["ItemID"] for found in looked.found] == ["b", "c", None]
    assert looked.numbers["products", "b"] == "SHELF"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, None),
        (
            {
                **ELEMENT,
                "ItemID": "x",
                "SalesDetails": {"UnitPrice": Decimal("10.50"), "AccountCode": "200", "TaxType": "OUTPUT2"},
                "More": 1,
            },
            Done,
        ),
        (
            {
                **ELEMENT,
                "ItemID": "x",
                "SalesDetails": {"UnitPrice": Decimal("10.51"), "AccountCode": "200", "TaxType": "OUTPUT2"},
            },
            Adopt,
        ),
        ({**ELEMENT, "ItemID": "x", "SalesDetails": []}, Adopt),
    ],
)
def test_an_item_with_our_code_is_ours_and_updated_where_it_differs(found: Any, expected: type | None) -> None:
    known = provider().recognise(wish("products", product()), ELEMENT, found, "ab12cd")

    assert (type(known) if known else None) is expected


def test_equality_is_about_our_own_values() -> None:
    long = product(name="x" * 60)

    assert prepared("products", long).inputs["name"] == "x" * 60
    assert (
        prepared("products", product()).inputs
        == prepared("products", replace(product(), sales_price=Decimal("10.5"))).inputs
    )
