"""Updating an invoice at Xero: three versions are compared (ours now, what was agreed, Xero's now), and Xero's rules on what may still change are kept.

Field by field: what we did not change since we agreed is not sent, so what people changed at Xero stays; what we changed is sent, and where it was changed
there too, their version is overruled (policy ``ours``) and named in a warning. The lines are one field: once any of ours changed, all of ours go, with their
LineItemIDs, because Xero takes lines as a set (API facts 4.8); an invoice whose lines did not change goes without them.

What was agreed is kept per field as ``sent`` and as ``got`` back, so that a value which Xero writes differently does not look like a change of anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plugins.xero.wire.fields import read_amount, read_time
from plugins.xero.wire.numbers import Number, number

if TYPE_CHECKING:
    from host.sync.provider import JSON
    from plugins.xero.ledger import Standing
    from plugins.xero.lines import ReadyLine

HEADER: Final = (
    "Contact",
    "Date",
    "DueDate",
    "LineAmountTypes",
    "Reference",
    "BrandingThemeID",
    "Url",
    "CurrencyCode",
    "CurrencyRate",
)
TRACKING: Final = "Tracking"
LINE: Final = ("Description", "Quantity", "UnitAmount", "DiscountRate", "ItemCode", "AccountCode", "TaxType", TRACKING)

NUMBERS: Final = frozenset({"Quantity", "UnitAmount", "DiscountRate", "CurrencyRate"})
DATES: Final = frozenset({"Date", "DueDate"})

HEADER_WHEN_SETTLED: Final = frozenset({"Contact", "DueDate", "Reference", "BrandingThemeID", "Url"})
LINE_WHEN_SETTLED: Final = frozenset({"Description", "AccountCode", TRACKING})
"""What Xero still lets change once money is applied (API facts 4.9, "Editing")."""

RANK: Final = {"DRAFT": 0, "SUBMITTED": 1, "AUTHORISED": 2, "PAID": 3}


class NotEditable(Exception):
    """Xero's rules do not allow the change. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What to send, apart from the id, and what it overrules."""

    changes: JSON
    warnings: tuple[str, ...]


def header_of(element: Mapping[str, Any]) -> JSON:
    """An invoice's own fields, whether we wrote it or Xero did, as comparable and storable values; absent ones are left out."""
    return {name: _comparable(name, element[name]) for name in HEADER if element.get(name) not in (None, "")}


def line_of(element: Mapping[str, Any]) -> JSON:
    """A line's fields likewise."""
    line = {name: _comparable(name, element[name]) for name in LINE if element.get(name) not in (None, "", [])}
    if line.get("DiscountRate") == "0":
        del line["DiscountRate"]
    return line


def _comparable(name: str, value: Any) -> Any:
    """One way of writing for numbers and dates. Done by hand: two passes of a schema over every line cost more than all the rest of an answer."""
    if name in NUMBERS:
        return value if isinstance(value, Number) else number(read_amount(value))
    if name in DATES:
        return read_time(value).date().isoformat()
    if name == TRACKING:
        return sorted(_tracking(one) for one in value)
    if name == "Contact":
        return {"ContactID": value.get("ContactID", "")}
    return str(value)


def _tracking(entry: Mapping[str, Any]) -> str:
    """One thing that a line is tracked by. Sent it bears the option's id, read back its name: Xero leaves the id out of lists (API facts 4.5)."""
    return f"{entry.get('TrackingCategoryID', '')}: {entry.get('Option') or entry.get('TrackingOptionID', '')}"


def line_there(line: ReadyLine) -> JSON:
    """A line of ours as it would read back."""
    told = [{"TrackingCategoryID": one.category.remote_id, "Option": one.option.name} for one in line.tracked or ()]
    return line_of({**line.element, TRACKING: told})


def same_lines(lines: Sequence[ReadyLine], remote: Sequence[JSON]) -> bool:
    """Whether Xero has these lines, one by one. What they are tracked by is compared where we say it."""
    said = _says_tracking(lines)
    return [line_there(line) for line in lines] == [_comparable_line(line_of(line), said=said) for line in remote]


def _says_tracking(lines: Sequence[ReadyLine]) -> bool:
    return any(line.tracked is not None for line in lines)


def _comparable_line(line: JSON, *, said: bool) -> JSON:
    return line if said else {name: value for name, value in line.items() if name != TRACKING}


def compare(
    element: JSON, lines: Sequence[ReadyLine], agreed: JSON, remote: JSON, standing: Standing, *, wanted_status: str
) -> Edit:
    """Raises ``NotEditable``."""
    changes, warnings = _compare_headers(element, agreed, remote)
    if changes:
        _check_header(changes, standing)
    line_changes, line_warnings = compare_lines(lines, agreed.get("lines", []), remote.get("LineItems", []))
    if line_changes is not None:
        _check_lines(line_changes, remote.get("LineItems", []), standing)
        changes["LineItems"] = line_changes
        warnings += line_warnings
    if RANK.get(wanted_status, 0) > RANK.get(standing.status, 3):
        changes["Status"] = wanted_status
    return Edit(changes, tuple(warnings))


def _compare_headers(element: JSON, agreed: JSON, remote: JSON) -> tuple[JSON, list[str]]:
    ours, theirs = header_of(element), header_of(remote)
    sent, got = agreed.get("sent", {}), agreed.get("got", {})
    changes: JSON = {}
    warnings = []
    for name in HEADER:
        mine, there = ours.get(name), theirs.get(name)
        if mine == there or mine == sent.get(name):
            continue
        if mine is None and name != "Reference":
            # Nothing can be put in the place of a date, a currency or an id: there is no way to send "none".
            warnings.append(f"{name} stays {_shown(there)} in Xero, where it can't be emptied")
            continue
        changes[name] = "" if mine is None else mine
        if name in got and there != got[name]:
            warnings.append(f"{name} was changed in Xero to {_shown(there)}; ours, {_shown(mine)}, was sent")
    return changes, warnings


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(str(one) for one in value.values())
    return "nothing" if value in (None, "") else str(value)


def compare_lines(
    lines: Sequence[ReadyLine], agreed: Sequence[JSON], remote: Sequence[JSON]
) -> tuple[list[JSON] | None, list[str]]:
    """All our lines with the LineItemIDs they have at Xero, or ``None`` where none of ours changed."""
    said = _says_tracking(lines)
    agreed = [_agreed_line(line, said=said) for line in agreed]
    if [(line.id, line_of(line.element)) for line in lines] == [(line["id"], line.get("sent")) for line in agreed]:
        return None, []
    if same_lines(lines, remote):
        return None, []
    there = {
        line["LineItemID"]: _comparable_line(line_of(line), said=said) for line in remote if line.get("LineItemID")
    }
    known = {line["id"]: line for line in agreed if line.get("LineItemID")}
    wanted = [_wanted_line(line, known.get(line.id, {}).get("LineItemID", ""), there) for line in lines]
    return wanted, _line_warnings(known, there, {line.id for line in lines})


def _agreed_line(line: JSON, *, said: bool) -> JSON:
    return line | {name: _comparable_line(line[name], said=said) for name in ("sent", "got") if name in line}


def _wanted_line(line: ReadyLine, line_item_id: str, there: Mapping[str, JSON]) -> JSON:
    if line_item_id not in there:
        return dict(line.element)
    wanted = {"LineItemID": line_item_id, **line.element}
    archived = any(one.archived for one in line.tracked or ())
    if archived and line_there(line).get(TRACKING) == there[line_item_id].get(TRACKING):
        del wanted[TRACKING]  # Xero takes what is archived from nobody, and keeps it where nothing is said of it
    return wanted


def _line_warnings(known: Mapping[str, JSON], there: Mapping[str, JSON], ours: set[str]) -> list[str]:
    """What people did to the lines at Xero and is overruled now."""
    warnings = []
    agreed = {line["LineItemID"]: line for line in known.values()}
    if not all("got" in line for line in agreed.values()):
        return []  # it is not known what Xero had from us: nothing can be called somebody's change
    for line_item_id, theirs in there.items():
        if line_item_id not in agreed:
            warnings.append(f"a line added in Xero was dropped: {_line_shown(theirs)}")
        elif agreed[line_item_id]["got"] != theirs and agreed[line_item_id]["id"] in ours:
            warnings.append(f"a line changed in Xero to {_line_shown(theirs)} was overruled by ours")
    warnings.extend(
        f"a line deleted in Xero was sent again: {_line_shown(line['got'])}"
        for line_item_id, line in agreed.items()
        if line_item_id not in there and line["id"] in ours
    )
    return warnings


def _line_shown(line: JSON) -> str:
    return f"{line.get('Description', 'no text')!r}, {line.get('Quantity', '0')} at {line.get('UnitAmount', '0')}"


# ------------------------------------------------------------------------------------------------- what may be changed


def _check_header(changes: Mapping[str, Any], standing: Standing) -> None:
    if not standing.settled_in_part:
        return
    fixed = [name for name in changes if name not in HEADER_WHEN_SETTLED]
    if "Contact" in changes and standing.amount_credited:
        fixed.append("Contact")
    if fixed:
        raise NotEditable(_settled(", ".join(fixed)))


def _check_lines(lines: Sequence[JSON], remote: Sequence[JSON], standing: Standing) -> None:
    if not standing.settled_in_part:
        return
    there = {line.get("LineItemID"): line_of(line) for line in remote}
    if {line.get("LineItemID") for line in lines} != set(there):
        raise NotEditable(_settled("which lines there are"))
    fixed = sorted(
        {
            name
            for line in lines
            for name in LINE
            if name not in LINE_WHEN_SETTLED and line_of(line).get(name) != there[line["LineItemID"]].get(name)
        }
    )
    if fixed:
        raise NotEditable(_settled(f"a line's {', '.join(fixed)}"))


def _settled(what: str) -> str:
    return f"Xero does not let {what} change once payments or credits are on the invoice: remove them in Xero, or undo the change here"


# ----------------------------------------------------------------------------------------------------- what was agreed


def agree(before: JSON, sent: JSON, element: JSON, line_ids: Sequence[str]) -> JSON:
    """What both sides agreed on: our fields as we sent them and as Xero has them, and which of its lines is which of ours.

    What was not sent this time stays as it was sent before.
    """
    agreed: JSON = {
        "status": element.get("Status", ""),
        "sent": {**before.get("sent", {}), **header_of(sent)},
        "got": header_of(element),
        "lines": before.get("lines", []),
    }
    for name in HEADER:
        if sent.get(name) == "":
            agreed["sent"].pop(name, None)
    if "LineItems" in sent:
        agreed["lines"] = [
            {"id": id, "LineItemID": got.get("LineItemID", ""), "sent": line_of(line), "got": line_of(got)}
            for id, line, got in zip(line_ids, sent["LineItems"], element.get("LineItems", []), strict=False)
        ]
    return agreed
