"""Numbers, dates and messages as Xero writes them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from plugins.xero.wire import errors
from plugins.xero.wire.contact import ContactSchema
from plugins.xero.wire.fields import read_time
from plugins.xero.wire.invoice import InvoiceSchema
from plugins.xero.wire.item import ItemSchema
from plugins.xero.wire.numbers import decimal, dumps, loads, loads_as_text, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.9900", "0.99"),
        ("1.0000", "1"),
        ("100", "100"),  # zeros before the point are digits
        ("-0.0000", "0"),
        ("1E+3", "1000"),
        ("1E-4", "0.0001"),
        ("9999999999.9999", "9999999999.9999"),  # a float would lose the last digit
    ],
)
def test_a_number_is_written_without_exponent_and_needless_zeros(value: str, text: str) -> None:
    assert number(Decimal(value)) == text


def test_numbers_go_out_as_numbers_and_come_back_exact() -> None:
    element = {
        "UnitAmount": number(Decimal("1234567890.1234")),
        "Name": '“Ünïted” \\ "x"',
        "List": [True, None, number(Decimal(2))],
    }

    body = dumps(element)

    assert b'"UnitAmount":1234567890.1234,' in body
    assert loads(body) == {"UnitAmount": Decimal("1234567890.1234"), "Name": '“Ünïted” \\ "x"', "List": [True, None, 2]}
    assert loads_as_text(body)["UnitAmount"] == "1234567890.1234"
    assert json.loads(json.dumps(element))["UnitAmount"] == "1234567890.1234"  # storable by anybody, as text


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        decimal(0.1)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("/Date(1789344000000+0000)/", datetime(2026, 9, 14, tzinfo=UTC)),
        ("/Date(1789344000000)/", datetime(2026, 9, 14, tzinfo=UTC)),
        ("/Date(1789344000000+1200)/", datetime(2026, 9, 14, tzinfo=UTC)),  # the offset means nothing
        ("/Date(-62135596800000)/", datetime(1, 1, 1, tzinfo=UTC)),  # of an item that was not saved
        ("2026-09-14T00:00:00", datetime(2026, 9, 14, tzinfo=UTC)),
        ("2026-09-14T09:29:59Z", datetime(2026, 9, 14, 9, 29, 59, tzinfo=UTC)),
    ],
)
def test_dates_are_read_however_they_are_written(text: str, time: datetime) -> None:
    assert read_time(text) == time


@pytest.mark.parametrize("text", ["", "yesterday", "/Date(x)/", None, 5])
def test_what_is_no_date_is_said_to_be_none(text: Any) -> None:
    with pytest.raises(ValidationError, match="is not a date"):
        read_time(text)


def test_a_calendar_date_is_the_day_in_utc() -> None:
    read = InvoiceSchema().load({"Date": "/Date(1795132800000+0000)/"})

    assert read == {"date": date(2026, 11, 20)}
    assert InvoiceSchema().dump(read) == {"Date": "2026-11-20"}


def test_unknown_members_nulls_and_empty_arrays_for_objects_are_passed_over() -> None:
    read = ItemSchema().load({"Code": "A", "Name": None, "SalesDetails": [], "SomethingNew": {"x": 1}})

    assert read == {"code": "A", "sales": {}}


def test_what_is_not_set_is_left_out() -> None:
    assert ContactSchema().dump({"name": "A", "email": None}) == {"Name": "A"}


@pytest.mark.parametrize(
    ("element", "failed"),
    [
        ({"StatusAttributeString": "OK", "HasErrors": False, "ValidationErrors": []}, False),
        ({"StatusAttributeString": "WARNING", "Warnings": [{"Message": "w"}]}, False),
        ({"StatusAttributeString": "ERROR"}, True),
        ({"HasErrors": True}, True),  # whatever the query said (API facts 3.4, defensive rule)
        ({"HasValidationErrors": True}, True),
        ({"ValidationErrors": [{"Message": "no"}]}, True),
    ],
)
def test_an_element_that_was_not_saved_is_known_by_any_of_its_signs(element: dict[str, Any], *, failed: bool) -> None:
    assert errors.failed(element) is failed


def test_messages_are_found_wherever_they_stand_and_once() -> None:
    element = {
        "ValidationErrors": [{"Message": "first"}, {"Description": "second"}, {"Message": "first"}],
        "LineItems": [{"ValidationErrors": [{"Message": "of a line"}]}],
        "Warnings": [{"Message": "a warning is no error"}],
    }

    assert errors.messages(element) == ["first", "second", "of a line"]
    assert errors.warnings(element) == ["a warning is no error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ""),
        (b"<html>The resource you're looking for cannot be found</html>", ""),
        (b"[]", ""),
        (
            b'{"Message":"A validation exception occurred","Elements":[{"ValidationErrors":[{"Message":"no name"}]}]}',
            "no name",
        ),
        (b'{"ErrorNumber":14,"Message":"Error converting value"}', "Error converting value"),
        (
            b'{"title":"Forbidden","detail":"AuthenticationUnsuccessful"}',
            "AuthenticationUnsuccessful",
        ),  # lower case occurs
    ],
)
def test_an_error_answer_may_be_anything(body: bytes, said: str) -> None:
    assert errors.whole_answer(body) == said
