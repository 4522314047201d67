"""Line items (API facts 4.8): what is missing comes from the item and the account, amounts and tax are computed."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from plugins.xero.sandbox import accounts, fields, items, tax_rates, tracked
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.rounding import HUNDRED, ZERO, LineTotalDiffers, cents, complete, round_to, tax_on
from plugins.xero.sandbox.wire import Doc

LONGEST_DESCRIPTION = 4000
LARGEST_AMOUNT = Decimal("9999999999.99")
MOST_TRACKING = 2
AMOUNTS = ("Quantity", "UnitAmount", "LineAmount", "TaxAmount", "DiscountRate", "DiscountAmount")
CODED = ("ItemCode", "AccountCode", "AccountID", "TaxType")
# Lines cannot be posted to what Xero keeps itself (API facts 4.3: avoid 610 and 800).
CLOSED_SYSTEM_ACCOUNTS = frozenset(
    {"DEBTORS", "CREDITORS", "BANKCURRENCYGAIN", "REALISEDCURRENCYGAIN", "UNREALISEDCURRENCYGAIN", "RETAINEDEARNINGS"}
)


NO_ACCOUNT = "Account code or ID must be specified for each line item."


@dataclass(frozen=True)
class Setting:
    """The document that a line is on."""

    sale: bool
    line_amount_types: str
    approving: bool  # SUBMITTED or AUTHORISED: every line needs its account


@dataclass(frozen=True)
class Sent:
    """A line as it is to be read: what the request says over what was there. `kept` has the amounts when none is sent,
    `tracked` what it was tracked by when nothing is said of it: archived since or not, it stays."""

    element: Doc
    kept: Doc | None = None
    tracked: list[Doc] | None = None


def merged(given: Doc, known: Doc | None) -> Sent:
    """A line sent with its id keeps what the request leaves out; amounts follow from those that are sent."""
    if known is None:
        return Sent({name: value for name, value in given.items() if name != "LineItemID"})
    sent = {name for name, value in given.items() if value is not None}
    base = dict(known)
    if sent & {"Quantity", "UnitAmount", "DiscountRate", "DiscountAmount"}:
        base.pop("LineAmount", None)
    elif "LineAmount" in sent:
        base.pop("UnitAmount", None)
    if sent & {"AccountCode", "AccountID"}:
        base = {name: value for name, value in base.items() if name not in ("AccountCode", "AccountID")}
    retaxed = bool(sent & {*AMOUNTS, "TaxType"})
    if retaxed:
        base.pop("TaxAmount", None)
    return Sent(
        base | {name: given[name] for name in sent},
        None if retaxed or "LineAmount" not in known else known,
        None if "Tracking" in sent else known.get("Tracking"),
    )


def build(call: Call, given: list[Sent], setting: Setting) -> tuple[list[Doc], list[str]]:
    """The lines as they would be kept, and what is wrong with them."""
    lines, problems = [], []
    for sent in given:
        line, wrong = _line(call, sent, setting)
        lines.append(line)
        problems += wrong
    return lines, problems


def _line(call: Call, sent: Sent, setting: Setting) -> tuple[Doc, list[str]]:
    element = sent.element
    line: Doc = {"LineItemID": fields.guid(element, "LineItemID") or str(uuid4())}
    item, problems = _item(call, element)
    description = fields.text(element, "Description") or _item_text(item, setting)
    problems += _description_problems(description)
    if description:
        line["Description"] = description
    if item is None and not any(element.get(name) not in (None, "") for name in (*AMOUNTS, *CODED)):
        return line, problems + _tracking(call, {}, sent)
    side = item[("SalesDetails" if setting.sale else "PurchaseDetails")] if item else {}
    if item is not None:
        line |= {"ItemCode": item["Code"], "ItemID": item["ItemID"], "ItemName": item.get("Name", "")}
    problems += _account_and_tax(call, line, element, side, setting)
    if sent.kept is not None:
        line |= {name: sent.kept[name] for name in AMOUNTS if name in sent.kept}
    else:
        problems += _amounts(call, line, element, side, setting)
    return line, problems + _tracking(call, line, sent)


def item_codes(documents: list[Doc]) -> set[str]:
    """The codes that the lines of these documents name, as far as they can be seen without reading them."""
    given = (document.get("LineItems") for document in documents)
    sent = (
        line.get("ItemCode") for lines in given if isinstance(lines, list) for line in lines if isinstance(line, dict)
    )
    return {code for code in sent if isinstance(code, str)}


def _item(call: Call, element: Doc) -> tuple[Doc | None, list[str]]:
    code = fields.text(element, "ItemCode") or fields.text(fields.child(element, "Item") or {}, "Code")
    if not code:
        return None, []
    if code not in call.items:
        call.items[code] = items.by_code(call, code)
    item = call.items[code]
    return item, [] if item else [f"Item code '{code}' is not valid"]


def _item_text(item: Doc | None, setting: Setting) -> str | None:
    return item.get("Description" if setting.sale else "PurchaseDescription") if item else None


def _description_problems(description: str | None) -> list[str]:
    if not description:
        return ["Description must be specified for each line item."]
    if len(description) > LONGEST_DESCRIPTION:
        return [f"The line item Description field cannot be longer than {LONGEST_DESCRIPTION} characters."]
    return []


def _tracking(call: Call, line: Doc, sent: Sent) -> list[str]:
    """Puts into the line what it is tracked by; gives what is wrong with it."""
    if sent.tracked is not None:
        line["Tracking"] = sent.tracked
        return []
    given = fields.children(sent.element, "Tracking") or []
    if len(given) > MOST_TRACKING:
        return [f"A line item can have no more than {MOST_TRACKING} tracking categories."]
    found = [tracked.found(call, entry) for entry in given]
    chosen = [choice for choice, _ in found if choice is not None]
    problems = [problem for choice, problem in found if choice is None]
    if len({choice["TrackingCategoryID"] for choice in chosen}) < len(chosen):
        problems.append("A line item can have each tracking category only once.")
    if chosen:
        line["Tracking"] = chosen
    return problems


# ------------------------------------------------------------------------------------------------- account and tax


def _account_and_tax(call: Call, line: Doc, element: Doc, side: Doc, setting: Setting) -> list[str]:
    account, problems = _account(call, element, side, setting)
    if account is not None:
        line |= {"AccountCode": account.get("Code", ""), "AccountID": account["AccountID"]}
    tax_type = fields.text(element, "TaxType") or side.get("TaxType") or (account or {}).get("TaxType")
    if not tax_type:
        return problems
    rate = tax_rates.by_type(call, tax_type)
    if rate is None or rate["Status"] != "ACTIVE":
        return [*problems, f"The TaxType code '{tax_type}' does not exist or is not active."]
    if tax_rates.looked_up_in_the_screens(rate) and call.switches["avalara_lines"] == "refuse":
        return [*problems, f"The TaxType code '{tax_type}' cannot be used through the API."]
    line["TaxType"] = tax_type
    if account is not None and not tax_rates.fits(rate, account):
        problems.append(f"The TaxType code '{tax_type}' cannot be used with account code '{account.get('Code', '')}'.")
    return problems


def _account(call: Call, element: Doc, side: Doc, setting: Setting) -> tuple[Doc | None, list[str]]:
    account_id = fields.guid(element, "AccountID")
    code = fields.text(element, "AccountCode") or ("" if account_id else side.get("AccountCode", ""))
    if not code and not account_id:
        return None, [NO_ACCOUNT] if setting.approving else []
    account = accounts.by_code(call, code) if code else accounts.by_id(call, account_id or "")
    named = code or account_id or ""
    if account is not None and account["Status"] != "ACTIVE":
        return None, [
            f"Account code '{named}' has been archived, or has been deleted. Each line item must reference a valid account."
        ]
    if account is None or account["Type"] == "BANK" or account["SystemAccount"] in CLOSED_SYSTEM_ACCOUNTS:
        return None, [f"Account code '{named}' is not a valid code for this document."]
    return account, []


def missing_accounts(document: Doc) -> list[str]:
    """A draft may lack accounts; approving it later needs them as if the lines were sent again."""
    if document["Status"] == "DRAFT":
        return []
    return [NO_ACCOUNT for line in document["LineItems"] if "LineAmount" in line and "AccountID" not in line]


# --------------------------------------------------------------------------------------------------------- amounts


def _amounts(call: Call, line: Doc, element: Doc, side: Doc, setting: Setting) -> list[str]:
    rate, amount = fields.number(element, "DiscountRate"), fields.number(element, "DiscountAmount")
    problems = _discount_problems(rate, amount, setting)
    unit = fields.number(element, "UnitAmount")
    line_amount = fields.number(element, "LineAmount")
    if unit is None and line_amount is None:
        unit = side.get("UnitPrice")
    quantity = fields.number(element, "Quantity")
    try:
        amounts = complete(
            None if quantity is None else round_to(quantity, 4, call.rounding),
            None if unit is None else round_to(unit, call.places, call.rounding),
            line_amount,
            discount_rate=rate,
            discount_amount=amount,
            places=call.places,
            mode=call.rounding,
        )
    except LineTotalDiffers as differs:
        return [*problems, str(differs)]
    if abs(amounts.line_amount) > LARGEST_AMOUNT:
        problems.append("The line amount cannot be greater than 9,999,999,999.99.")
    line |= {"Quantity": amounts.quantity, "UnitAmount": amounts.unit_amount, "LineAmount": amounts.line_amount}
    line |= {name: value for name, value in (("DiscountRate", rate), ("DiscountAmount", amount)) if value is not None}
    line["TaxAmount"] = _tax(call, line, element, setting)
    return problems


def _discount_problems(rate: Decimal | None, amount: Decimal | None, setting: Setting) -> list[str]:
    if rate is None and amount is None:
        return []
    if not setting.sale:
        return ["Discounts can only be applied to ACCREC invoices and quotes."]
    if rate is not None and not ZERO <= rate <= HUNDRED:
        return ["The discount rate must be between 0 and 100."]
    return []


def _tax(call: Call, line: Doc, element: Doc, setting: Setting) -> Decimal:
    """Computed, unless the caller says otherwise: nearly any amount is taken (API facts 4.8)."""
    sent = fields.number(element, "TaxAmount")
    if setting.line_amount_types == "NoTax":
        return tax_on(ZERO, ZERO, "NoTax")
    if sent is not None:
        return cents(sent, call.rounding)
    return computed_tax(call, line, setting.line_amount_types)


def computed_tax(call: Call, line: Doc, line_amount_types: str) -> Decimal:
    rate = tax_rates.by_type(call, line["TaxType"]) if "TaxType" in line else None
    percent = rate["EffectiveRate"] if rate else ZERO
    return tax_on(line["LineAmount"], percent, line_amount_types, call.rounding)


# ------------------------------------------------------------------------------------------------------ on the wire


def show(call: Call, line: Doc, *, write: bool) -> Doc:
    shown: Doc = {}
    if "ItemCode" in line:
        shown["ItemCode"] = line["ItemCode"]
    if "Description" in line:
        shown["Description"] = line["Description"]
    if "UnitAmount" not in line:
        # A line of text only (API facts 4.8).
        return shown | {"Tracking": [], "LineItemID": line["LineItemID"]} | ({"ValidationErrors": []} if write else {})
    shown["UnitAmount"] = round_to(line["UnitAmount"], call.places, call.rounding)
    for name in ("TaxType", "TaxAmount", "LineAmount", "AccountCode", "DiscountRate", "DiscountAmount"):
        if name in line:
            shown[name] = line[name]
    if "ItemID" in line:
        shown["Item"] = {"ItemID": line["ItemID"], "Name": line["ItemName"], "Code": line["ItemCode"]}
    with_ids = write or call.switches["tracking_option_ids_listed"] or bool(call.segments)
    chosen = [tracked.show_chosen(call, choice, with_option_id=with_ids) for choice in line.get("Tracking", ())]
    shown |= {"Tracking": chosen, "Quantity": line["Quantity"], "LineItemID": line["LineItemID"]}
    if "AccountID" in line:
        shown["AccountID"] = line["AccountID"]
    if write:
        shown["ValidationErrors"] = []
    return shown
