"""Inputs: what is accepted, and what is said about the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from plugins.core_billing.reading import Reader
from plugins.core_billing.schemas import InvoiceInput, PartyInput, ProductGroupInput, ProductInput, TaxRateInput

READ_ONLY = frozenset({"id", "status", "sync"})
GOOD = {"ref": "r", "name": "n", "code": "c", "rate": "20", "customer": "c", "issue_date": "2026-11-22"}
INVOICE = {"ref": "i-1", "customer": "c", "issue_date": "2026-11-22"}


def said(schema: Any, given: Any, *, partial: bool = False) -> list[str]:
    found = Reader(schema, READ_ONLY).read(given, partial=partial)
    assert isinstance(found, list), found
    return [str(problem) for problem in found]


def values(schema: Any, given: Any, *, partial: bool = False) -> dict[str, Any]:
    found = Reader(schema, READ_ONLY).read(given, partial=partial)
    assert isinstance(found, dict), found
    return found


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("issue_date", "22.11.2026", "must be a date such as 2026-11-22"),
        ("issue_date", "2026-02-30", "2026-02-30 is not in the calendar"),
        ("issue_date", None, "is required"),
        ("issue_date", "", "must be a date such as 2026-11-22"),
        ("due_date", 20261122, "must be a date such as 2026-11-22"),
        ("customer", "a b", "must be 1 to 100 of the characters A-Z a-z 0-9 . _ : @ -"),
        ("customer", "c\n", "must be 1 to 100 of the characters A-Z a-z 0-9 . _ : @ -"),
        ("currency", "gbp", "must be a currency's three capital letters, such as GBP"),
        ("currency_rate", "0", "must be above 0"),
        ("currency_rate", "1.1234567", "1.1234567 has more than 6 decimals"),
        ("line_amounts", "gross", "must be one of exclusive, inclusive, no_tax"),
        ("accounting_status", "paid", "must be one of draft, submitted, authorised"),
        ("reference", 7, "must be text"),
        ("reference", "x" * 256, "has 256 characters: accepted are up to 255"),
        ("reference", "a\x00b", "holds a character that is no text (NUL, or half of a pair)"),
        ("reference", "a\ud800b", "holds a character that is no text (NUL, or half of a pair)"),
        ("lines", {}, "must be a list"),
        ("lines", [{}] * 1001, "has 1001 entries: accepted are up to 1,000"),
    ],
)
def test_each_problem_has_one_line(field: str, value: Any, problem: str) -> None:
    assert said(InvoiceInput, {**INVOICE, field: value}) == [f"{field}: {problem}"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"quantity": "NaN"}, "lines.1.quantity: 'NaN' is not a number: accepted are decimals such as 12.50"),
        ({"unit_price": "1.23456"}, "lines.1.unit_price: 1.23456 has more than 4 decimals"),
        (
            {"unit_price": float("inf")},
            "lines.1.unit_price: 'inf' is not a number: accepted are decimals such as 12.50",
        ),
        ({"discount_percent": "101"}, "lines.1.discount_percent: must be from 0 to 100"),
        ({"tracking": {"Region": 7}}, "lines.1.tracking: must be text"),
        ({"time_entries": "t-1"}, "lines.1.time_entries: must be a list of refs"),
        (
            {"price": "1"},
            "lines.1.price: unknown field: accepted are id, product, charge_rate, item_code, description, quantity, unit_price, "
            "discount_percent, account, tax_rate, tracking, time_entries",
        ),
    ],
)
def test_problems_of_lines_name_the_line(line: dict[str, Any], problem: str) -> None:
    assert said(InvoiceInput, {**INVOICE, "lines": [{}, line]}) == [problem]


def test_all_problems_are_said_at_once() -> None:
    assert said(InvoiceInput, {"ref": "i", "issue_date": "x", "lines": [{"quantity": "y"}]}) == [
        "issue_date: must be a date such as 2026-11-22",
        "lines.0.quantity: 'y' is not a number: accepted are decimals such as 12.50",
        "customer: is required",
    ]


@pytest.mark.parametrize("given", [None, 7, "text", []])
def test_what_is_no_object_is_said_to_be_none(given: Any) -> None:
    [problem] = said(ProductGroupInput, given)
    assert problem.startswith("must be an object with the fields ref, name, ")


def test_absent_and_null_become_empty_or_the_default() -> None:
    absent = values(InvoiceInput, {**INVOICE, "lines": [{}]})
    null = values(
        InvoiceInput,
        {
            **INVOICE,
            "due_date": None,
            "reference": None,
            "line_amounts": None,
            "lines": [{"quantity": None, "tracking": None}],
        },
    )
    assert absent == null
    assert (absent["due_date"], absent["reference"], absent["line_amounts"]) == (None, "", "exclusive")
    assert absent["lines"][0]["quantity"] == Decimal(1)


def test_numbers_are_accepted_as_text_and_as_numbers() -> None:
    one, other = (
        {**INVOICE, "lines": [{"quantity": quantity, "unit_price": price}]}
        for quantity, price in (("2.5", "0.10"), (2.5, 0.1))
    )
    assert values(InvoiceInput, one) == values(InvoiceInput, other)


def test_read_only_fields_are_passed_over_in_a_put_and_refused_in_a_patch() -> None:
    given = {**INVOICE, "id": "x", "status": "paid", "sync": []}
    assert values(InvoiceInput, given) == values(InvoiceInput, INVOICE)
    assert said(InvoiceInput, given, partial=True) == ["id: is read-only", "status: is read-only", "sync: is read-only"]


def test_a_patch_holds_only_what_it_names() -> None:
    given = {"ref": "c", "billing_address": {"city": "Leeds"}, "phone": None}
    assert values(PartyInput, given, partial=True) == {"ref": "c", "billing_address": {"city": "Leeds"}, "phone": ""}


def test_a_patch_of_a_list_gives_all_of_it() -> None:
    [line] = values(InvoiceInput, {"ref": "i", "lines": [{"unit_price": "5"}]}, partial=True)["lines"]
    assert (line["quantity"], line["description"]) == (Decimal(1), "")


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["12.50", "2026-11-22", "GBP", "draft", "c-1"]),
    st.just([]),
    st.just({}),
)


def inputs(schema: Any) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from([*schema().fields, "unknown"])
    line = st.dictionaries(
        st.sampled_from(["id", "product", "quantity", "unit_price", "tracking", "effective", "odd"]),
        anything,
        max_size=4,
    )
    address = st.dictionaries(st.sampled_from(["city", "country", "odd"]), anything, max_size=3)
    return st.dictionaries(names, st.one_of(anything, st.lists(line, max_size=3), address), max_size=8)


@pytest.mark.parametrize("schema", [InvoiceInput, PartyInput, ProductInput, ProductGroupInput, TaxRateInput])
@pytest.mark.parametrize("partial", [False, True])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_fast_reader_answers_what_the_declared_schema_answers(
    schema: Any, partial: bool, data: st.DataObject
) -> None:
    good = {name: value for name, value in GOOD.items() if name in schema().fields}
    one = data.draw(st.sampled_from([{}, good])) | data.draw(inputs(schema))
    ours = Reader(schema).read(one, partial=partial)
    assert (_paths(ours) or ours) == declared(schema, one, partial=partial)


def _paths(found: Any) -> set[str]:
    return {problem.path for problem in found} if isinstance(found, list) else set()


def declared(schema: Any, one: Any, *, partial: bool) -> Any:
    """What marshmallow itself makes of it: the values, or the paths of the problems."""
    try:
        return schema().load(one, partial=partial or None)
    except ValidationError as error:
        return set(paths(error.messages, ""))


def paths(messages: Any, path: str) -> list[str]:
    if isinstance(messages, dict):
        return [
            found
            for name, inner in messages.items()
            for found in paths(inner, path if name == "_schema" else f"{path}.{name}" if path else str(name))
        ]
    return [path]
