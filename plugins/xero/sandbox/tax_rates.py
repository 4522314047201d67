"""Tax rates (API facts 4.4): Xero's own cannot be changed; added ones are TAX001, TAX002 and so on."""

from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import fields
from plugins.xero.sandbox.batch import Writer, write
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.errors import ApiException, ElementRefused, NotFound
from plugins.xero.sandbox.listing import Listed, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import Doc, fold

CAN_APPLY = {"Assets": "A", "Equity": "E", "Expenses": "X", "Liabilities": "L", "Revenue": "R"}
LETTER_OF_CLASS = {"ASSET": "A", "EQUITY": "E", "EXPENSE": "X", "LIABILITY": "L", "REVENUE": "R"}
STATUSES = frozenset({"ACTIVE", "DELETED", "ARCHIVED", "PENDING"})
NEEDS_REPORT_TYPE = ("AU", "NZ", "UK")
WHERE_FIELDS = {
    "Name": Type.TEXT,
    "TaxType": Type.TEXT,
    "Status": Type.TEXT,
    "ReportTaxType": Type.TEXT,
    "EffectiveRate": Type.NUMBER,
    "DisplayTaxRate": Type.NUMBER,
    "CanApplyToAssets": Type.FLAG,
    "CanApplyToEquity": Type.FLAG,
    "CanApplyToExpenses": Type.FLAG,
    "CanApplyToLiabilities": Type.FLAG,
    "CanApplyToRevenue": Type.FLAG,
}


def rate_columns(rate: Doc) -> Doc:
    return {"tax_type": fold(rate["TaxType"]), "name": fold(rate["Name"]), "status": rate["Status"]}


def by_type(call: Call, tax_type: str) -> Doc | None:
    return call.store.by_key("tax_rate", call.org, "type", itemgetter("TaxType")).get(tax_type)


def fits(rate: Doc, account: Doc) -> bool:
    return LETTER_OF_CLASS[account["Class"]] in rate["Applies"]


def looked_up_in_the_screens(rate: Doc) -> bool:
    """AVALARA and Auto Sales Tax are computed in Xero's own screens only (API facts 5)."""
    return rate["TaxType"] == "AVALARA" or rate.get("ReportTaxType") in ("AVALARA", "USSALESTAX")


# ------------------------------------------------------------------------------------------------------- endpoints


def listed(call: Call) -> Answer:
    return call.reply("TaxRates", [_listed(call, rate) for rate in page_of(call, LISTED, []).documents])


def one(call: Call) -> Answer:
    return call.reply("TaxRates", [_listed(call, _addressed(call))])


def put(call: Call) -> Answer:
    return write(call, Writer("TaxRates", _save_new, _echo, None), _single(call))


def post(call: Call) -> Answer:
    return write(call, Writer("TaxRates", _save, _echo, None), _single(call))


def _single(call: Call) -> list[Doc]:
    elements = call.elements("TaxRates")
    if len(elements) > 1:
        raise ApiException.validation(call.switches["several_accounts_message"])
    if call.segments:
        return [elements[0] | {"TaxType": _addressed(call)["TaxType"]}]
    return elements


def _addressed(call: Call) -> Doc:
    rate = by_type(call, call.segments[0].upper())
    if rate is None:
        raise NotFound
    return rate


def _save_new(call: Call, element: Doc) -> Doc:
    problems = _name_problems(call, element, None) + _report_problems(call, element)
    components = _components(element)
    if components is None:
        problems.append("Tax Components must be specified.")
    if problems or components is None:
        raise ElementRefused(problems)
    rate: Doc = {
        "Name": fields.text(element, "Name"),
        "TaxType": f"TAX{call.store.next_number(call.org, 'tax rate'):03d}",
        "Status": "ACTIVE",
        "Applies": "AEXLR",
        "System": False,
        "RateID": str(uuid4()),
        "TaxComponents": components,
        "EffectiveRate": effective(components),
    }
    report = fields.text(element, "ReportTaxType")
    if report:
        rate["ReportTaxType"] = report
    _store(call, rate)
    return show(rate)


def _save(call: Call, element: Doc) -> Doc:
    tax_type = fields.text(element, "TaxType")
    rate = by_type(call, tax_type) if tax_type else _by_name(call, fields.text(element, "Name"))
    if rate is None:
        if tax_type:
            raise NotFound
        return _save_new(call, element)
    if rate["System"]:
        raise ElementRefused(["System tax rates cannot be updated."])
    return show(_changed(call, rate, element))


def _changed(call: Call, rate: Doc, element: Doc) -> Doc:
    components = _components(element)
    problems = _name_problems(call, element, rate) if "Name" in element else []
    if components is not None:
        kept = {component["Name"] for component in components}
        if any(component["Name"] not in kept for component in rate["TaxComponents"]):
            problems.append("Existing tax components cannot be renamed or removed.")
    if problems:
        raise ElementRefused(problems)
    changed = dict(rate)
    if components is not None:
        changed |= {"TaxComponents": components, "EffectiveRate": effective(components)}
    for name in ("Name", "Status"):
        changed[name] = fields.text(element, name) or rate[name]
    _store(call, changed)
    return changed


def _name_problems(call: Call, element: Doc, own: Doc | None) -> list[str]:
    fields.choice(element, "Status", STATUSES)
    name = fields.text(element, "Name")
    if not name:
        return ["Tax rate Name must be specified."]
    other = _by_name(call, name)
    taken = other is not None and (own is None or other["TaxType"] != own["TaxType"])
    return ["Please enter a unique Name."] if taken else []


def _report_problems(call: Call, element: Doc) -> list[str]:
    needed = call.organisation["Version"] in NEEDS_REPORT_TYPE
    return ["ReportTaxType must be specified."] if needed and not fields.text(element, "ReportTaxType") else []


def _by_name(call: Call, name: str | None) -> Doc | None:
    wanted = fold(name or "")
    rates = call.store.all("tax_rate", call.org)
    return next((rate for rate in rates if fold(rate["Name"]) == wanted and rate["Status"] != "DELETED"), None)


def _components(element: Doc) -> list[Doc] | None:
    given = fields.children(element, "TaxComponents")
    if not given:
        return None
    return [
        {
            "Name": fields.text(component, "Name") or "",
            "Rate": round(fields.number(component, "Rate") or Decimal(0), 4),
            "IsCompound": bool(fields.flag(component, "IsCompound")),
        }
        for component in given
    ]


def effective(components: list[Doc]) -> Decimal:
    """Simple components add up; a compound one is charged on the amount with the others (API facts 4.8)."""
    simple = sum((part["Rate"] for part in components if not part["IsCompound"]), Decimal(0))
    for part in components:
        if part["IsCompound"]:
            simple += part["Rate"] * (100 + simple) / 100
    return round(simple, 4)


def _store(call: Call, rate: Doc) -> None:
    call.store.save("tax_rate", call.org, rate["RateID"], call.stamp(), rate_columns(rate), rate)


def _echo(_call: Call, element: Doc) -> Doc:
    return dict(element)


def show(rate: Doc) -> Doc:
    shown: Doc = {"Name": rate["Name"], "TaxType": rate["TaxType"]}
    if rate.get("ReportTaxType"):
        shown["ReportTaxType"] = rate["ReportTaxType"]
    for name, letter in CAN_APPLY.items():
        shown[f"CanApplyTo{name}"] = letter in rate["Applies"]
    shown |= {"DisplayTaxRate": rate["EffectiveRate"], "EffectiveRate": rate["EffectiveRate"], "Status": rate["Status"]}
    components = [component | {"IsNonRecoverable": False} for component in rate["TaxComponents"]]
    return shown | {"TaxComponents": components}


def _listed(call: Call, rate: Doc) -> Doc:
    shown = show(rate)
    if looked_up_in_the_screens(rate) and call.switches["avalara_effective_rate"] == "absent":
        del shown["EffectiveRate"]
    return shown


def _read(_call: Call, rate: Doc, name: str) -> Any:
    return show(rate).get(name)


LISTED = Listed("tax_rate", "TaxRate", WHERE_FIELDS, _read, paged=False, dated=False)
