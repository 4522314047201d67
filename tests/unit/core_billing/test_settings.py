"""What ``[plugins.core_billing]`` takes."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from plugins.core_billing.settings import Settings, SettingsSchema


def test_without_a_section_documents_are_drafts_and_numbers_are_counted() -> None:
    settings = Settings.of(SettingsSchema().load({}))
    assert settings == Settings(default_accounting_status="draft", invoice_number_format="INV-{number:05d}")


@pytest.mark.parametrize("form", ["{number}", "INV-{number:05d}", "2026/{number}", "{number:x}"])
def test_formats_of_numbers(form: str) -> None:
    assert SettingsSchema().load({"invoice_number_format": form})["invoice_number_format"] == form


@pytest.mark.parametrize(
    "form",
    [
        "",
        "INV",
        "INV-{}",
        "{other}",
        "{number",
        "{number.real}{number.x}",
        "é{number}",
        "{number:<600}",
        "{number}\n",
        "{number:q}",
    ],
)
def test_what_is_no_format_is_refused(form: str) -> None:
    with pytest.raises(ValidationError):
        SettingsSchema().load({"invoice_number_format": form})


def test_another_status_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError, match="must be one of draft, submitted, authorised"):
        SettingsSchema().load({"default_accounting_status": "paid"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"generate_codes": ["invoices"]}, "'invoices' get no codes here: accepted are customers, suppliers, products"),
        (
            {"product_code_format": "PRODUCT-OF-OUR-SHOPS-{number:05d}"},
            "makes codes such as PRODUCT-OF-OUR-SHOPS-2147483647: accepted are up to 30 characters",
        ),
        ({"invoice_number_format": "{number:999999999d}"}, "asks for more digits than a number may have"),
        ({"new_product_sales_account": "9" * 51}, "must have at most 50 characters"),
        ({"product_code_format": "P"}, "'P' must contain {number}, and else only printable ASCII characters"),
        ({"customer_code_format": " C{number}"}, "has spaces at an end or side by side, which ledgers take away"),
        ({"supplier_code_format": "S{number:>9}"}, "has spaces at an end or side by side, which ledgers take away"),
        ({"parent_products": "yes"}, "Not a valid boolean."),
    ],
)
def test_what_makes_no_codes_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SettingsSchema().load(given)
    assert message in str(refused.value)


def test_a_code_of_one_inner_space_is_one_that_ledgers_take() -> None:
    settings = Settings.of(
        SettingsSchema().load({"customer_code_format": "No {number}", "generate_codes": ["customers"]})
    )
    assert settings.code_format("customers") == "No {number}"
    assert list(settings.generate_codes) == ["customers"]
