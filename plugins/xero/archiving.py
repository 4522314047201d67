"""Contacts of customers and suppliers that were made inactive (API facts 4.2).

An archived contact takes no edit over the API. Restoring it there is asked for all the same, and where Xero refuses, a person restores it in Xero. A contact
that is a customer's and a supplier's is archived only when both are inactive (FEATURES, choice 10).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from host.sync.provider import Blocked, Done, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from host.sync.provider import JSON, Answer, Desk, Link, Wish

ARCHIVED: Final = "ARCHIVED"
ACTIVE: Final = "ACTIVE"
STATUS: Final = "ContactStatus"
DOCUMENTS: Final = {"customers": "invoices"}
GOING: Final = frozenset({"waiting", "sending", "blocked", "deleting", "unknown"})
OTHER_KIND: Final = {"customers": "suppliers", "suppliers": "customers"}
FROZEN: Final = re.compile(r"\bmatched an archived contact\b", re.IGNORECASE)
KEPT_HERE: Final = "its contact is archived at Xero: what changed since goes there when it is active again"
RESTORE: Final = (
    "restore it in Xero (the contact's page, among the archived ones), then try again: Xero lets nobody restore it from outside; "
    "one that was merged into another, or is to be forgotten, stays away: link this record with the other one, or make it inactive"
)


class Archiving(Enum):
    """What its being active or not means for a record's contact."""

    NOTHING = "nothing"
    ARCHIVE = "archive"
    RESTORE = "restore"
    FROZEN = "frozen"
    """It was archived from here, and stays so."""


def archivings(desk: Desk, kind: str, wishes: Sequence[Wish], *, wanted: bool) -> Mapping[int, Archiving]:
    """For each linked one of these, by row. ``wanted``: the settings ask for it; what was archived before is restored all the same."""
    linked = {wish.remote_id: wish for wish in wishes if wish.remote_id and wish.record is not None}
    others = desk.linked(OTHER_KIND[kind], linked) if linked else {}
    ids = [one.record_id for one in others.values()]
    records = desk.store.read(desk.session, OTHER_KIND[kind], ids) if ids else {}
    active = {remote_id: records[one.record_id].active for remote_id, one in others.items() if one.record_id in records}
    return {
        wish.row_id: archiving(
            active=wish.record is not None and wish.record.active,
            active_elsewhere=active.get(remote_id, False),
            status=_status(wish.agreed.answered),
            status_elsewhere=_status(others[remote_id].answered) if remote_id in others else "",
            wanted=wanted,
        )
        for remote_id, wish in linked.items()
    }


def archiving(*, active: bool, active_elsewhere: bool, status: str, status_elsewhere: str, wanted: bool) -> Archiving:
    """``status`` is what we last made of the contact for this record, ``status_elsewhere`` for the one of the other kind that shares it."""
    if active:
        return Archiving.RESTORE if ARCHIVED in (status, status_elsewhere) else Archiving.NOTHING
    if status == ARCHIVED:
        return Archiving.FROZEN
    return Archiving.ARCHIVE if wanted and not active_elsewhere else Archiving.NOTHING


def unfinished(desk: Desk, kind: str, party_ids: Iterable[str]) -> Mapping[str, Link]:
    """For each of these customers a document that is still to go to Xero, which takes none for an archived contact."""
    documents = DOCUMENTS.get(kind)
    ids = list(party_ids)
    if not documents or not ids:
        return {}
    found = desk.store.find(desk.session, documents, desk.connection.key, "contact", ids)
    links = desk.links(documents, [id for of_it in found.values() for id in of_it])
    going = {id: link for id, link in links.items() if link.state in GOING and link.connection == desk.connection.key}
    first = {party: next((going[id] for id in of_it if id in going), None) for party, of_it in found.items()}
    return {party: link for party, link in first.items() if link}


def not_before(link: Link) -> Blocked:
    noun = link.kind.removesuffix("s")
    return Blocked(
        reason=f"its contact is archived once its {noun} {link.ref} is in Xero, which takes none for an archived contact",
        waits_for=(link.kind, link.record_id),
    )


def _status(answered: JSON) -> str:
    return str(answered.get("status", ""))


def status_sent(body: JSON) -> JSON:
    """The part of what is agreed that says what became of the contact; empty where the update was not about that."""
    return {"status": body[STATUS]} if STATUS in body else {}


def of_archived(answer: Answer, wish: Wish, body: JSON, *, url: str) -> Answer:
    """A refusal because the contact is archived: that is what was wanted, or a person has to restore it."""
    if not isinstance(answer, Rejected) or not FROZEN.search(answer.reason):
        return answer
    if body.get(STATUS) != ARCHIVED:
        return Rejected(reason=f"{answer.reason} ({RESTORE})")
    return Done(
        remote_id=wish.remote_id,
        remote_number=wish.agreed.answered.get("fields", {}).get("AccountNumber", ""),
        remote_url=url,
        answered={**wish.agreed.answered, "status": ARCHIVED},
    )
