"""Dates, numbers and texts as they are on the wire."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.xero.sandbox import wire, xml


def test_json_writes_amounts_as_numbers_with_a_point() -> None:
    told = wire.dumps({"Amount": Decimal("24.15"), "Zero": Decimal(0), "Count": 2, "Name": "Müller"})
    assert told == '{"Amount":24.15,"Zero":0.0,"Count":2,"Name":"Müller"}'
    with pytest.raises(TypeError):
        wire.dumps({"Set": {1}})


@given(st.decimals(Decimal("-9999999999.9999"), Decimal("9999999999.9999"), places=4))
def test_amounts_survive_the_state(amount: Decimal) -> None:
    assert wire.loads(wire.dumps([amount])) == [amount]


@given(st.dates())
def test_days_survive_the_wire(day: date) -> None:
    assert wire.read_day(wire.day_string(day.isoformat())) == day.isoformat()
    if day.year > 1:
        assert wire.read_day(wire.day_stamp(day.isoformat())) == day.isoformat()


@pytest.mark.parametrize("text", ["", "2026", "tomorrow", "31/12/2026", "2026-02-30", "/Date(x)/", None, 5, {}])
def test_what_is_no_day(text: object) -> None:
    with pytest.raises(wire.Unreadable):
        wire.read_day(text)


@pytest.mark.parametrize(
    ("given_", "number"), [("12.50", "12.50"), (3, "3"), (Decimal("1.5"), "1.5"), (" 7 ", "7"), ("1E2", "100")]
)
def test_numbers(given_: object, number: str) -> None:
    assert wire.read_number(given_) == Decimal(number)


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1,5", True, None, [], "0x10"])
def test_what_is_no_number(text: object) -> None:
    with pytest.raises(wire.Unreadable):
        wire.read_number(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("STRASSE", "straße"), ("Érable", "ERABLE"), ("Łódź", "ŁÓDŹ"), ("ΑΘΗΝΑ", "Αθήνα"), ("A-1", "a-1")],
)
def test_texts_that_compare_equal(one: str, other: str) -> None:
    assert wire.fold(one) == wire.fold(other)


def test_xml_has_what_json_has() -> None:
    document = {
        "Status": "OK",
        "Invoices": [
            {"DateString": "x", "Date": "/Date(1768003200000+0000)/", "Paid": True, "Name": "<&>", "None": None}
        ],
        "UpdatedDateUTC": wire.NEVER,
    }
    assert xml.render("Response", json.loads(json.dumps(document))).decode() == (
        '<?xml version="1.0" encoding="utf-8"?><Response><Status>OK</Status><Invoices><Invoice>'
        "<Date>2026-01-10T00:00:00</Date><Paid>true</Paid><Name>&lt;&amp;&gt;</Name><None></None>"
        "</Invoice></Invoices><UpdatedDateUTC>0001-01-01T00:00:00</UpdatedDateUTC></Response>"
    )
