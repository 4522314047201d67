"""Customers and suppliers in the terms of Xero's contacts (API facts 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plugins.xero.catalogue import Books, Missing
from plugins.xero.repairs import (
    NAME_OF_CONTACT,
    Workshop,
    country,
    email,
    fit_or_leave_out,
    without_angles,
)
from plugins.xero.wire.contact import AddressSchema, ContactSchema, PhoneSchema
from plugins.xero.wire.fields import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hookspecs import Address, Party
    from host.sync.provider import JSON

BILLING: Final = "POBOX"  # the address that Xero prints on documents
MAIN: Final = "DEFAULT"
LONGEST_CODE: Final = 50

_KEYS: Final = keys_of(ContactSchema())
_PARTS: Final = {"addresses": keys_of(AddressSchema()), "phones": keys_of(PhoneSchema())}


def why_not(party: Party, *, details: bool) -> str:
    """Why a customer or supplier can't go, in a sentence; empty where it can."""
    if not party.name.strip():
        return "it has no name, which Xero needs"
    if len(party.accounts_code.strip()) > LONGEST_CODE:
        return f"its accounts code is longer than Xero's {LONGEST_CODE} characters"
    if not details:
        return ""
    missing = [
        name
        for name, value in (("first name", party.first_name), ("last name", party.last_name), ("email", party.email))
        if not value.strip()
    ]
    return f"{', '.join(missing)} missing, and require_contact_details = true" if missing else ""


def inputs_of(party: Party, *, suppliers: bool) -> dict[str, Any]:
    """What equality of a contact is about, in our own terms: a change of how it is mapped does not make it differ."""
    address = party.billing_address
    return {
        "name": party.name,
        "first_name": party.first_name,
        "last_name": party.last_name,
        "email": party.email,
        "phone": party.phone,
        "tax_number": party.tax_number,
        "accounts_code": party.accounts_code,
        "currency": party.currency,
        "billing_address": [
            address.line1, address.line2, address.city, address.region, address.postal_code, address.country
        ],
        "tax": party.purchase_tax if suppliers else party.sales_tax,
        "active": party.active,
    }  # fmt: skip


def element_of(party: Party, books: Books, *, suppliers: bool) -> tuple[JSON, list[str]]:
    """The contact in Xero's terms, with only the fields that have a value, and the warnings."""
    shop = Workshop()
    tax_code, tax_name = (party.purchase_tax, "purchase_tax") if suppliers else (party.sales_tax, "sales_tax")
    tax = _if_known(shop, books.tax_type, tax_code, tax_name)
    fields: dict[str, Any] = {
        "name": _name(shop, party.name, "name"),
        "first_name": _name(shop, party.first_name, "first_name"),
        "last_name": _name(shop, party.last_name, "last_name"),
        "email": shop.do(email, party.email, "email"),
        "tax_number": shop.do(_fit_50, party.tax_number, "tax_number"),
        "account_number": shop.line(party.accounts_code, "accounts_code", LONGEST_CODE),
        "currency": _if_known(shop, books.currency, party.currency, "currency"),
        ("purchase_tax" if suppliers else "sales_tax"): tax,
    }
    fields = {name: value for name, value in fields.items() if value}
    address = _address(shop, party.billing_address)
    if address:
        fields["addresses"] = [{"type": BILLING, **address}]
    phone = shop.do(_fit_50, party.phone, "phone")
    if phone:
        fields["phones"] = [{"type": MAIN, "number": phone}]
    return _written(fields, _KEYS), shop.warnings


def _written(fields: Mapping[str, Any], keys: Mapping[str, str]) -> JSON:
    """In Xero's names. By hand: every value is a text already, and the schema takes a third of a millisecond for each of ten thousand."""
    return {
        keys[name]: [_written(one, _PARTS[name]) for one in value] if name in _PARTS else value
        for name, value in fields.items()
    }


def _name(shop: Workshop, value: str, name: str) -> str:
    return shop.do(without_angles, shop.line(value, name, NAME_OF_CONTACT), name)


def _fit_50(value: str, name: str) -> tuple[str, str | None]:
    return fit_or_leave_out(value, name, 50)


def _if_known(shop: Workshop, look_up: Callable[[str], str], code: str, name: str) -> str:
    """A default that the contact can do without: documents carry their own. Unknown to the organisation, it is left out."""
    if not code:
        return ""
    try:
        return look_up(code)
    except Missing as missing:
        shop.warnings.append(f"{name} left out: {missing}")
        return ""


def _address(shop: Workshop, address: Address) -> dict[str, str]:
    def line(value: str, name: str, longest: int) -> str:
        return shop.line(value, f"billing_address.{name}", longest)

    fields = {
        "line1": line(address.line1, "line1", 500),
        "line2": line(address.line2, "line2", 500),
        "city": line(address.city, "city", 255),
        "region": line(address.region, "region", 255),
        "postal_code": shop.do(_fit_50, address.postal_code, "billing_address.postal_code"),
        "country": shop.do(
            country, shop.line(address.country, "billing_address.country", 255), "billing_address.country"
        ),
    }
    return {name: value for name, value in fields.items() if value}
