"""Accounts (API facts 4.3): one per write; bank accounts are frozen, used ones can be archived but not deleted."""

from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import fields
from plugins.xero.sandbox.batch import Writer, write
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.errors import ApiException, ElementRefused, NotFound
from plugins.xero.sandbox.listing import Listed, nothing_new, page_of
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.where import Type
from plugins.xero.sandbox.wire import ZERO_ID, Doc, fold, stamp

CLASSES = {
    "ASSET": ("BANK", "CURRENT", "FIXED", "INVENTORY", "NONCURRENT", "PREPAYMENT"),
    "EQUITY": ("EQUITY",),
    "EXPENSE": ("DEPRECIATN", "DIRECTCOSTS", "EXPENSE", "OVERHEADS"),
    "LIABILITY": ("CURRLIAB", "LIABILITY", "TERMLIAB", "PAYG"),
    "REVENUE": ("OTHERINCOME", "REVENUE", "SALES"),
}
CLASS_OF = {kind: name for name, kinds in CLASSES.items() for kind in kinds}
STATUSES = frozenset({"ACTIVE", "ARCHIVED", "DELETED"})
TEXTS = {"Code": 10, "Name": 150, "Description": 4000, "BankAccountNumber": 20}
WHERE_FIELDS = {
    "AccountID": Type.GUID,
    "Code": Type.TEXT,
    "Name": Type.TEXT,
    "Type": Type.TEXT,
    "Class": Type.TEXT,
    "Status": Type.TEXT,
    "TaxType": Type.TEXT,
    "SystemAccount": Type.TEXT,
    "EnablePaymentsToAccount": Type.FLAG,
    "BankAccountNumber": Type.TEXT,
    "CurrencyCode": Type.TEXT,
    "UpdatedDateUTC": Type.DATE,
}


def new_account(given: Doc, *, enable_payments: bool = False) -> Doc:
    return {
        "AccountID": str(uuid4()),
        "Status": "ACTIVE",
        "Class": CLASS_OF[given["Type"]],
        "EnablePaymentsToAccount": enable_payments,
        "ShowInExpenseClaims": False,
        "AddToWatchlist": False,
        "SystemAccount": "",
        **given,
    }


def account_columns(account: Doc) -> Doc:
    code = account.get("Code")
    return {"code": fold(code) if code else None, "name": fold(account["Name"]), "status": account["Status"]}


def by_code(call: Call, code: str) -> Doc | None:
    return call.store.by_key("account", call.org, "code", _living_code).get(fold(code))


def _living_code(account: Doc) -> str | None:
    return fold(account["Code"]) if account.get("Code") and account["Status"] != "DELETED" else None


def by_id(call: Call, account_id: str) -> Doc | None:
    return call.store.by_key("account", call.org, "id", itemgetter("AccountID")).get(account_id)


def takes_payments(account: Doc) -> bool:
    return account["Status"] == "ACTIVE" and (account["Type"] == "BANK" or bool(account["EnablePaymentsToAccount"]))


# ------------------------------------------------------------------------------------------------------- endpoints


def listed(call: Call) -> Answer:
    page = page_of(call, LISTED, [])
    shown = [show(account) for account in page.documents]
    return nothing_new(call, shown) or call.reply("Accounts", shown)


def one(call: Call) -> Answer:
    return call.reply("Accounts", [show(_addressed(call))])


def put(call: Call) -> Answer:
    return write(call, Writer("Accounts", _save_new, _echo, None), _single(call))


def post(call: Call) -> Answer:
    elements = _single(call)
    if call.segments:
        elements = [elements[0] | {"AccountID": _addressed(call)["AccountID"]}]
    return write(call, Writer("Accounts", _save, _echo, None), elements)


def delete(call: Call) -> Answer:
    """Only what nothing refers to; everything else is archived (API facts 4.3)."""
    account = _addressed(call)
    if account["SystemAccount"] or account["Type"] == "BANK" or _used(call, account):
        raise ApiException.validation("The account cannot be deleted because it is used or is a system account.")
    changed = account | {"Status": "DELETED"}
    _store(call, changed)
    return call.reply("Accounts", [show(changed)])


def _single(call: Call) -> list[Doc]:
    elements = call.elements("Accounts")
    if len(elements) > 1:
        raise ApiException.validation(call.switches["several_accounts_message"])
    return elements


def _addressed(call: Call) -> Doc:
    account = by_id(call, call.segments[0].lower())
    if account is None:
        raise NotFound
    return account


def _save_new(call: Call, element: Doc) -> Doc:
    problems = _problems(call, element, None)
    if problems:
        raise ElementRefused(problems)
    kind = fields.text(element, "Type")
    account = new_account({"Name": fields.text(element, "Name"), "Type": kind})
    _take(account, element)
    if "TaxType" not in account:
        account["TaxType"] = "NONE"
    _store(call, account)
    return show(account) | {"ValidationErrors": []}


def _save(call: Call, element: Doc) -> Doc:
    account_id = fields.guid(element, "AccountID")
    if account_id is None:
        return _save_new(call, element)
    account = by_id(call, account_id)
    if account is None:
        raise NotFound
    problems = _problems(call, element, account)
    if problems:
        raise ElementRefused(problems)
    changed = dict(account)
    _take(changed, element)
    _store(call, changed)
    return show(changed) | {"ValidationErrors": []}


def _problems(call: Call, element: Doc, account: Doc | None) -> list[str]:
    kind = fields.choice(element, "Type", frozenset(CLASS_OF)) or (account or {}).get("Type")
    fields.choice(element, "Status", STATUSES)
    problems = fields.too_long(element, TEXTS)
    if account is None:
        problems += _missing(element, kind)
    elif account["Type"] == "BANK":
        problems.append("Bank accounts cannot be updated via the API.")
    elif fields.text(element, "Status") == "ARCHIVED" and set(element) - {"AccountID", "Status"}:
        problems.append("An account must be archived in a request of its own.")
    return problems + _taken(call, element, account)


def _missing(element: Doc, kind: str | None) -> list[str]:
    problems = []
    if kind is None:
        problems.append("Account Type must be specified.")
    if not fields.text(element, "Name"):
        problems.append("Account Name must be specified.")
    if kind == "BANK" and not fields.text(element, "BankAccountNumber"):
        problems.append("Bank Account Number must be specified.")
    if kind != "BANK" and not fields.text(element, "Code"):
        problems.append("Account Code must be specified.")
    return problems


def _taken(call: Call, element: Doc, account: Doc | None) -> list[str]:
    own = account["AccountID"] if account else None
    name, code = fields.text(element, "Name"), fields.text(element, "Code")
    others = [
        other
        for other in call.store.all("account", call.org)
        if other["AccountID"] != own and other["Status"] != "DELETED"
    ]
    problems = []
    if name and any(fold(other["Name"]) == fold(name) for other in others):
        problems.append("Please enter a unique Name.")
    if code and any(fold(other.get("Code") or "") == fold(code) for other in others):
        problems.append("Please enter a unique Code.")
    return problems


def _take(account: Doc, element: Doc) -> None:
    for name in (
        "Code",
        "Name",
        "Type",
        "Description",
        "TaxType",
        "BankAccountNumber",
        "BankAccountType",
        "CurrencyCode",
        "Status",
    ):
        value = fields.text(element, name)
        if value is not None:
            account[name] = value
    for name in ("EnablePaymentsToAccount", "ShowInExpenseClaims", "AddToWatchlist"):
        flag = fields.flag(element, name)
        if flag is not None:
            account[name] = flag
    account["Class"] = CLASS_OF[account["Type"]]


def _used(call: Call, account: Doc) -> bool:
    """Whether any line names it."""
    needle = f'"AccountID":"{account["AccountID"]}"'
    found = call.store.sql.execute(
        "SELECT 1 FROM invoice WHERE org = ? AND instr(body, ?) LIMIT 1", (call.org, needle)
    ).fetchone()
    return found is not None


def _store(call: Call, account: Doc) -> None:
    account["Updated"] = call.stamp()
    call.store.save("account", call.org, account["AccountID"], account["Updated"], account_columns(account), account)


def _echo(_call: Call, element: Doc) -> Doc:
    return {"AccountID": element.get("AccountID") or ZERO_ID} | element


def show(account: Doc) -> Doc:
    shown: Doc = {"AccountID": account["AccountID"]}
    for name in ("Code", "Name", "Status", "Type", "TaxType", "Description", "Class", "SystemAccount"):
        if account.get(name):
            shown[name] = account[name]
    for name in ("EnablePaymentsToAccount", "ShowInExpenseClaims", "AddToWatchlist"):
        shown[name] = account[name]
    for name in ("BankAccountNumber", "BankAccountType", "CurrencyCode", "ReportingCode", "ReportingCodeName"):
        if account.get(name):
            shown[name] = account[name]
    return shown | {"HasAttachments": False, "UpdatedDateUTC": stamp(account["Updated"])}


def read_field(account: Doc, name: str) -> Any:
    if name == "UpdatedDateUTC":
        return datetime.fromtimestamp(account["Updated"] / 1000, tz=UTC)
    return account.get(name)


LISTED = Listed("account", "Account", WHERE_FIELDS, lambda _call, account, name: read_field(account, name), paged=False)
