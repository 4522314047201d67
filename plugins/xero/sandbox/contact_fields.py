"""The fields of a contact: what may be wrong with those submitted, and how they are taken over (API facts 4.2)."""

import re

from plugins.xero.sandbox import fields, reference, tracked
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.wire import Doc

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
TRACKED = ("SalesTrackingCategories", "PurchasesTrackingCategories")
TRACKED_BY = ("TrackingCategoryName", "TrackingOptionName")


def problems_with(call: Call, element: Doc) -> list[str]:
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
    return [problem for entry in named for choice, problem in [tracked.found(call, entry)] if choice is None]


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


def take(contact: Doc, element: Doc) -> None:
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
