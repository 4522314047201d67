"""What names a tracking category and an option of it: entries of lines, and of contacts (API facts 4.5)."""

from plugins.xero.sandbox import fields, tracking
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.wire import Doc


def found(call: Call, entry: Doc) -> tuple[Doc | None, str]:
    """The category and option that an entry names, by id or by name, or why it cannot be used: both must exist, and
    nothing is made by naming it."""
    category = _category(call, entry)
    if category is None:
        return None, f"The tracking category '{_given(entry, 'TrackingCategoryID', 'Name')}' does not exist."
    option = _option(category, entry)
    if option is None:
        named = _given(entry, "TrackingOptionID", "Option")
        return None, f"The tracking option '{named}' of the category '{category['Name']}' does not exist."
    return {
        "TrackingCategoryID": category["TrackingCategoryID"],
        "TrackingOptionID": option["TrackingOptionID"],
    }, ""


def _given(entry: Doc, id_name: str, name: str) -> str:
    return fields.text(entry, name) or fields.text(entry, id_name) or ""


def _category(call: Call, entry: Doc) -> Doc | None:
    category_id, name = fields.guid(entry, "TrackingCategoryID"), fields.text(entry, "Name")
    for category in call.store.all("tracking_category", call.org):
        if category["Status"] == "ACTIVE" and _is_meant(category, "TrackingCategoryID", category_id, name):
            return category
    return None


def _option(category: Doc, entry: Doc) -> Doc | None:
    option_id, name = fields.guid(entry, "TrackingOptionID"), fields.text(entry, "Option")
    for option in category["Options"]:
        if option["Status"] == "ACTIVE" and _is_meant(option, "TrackingOptionID", option_id, name):
            return dict(option)
    return None


def _is_meant(known: Doc, id_name: str, given_id: str | None, name: str | None) -> bool:
    if given_id is not None:
        return bool(known[id_name] == given_id)
    return name is not None and known["Name"].casefold() == name.casefold()


def show_chosen(call: Call, chosen: Doc, *, with_option_id: bool) -> Doc:
    """A line's entry as it is read back, with the names of today (API facts 4.5)."""
    category = tracking.by_id(call)[chosen["TrackingCategoryID"]]
    option = next(one for one in category["Options"] if one["TrackingOptionID"] == chosen["TrackingOptionID"])
    shown: Doc = {"Name": category["Name"], "Option": option["Name"]}
    shown["TrackingCategoryID"] = category["TrackingCategoryID"]
    if with_option_id:
        shown["TrackingOptionID"] = option["TrackingOptionID"]
    return shown | {"Options": []}
