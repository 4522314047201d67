"""``[plugins.core_billing]`` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields, validate

from plugins.core_billing.schemas import ACCOUNTING_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_NUMBER = 255


def _check_format(value: str) -> None:
    try:
        numbers = {value.format(number=number) for number in (1, 2)}
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise ValidationError(f"{value!r} is not a format: accepted are texts such as INV-{{number:05d}}") from error
    if len(numbers) < 2 or not all(number.isascii() and number.isprintable() for number in numbers):
        raise ValidationError(f"{value!r} must contain {{number}}, and else only printable ASCII characters")
    if max(map(len, numbers)) > LONGEST_NUMBER - 20:
        raise ValidationError("makes numbers that are too long")


class SettingsSchema(Schema):
    default_accounting_status = fields.String(
        load_default="draft",
        validate=validate.OneOf(ACCOUNTING_STATUSES, error="must be one of {choices}"),
        metadata={"description": "what is wanted in the ledger for documents that do not say it themselves"},
    )
    invoice_number_format = fields.String(
        load_default="INV-{number:05d}",
        validate=_check_format,
        metadata={"description": "the number of an invoice that brings none; {number} counts from 1"},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    default_accounting_status: str = "draft"
    invoice_number_format: str = "INV-{number:05d}"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})
