"""Tracking categories and their options (API facts 4.5): at most two active and four in all; what is used is archived."""

from collections.abc import Iterable
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
from plugins.xero.sandbox.wire import ZERO_ID, Doc, fold

MOST_ACTIVE = 2
MOST = 4
LONGEST_NAME = {"Name": 100}
STATUSES = frozenset({"ACTIVE", "ARCHIVED", "DELETED"})
WHERE_FIELDS = {"TrackingCategoryID": Type.GUID, "Name": Type.TEXT, "Status": Type.TEXT}


def category_columns(category: Doc) -> Doc:
    return {"name": fold(category["Name"]), "status": category["Status"]}


# ------------------------------------------------------------------------------------------------------- endpoints


def listed(call: Call) -> Answer:
    statuses = ("ACTIVE", "ARCHIVED") if call.flag("includeArchived") else ("ACTIVE",)
    marks = ", ".join("?" * len(statuses))
    page = page_of(call, LISTED, [(f"status IN ({marks})", statuses)])
    return call.reply("TrackingCategories", [_show(category, statuses) for category in page.documents])


def one(call: Call) -> Answer:
    return call.reply("TrackingCategories", [_show(_addressed(call), ("ACTIVE", "ARCHIVED"))])


def put(call: Call) -> Answer:
    return write(call, Writer("TrackingCategories", _save_new, _echo_category, None), _single(call))


def post(call: Call) -> Answer:
    elements = [element | {"TrackingCategoryID": _addressed(call)["TrackingCategoryID"]} for element in _single(call)]
    return write(call, Writer("TrackingCategories", _save, _echo_category, None), elements)


def delete(call: Call) -> Answer:
    category = _addressed(call)
    if _used(call, f'"TrackingCategoryID":"{category["TrackingCategoryID"]}"'):
        raise ApiException.validation("The tracking category cannot be deleted because it is used; it can be archived.")
    category["Status"] = "DELETED"
    _store(call, category)
    return call.reply("TrackingCategories", [_show(category, ())])


def put_options(call: Call) -> Answer:
    return write(call, Writer("Options", _save_new_option, _echo_option, None), call.elements("Options"))


def post_option(call: Call) -> Answer:
    option = _addressed_option(call)
    elements = [element | {"TrackingOptionID": option["TrackingOptionID"]} for element in call.elements("Options")[:1]]
    return write(call, Writer("Options", _save_option, _echo_option, None), elements)


def delete_option(call: Call) -> Answer:
    option = _addressed_option(call)
    if _used(call, f'"TrackingOptionID":"{option["TrackingOptionID"]}"'):
        raise ApiException.validation("The tracking option cannot be deleted because it is used; it can be archived.")
    return call.reply("Options", [_show_option(_store_option(call, option | {"Status": "DELETED"}))])


def _single(call: Call) -> list[Doc]:
    elements = call.elements("TrackingCategories")
    if len(elements) > 1:
        raise ApiException.validation(call.switches["several_accounts_message"])
    return elements


def _addressed(call: Call) -> Doc:
    """A copy of the category that the address names; one that was deleted is not there any more."""
    category = by_id(call).get(call.segments[0].lower())
    if category is None or category["Status"] == "DELETED":
        raise NotFound
    return category | {"Options": [dict(option) for option in category["Options"]]}


def _addressed_option(call: Call) -> Doc:
    wanted = call.segments[2].lower()
    for option in _addressed(call)["Options"]:
        if option["TrackingOptionID"] == wanted and option["Status"] != "DELETED":
            return dict(option)
    raise NotFound


def by_id(call: Call) -> dict[str, Doc]:
    return call.store.by_key("tracking_category", call.org, "id", itemgetter("TrackingCategoryID"))


# -------------------------------------------------------------------------------------------------------- categories


def _save_new(call: Call, element: Doc) -> Doc:
    problems = _name_problems(element, _standing(call), "tracking category") + _room_problems(call, "ACTIVE", None)
    if problems:
        raise ElementRefused(problems)
    category: Doc = {
        "TrackingCategoryID": str(uuid4()),
        "Name": fields.text(element, "Name"),
        "Status": "ACTIVE",
        "Options": [],
    }
    _store(call, category)
    return _show(category, ())


def _save(call: Call, element: Doc) -> Doc:
    category = _addressed(call)
    status = fields.choice(element, "Status", STATUSES) or category["Status"]
    others = [one for one in _standing(call) if one["TrackingCategoryID"] != category["TrackingCategoryID"]]
    problems = _name_problems({"Name": category["Name"]} | element, others, "tracking category")
    problems += _room_problems(call, status, category)
    if problems:
        raise ElementRefused(problems)
    category |= {"Name": fields.text(element, "Name") or category["Name"], "Status": status}
    _store(call, category)
    return _show(category, ("ACTIVE", "ARCHIVED"))


def _standing(call: Call) -> list[Doc]:
    return [one for one in call.store.all("tracking_category", call.org) if one["Status"] != "DELETED"]


def _name_problems(element: Doc, others: Iterable[Doc], what: str) -> list[str]:
    """The rules are Xero's, the wording is ours."""
    name = fields.text(element, "Name")
    if not name or not name.strip():
        return [f"The {what} Name must be specified."]
    if any(other["Name"].casefold() == name.casefold() for other in others):
        return [f"A {what} with the name {name} already exists."]
    return fields.too_long(element, LONGEST_NAME, f"{what} ")


def _room_problems(call: Call, status: str, own: Doc | None) -> list[str]:
    others = [one for one in _standing(call) if own is None or one["TrackingCategoryID"] != own["TrackingCategoryID"]]
    active = sum(other["Status"] == "ACTIVE" for other in others)
    if status == "ACTIVE" and active >= MOST_ACTIVE:
        return [f"An organisation can have no more than {MOST_ACTIVE} active tracking categories."]
    if own is None and len(others) >= MOST:
        return [f"An organisation can have no more than {MOST} tracking categories."]
    return []


def _store(call: Call, category: Doc) -> None:
    category_id = category["TrackingCategoryID"]
    call.store.save("tracking_category", call.org, category_id, call.stamp(), category_columns(category), category)


def _used(call: Call, needle: str) -> bool:
    """Whether any line names it."""
    found = call.store.sql.execute(
        "SELECT 1 FROM invoice WHERE org = ? AND instr(body, ?) LIMIT 1", (call.org, needle)
    ).fetchone()
    return found is not None


# ----------------------------------------------------------------------------------------------------------- options


def _save_new_option(call: Call, element: Doc) -> Doc:
    options = _standing_options(_addressed(call))
    problems = _name_problems(element, options, "tracking option")
    most = call.switches["tracking_options"]
    if most and sum(option["Status"] == "ACTIVE" for option in options) >= most:
        problems.append(f"A tracking category can have no more than {most} options.")
    if problems:
        raise ElementRefused(problems)
    option: Doc = {"TrackingOptionID": str(uuid4()), "Name": fields.text(element, "Name"), "Status": "ACTIVE"}
    return _show_option(_store_option(call, option))


def _save_option(call: Call, element: Doc) -> Doc:
    option = _addressed_option(call)
    status = fields.choice(element, "Status", STATUSES) or option["Status"]
    options = _standing_options(_addressed(call))
    others = [one for one in options if one["TrackingOptionID"] != option["TrackingOptionID"]]
    problems = _name_problems({"Name": option["Name"]} | element, others, "tracking option")
    if problems:
        raise ElementRefused(problems)
    changed = option | {"Name": fields.text(element, "Name") or option["Name"], "Status": status}
    return _show_option(_store_option(call, changed))


def _standing_options(category: Doc) -> list[Doc]:
    return [option for option in category["Options"] if option["Status"] != "DELETED"]


def _store_option(call: Call, option: Doc) -> Doc:
    category = _addressed(call)
    options = {one["TrackingOptionID"]: one for one in category["Options"]} | {option["TrackingOptionID"]: option}
    category["Options"] = list(options.values())
    _store(call, category)
    return option


# ------------------------------------------------------------------------------------------------------ on the wire


def _show(category: Doc, options_with: tuple[str, ...]) -> Doc:
    shown = {name: category[name] for name in ("Name", "Status", "TrackingCategoryID")}
    return shown | {
        "Options": [_show_option(option) for option in category["Options"] if option["Status"] in options_with]
    }


def _show_option(option: Doc) -> Doc:
    return {name: option[name] for name in ("TrackingOptionID", "Name", "Status")}


def _echo_category(_call: Call, element: Doc) -> Doc:
    return {"TrackingCategoryID": element.get("TrackingCategoryID") or ZERO_ID} | element


def _echo_option(_call: Call, element: Doc) -> Doc:
    return {"TrackingOptionID": element.get("TrackingOptionID") or ZERO_ID} | element


def _read(_call: Call, category: Doc, name: str) -> Any:
    return category.get(name)


LISTED = Listed("tracking_category", "TrackingCategory", WHERE_FIELDS, _read, paged=False, dated=False)
