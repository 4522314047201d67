"""Records that come from Xero: contacts as customers and suppliers, items as products (API facts 3.7, 4.2, 4.7).

Contacts are read in the order of their ids, archived ones among them: nothing that happens meanwhile moves a contact to another page, and none is ever gone.
Where some were added while the pages were read, what changed since the first page is read as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from marshmallow import ValidationError

from hookspecs import Party, Product
from host import clock
from host.errors import Retry
from host.sync.provider import Key, Mirrored, RemoteRecord, Request, Unreadable
from plugins.xero import contact_mapping, contact_matching, contacts, items, looking
from plugins.xero.catalogue import Books, Missing
from plugins.xero.changes import NOTHING_CHANGED, answered_at, since_header
from plugins.xero.links import contact_url
from plugins.xero.replies import elements_of, envelope
from plugins.xero.wire.item import ItemSchema
from plugins.xero.wire.numbers import loads, number

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from hookspecs import JSON, Catalogue, Record
    from host.sync.provider import Ask, Desk, Reading, Response
    from plugins.xero.settings import Settings

IDS_IN_A_CALL: Final = 40
OVERLAP: Final = timedelta(minutes=5)
"""Xero's clock is not ours."""
LONGEST_LINE: Final = 500

_item: Final = ItemSchema()

CONTACT_TEXTS: Final = {
    "Name": "name",
    "FirstName": "first_name",
    "LastName": "last_name",
    "EmailAddress": "email",
    "TaxNumber": "tax_number",
    "AccountNumber": "accounts_code",
    "DefaultCurrency": "currency",
}
TAXES: Final = {"AccountsReceivableTaxType": "sales_tax", "AccountsPayableTaxType": "purchase_tax"}
CONTACT_FIELDS: Final = (*CONTACT_TEXTS.values(), *TAXES.values(), "phone", "billing_address")
ADDRESS_PARTS: Final = {"City": "city", "Region": "region", "PostalCode": "postal_code", "Country": "country"}
NO_ADDRESS: Final = dict.fromkeys(("line1", "line2", *ADDRESS_PARTS.values()), "")
EMPTY_CONTACT: Final = dict.fromkeys(CONTACT_FIELDS, "") | {"billing_address": NO_ADDRESS}
EMPTY_CUSTOMER: Final = {name: value for name, value in EMPTY_CONTACT.items() if name != "purchase_tax"}
EMPTY_SUPPLIER: Final = {name: value for name, value in EMPTY_CONTACT.items() if name != "sales_tax"}
"""What a customer, or a supplier, sends of these."""
PHONE_PARTS: Final = ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber")
ITEM_TEXTS: Final = ("code", "name", "description", "purchase_description")
SIDES: Final = ("sales", "purchase")
ITEM_FIELDS: Final = (*ITEM_TEXTS, *(f"{side}_{what}" for side in SIDES for what in ("price", "account", "tax")))


@dataclass(frozen=True, slots=True)
class Codes:
    """Our codes for Xero's tax types and accounts: a rate that was linked by hand bears the type it is linked with."""

    by_tax_type: Mapping[str, str]
    accounts: frozenset[str]

    @classmethod
    def of(cls, catalogue: Catalogue, connection: str) -> Codes:
        own_last = sorted(catalogue.rates, key=lambda rate: rate.connection == connection)
        return cls(
            by_tax_type={rate.remote_id or rate.code: rate.code for rate in own_last},
            accounts=frozenset(account.code for account in catalogue.accounts),
        )

    def tax(self, tax_type: str | None) -> str:
        """Empty where no rate here stands for it."""
        return self.by_tax_type.get(tax_type or "", "")

    def account(self, code: str) -> str:
        """Empty while it is not imported: a line with it would be refused, and the next import after the accounts brings it."""
        return code if code in self.accounts else ""


# ------------------------------------------------------------------------------------------------------------ reading


def remote_records(settings: Settings, reading: Reading, ask: Ask) -> Iterator[Sequence[RemoteRecord]]:
    codes = Codes.of(reading.catalogue, reading.connection.key)
    kinds = [kind for kind in reading.kinds if kind != "products"]
    if kinds:
        yield from map(partial(_as_parties, settings, reading, codes, kinds), _contact_pages(reading, ask))
    if "products" in reading.kinds:
        yield from _in_pages(_as_products(codes, _items(reading, ask)))


def import_basis(settings: Settings, reading: Reading) -> str:
    """What an import goes by besides the records themselves."""
    codes = Codes.of(reading.catalogue, reading.connection.key)
    known = (sorted(codes.by_tax_type.items()), sorted(codes.accounts))
    return json.dumps([settings.only_invoiced_customers, known, CONTACT_FIELDS, ITEM_FIELDS])


@dataclass(frozen=True, slots=True)
class Page:
    """A page of contacts: how many pages and contacts there are is said by each anew."""

    elements: Sequence[JSON]
    pages: int = 0
    contacts: int = 0


def _contact_pages(reading: Reading, ask: Ask) -> Iterator[Sequence[JSON]]:
    if reading.ids:
        for ids in _few(reading.ids, IDS_IN_A_CALL):
            yield _elements(ask(_contacts(("IDs", ",".join(ids)), ("includeArchived", "true"))), contacts.KEY)
    elif reading.search:
        yield _elements(ask(_contacts(("searchTerm", reading.search))), contacts.KEY)
    else:
        yield from _all_contacts(reading, ask)


def _all_contacts(reading: Reading, ask: Ask) -> Iterator[Sequence[JSON]]:
    began: list[datetime] = []

    def asking(request: Request) -> Response:
        response = ask(request)
        began.append(answered_at(response) or clock.now())
        return response

    request = _contacts(("includeArchived", "true"), ("order", "ContactID"))
    first = last = None
    for page in _pages(_since(request, reading.since), asking):
        last = page.contacts
        first = last if first is None else first
        yield page.elements
        del page
    if first != last:
        for page in _pages(_since(request, began[0] - OVERLAP), ask):
            yield page.elements


def _contacts(*query: tuple[str, str]) -> Request:
    return looking.get(contact_matching.PATH, *query, ("page", "1"), ("pageSize", str(looking.PAGE)))


def _since(request: Request, since: datetime | None) -> Request:
    return request if since is None else replace(request, headers={**request.headers, **since_header(since)})


def _pages(request: Request, ask: Ask) -> Iterator[Page]:
    number = 1
    while True:
        query = tuple((name, str(number) if name == "page" else value) for name, value in request.query)
        page = _page(ask(replace(request, query=query)))
        pages = page.pages
        yield page
        del page  # let go, here and below, before the next one is asked for: a thousand contacts take ten megabytes
        if number >= pages:
            return
        number += 1


def _page(response: Response) -> Page:
    """Read once: it is the most of what reading contacts takes."""
    if response.status == NOTHING_CHANGED:
        return Page(())
    try:
        read = loads(response.body)
        elements, said = elements_of(read, contacts.KEY), read.get("pagination")
    except (ValueError, Unreadable) as error:
        raise Retry("Xero's answer is cut off or no JSON: import again") from error
    if not isinstance(said, dict) or not isinstance(said.get("pageCount"), int):
        raise Retry("Xero's answer does not say how many pages there are: import again")
    return Page(elements, said["pageCount"], said.get("itemCount", 0))


def _items(reading: Reading, ask: Ask) -> Iterator[JSON]:
    """The whole list comes at once: Xero gives items no pages."""
    requests = [items.by_ids(ids) for ids in _few(reading.ids, 20)] or [looking.get(items.PATH, items.FOUR_DECIMALS)]
    for request in requests:
        for element in _elements(ask(_since(request, reading.since)), items.KEY):
            wanted = not reading.ids or element.get("ItemID") in reading.ids
            texts = f"{element.get('Code', '')}\n{element.get('Name', '')}".casefold()
            if wanted and reading.search.casefold() in texts:
                yield element


def _elements(response: Response, key: str) -> Sequence[JSON]:
    if response.status == NOTHING_CHANGED:
        return ()
    try:
        return envelope(response, key)
    except Unreadable as error:
        raise Retry(f"{error}: import again") from error


def _few(values: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (values[start : start + most] for start in range(0, len(values), most))


def _in_pages(records: Iterable[RemoteRecord]) -> Iterator[Sequence[RemoteRecord]]:
    page: list[RemoteRecord] = []
    for one in records:
        page.append(one)
        if len(page) == looking.PAGE:
            yield page
            page = []
    if page:
        yield page


# ----------------------------------------------------------------------------------------------------------- contacts


def _as_parties(
    settings: Settings, reading: Reading, codes: Codes, kinds: Sequence[str], page: Iterable[JSON]
) -> list[RemoteRecord]:
    return [_as_party(settings, reading, codes, kind, element) for element in page for kind in kinds]


def _as_party(settings: Settings, reading: Reading, codes: Codes, kind: str, element: JSON) -> RemoteRecord:
    fields = EMPTY_CONTACT | contact_fields(element, codes)
    contact_id = str(element.get("ContactID", ""))
    return RemoteRecord(
        kind=kind,
        id=contact_id,
        name=fields["name"],
        number=fields["accounts_code"],
        url=contact_url(reading.connection.details.get("short_code", ""), contact_id),
        fields=fields,
        keys=tuple(_contact_keys(element, fields, reading.prefix)),
        unusable=_why_unusable(element),
        merged_into=str(element.get("MergedToContactID") or ""),
        aside=_why_aside(settings, kind, element),
    )


def _contact_keys(element: JSON, fields: Mapping[str, Any], prefix: str) -> Iterator[Key]:
    mark = str(element.get("ContactNumber") or "")
    if mark.startswith(f"{prefix}-"):
        yield Key(field="id", value=mark.removeprefix(f"{prefix}-"))
    for name in ("accounts_code", "name"):
        if fields[name]:
            yield Key(field=name, value=fields[name])


def _why_unusable(element: JSON) -> str:
    match element.get("ContactStatus", "ACTIVE"):
        case "ACTIVE":
            return ""
        case "ARCHIVED":
            return "it is archived at Xero"
        case "GDPRREQUEST":
            return "it is under a request to be forgotten, at Xero"
        case other:
            return f"its status at Xero is {other}"


def _why_aside(settings: Settings, kind: str, element: JSON) -> str:
    is_customer, is_supplier = element.get("IsCustomer") is True, element.get("IsSupplier") is True
    if kind == "suppliers":
        return "" if is_supplier else "no bill of it is in Xero: choose it to import it as a supplier"
    if settings.only_invoiced_customers and not is_customer:
        return "it was never invoiced in Xero, and only_invoiced_customers = true"
    return (
        "it is only a supplier in Xero: choose it to import it as a customer" if is_supplier and not is_customer else ""
    )


def contact_fields(element: JSON, codes: Codes) -> dict[str, Any]:
    """The fields of ours that a contact, or a part of one, speaks of.

    Read without the schema, which takes a millisecond for each of ten thousand; every member is a text or is passed over.
    """
    fields: dict[str, Any] = {
        ours: _text(element, theirs) for theirs, ours in CONTACT_TEXTS.items() if theirs in element
    }
    fields |= {ours: codes.tax(_text(element, theirs)) for theirs, ours in TAXES.items() if theirs in element}
    if "Addresses" in element:
        fields["billing_address"] = _address(_entries(element, "Addresses"))
    if "Phones" in element:
        fields["phone"] = _phone(_entries(element, "Phones"))
    return fields


def _text(element: Mapping[str, Any], name: str) -> str:
    value = element.get(name)
    return value.strip() if isinstance(value, str) else ""


def _entries(element: JSON, name: str) -> Sequence[Mapping[str, Any]]:
    value = element[name]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _address(given: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The one that Xero prints on documents; where it is empty, the street."""
    for kind in (contact_mapping.BILLING, "STREET"):
        for one in given:
            if one.get("AddressType") == kind and any((parts := _parts(one)).values()):
                return parts
    return NO_ADDRESS


def _parts(one: Mapping[str, Any]) -> dict[str, str]:
    below = [line for line in (_text(one, f"AddressLine{place}") for place in (2, 3, 4)) if line]
    rest = {ours: _text(one, theirs) for theirs, ours in ADDRESS_PARTS.items()}
    return {"line1": _text(one, "AddressLine1"), "line2": ", ".join(below)[:LONGEST_LINE], **rest}


def _phone(given: Sequence[Mapping[str, Any]]) -> str:
    main: Mapping[str, Any] = next((one for one in given if one.get("PhoneType") == contact_mapping.MAIN), {})
    return " ".join(part for part in (_text(main, name) for name in PHONE_PARTS) if part)


# ----------------------------------------------------------------------------------------------------------- products


def _as_products(codes: Codes, listed: Iterable[JSON]) -> Iterator[RemoteRecord]:
    for element in listed:
        fields = dict.fromkeys(ITEM_FIELDS, "") | item_fields(element, codes)
        fields["name"] = fields["name"] or fields["code"]
        yield RemoteRecord(
            kind="products",
            id=str(element.get("ItemID", "")),
            name=fields["name"],
            number=fields["code"],
            fields=fields,
            keys=(
                Key(field="code", value=fields["code"]),
                Key(field="name", value=fields["name"], unless_differs=("code",)),
            ),
        )


def item_fields(element: JSON, codes: Codes) -> dict[str, Any]:
    """The fields of ours that an item, or a part of one, speaks of."""
    try:
        read = _item.load(element)
    except ValidationError as error:
        raise Retry(f"an item of Xero's can't be read: {error}") from error
    fields = {name: read[name].strip() for name in ITEM_TEXTS if name in read}
    for side in SIDES:
        said = read.get(side) or {}
        if "price" in said:
            fields[f"{side}_price"] = _price(said["price"])
        if "account" in said:
            fields[f"{side}_account"] = codes.account(said["account"])
        if "tax" in said:
            fields[f"{side}_tax"] = codes.tax(said["tax"])
    return fields


def _price(price: Decimal) -> str:
    return str(number(price))


# ---------------------------------------------------------------------------------------------------------- mirroring


def mirror(
    settings: Settings, desk: Desk, kind: str, records: Sequence[Record], answered: Mapping[str, JSON]
) -> Mapping[str, Mirrored]:
    catalogue = desk.store.catalogue(desk.session, desk.connection.key)
    books, codes = Books.of(catalogue, desk.connection), Codes.of(catalogue, desk.connection.key)
    if kind == "products":
        return _mirrored_products(settings, desk.connection.key, books, codes, records, answered)
    return {
        one.id: _mirrored_party(one, books, codes, answered.get(one.id, {}), suppliers=kind == "suppliers")
        for one in records
        if isinstance(one, Party)
    }


def _mirrored_party(party: Party, books: Books, codes: Codes, answered: JSON, *, suppliers: bool) -> Mirrored:
    element, _ = contact_mapping.element_of(party, books, suppliers=suppliers)
    return Mirrored(
        inputs=contact_mapping.inputs_of(party, suppliers=suppliers),
        fields=(EMPTY_SUPPLIER if suppliers else EMPTY_CUSTOMER) | contact_fields(element, codes),
        before=contact_fields(answered["fields"], codes) if answered.get("fields") else {},
        answered={"fields": element},
    )


def _mirrored_products(
    settings: Settings,
    connection: str,
    books: Books,
    codes: Codes,
    records: Sequence[Record],
    answered: Mapping[str, JSON],
) -> dict[str, Mirrored]:
    found = {}
    preset = settings.preset_of(connection)
    for one in records:
        assert isinstance(one, Product)
        try:
            element, _ = items.element_of(one, books, preset)
        except Missing:
            continue  # an account or a rate of it is not known here: it says so itself, when it is to go
        found[one.id] = Mirrored(
            inputs=items.inputs_of(one, preset),
            fields=dict.fromkeys(ITEM_FIELDS, "") | item_fields(element, codes),
            before=item_fields(answered.get(one.id, {}), codes),
            answered=element,
        )
    return found
