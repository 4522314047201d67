"""Contacts (API facts 4.2)."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import fields, reference, tracking
from plugins.xero.sandbox.batch import Writer, write
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.contact_views import full, rows, summary
from plugins.xero.sandbox.errors import ElementRefused, NotFound
from plugins.xero.sandbox.listing import Listed, SqlCondition, comma_list, nothing_new, one_of, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import ZERO_ID, Doc, fold

TEXTS = {
    "ContactNumber": 50,
    "AccountNumber": 50,
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "CompanyNumber": 50,
    "TaxNumber": 50,
    "EmailAddress": 255,
    "BankAccountDetails": 255,
}
OTHER_TEXTS = (
    "AccountsReceivableTaxType",
    "AccountsPayableTaxType",
    "SalesDefaultAccountCode",
    "PurchasesDefaultAccountCode",
    "TrackingCategoryName",
    "TrackingCategoryOption",
    "XeroNetworkKey",
    "DefaultCurrency",
)
ENUMS = {
    "TaxNumberType": frozenset({"SSN", "EIN", "ITIN", "ATIN"}),
    "SalesDefaultLineAmountType": frozenset({"INCLUSIVE", "EXCLUSIVE", "NONE"}),
    "PurchasesDefaultLineAmountType": frozenset({"INCLUSIVE", "EXCLUSIVE", "NONE"}),
}
STATUSES = frozenset({"ACTIVE", "ARCHIVED", "GDPRREQUEST"})
ADDRESS_TYPES = frozenset({"POBOX", "STREET", "DELIVERY"})
PHONE_TYPES = frozenset({"DEFAULT", "DDI", "MOBILE", "FAX", "OFFICE"})
ADDRESS_LIMITS = {
    "AddressLine1": 500,
    "AddressLine2": 500,
    "AddressLine3": 500,
    "AddressLine4": 500,
    "City": 255,
    "Region": 255,
    "PostalCode": 50,
    "Country": 50,
    "AttentionTo": 255,
}
PHONE_LIMITS = {"PhoneNumber": 50, "PhoneAreaCode": 10, "PhoneCountryCode": 20}
PERSON_LIMITS = {"FirstName": 255, "LastName": 255, "EmailAddress": 255}
MOST_PERSONS = 5
# Xero refuses letters outside ASCII in an address (API facts 4.2: no umlauts).
EMAIL = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+$")
NO_NAME = "The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber"
FROZEN = "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API."
ARCHIVED = (
    "The contact with the specified contact details has been archived. The contact must be un-archived before creating"
    " new invoices or credit notes"
)
TRACKED = ("SalesTrackingCategories", "PurchasesTrackingCategories")
TRACKED_BY = ("TrackingCategoryName", "TrackingOptionName")
IDENTIFYING = frozenset({"ContactID", "ContactNumber", "Name"})

WHERE_FIELDS = {
    "ContactID": Type.GUID,
    "ContactNumber": Type.TEXT,
    "AccountNumber": Type.TEXT,
    "ContactStatus": Type.TEXT,
    "Name": Type.TEXT,
    "FirstName": Type.TEXT,
    "LastName": Type.TEXT,
    "CompanyNumber": Type.TEXT,
    "TaxNumber": Type.TEXT,
    "EmailAddress": Type.TEXT,
    "IsSupplier": Type.FLAG,
    "IsCustomer": Type.FLAG,
    "DefaultCurrency": Type.TEXT,
    "UpdatedDateUTC": Type.DATE,
}


# --------------------------------------------------------------------------------------------------------- looking


def find(call: Call, contact_id: str) -> Doc | None:
    """The contact as this call sees it, changes of its own included."""
    if contact_id not in call.contacts:
        contact = call.store.get("contact", call.org, contact_id)
        if contact is None:
            return None
        call.contacts[contact_id] = contact
    return call.contacts[contact_id]


def by_name(call: Call, name: str) -> Doc | None:
    """Names of active contacts are unique in any letter case; accents count (the column ignores them, hence the second
    look)."""
    found = call.store.select("contact", call.org, [("name = ?", [fold(name)]), ("status = 'ACTIVE'", [])], order="seq")
    return next((contact for contact in found if contact["Name"].casefold() == name.casefold()), None)


def by_number(call: Call, number: str) -> Doc | None:
    return call.store.first("contact", call.org, "number", fold(number))


def matching(call: Call, element: Doc) -> Doc | None:
    """The contact that an element without ContactID means: by number and name, in the order of the switch."""
    number, name = fields.text(element, "ContactNumber"), fields.text(element, "Name")
    found_by_number = by_number(call, number) if number else None
    found_by_name = by_name(call, name) if name else None
    if call.switches["contact_match"] == "name":
        return found_by_name or found_by_number
    return found_by_number or found_by_name


# --------------------------------------------------------------------------------------------------------- writing


def contact_columns(contact: Doc) -> Doc:
    number, account = contact.get("ContactNumber"), contact.get("AccountNumber")
    return {
        "name": fold(contact["Name"]),
        "number": fold(number) if number else None,
        "status": contact["ContactStatus"],
        "account_number": fold(account) if account else None,
    }


def save(call: Call, contact: Doc) -> None:
    contact["Updated"] = call.stamp()
    store_unchanged_stamp(call, contact)


def store_unchanged_stamp(call: Call, contact: Doc) -> None:
    """Some changes (IsCustomer, balances) do not touch UpdatedDateUTC (API facts 3.7)."""
    call.store.save("contact", call.org, contact["ContactID"], contact["Updated"], contact_columns(contact), contact)
    call.contacts[contact["ContactID"]] = contact


def create(call: Call, element: Doc) -> Doc:
    name = fields.text(element, "Name")
    if not name:
        raise ElementRefused([NO_NAME])
    problems = _taken(call, element, None) + _problems(call, element)
    if problems:
        raise ElementRefused(problems)
    contact: Doc = {
        "ContactID": str(uuid4()),
        "ContactStatus": "ACTIVE",
        "IsSupplier": False,
        "IsCustomer": False,
        "Addresses": {},
        "Phones": {},
        "ContactPersons": [],
    }
    _take(contact, element)
    save(call, contact)
    return contact


def update(call: Call, contact: Doc, element: Doc) -> Doc:
    wanted = fields.choice(element, "ContactStatus", STATUSES)
    reviving = contact["ContactStatus"] == "ARCHIVED" and wanted == "ACTIVE" and call.switches["contact_unarchive"]
    if contact["ContactStatus"] != "ACTIVE" and not reviving:
        raise ElementRefused([FROZEN])
    problems = _taken(call, element, contact) + _problems(call, element)
    if problems:
        raise ElementRefused(problems)
    changed = contact | {"Addresses": dict(contact["Addresses"]), "Phones": dict(contact["Phones"])}
    _take(changed, element)
    if wanted is not None:
        changed["ContactStatus"] = wanted
    save(call, changed)
    return changed


def _taken(call: Call, element: Doc, contact: Doc | None) -> list[str]:
    own = contact["ContactID"] if contact else None
    problems = []
    name, number = fields.text(element, "Name"), fields.text(element, "ContactNumber")
    other = by_name(call, name) if name else None
    if other is not None and other["ContactID"] != own:
        problems.append(
            f"The contact name {name} is already assigned to another contact. The contact name must be unique across"
            " all active contacts."
        )
    other = by_number(call, number) if number else None
    if other is not None and other["ContactID"] != own:
        problems.append(
            f"The contact number {number} is already assigned to another contact. The contact number must be unique"
            " across all contacts."
        )
    return problems + _account_number_taken(call, element, own)


def _account_number_taken(call: Call, element: Doc, own: str | None) -> list[str]:
    number = fields.text(element, "AccountNumber")
    if not number or not call.switches["contact_account_number_unique"]:
        return []
    other = call.store.first("contact", call.org, "account_number", fold(number))
    if other is None or other["ContactID"] == own:
        return []
    return [f"The account number {number} is already assigned to another contact."]


def _problems(call: Call, element: Doc) -> list[str]:
    problems = fields.too_long(element, TEXTS) + _name_problems(fields.text(element, "Name"))
    problems += _email_problems(element)
    for address in fields.children(element, "Addresses") or []:
        fields.choice(address, "AddressType", ADDRESS_TYPES)
        problems += fields.too_long(address, ADDRESS_LIMITS, "address ")
    for phone in fields.children(element, "Phones") or []:
        fields.choice(phone, "PhoneType", PHONE_TYPES)
        problems += fields.too_long(phone, PHONE_LIMITS)
    for name, accepted in ENUMS.items():
        fields.choice(element, name, accepted)
    problems += _person_problems(element) + _currency_problems(call, element)
    return problems + _tracking_problems(call, element) + _theme_problems(call, element)


def _tracking_problems(call: Call, element: Doc) -> list[str]:
    given = [entry for name in TRACKED for entry in fields.children(element, name) or []]
    named = [{"Name": entry.get("TrackingCategoryName"), "Option": entry.get("TrackingOptionName")} for entry in given]
    return [problem for entry in named for choice, problem in [tracking.found(call, entry)] if choice is None]


def _theme_problems(call: Call, element: Doc) -> list[str]:
    theme_id = fields.guid(fields.child(element, "BrandingTheme") or {}, "BrandingThemeID")
    if theme_id is None or reference.theme_by_id(call, theme_id) is not None:
        return []
    return ["The branding theme with the specified BrandingThemeID could not be found."]


def _name_problems(name: str | None) -> list[str]:
    """The rule is in API facts 4.2; the wording is ours."""
    if name is None:
        return []
    if "<" in name or ">" in name:
        return ["The contact name must not contain < or >."]
    if name != name.strip() or "  " in name:
        return ["The contact name must not contain leading, trailing or double spaces."]
    return []


def _email_problems(element: Doc) -> list[str]:
    email = fields.text(element, "EmailAddress")
    return ["Email address must be valid."] if email and not EMAIL.match(email) else []


def _person_problems(element: Doc) -> list[str]:
    persons = fields.children(element, "ContactPersons") or []
    problems = [problem for person in persons for problem in _email_problems(person)]
    problems += [problem for person in persons for problem in fields.too_long(person, PERSON_LIMITS, "contact person ")]
    if len(persons) > MOST_PERSONS:
        problems.append(f"A contact can have no more than {MOST_PERSONS} contact persons.")
    return problems


def _currency_problems(call: Call, element: Doc) -> list[str]:
    code = fields.text(element, "DefaultCurrency")
    if not code or call.store.first("currency", call.org, "code", code) is not None:
        return []
    return [f"Organisation is not subscribed to currency {code}"]


def _take(contact: Doc, element: Doc) -> None:
    """What the element names; IsSupplier and IsCustomer are Xero's own and ignored."""
    for name in (*TEXTS, *OTHER_TEXTS, *ENUMS):
        value = fields.text(element, name)
        if value is not None:
            contact[name] = value
    for address in fields.children(element, "Addresses") or []:
        kind = fields.text(address, "AddressType") or "POBOX"
        contact["Addresses"][kind] = {name: text for name in ADDRESS_LIMITS if (text := fields.text(address, name))}
    for phone in fields.children(element, "Phones") or []:
        kind = fields.text(phone, "PhoneType") or "DEFAULT"
        contact["Phones"][kind] = {name: fields.text(phone, name) or "" for name in PHONE_LIMITS}
    persons = fields.children(element, "ContactPersons")
    if persons is not None:
        contact["ContactPersons"] = [_person(person) for person in persons]
    terms = fields.child(element, "PaymentTerms")
    if terms is not None:
        contact["PaymentTerms"] = terms
    theme = fields.guid(fields.child(element, "BrandingTheme") or {}, "BrandingThemeID")
    if theme is not None:
        contact["BrandingThemeID"] = theme
    for name in TRACKED:
        entries = fields.children(element, name)
        if entries is not None:
            contact[name] = [{member: fields.text(entry, member) for member in TRACKED_BY} for entry in entries]


def _person(person: Doc) -> Doc:
    named = {name: fields.text(person, name) or "" for name in PERSON_LIMITS}
    return named | {"IncludeInEmails": bool(fields.flag(person, "IncludeInEmails"))}


def for_document(call: Call, element: Doc) -> Doc:
    """The contact of a document: found, or made when only an unknown name is given; extra fields change it."""
    contact = _named(call, element)
    if contact is None:
        return create(call, element)
    if contact["ContactStatus"] != "ACTIVE":
        raise ElementRefused([ARCHIVED])
    extra = set(element) - IDENTIFYING - {"ContactStatus"}
    renamed = fields.text(element, "Name") not in (None, "", contact["Name"]) and "ContactID" in element
    return update(call, contact, element) if extra or renamed else contact


def _named(call: Call, element: Doc) -> Doc | None:
    contact_id = fields.guid(element, "ContactID")
    if contact_id is not None:
        contact = find(call, contact_id)
        if contact is None:
            raise ElementRefused(["The contact with the specified ContactID could not be found."])
        return contact
    if not fields.text(element, "ContactNumber") and not fields.text(element, "Name"):
        raise ElementRefused([NO_NAME])
    contact = matching(call, element)
    return contact and (find(call, contact["ContactID"]) or contact)


# ------------------------------------------------------------------------------------------------------- endpoints


def put(call: Call) -> Answer:
    return write(call, Writer("Contacts", _save_new, _echo, "HasValidationErrors"), call.elements("Contacts"))


def post(call: Call) -> Answer:
    elements = call.elements("Contacts")
    if call.segments:
        elements = [element | {"ContactID": _addressed(call)["ContactID"]} for element in elements[:1]]
    for element in elements:
        contact_id = fields.guid(element, "ContactID")
        if contact_id is not None and find(call, contact_id) is None:
            raise NotFound  # API facts 3.2: nothing of the request is written
    return write(call, Writer("Contacts", _save, _echo, "HasValidationErrors"), elements)


def _save_new(call: Call, element: Doc) -> Doc:
    return full(call, create(call, element), write=True)


def _save(call: Call, element: Doc) -> Doc:
    contact_id = fields.guid(element, "ContactID")
    contact = find(call, contact_id) if contact_id else matching(call, element)
    saved = create(call, element) if contact is None else update(call, contact, element)
    return full(call, saved, write=True)


def _echo(_call: Call, element: Doc) -> Doc:
    """A refused contact: as it was sent, with its id if it has one (API facts 3.4)."""
    phones = [phone | {"ValidationErrors": []} for phone in element.get("Phones") or []]
    lists: Doc = {"Addresses": element.get("Addresses") or [], "Phones": phones}
    empty: Doc = {"ContactGroups": [], "ContactPersons": element.get("ContactPersons") or []}
    return {"ContactID": element.get("ContactID") or ZERO_ID} | element | lists | empty


def _addressed(call: Call) -> Doc:
    """The contact that the address names, by id or by number."""
    given = call.segments[0]
    contact = find(call, given.lower()) or by_number(call, given)
    if contact is None:
        raise NotFound
    return contact


def one(call: Call) -> Answer:
    return call.reply("Contacts", [full(call, _addressed(call))])


def listed(call: Call) -> Answer:
    summary_only = call.flag("summaryOnly")
    page = page_of(call, LISTED, _filters(call), forced=summary_only)
    if summary_only:
        shown = [summary(contact) for contact in page.documents]
    else:
        shown = rows(call, page.documents, paged=page.asked)
    return nothing_new(call, shown) or call.reply("Contacts", shown, page.pagination)


def _filters(call: Call) -> list[SqlCondition]:
    conditions = _of_statuses(call)
    if "ids" in call.query:
        conditions.append(one_of("id", [given.lower() for given in comma_list(call, "IDs")]))
    if term := call.query.get("searchterm", ""):
        conditions.append(_search(term))
    return conditions


def _of_statuses(call: Call) -> list[SqlCondition]:
    changed_since = "if-modified-since" in call.incoming.headers
    archived = call.flag("includeArchived") or (changed_since and call.switches["if_modified_since_archived_contacts"])
    gdpr = {"always": True, "never": False}.get(call.switches["gdpr_contacts_listed"], archived)
    if archived and gdpr:
        return []
    listed = ["ACTIVE", *(["ARCHIVED"] if archived else []), *(["GDPRREQUEST"] if gdpr else [])]
    column, values = one_of("status", listed)
    return [(f"likely({column})", values)]  # so that SQLite's planner expects many: any other index is the better one


def _search(term: str) -> SqlCondition:
    searched = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")
    texts = " OR ".join(f"instr(fold(json_extract(body, '$.{name}')), ?)" for name in searched)
    return f"({texts})", [fold(term)] * len(searched)


def _read(_call: Call, contact: Doc, name: str) -> Any:
    if name == "UpdatedDateUTC":
        return datetime.fromtimestamp(contact["Updated"] / 1000, tz=UTC)
    return contact.get(name)


LISTED = Listed(
    "contact",
    "Contact",
    WHERE_FIELDS,
    _read,
    {
        "ContactID": "id IN ({})",
        "Name": "name IN ({})",
        "ContactNumber": "number IN ({})",
        "AccountNumber": "account_number IN ({})",
    },
    {"UpdatedDateUTC": "updated", "ContactID": "id", "Name": "name"},
)
