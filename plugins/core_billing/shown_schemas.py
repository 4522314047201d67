"""What reads back, one schema for each kind, made from that of its input. The description of the API is made from them; nothing is read or written by them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from marshmallow import Schema, fields

from plugins.core_billing.fields import Plain, Shown, Whole
from plugins.core_billing.schemas import AddressField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.core_billing.schemas import Input

STATUSES: Final = ("draft", "submitted", "authorised", "part_paid", "paid", "voided", "deleting", "deleted")


def _text(description: str, **more: Any) -> fields.Field[Any]:
    return fields.String(required=True, metadata={"description": description, **more})


def shown_schema(schema: type[Input], more: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """The input's fields as they read back, the record's own id before them, and ``more`` after them."""
    return Schema.from_dict({"id": _text("the record's identity, for ever"), **_shown_fields(schema), **more})


def _shown_fields(schema: type[Input]) -> dict[str, fields.Field[Any]]:
    return {name: _shown(field) for name, field in schema().fields.items()}


def _shown(field: fields.Field[Any]) -> fields.Field[Any]:
    if isinstance(field, Whole | AddressField):
        return fields.Nested(_below(type(field.schema)), many=field.many, required=True)
    assert isinstance(field, Plain | Shown)
    return field.shown()


@cache
def _below(schema: Any) -> type[Schema]:
    """Of what stands inside a record. Kept, so that kinds that share a part share its description."""
    return Schema.from_dict(_shown_fields(schema), name=schema.__name__.removesuffix("Input"))


def document_fields() -> dict[str, fields.Field[Any]]:
    amounts = ("subtotal", "tax_total", "total", "amount_paid", "amount_due")
    return {
        "status": _text("where the document stands", enum=list(STATUSES)),
        "status_reason": _text("why it was not deleted, if it was refused"),
        **{name: _text("an amount, such as 12.50") for name in amounts},
        "totals_known": fields.Boolean(
            required=True, metadata={"description": "false while a line's tax rate is not known here"}
        ),
    }


def category_fields() -> dict[str, fields.Field[Any]]:
    return {"stands_for": _text("the tracking name that means this category in its connection, if one does")}


def product_fields() -> dict[str, fields.Field[Any]]:
    names = ("sales_account", "sales_account_from", "purchase_account", "purchase_account_from")
    return {"effective": Shown(*names).shown()}
