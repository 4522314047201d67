"""What only a Xero user can do, in Xero's own screens: an organisation's settings, its tax rates and branding themes, and
contacts merged or archived."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from plugins.xero.sandbox.contacts import contact_columns
from plugins.xero.sandbox.invoices import invoice_columns
from plugins.xero.sandbox.organisations import add_theme, subscribe
from plugins.xero.sandbox.seeds import ACTIONS
from plugins.xero.sandbox.tax_rates import rate_columns
from plugins.xero.sandbox.wire import Doc, Unreadable, fold, read_day
from plugins.xero.sandbox.world import World

LOCKS = {"period_lock_date": "PeriodLockDate", "end_of_year_lock_date": "EndOfYearLockDate"}
CHANGEABLE = {*LOCKS, "actions", "currencies", "branding_themes", "tax_rates", "name", "class", "is_demo_company"}
RATE_FIELDS = {"name": "Name", "status": "Status", "percent": "EffectiveRate"}


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
        "branding_themes": [theme["Name"] for theme in _themes(world, org)],
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
    rates = _changed_rates(world, org, wanted.get("tax_rates") or {})
    world.store.save_organisation(org, document)
    if "currencies" in wanted:
        _set_currencies(world, org, document, wanted["currencies"])
    if "branding_themes" in wanted:
        _set_themes(world, org, wanted["branding_themes"])
    for rate_id, rate in rates.items():
        _save_rate(world, org, rate_id, rate)


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


def _themes(world: World, org: int) -> list[Doc]:
    return sorted(world.store.all("branding_theme", org), key=lambda theme: int(theme["SortOrder"]))


def _set_themes(world: World, org: int, names: list[str]) -> None:
    """Exactly these, the first one being the default. A theme that stays keeps its id."""
    if not names:
        raise ValueError("branding_themes must name one at least")
    now = world.clock.milliseconds()
    known = {theme["Name"]: theme for theme in _themes(world, org)}
    for name in known.keys() - set(names):
        world.store.delete("branding_theme", org, known[name]["BrandingThemeID"])
    for place, name in enumerate(dict.fromkeys(names)):
        add_theme(world.store, org, name, place, now, known.get(name))


def _changed_rates(world: World, org: int, wanted: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Doc | None]:
    """By the rates' ids in the store, as they will be; None for one that goes altogether."""
    known = {
        row["tax_type"].upper(): row["id"]
        for row in world.store.sql.execute("SELECT id, tax_type FROM tax_rate WHERE org = ?", (org,))
    }
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ValueError(f"unknown tax rate {', '.join(unknown)} (known: {', '.join(sorted(known))})")
    return {known[tax_type]: _changed_rate(world, org, tax_type, change) for tax_type, change in wanted.items()}


def _changed_rate(world: World, org: int, tax_type: str, change: Mapping[str, Any] | None) -> Doc | None:
    if change is None:
        return None
    unknown = sorted(set(change) - set(RATE_FIELDS))
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)} of a tax rate (known: {', '.join(RATE_FIELDS)})")
    rate = next(one for one in world.store.all("tax_rate", org) if one["TaxType"] == tax_type)
    changed = rate | {theirs: change[ours] for ours, theirs in RATE_FIELDS.items() if ours in change}
    if "percent" in change:
        percent = _percent(change["percent"])
        first, *_ = rate["TaxComponents"]
        changed |= {"EffectiveRate": percent, "TaxComponents": [first | {"Rate": percent}]}
    return changed


def _percent(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"percent must be a number, not {value!r}") from None


def _save_rate(world: World, org: int, rate_id: str, rate: Doc | None) -> None:
    if rate is None:
        world.store.delete("tax_rate", org, rate_id)
        return
    updated = world.store.next_stamp(org, world.clock.milliseconds())
    world.store.save("tax_rate", org, rate_id, updated, rate_columns(rate), rate)


def _contact(world: World, org: int, contact_id: str) -> Doc:
    contact = world.store.get("contact", org, contact_id.lower())
    if contact is None:
        raise LookupError(f"no contact {contact_id}")
    return contact


def set_contact_status(world: World, org: int, contact_id: str, status: str) -> dict[str, Any]:
    contact = _contact(world, org, contact_id)
    if status == "ACTIVE" and (name := _holder_of_name(world, org, contact)):
        raise ValueError(f"another active contact has the name {name}")
    _save(world, org, contact | {"ContactStatus": status})
    return {"contact_id": contact["ContactID"], "status": status}


def _holder_of_name(world: World, org: int, contact: Doc) -> str | None:
    active = [("name = ?", [fold(contact["Name"])]), ("status = 'ACTIVE'", [])]
    others = [one for one in world.store.select("contact", org, active) if one["ContactID"] != contact["ContactID"]]
    return others[0]["Name"] if others else None


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
