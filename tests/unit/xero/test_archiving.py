"""What becomes of a contact when its customer or supplier is made inactive, or active again."""

from __future__ import annotations

from typing import Any

import pytest

from host.sync.provider import Done, Rejected
from plugins.xero.archiving import Archiving, archiving, of_archived
from tests.unit.xero.making import customer, wish

FROZEN = "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API."


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Archiving.ARCHIVE),
        ({"wanted": False}, Archiving.NOTHING),
        # It is somebody's supplier still.
        ({"active_elsewhere": True}, Archiving.NOTHING),
        # It was archived, and nothing goes there until it is active again, whatever the settings say now.
        ({"status": "ARCHIVED"}, Archiving.FROZEN),
        ({"status": "ARCHIVED", "wanted": False}, Archiving.FROZEN),
        ({"status": "ACTIVE"}, Archiving.ARCHIVE),
        ({"active": True}, Archiving.NOTHING),
        ({"active": True, "status": "ARCHIVED"}, Archiving.RESTORE),
        ({"active": True, "status": "ARCHIVED", "wanted": False}, Archiving.RESTORE),
        ({"active": True, "status_elsewhere": "ARCHIVED"}, Archiving.RESTORE),
        # Inactive with the other that archived it: asked for again, which Xero answers as done.
        ({"status_elsewhere": "ARCHIVED"}, Archiving.ARCHIVE),
    ],
)
def test_what_being_active_or_not_means(changes: Any, expected: Archiving) -> None:
    usual = {"active": False, "active_elsewhere": False, "status": "", "status_elsewhere": "", "wanted": True}
    assert archiving(**{**usual, **changes}) is expected


def test_a_refusal_of_what_is_archived_already_is_what_was_wanted() -> None:
    of = wish("customers", customer(), remote_id="x", answered={"fields": {"AccountNumber": "C1"}})
    told = of_archived(Rejected(reason=FROZEN), of, {"ContactID": "x", "ContactStatus": "ARCHIVED"}, url="u")
    assert told == Done(
        remote_id="x",
        remote_number="C1",
        remote_url="u",
        answered={"fields": {"AccountNumber": "C1"}, "status": "ARCHIVED"},
    )
    other = Rejected(reason="Email address must be valid.")
    assert of_archived(other, of, {"ContactID": "x", "ContactStatus": "ARCHIVED"}, url="u") is other


def test_any_other_change_of_it_says_who_can_help() -> None:
    told = of_archived(Rejected(reason=FROZEN), wish("customers", customer()), {"EmailAddress": "a@b.example"}, url="")
    assert isinstance(told, Rejected)
    assert told.reason.startswith(FROZEN)
    assert "restore it in Xero" in told.reason
