"""Fills an organisation with many records at once, for those who try an import of thousands. What they look like depends
on their number alone, so that two fillings can be compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from plugins.xero.sandbox.contacts import contact_columns
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.wire import Doc, fold

MOST = 1_000_000
TOWNS = ("Hull", "Łódź", "Nantes", "Napier", "Oulu", "Perth", "Porto", "Reno")
Made = tuple[str, Doc, Doc]  # id, columns, document


@dataclass(frozen=True)
class Alike:
    """What the contacts of one filling have in common. With a name of their own for all only archived ones can be
    several."""

    status: str = "ACTIVE"
    name: str | None = None
    is_customer: bool = False
    is_supplier: bool = False


def fill_contacts(store: Store, org: int, now: int, count: int, alike: Alike) -> None:
    _fill(store, "contact", org, now, count, lambda number, stamp: _contact(number, stamp, alike))


def fill_items(store: Store, org: int, now: int, count: int, tax_types: tuple[str, str]) -> None:
    _fill(store, "item", org, now, count, lambda number, stamp: _item(number, stamp, tax_types))


def _fill(store: Store, kind: str, org: int, now: int, count: int, make: Callable[[int, int], Made]) -> None:
    begin = store.next_numbers(org, f"filled {kind}", count)
    stamps = store.stamps(org, now, count)

    def rows() -> Iterator[tuple[str, int, Doc, Doc]]:
        for number, stamp in enumerate(stamps, begin):
            document_id, columns, document = make(number, stamp)
            yield document_id, stamp, columns, document

    store.save_many(kind, org, rows())


def _id(number: int) -> str:
    """In the order of their numbers also where several changed at the same time."""
    return f"{number:08x}{str(uuid4())[8:]}"


def _contact(number: int, stamp: int, alike: Alike) -> Made:
    contact: Doc = {
        "ContactID": _id(number),
        "ContactStatus": alike.status,
        "IsSupplier": alike.is_supplier,
        "IsCustomer": alike.is_customer,
        "Addresses": {
            "POBOX": {
                "AddressLine1": f"{number} Quay",
                "City": TOWNS[number % len(TOWNS)],
                "PostalCode": f"{number:05}",
            }
        },
        "Phones": {"DEFAULT": {"PhoneNumber": f"555 {number:06}", "PhoneAreaCode": "020", "PhoneCountryCode": "44"}},
        "ContactPersons": [],
        "Name": alike.name or f"Contact {number:06}",
        "AccountNumber": f"C{number:06}",
        "FirstName": "Some",
        "LastName": f"Body {number:06}",
        "EmailAddress": f"contact{number}@example.com",
        "Updated": stamp,
    }
    return contact["ContactID"], contact_columns(contact), contact


def _item(number: int, stamp: int, tax_types: tuple[str, str]) -> Made:
    price = Decimal(number % 10_000) / 100
    sales_tax, purchase_tax = tax_types
    item: Doc = {
        "ItemID": _id(number),
        "Code": f"ITEM-{number:06}",
        "Name": f"Item {number:06}",
        "Description": f"Item {number:06} as it is sold",
        "PurchaseDescription": f"Item {number:06} as it is bought",
        "IsSold": True,
        "IsPurchased": True,
        "SalesDetails": {"UnitPrice": price, "AccountCode": "200", "TaxType": sales_tax},
        "PurchaseDetails": {"UnitPrice": price / 2, "AccountCode": "300", "TaxType": purchase_tax},
        "IsTrackedAsInventory": False,
        "Updated": stamp,
    }
    return item["ItemID"], {"code": fold(item["Code"])}, item
