"""What the host believes is at Xero, against what Xero's own client reads there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Record = Mapping[str, Any]


def assert_contacts(there: Iterable[Any], customers: Iterable[Record]) -> None:
    """Each customer's contact, all of them and no other, field by field."""
    assert {one.contact_id: _contact(one) for one in there} == {_linked(one): _customer(one) for one in customers}


def assert_items(there: Iterable[Any], products: Iterable[Record]) -> None:
    """Each product's item likewise; a name that was shortened on the way, which its warnings say, begins as ours does."""
    items, found = {one.item_id: one for one in there}, {_linked(one): one for one in products}
    assert set(items) == set(found)
    for id, record in found.items():
        item, name = items[id], " ".join(record["name"].split())
        if any("shortened" in warning for warning in record["sync"][0]["warnings"]):
            assert name.startswith(item.name.removesuffix("…"))
            name = item.name
        assert (item.code, _text(item.name)) == (record["code"], name)
        sales, effective = item.sales_details, record["effective"]
        expected = (Decimal(record["sales_price"]), effective["sales_account"], record["sales_tax"])
        assert (Decimal(str(sales.unit_price)), _text(sales.account_code), _text(sales.tax_type)) == expected


def _linked(record: Record) -> str:
    [state] = record["sync"]
    assert state["state"] == "synced", state
    return str(state["remote_id"])


def _contact(one: Any) -> tuple[str, ...]:
    names = (one.name, one.first_name, one.last_name, one.email_address, one.account_number)
    return (*map(_text, names), *_address(one), _phone(one))


def _address(one: Any) -> tuple[str, ...]:
    for address in one.addresses or ():
        if address.address_type == "POBOX":
            return tuple(
                map(_text, (address.address_line1, address.city, address.region, address.postal_code, address.country))
            )
    return ("",) * 5


def _phone(one: Any) -> str:
    for phone in one.phones or ():
        if phone.phone_type == "DEFAULT":
            parts = (phone.phone_country_code, phone.phone_area_code, phone.phone_number)
            return " ".join(part for part in parts if part)
    return ""


def _customer(record: Record) -> tuple[str, ...]:
    """As it was sent: tidied, and without an e-mail that Xero refuses, which its warnings say."""
    left_out = any(warning.startswith("email") for warning in record["sync"][0]["warnings"])
    names = (
        record["name"],
        record["first_name"],
        record["last_name"],
        "" if left_out else record["email"],
        record["accounts_code"],
    )
    address = (record["billing_address"][part] for part in ("line1", "city", "region", "postal_code", "country"))
    return tuple(" ".join(value.split()) for value in (*names, *address, record["phone"]))


def _text(value: str | None) -> str:
    return value or ""
