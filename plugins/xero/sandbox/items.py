"""Items (API facts 4.7)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import accounts, fields, tax_rates
from plugins.xero.sandbox.batch import Writer, write
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.errors import ApiException, ElementRefused, NotFound
from plugins.xero.sandbox.listing import Listed, nothing_new, one_of, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.rounding import round_to
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import NEVER, ZERO_ID, Doc, fold, stamp_without_offset

MOST_PER_CALL = 500
TEXTS = {"Code": 30, "Name": 50, "Description": 4000, "PurchaseDescription": 4000}
SIDES = {"SalesDetails": ("IsSold", "Description"), "PurchaseDetails": ("IsPurchased", "PurchaseDescription")}
WHERE_FIELDS = {
    "ItemID": Type.GUID,
    "Code": Type.TEXT,
    "Name": Type.TEXT,
    "Description": Type.TEXT,
    "PurchaseDescription": Type.TEXT,
    "IsSold": Type.FLAG,
    "IsPurchased": Type.FLAG,
    "IsTrackedAsInventory": Type.FLAG,
    "UpdatedDateUTC": Type.DATE,
    "SalesDetails.UnitPrice": Type.NUMBER,
    "PurchaseDetails.UnitPrice": Type.NUMBER,
}


def by_code(call: Call, code: str) -> Doc | None:
    return call.store.first("item", call.org, "code", _key(call, code))


def read_ahead(call: Call, codes: set[str]) -> None:
    """Reads the items of a whole batch at once: one by one they are a fifth of its time."""
    wanted = {code: _key(call, code) for code in codes}
    found: dict[str, Doc] = {}
    keys = sorted(set(wanted.values()))
    for start in range(0, len(keys), 500):
        for item in call.store.select("item", call.org, [one_of("code", keys[start : start + 500])]):
            found[_key(call, item["Code"])] = item
    call.items |= {code: found.get(key) for code, key in wanted.items()}


def _key(call: Call, code: str) -> str:
    return code if call.switches["item_code_case_sensitive"] else fold(code)


# ------------------------------------------------------------------------------------------------------- endpoints


def listed(call: Call) -> Answer:
    shown = [show(call, item) for item in page_of(call, LISTED, []).documents]
    return nothing_new(call, shown) or call.reply("Items", shown)


def one(call: Call) -> Answer:
    return call.reply("Items", [show(call, _addressed(call))])


def put(call: Call) -> Answer:
    return write(call, Writer("Items", _save_new, _echo, None), _elements(call))


def post(call: Call) -> Answer:
    elements = _elements(call)
    if call.segments:
        elements = [elements[0] | {"ItemID": _addressed(call)["ItemID"]}]
    for element in elements:
        item_id = fields.guid(element, "ItemID")
        if item_id is not None and call.store.get("item", call.org, item_id) is None:
            raise NotFound
    return write(call, Writer("Items", _save, _echo, None), elements)


def delete(call: Call) -> Answer:
    item = _addressed(call)
    if item["IsTrackedAsInventory"] and _on_approved_document(call, item):
        raise ApiException.validation("The item cannot be deleted because it is used on approved transactions.")
    call.store.delete("item", call.org, item["ItemID"])
    return Answer(204)


def _elements(call: Call) -> list[Doc]:
    elements = call.elements("Items")
    if len(elements) > MOST_PER_CALL:
        raise ApiException.validation(f"No more than {MOST_PER_CALL} items can be sent per request.")
    return elements


def _addressed(call: Call) -> Doc:
    given = call.segments[0]
    item = call.store.get("item", call.org, given.lower()) or by_code(call, given)
    if item is None:
        raise NotFound
    return item


def _on_approved_document(call: Call, item: Doc) -> bool:
    found = call.store.sql.execute(
        "SELECT 1 FROM invoice WHERE org = ? AND status IN ('AUTHORISED', 'PAID') AND instr(body, ?) LIMIT 1",
        (call.org, f'"ItemID":"{item["ItemID"]}"'),
    ).fetchone()
    return found is not None


# --------------------------------------------------------------------------------------------------------- writing


def _save_new(call: Call, element: Doc) -> Doc:
    code = fields.text(element, "Code")
    problems = [] if code else ["Price List Item Code must be specified"]
    if code and by_code(call, code) is not None:
        problems.append(f"Price List Item with Code '{code}' already exists")
    return _stored(call, _blank(), element, problems)


def _blank() -> Doc:
    return {"ItemID": str(uuid4()), "IsSold": True, "IsPurchased": True, "SalesDetails": {}, "PurchaseDetails": {}}


def _save(call: Call, element: Doc) -> Doc:
    item_id, code = fields.guid(element, "ItemID"), fields.text(element, "Code")
    found = call.store.get("item", call.org, item_id) if item_id else by_code(call, code or "")
    if found is None:
        return _save_new(call, element)
    other = by_code(call, code) if code else None
    problems = []
    if other is not None and other["ItemID"] != found["ItemID"]:
        problems.append(f"Price List Item with Code '{code}' already exists")
    return _stored(call, found, element, problems)


def _stored(call: Call, item: Doc, element: Doc, problems: list[str]) -> Doc:
    problems = problems + fields.too_long(element, TEXTS, "Price List Item ") + _account_problems(call, element)
    if problems:
        raise ElementRefused(problems)
    changed = _taken(call, item, element)
    changed["Updated"] = call.stamp()
    call.store.save(
        "item", call.org, changed["ItemID"], changed["Updated"], {"code": _key(call, changed["Code"])}, changed
    )
    return show(call, changed) | {"ValidationErrors": []}


def _account_problems(call: Call, element: Doc) -> list[str]:
    problems = []
    for name in SIDES:
        side = fields.child(element, name) or {}
        for member in ("AccountCode", "COGSAccountCode"):
            code = fields.text(side, member)
            if code and accounts.by_code(call, code) is None:
                problems.append(f"Account code '{code}' is not a valid code for this document.")
        tax_type = fields.text(side, "TaxType")
        if tax_type and tax_rates.by_type(call, tax_type) is None:
            problems.append(f"The TaxType code '{tax_type}' does not exist.")
    code = fields.text(element, "InventoryAssetAccountCode")
    account = accounts.by_code(call, code) if code else None
    if code and (account is None or account["Type"] != "INVENTORY"):
        problems.append(f"Account code '{code}' is not an inventory account.")
    return problems


def _taken(call: Call, item: Doc, element: Doc) -> Doc:
    changed = dict(item)
    for name in (*TEXTS, "InventoryAssetAccountCode"):
        value = fields.text(element, name)
        if value is not None:
            changed[name] = value
    for side, (switch, description) in SIDES.items():
        wanted = fields.flag(element, switch)
        if wanted is not None:
            changed[switch] = wanted
        given = fields.child(element, side)
        if given is not None:
            changed[side] = _details(call, changed[side], given)
        if not changed[switch]:
            # Xero: turning a side off empties it (API facts 4.7).
            changed[side] = {}
            changed.pop(description, None)
    return changed | _stock(changed)


def _details(call: Call, known: Doc, given: Doc) -> Doc:
    details = dict(known)
    price = fields.number(given, "UnitPrice")
    if price is not None:
        details["UnitPrice"] = round_to(price, call.places, call.rounding)
    for name in ("AccountCode", "COGSAccountCode", "TaxType"):
        value = fields.text(given, name)
        if value is not None:
            details[name] = value
    if details.get("AccountCode") and not details.get("TaxType") and call.switches["item_tax_from_account"]:
        account = accounts.by_code(call, details["AccountCode"])
        if account is not None:
            details["TaxType"] = account["TaxType"]
    return details


def _stock(item: Doc) -> Doc:
    tracked = bool(item.get("InventoryAssetAccountCode") and item["PurchaseDetails"].get("COGSAccountCode"))
    stock: Doc = {"IsTrackedAsInventory": tracked}
    if tracked:
        stock |= {
            "QuantityOnHand": item.get("QuantityOnHand", Decimal(0)),
            "TotalCostPool": item.get("TotalCostPool", Decimal(0)),
        }
    return stock


def _echo(_call: Call, element: Doc) -> Doc:
    return {"ItemID": element.get("ItemID") or ZERO_ID} | element | {"UpdatedDateUTC": NEVER}


def show(call: Call, item: Doc) -> Doc:
    shown: Doc = {"ItemID": item["ItemID"], "Code": item["Code"]}
    for name in ("Name", "Description", "PurchaseDescription", "InventoryAssetAccountCode"):
        if item.get(name):
            shown[name] = item[name]
    shown |= {
        "UpdatedDateUTC": stamp_without_offset(item["Updated"]),
        "PurchaseDetails": _shown_details(call, item["PurchaseDetails"]),
        "SalesDetails": _shown_details(call, item["SalesDetails"]),
    }
    for name in ("IsTrackedAsInventory", "TotalCostPool", "QuantityOnHand", "IsSold", "IsPurchased"):
        if name in item:
            shown[name] = item[name]
    return shown


def _shown_details(call: Call, details: Doc) -> Doc:
    if "UnitPrice" not in details:
        return details
    return details | {"UnitPrice": round_to(details["UnitPrice"], call.places, call.rounding)}


def _read(_call: Call, item: Doc, name: str) -> Any:
    if name == "UpdatedDateUTC":
        return datetime.fromtimestamp(item["Updated"] / 1000, tz=UTC)
    side, _, member = name.partition(".")
    return item[side].get(member) if member else item.get(name)


LISTED = Listed("item", "Item", WHERE_FIELDS, _read, {"ItemID": "id IN ({})"}, paged=False)
