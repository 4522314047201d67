"""What ``[plugins.core_billing]`` takes."""

from __future__ import annotations

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
