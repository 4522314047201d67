"""Finding the contact at Xero that a customer or supplier is: by accounts code, then by name, never one that is linked to another (FEATURES, choice 10)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from host.sync.provider import Adopt, Refuse, Send, Verb
from plugins.xero import looking
from plugins.xero.archiving import Archiving
from plugins.xero.links import contact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from host.sync.provider import JSON, Request, Step, Wish

PATH: Final = "/api.xro/2.0/Contacts"
THEIR_CODE: Final = "their_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactData:
    """A contact ready to go: every field of ours that has a value, as Xero takes it."""

    element: JSON
    mark: str
    short_code: str
    archiving: Archiving = Archiving.NOTHING
    made_up: bool = False
    """The accounts code was generated: whoever bears it at Xero is somebody else."""


# ------------------------------------------------------------------------------------------------------------ looking


@dataclass(frozen=True, slots=True)
class MatchIndex:
    """Active contacts by what they are matched by. Xero compares without regard to case and accents (API facts 3.7), so we do."""

    by_code: dict[str, list[JSON]]
    by_name: dict[str, list[JSON]]

    @classmethod
    def of(cls, listed: Sequence[JSON]) -> MatchIndex:
        index = cls({}, {})
        for element in listed:
            if element.get("ContactStatus", "ACTIVE") != "ACTIVE":
                continue
            index.by_name.setdefault(_folded(element.get("Name", "")), []).append(element)
            if element.get("AccountNumber"):
                index.by_code.setdefault(_folded(element["AccountNumber"]), []).append(element)
        return index

    def candidates(self, element: JSON) -> JSON | None:
        code = element.get("AccountNumber", "")
        by_code = self.by_code.get(_folded(code), []) if code else []
        by_name = self.by_name.get(_folded(element["Name"]), [])
        return {"by_code": by_code, "by_name": by_name} if by_code or by_name else None


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(one for one in decomposed if not unicodedata.combining(one)).casefold().strip()


def look_for_matches(elements: Sequence[JSON]) -> Request:
    conditions = [
        (field, element[field])
        for element in elements
        for field in ("AccountNumber", "Name")
        if element.get(field)
    ]  # fmt: skip
    where = looking.any_of(conditions)
    return _listing(("where", where)) if where else _listing()


def look_for_marks(marks: Sequence[str]) -> Request:
    where = looking.any_of(("ContactNumber", mark) for mark in marks)
    # A mark is unique over archived contacts, too.
    return _listing(*([("where", where)] if where else []), ("includeArchived", "true"))


def _listing(*more: tuple[str, str]) -> Request:
    # The summary leaves out addresses and balances: a thousand contacts are a third of the size, and egress is paid for (API facts 2.3).
    return looking.get(PATH, *more, ("summaryOnly", "true"), ("page", "1"), ("pageSize", str(looking.PAGE)))


# ----------------------------------------------------------------------------------------------------------- adopting


def plan_new(data: ContactData, remote: JSON | None, owner: Callable[[str], str | None]) -> Step:
    """Adopt the contact that bears our accounts code or else our name; where there is none, make one."""
    by_code: Sequence[JSON] = (remote or {}).get("by_code", ())
    by_name: Sequence[JSON] = (remote or {}).get("by_name", ())
    code = data.element.get("AccountNumber", "")
    if by_code and data.made_up:
        strangers, by_code = by_code, [one for one in by_code if _is_of_our_name(one, data)]
        if not by_code:
            return Refuse(
                reason=f"Xero's contact {strangers[0].get('Name', '')} has the accounts code {code}, which was generated here: "
                "have another generated, or give it the one that is meant",
                conflict=True,
            )
    if by_code:
        return _adopt(data, by_code, owner, f"accounts code {code}")
    if by_name:
        return _adopt(data, by_name, owner, f"name {data.element['Name']}")
    return Send(lane="create", verb=Verb.CREATE, body={"ContactNumber": data.mark, **data.element})


def _adopt(data: ContactData, candidates: Sequence[JSON], owner: Callable[[str], str | None], by: str) -> Step:
    free = _free(candidates, data, owner)
    if not free:
        holder = owner(candidates[0]["ContactID"])
        return Refuse(
            reason=f"Xero's contact with {by} is linked to {holder} already: give one of the two another", conflict=True
        )
    if len(free) > 1:
        return Refuse(
            reason=f"Xero has {len(candidates)} contacts with {by}: make it one, or give this record another",
            conflict=True,
        )
    (found,) = free
    known = {name: found[name] for name in data.element if comparable(found.get(name))}
    differs = known.get("AccountNumber") not in {None, data.element.get("AccountNumber")}
    theirs = {THEIR_CODE: known.pop("AccountNumber")} if data.made_up and differs else {}
    return Adopt(
        remote_id=found["ContactID"],
        remote_number=found.get("AccountNumber", ""),
        remote_url=contact_url(data.short_code, found["ContactID"]),
        answered={"fields": known, **theirs},
    )


def _free(candidates: Sequence[JSON], data: ContactData, owner: Callable[[str], str | None]) -> list[JSON]:
    """At most two that nobody is linked with, of our name where there are such. Of ten thousand not all are asked for: each takes a statement."""
    for of_our_name in (True, False):
        of_these = (one for one in candidates if _is_of_our_name(one, data) is of_our_name)
        if found := list(islice((one for one in of_these if not owner(one["ContactID"])), 2)):
            return found
    return []


def _is_of_our_name(found: JSON, data: ContactData) -> bool:
    return _folded(found.get("Name", "")) == _folded(data.element["Name"])


def their_code(wish: Wish) -> str:
    """The accounts code that the contact had at Xero when it was linked; one that was only generated here does not take its place."""
    return str(wish.agreed.answered.get(THEIR_CODE, "")) if wish.remote_id else ""


def comparable(value: Any) -> bool:
    return isinstance(value, str) and value != ""
