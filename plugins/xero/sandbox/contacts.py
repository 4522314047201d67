"""Contacts (API facts 4.2)."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import fields
from plugins.xero.sandbox.batch import Writer, write
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.contact_fields import problems_with, take
from plugins.xero.sandbox.contact_views import full, rows, summary
from plugins.xero.sandbox.errors import ElementRefused, NotFound
from plugins.xero.sandbox.listing import Listed, SqlCondition, comma_list, nothing_new, one_of, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import ZERO_ID, Doc, fold

STATUSES = frozenset({"ACTIVE", "ARCHIVED", "GDPRREQUEST"})
NO_NAME = "The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber"
FROZEN = "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API."
ARCHIVED = (
    "The contact with the specified contact details has been archived. The contact must be un-archived before creating"
    " new invoices or credit notes"
)
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
    problems = _taken(call, element, None) + problems_with(call, element)
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
    take(contact, element)
    save(call, contact)
    return contact


def update(call: Call, contact: Doc, element: Doc) -> Doc:
    wanted = fields.choice(element, "ContactStatus", STATUSES)
    reviving = contact["ContactStatus"] == "ARCHIVED" and wanted == "ACTIVE" and call.switches["contact_unarchive"]
    if contact["ContactStatus"] != "ACTIVE" and not reviving:
        raise ElementRefused([FROZEN])
    problems = _taken(call, element, contact) + problems_with(call, element)
    if problems:
        raise ElementRefused(problems)
    changed = contact | {"Addresses": dict(contact["Addresses"]), "Phones": dict(contact["Phones"])}
    take(changed, element)
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
