from __future__ import annotations

from dataclasses import replace

import pytest

from plugins.xero.catalogue import Books, Missing
from plugins.xero.marks import bears_our_url, contact_mark, document_url
from tests.unit.xero.making import PREFIX, UK, catalogue, rate


def books(**changes: object) -> Books:
    return Books.of(catalogue(**changes), UK)


def test_the_connections_own_rate_comes_before_one_without_a_connection() -> None:
    both = books(rates=(rate("STD", connection="", remote_id="TAX001"), rate("STD", remote_id="OUTPUT2")))

    assert both.tax_type("STD") == "OUTPUT2"


def test_a_rate_without_a_connection_serves_all() -> None:
    assert books(rates=(rate("OUTPUT2", connection=""),)).tax_type("OUTPUT2") == "OUTPUT2"


def test_a_rate_that_is_linked_by_hand_goes_by_xeros_name() -> None:
    assert books(rates=(rate("VAT20", remote_id="OUTPUT2"),)).tax_type("VAT20") == "OUTPUT2"


def test_a_rate_that_is_missing_says_what_to_do() -> None:
    with pytest.raises(Missing) as missing:
        books().tax_type("OUTPUT")

    assert (
        str(missing.value)
        == "tax rate OUTPUT is not among the tax rates of Acme UK: correct it, or, if it is new in Xero, run counterfoil import tax-rates --connection acme"
    )


def test_another_connections_rate_is_none_of_ours() -> None:
    with pytest.raises(Missing, match="is not among"):
        books(rates=(rate("OUTPUT2", connection="other"),)).tax_type("OUTPUT2")


def test_two_matches_are_refused() -> None:
    twice = books(rates=(rate("OUTPUT2"), replace(rate("OUTPUT2"), ref="second")))

    with pytest.raises(Missing, match=r"ambiguous: 2 tax rates of Acme UK bear it \(acme-OUTPUT2, second\)"):
        twice.tax_type("OUTPUT2")


def test_a_missing_account_says_what_to_do() -> None:
    assert books().account("200") == "200"
    with pytest.raises(Missing, match="run counterfoil import accounts --connection acme"):
        books().account("999")


@pytest.mark.parametrize("name", ["theme-1", "Standard"])
def test_a_theme_goes_by_its_id_or_its_name(name: str) -> None:
    assert books().theme(name) == "theme-1"


def test_a_theme_named_like_its_own_id_is_one_match() -> None:
    same = replace(catalogue().themes[0], name="theme-1")

    assert books(themes=(same,)).theme("theme-1") == "theme-1"


def test_a_currency_that_the_organisation_lacks_says_what_to_do() -> None:
    assert books().currency("USD") == "USD"
    with pytest.raises(
        Missing,
        match="currency JPY is not among the currencies of Acme UK: add it in Xero, then run counterfoil import currencies",
    ):
        books().currency("JPY")


def test_the_base_currency_needs_no_import() -> None:
    assert books(currencies=()).currency("GBP") == "GBP"


def test_marks_bear_prefix_and_record() -> None:
    identity = "0" * 32
    url = document_url("https://billing.example.com/", PREFIX, "invoices", identity)

    assert contact_mark(PREFIX, identity) == f"ab12cd-{identity}"
    assert len(contact_mark(PREFIX, identity)) <= 50
    assert url == f"https://billing.example.com/ab12cd/invoices/{identity}"


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://counterfoil.invalid/ab12cd/invoices/i1", True),
        ("https://moved.example.com/somewhere/ab12cd/invoices/i1", True),  # made before document_link was changed
        ("https://counterfoil.invalid/zz99zz/invoices/i1", False),  # another installation's
        ("https://counterfoil.invalid/ab12cd/invoices/i12", False),
        ("https://counterfoil.invalid/ab12cd/credit-notes/i1", False),
        ("", False),
    ],
)
def test_a_document_is_ours_by_the_end_of_its_address(url: str, *, ours: bool) -> None:
    assert bears_our_url(url, PREFIX, "invoices", "i1") is ours
