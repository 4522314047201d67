"""How contacts look on the wire (API facts 4.2)."""

from collections.abc import Sequence

from plugins.xero.sandbox import reference
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.wire import Doc, dumps, stamp

SIDES = {"ACCREC": "AccountsReceivable", "ACCPAY": "AccountsPayable"}
ADDRESS_ORDER = ("STREET", "POBOX")
ADDRESS_LINES = ("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4")
PHONES_WRITTEN = ("DEFAULT", "DDI", "FAX", "MOBILE")
PHONES_LISTED = ("DDI", "DEFAULT", "FAX", "MOBILE")
SHOWN_IF_SET = (
    "FirstName",
    "LastName",
    "CompanyNumber",
    "TaxNumber",
    "TaxNumberType",
    "AccountsReceivableTaxType",
    "AccountsPayableTaxType",
)
DETAILS = (
    "DefaultCurrency",
    "SalesDefaultAccountCode",
    "PurchasesDefaultAccountCode",
    "SalesDefaultLineAmountType",
    "PurchasesDefaultLineAmountType",
    "TrackingCategoryName",
    "TrackingCategoryOption",
    "XeroNetworkKey",
)


def full(call: Call, contact: Doc, *, write: bool = False) -> Doc:
    """A contact by itself: the reply to a write, or a single read, which also knows the balances."""
    shown = _base(contact, PHONES_WRITTEN if write else PHONES_LISTED) | _defaults(call, contact)
    if not write:
        shown |= balances(call, [contact]).get(contact["ContactID"], {})
    return shown


def rows(call: Call, contacts: Sequence[Doc], *, paged: bool) -> list[Doc]:
    """A list's. Only those with pages tell defaults and balances (API facts 4.2)."""
    if not paged:
        return [_base(contact, PHONES_LISTED) for contact in contacts]
    due = balances(call, contacts)
    return [
        _base(contact, PHONES_LISTED) | _defaults(call, contact) | due.get(contact["ContactID"], {})
        for contact in contacts
    ]


def summary(contact: Doc) -> Doc:
    """summaryOnly leaves out what is expensive (API facts 3.7)."""
    return _identity(contact) | {"HasValidationErrors": False, "UpdatedDateUTC": stamp(contact["Updated"])}


def stub(contact: Doc) -> Doc:
    """The contact inside a list of documents."""
    return {
        "ContactID": contact["ContactID"],
        "Name": contact["Name"],
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
    }


def _identity(contact: Doc) -> Doc:
    shown: Doc = {"ContactID": contact["ContactID"]}
    for name in ("ContactNumber", "AccountNumber"):
        if contact.get(name):
            shown[name] = contact[name]
    shown |= {"ContactStatus": contact["ContactStatus"], "Name": contact["Name"]}
    for name in SHOWN_IF_SET:
        if contact.get(name):
            shown[name] = contact[name]
    shown["EmailAddress"] = contact.get("EmailAddress", "")
    shown["BankAccountDetails"] = contact.get("BankAccountDetails", "")
    return shown


def _base(contact: Doc, phone_order: tuple[str, ...]) -> Doc:
    shown = _identity(contact)
    shown |= {
        "Addresses": [_address(contact, kind) for kind in ADDRESS_ORDER],
        "Phones": [_phone(contact, kind) for kind in phone_order] + _office(contact),
        "UpdatedDateUTC": stamp(contact["Updated"]),
        "ContactGroups": [],
        "IsSupplier": contact["IsSupplier"],
        "IsCustomer": contact["IsCustomer"],
    }
    return shown | {"ContactPersons": contact["ContactPersons"], "HasAttachments": False, "HasValidationErrors": False}


def _defaults(call: Call, contact: Doc) -> Doc:
    shown: Doc = {name: contact[name] for name in DETAILS if contact.get(name)}
    for name in ("PaymentTerms", "MergedToContactID"):
        if name in contact:
            shown[name] = contact[name]
    theme = reference.theme_by_id(call, contact["BrandingThemeID"]) if "BrandingThemeID" in contact else None
    if theme is not None:
        shown["BrandingTheme"] = {"BrandingThemeID": theme["BrandingThemeID"], "Name": theme["Name"]}
    for name in ("SalesTrackingCategories", "PurchasesTrackingCategories"):
        shown[name] = contact.get(name, [])
    return shown


def _address(contact: Doc, kind: str) -> Doc:
    given: Doc = contact["Addresses"].get(kind, {})
    shown = {"AddressType": kind}
    for name in ADDRESS_LINES:
        if name in given:
            shown[name] = given[name]
    for name in ("City", "Region", "PostalCode", "Country"):
        shown[name] = given.get(name, "")
    if given.get("AttentionTo"):
        shown["AttentionTo"] = given["AttentionTo"]
    return shown


def _phone(contact: Doc, kind: str) -> Doc:
    given: Doc = contact["Phones"].get(kind, {})
    return {
        "PhoneType": kind,
        "PhoneNumber": given.get("PhoneNumber", ""),
        "PhoneAreaCode": given.get("PhoneAreaCode", ""),
        "PhoneCountryCode": given.get("PhoneCountryCode", ""),
    }


def _office(contact: Doc) -> list[Doc]:
    return [_phone(contact, "OFFICE")] if "OFFICE" in contact["Phones"] else []


def balances(call: Call, contacts: Sequence[Doc]) -> dict[str, Doc]:
    """By ContactID what approved documents leave to pay; overdue counts from the day after the due date (API facts
    4.17). Contacts without any are left out."""
    today = call.clock.today(call.organisation["Zone"]).isoformat()
    found = call.store.sql.execute(
        "SELECT contact, type, sum(json_extract(body, '$.AmountDue')) AS due,"
        " sum(CASE WHEN json_extract(body, '$.DueDate') < ? THEN json_extract(body, '$.AmountDue') ELSE 0 END) AS late"
        " FROM invoice WHERE org = ? AND contact IN (SELECT value FROM json_each(?)) AND +status = 'AUTHORISED'"
        " GROUP BY contact, type",
        (today, call.org, dumps([contact["ContactID"] for contact in contacts])),
    )
    told: dict[str, Doc] = {}
    for row in found:
        sides = told.setdefault(row["contact"], {"Balances": _no_balances()})["Balances"]
        sides[SIDES[row["type"].upper()]] = {"Outstanding": round(row["due"], 2), "Overdue": round(row["late"], 2)}
    return told


def _no_balances() -> Doc:
    return {side: {"Outstanding": 0.0, "Overdue": 0.0} for side in SIDES.values()}
