"""What a record's input may hold, one schema for each kind. They are the declared contract: help and OpenAPI come from them as well."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from marshmallow import Schema, fields

from plugins.core_billing.fields import (
    Amount,
    Choice,
    Chosen,
    Currency,
    Day,
    ExchangeRate,
    Flag,
    Names,
    Pairs,
    Ref,
    Refs,
    Shown,
    Text,
    Whole,
)
from plugins.core_billing.totals import EXCLUSIVE, INCLUSIVE, NO_TAX

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNTING_STATUSES: Final = ("draft", "submitted", "authorised")
LINE_AMOUNTS: Final = (EXCLUSIVE, INCLUSIVE, NO_TAX)
MOST_LINES: Final = 1000
ONE: Final = Decimal("1.0000")
ZERO: Final = Decimal("0.0000")


class Input(Schema):
    """An unknown field is refused, and the message names those that there are."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        shown = {name for name, field in self.fields.items() if isinstance(field, Shown)}
        names = ", ".join(name for name in self.fields if name not in shown)
        self.error_messages = {
            **self.error_messages,
            "unknown": f"unknown field: accepted are {names}",
            "type": f"must be an object with the fields {names}",
        }


class AddressInput(Input):
    line1 = Text(500)
    line2 = Text(500)
    city = Text(255)
    region = Text(255)
    postal_code = Text(50)
    country = Text(255)


ADDRESS_PARTS: Final = tuple(AddressInput().fields)


class AddressField(fields.Nested):
    """An object; a PATCH changes the parts that it names."""

    def __init__(self) -> None:
        super().__init__(AddressInput, load_default=dict, allow_none=True)

    def nothing(self) -> dict[str, str]:
        return dict.fromkeys(ADDRESS_PARTS, "")

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        return self.nothing() if value is None else super().deserialize(value, attr, data, **kwargs)


class PartyInput(Input):
    ref = Ref(required=True)
    name = Text(500, required=True)
    first_name = Text(255)
    last_name = Text(255)
    email = Text(255)
    phone = Text(100)
    tax_number = Text(100)
    accounts_code = Text(100)
    currency = Currency()
    billing_address = AddressField()
    sales_tax = Text(100)
    purchase_tax = Text(100)
    branding_theme = Text(255)
    connection = Text(100)
    active = Flag(default=True)


class ProductGroupInput(Input):
    ref = Ref(required=True)
    name = Text(255, required=True)
    sales_account = Text(50)
    purchase_account = Text(50)
    tracking = Pairs()
    exclude_from_accounting = Flag(default=False)
    use_for_items = Flag(default=False)


class ProductInput(Input):
    ref = Ref(required=True)
    code = Text(255)
    name = Text(500, required=True)
    description = Text(4000)
    purchase_description = Text(4000)
    group = Ref()
    sales_price = Amount(None)
    purchase_price = Amount(None)
    sales_account = Text(50)
    purchase_account = Text(50)
    sales_tax = Text(100)
    purchase_tax = Text(100)
    parent = Ref()
    connection = Text(100)
    active = Flag(default=True)


class TaxRateInput(Input):
    ref = Ref(required=True)
    code = Text(100, required=True)
    name = Text(255, required=True)
    rate = Amount(None, within=(0, 1000), required=True)
    connection = Text(100, keeps=True)
    linked_to = Text(100, keeps=True)


class AccountInput(Input):
    ref = Ref(required=True)
    code = Text(50, required=True)
    name = Text(255, required=True)
    type = Text(50)
    connection = Text(100, keeps=True)


class TrackingCategoryInput(Input):
    """What an import brings; no input is taken (``TrackingCategories``)."""

    ref = Ref(required=True)
    name = Text(100, required=True)
    options = Names()
    connection = Text(100)
    active = Flag(default=True)


class LineInput(Input):
    id = Text(32)
    product = Ref()
    charge_rate = Ref()
    item_code = Text(255)
    description = Text(4000)
    quantity = Amount(ONE)
    unit_price = Amount(ZERO)
    discount_percent = Amount(ZERO, within=(0, 100))
    account = Text(50)
    tax_rate = Text(100)
    tracking = Chosen()
    time_entries = Refs()
    effective = Shown("account", "account_from", "tax_rate", "tax_rate_from")


class InvoiceInput(Input):
    ref = Ref(required=True)
    number = Text(255, keeps=True)
    customer = Ref(required=True)
    issue_date = Day(required=True)
    due_date = Day()
    currency = Currency(keeps=True)
    currency_rate = ExchangeRate()
    reference = Text(255)
    line_amounts = Choice(LINE_AMOUNTS, load_default=EXCLUSIVE)
    accounting_status = Choice(ACCOUNTING_STATUSES, keeps=True)
    branding_theme = Text(255)
    lines = Whole(LineInput, most=MOST_LINES)
