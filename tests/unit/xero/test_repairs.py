"""What can be sent without harm is repaired, with a warning (FEATURES, choice 16)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from hookspecs import Address, Customer, Product
from plugins.xero import repairs
from plugins.xero.repairs import Workshop
from tests.unit.xero.making import catalogue, desk, provider, rate, wish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "tidied", "what"),
    [
        ("Harbour Joinery Ltd", "Harbour Joinery Ltd", None),
        ("Edinburgh ", "Edinburgh", "outer spaces"),
        ("Op. 16 -  The", "Op. 16 - The", "double spaces"),
        ("a\u00a0b", "a b", "double spaces"),  # a space of another kind
        ("a\tb", "a b", "double spaces"),
        ("12 High St\r\nFlat 3", "12 High St Flat 3", "line breaks"),
        ("a \n b", "a b", "line breaks"),
        (" a  b ", "a b", "outer spaces and double spaces"),
        ("a\x00b", "ab", "control characters"),
        ("", "", None),
    ],
)
def test_tidying(value: str, tidied: str, what: str | None) -> None:
    assert repairs.tidy(value, "name") == (tidied, f"name: {what} tidied for Xero" if what else None)


def test_a_text_keeps_its_lines() -> None:
    assert repairs.tidy_text("one\n\n  two  ", "description") == ("one\n\n  two  ", None)
    assert repairs.tidy_text("one\x07two", "description") == (
        "onetwo",
        "description: control characters taken out for Xero",
    )


@pytest.mark.parametrize(
    ("length", "expected"),
    [(4, None), (5, None), (6, "name shortened to Xero's 5 characters")],
)
def test_shortening_starts_past_the_limit(length: int, expected: str | None) -> None:
    value, warning = repairs.shorten("x" * length, "name", 5)

    assert warning == expected
    assert len(value) == min(length, 5)


def test_a_long_item_name_stands_whole_in_the_description() -> None:
    name = "Homecoming / The Death Of St. Jimmy / East 12th St. / Nobody"

    short, description, warning = repairs.item_texts(name, "By Green Day")

    assert len(short) <= 50
    assert short.endswith("…")
    assert description == f"{name}\nBy Green Day"
    assert warning is not None


def test_a_description_that_has_the_name_already_is_left_alone() -> None:
    name = 'Symphony No. 2, Op. 16 - "The Four Temperaments": II. Allegro'
    description = 'Symphony No. 2, Op. 16 -  "The Four Temperaments": II. Allegro (Nielsen)'  # with the double space that the name lost

    assert repairs.item_texts(name, description)[1] == description


def test_an_item_name_of_fifty_characters_fits() -> None:
    assert repairs.item_texts("x" * 50, "") == ("x" * 50, "", None)


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("leonekohler@surfeu.de", True),
        ("o'reilly+billing@mail.example.co.uk", True),
        (" padded@example.com ", True),
        ("", True),
        ("stanisław.wójcik@wp.pl", False),
        ("someone@müller.example", False),
        ("no-at-sign", False),
        ("two@@example.com", False),
        ("a@b..example.com", False),
        (f"{'a' * 250}@example.com", False),
    ],
)
def test_an_email_goes_as_it_is_or_not_at_all(address: str, *, taken: bool) -> None:
    sent, warning = repairs.email(address, "email")

    assert sent == (address.strip() if taken else "")
    assert (warning is None) is taken
    assert taken or address in str(warning)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("New Zealand", "New Zealand"),
        ("U.S.A.", "USA"),
        ("Côte d’Ivoire", "Cote dIvoire"),
        ("Bosnia & Herzegovina", "Bosnia Herzegovina"),
        ("UK 1", "UK"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_a_country_goes_in_plain_letters(value: str, sent: str) -> None:
    repaired, warning = repairs.country(value, "country")

    assert repaired == sent
    assert (warning is None) is (value == sent)


def test_angle_brackets_are_replaced_in_names() -> None:
    assert repairs.without_angles("A <B> C", "name") == ("A ‹B› C", "name: < and > replaced for Xero")
    assert repairs.without_angles("A B", "name") == ("A B", None)


def test_a_number_that_is_too_long_is_left_out_whole() -> None:
    assert repairs.fit_or_leave_out("1" * 51, "tax_number", 50) == (
        "",
        "tax_number left out: it is longer than Xero's 50 characters",
    )
    assert repairs.fit_or_leave_out("1" * 50, "tax_number", 50) == ("1" * 50, None)


def test_the_workshop_collects_what_was_done() -> None:
    shop = Workshop()

    assert shop.line("  " + "x" * 10, "city", 5) == "xxxx…"
    assert shop.warnings == ["city: outer spaces tidied for Xero", "city shortened to Xero's 5 characters"]


def test_the_repairs_that_the_chinook_records_need(reference: Path) -> None:
    """46 names over 50 characters, one double space, one outer space, one e-mail that Xero refuses: all records go, none is left as it was without a word."""
    warnings = _chinook_warnings(reference)

    shortened = [text for text in warnings if text.startswith("name shortened")]
    assert len(shortened) == 46
    assert sorted(set(warnings) - set(shortened)) == [
        "billing_address.city: outer spaces tidied for Xero",
        "email stanisław.wójcik@wp.pl left out: Xero takes only valid addresses without accented letters",
        "name: double spaces tidied for Xero",
    ]
    assert len(warnings) == 49


def _chinook_warnings(reference: Path) -> list[str]:
    def read(name: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in (reference / "data" / "chinook" / name).read_text().splitlines()]

    customers = [
        Customer(id=each["ref"], billing_address=Address(**address), **each)  # type: ignore[arg-type]
        for each in read("customers.jsonl")
        if (address := each.pop("billing_address"))
    ]
    products = [
        Product(id=each["ref"], sales_price=Decimal(price), effective_sales_account="200", **each)  # type: ignore[arg-type]
        for each in read("products.jsonl")
        if (price := each.pop("sales_price"))
    ]
    here = desk(catalogue_=catalogue(rates=(rate("NONE", "0"),)))
    warnings: list[str] = []
    for kind, records in (("customers", customers), ("products", products)):
        for answer in provider().prepare(here, kind, [wish(kind, record) for record in records]):
            warnings.extend(answer.warnings)  # type: ignore[union-attr]  # blocked or excluded ones have none, and fail here
    return warnings
