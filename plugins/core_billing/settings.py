"""``[plugins.core_billing]`` of the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from plugins.core_billing.schemas import ACCOUNTING_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LONGEST_NUMBER: Final = 255
LONGEST_CODES: Final = {"customers": 50, "suppliers": 50, "products": 30}
"""What ledgers take: Xero has fifty characters for a contact's account number, and thirty for an item's code."""
LARGEST: Final = 2**31 - 1
WIDE: Final = re.compile(r"\{[^}]*\d{4}")


def _check_code_format(kind: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        _check_format(value)
        code, longest = value.format(number=LARGEST), LONGEST_CODES[kind]
        if len(code) > longest:
            raise ValidationError(f"makes codes such as {code}: accepted are up to {longest} characters")
        if any(" ".join(one.split()) != one for one in (code, value.format(number=1))):
            raise ValidationError(f"{value!r} has spaces at an end or side by side, which ledgers take away")

    return check


def _check_kind(value: str) -> None:
    if value not in LONGEST_CODES:
        raise ValidationError(f"{value!r} get no codes here: accepted are {', '.join(LONGEST_CODES)}")


def _check_format(value: str) -> None:
    if WIDE.search(value):  # before anything of that width is made: a gigabyte has been
        raise ValidationError(f"{value!r} asks for more digits than a number may have")
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
    generate_codes = fields.List(
        fields.String(validate=_check_kind),
        load_default=(),
        metadata={
            "description": f"the kinds of which a new record that brings no code gets one: {', '.join(LONGEST_CODES)}",
            "default": "none",
            "accepts": f"a list of {', '.join(LONGEST_CODES)}",
        },
    )
    customer_code_format = fields.String(
        load_default="C{number:05d}",
        validate=_check_code_format("customers"),
        metadata={"description": "the accounts code of a customer that gets one here; {number} counts from 1"},
    )
    supplier_code_format = fields.String(
        load_default="S{number:05d}",
        validate=_check_code_format("suppliers"),
        metadata={"description": "the same of a supplier"},
    )
    product_code_format = fields.String(
        load_default="P{number:05d}",
        validate=_check_code_format("products"),
        metadata={"description": "the code of a product that gets one here"},
    )
    new_product_sales_account = fields.String(
        validate=validate.Length(max=50, error="must have at most {max} characters"),
        metadata={"description": "sales account of a new product that does not speak of one and whose group has none"},
    )
    new_product_purchase_account = fields.String(
        validate=validate.Length(max=50, error="must have at most {max} characters"),
        metadata={"description": "the same for its purchase account"},
    )
    parent_products = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=True,
        metadata={"description": "products may be given a parent product, whose item at the ledger stands for them"},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    default_accounting_status: str = "draft"
    invoice_number_format: str = "INV-{number:05d}"
    generate_codes: Sequence[str] = ()
    customer_code_format: str = "C{number:05d}"
    supplier_code_format: str = "S{number:05d}"
    product_code_format: str = "P{number:05d}"
    new_product_sales_account: str = ""
    new_product_purchase_account: str = ""
    parent_products: bool = True

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    def code_format(self, kind: str) -> str:
        formats = {
            "customers": self.customer_code_format,
            "suppliers": self.supplier_code_format,
            "products": self.product_code_format,
        }
        return formats[kind]

    @property
    def product_accounts(self) -> Mapping[str, str]:
        """What a new product is given, by field."""
        return {"sales_account": self.new_product_sales_account, "purchase_account": self.new_product_purchase_account}
