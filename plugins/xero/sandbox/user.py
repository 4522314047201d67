"""What only a Xero user can do, in Xero's own screens: settings of an organisation, and contacts merged or archived."""

from typing import Any

from plugins.xero.sandbox.contacts import contact_columns
from plugins.xero.sandbox.invoices import invoice_columns
from plugins.xero.sandbox.organisations import subscribe
from plugins.xero.sandbox.seeds import ACTIONS
from plugins.xero.sandbox.wire import Doc, Unreadable, read_day
from plugins.xero.sandbox.world import World

LOCKS = {"period_lock_date": "PeriodLockDate", "end_of_year_lock_date": "EndOfYearLockDate"}
CHANGEABLE = {*LOCKS, "actions", "currencies", "name", "class", "is_demo_company"}


def shown_organisation(world: World, org: int) -> dict[str, Any]:
    document = world.store.organisation(org)
    return {
        "tenant_id": document["OrganisationID"],
        "name": document["Name"],
        "country": document["CountryCode"],
        "currency": document["BaseCurrency"],
        "class": document["Class"],
        "is_demo_company": document["IsDemoCompany"],
        "actions": {name: name not in document["NotAllowed"] for name in ACTIONS},
        "currencies": [currency["Code"] for currency in world.store.all("currency", org)],
        **{ours: document[theirs] for ours, theirs in LOCKS.items()},
    }


def change_organisation(world: World, org: int, wanted: dict[str, Any]) -> None:
    """Raises ValueError before anything is changed when a part of it does not fit."""
    unknown = sorted(set(wanted) - CHANGEABLE)
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)} (known: {', '.join(sorted(CHANGEABLE))})")
    document = dict(world.store.organisation(org))
    for ours, theirs in LOCKS.items():
        if ours in wanted:
            document[theirs] = _day(ours, wanted[ours])
    document["NotAllowed"] = _not_allowed(document["NotAllowed"], wanted.get("actions") or {})
    for ours, theirs in (("name", "Name"), ("class", "Class"), ("is_demo_company", "IsDemoCompany")):
        if ours in wanted:
            document[theirs] = wanted[ours]
    world.store.save_organisation(org, document)
    if "currencies" in wanted:
        _set_currencies(world, org, document, wanted["currencies"])


def _day(name: str, value: object) -> str | None:
    try:
        return None if value is None else read_day(value)
    except Unreadable:
        raise ValueError(f"{name} must be a date such as 2026-03-31, or null") from None


def _not_allowed(now: list[str], wanted: dict[str, bool]) -> list[str]:
    unknown = sorted(set(wanted) - set(ACTIONS))
    if unknown:
        raise ValueError(f"unknown actions {', '.join(unknown)} (known: {', '.join(ACTIONS)})")
    allowed = {name: name not in now for name in ACTIONS} | {name: bool(value) for name, value in wanted.items()}
    return [name for name in ACTIONS if not allowed[name]]


def _set_currencies(world: World, org: int, document: Doc, codes: list[str]) -> None:
    """Exactly these, and the organisation's own. Xero itself never removes one; a rehearsal may begin without."""
    wanted = dict.fromkeys([document["BaseCurrency"], *codes])
    known = {currency["Code"] for currency in world.store.all("currency", org)}
    for code in known - set(wanted):
        world.store.delete("currency", org, f"{org}-{code}")
    for code in wanted:
        if code not in known:
            subscribe(world.store, org, code, world.clock.milliseconds())


def _contact(world: World, org: int, contact_id: str) -> Doc:
    contact = world.store.get("contact", org, contact_id.lower())
    if contact is None:
        raise LookupError(f"no contact {contact_id}")
    return contact


def set_contact_status(world: World, org: int, contact_id: str, status: str) -> dict[str, Any]:
    contact = _contact(world, org, contact_id)
    _save(world, org, contact | {"ContactStatus": status})
    return {"contact_id": contact["ContactID"], "status": status}


def merge(world: World, org: int, contact_id: str, into_id: str) -> dict[str, Any]:
    """The loser is archived and stays readable with MergedToContactID; its documents go to the winner."""
    loser, winner = _contact(world, org, contact_id), _contact(world, org, into_id)
    if loser["ContactID"] == winner["ContactID"]:
        raise ValueError("a contact cannot be merged into itself")
    moved = world.store.find("invoice", org, "contact", loser["ContactID"])
    for invoice in moved:
        invoice |= {"ContactID": winner["ContactID"]}
        updated = invoice["Updated"] = world.store.next_stamp(org, world.clock.milliseconds())
        world.store.save("invoice", org, invoice["InvoiceID"], updated, invoice_columns(invoice), invoice)
    _save(world, org, loser | {"ContactStatus": "ARCHIVED", "MergedToContactID": winner["ContactID"]})
    roles = {role: winner[role] or loser[role] for role in ("IsCustomer", "IsSupplier")}
    _save(world, org, winner | roles)
    return {"contact_id": loser["ContactID"], "into": winner["ContactID"], "documents": len(moved)}


def _save(world: World, org: int, contact: Doc) -> None:
    contact["Updated"] = world.store.next_stamp(org, world.clock.milliseconds())
    world.store.save("contact", org, contact["ContactID"], contact["Updated"], contact_columns(contact), contact)
