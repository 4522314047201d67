"""The outbox over HTTP: what waits or is stuck is listed, and a person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from host.roles import Role

if TYPE_CHECKING:
    from tests.integration.web.conftest import Office

STATES = "waiting, deleting, sending, failed, conflict, blocked, unknown, parked"


def drain(office: Office) -> None:
    assert office.host.engine is not None
    assert office.host.engine.drain("acme").spoke


def rows(office: Office, query: str = "") -> list[tuple[str, str]]:
    return [(item["ref"], item["state"]) for item in office.get(f"/outbox{query}")["items"]]


@pytest.fixture
def stuck(linked_office: Office) -> Office:
    """A customer that the remote refuses, and one that waits."""
    linked_office.put("/customers/bad", {"name": "reject"})
    drain(linked_office)
    linked_office.put("/customers/new", {"name": "Ada"})
    return linked_office


def steer(office: Office, what: str, body: Any) -> Any:
    answer = office.ask("POST", f"/outbox/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_waits_or_is_stuck_is_listed(stuck: Office) -> None:
    assert rows(stuck) == [("bad", "failed"), ("new", "waiting")]
    assert rows(stuck, "?state=failed&kind=customers&connection=acme") == [("bad", "failed")]
    assert rows(stuck, "?kind=invoices") == []
    page = stuck.get("/outbox?page=2&page_size=1")
    [item] = page["items"]
    assert (page["page"], page["page_size"], page["total"], item["ref"]) == (2, 1, 2, "new")
    drain(stuck)
    assert rows(stuck) == [("bad", "failed")]
    [failed] = stuck.get("/outbox")["items"]
    assert "this text is not allowed" in failed["error"]
    assert (failed["wanted"], failed["connection"], failed["attempts"]) == ("send", "acme", 1)


def test_what_failed_is_tried_again(stuck: Office) -> None:
    stuck.put("/customers/bad", {"name": "accept"})
    drain(stuck)
    assert rows(stuck) == []
    stuck.put("/customers/bad", {"name": "reject"})
    drain(stuck)
    assert steer(stuck, "retry", {"kind": "customers", "refs": ["bad", "new"]}) == {
        "count": 1,
        "left": [{"kind": "customers", "ref": "new", "state": "synced", "why": "it is in step already"}],
    }
    assert rows(stuck) == [("bad", "waiting")]


def test_what_is_parked_stays_until_it_is_unparked(stuck: Office) -> None:
    assert steer(stuck, "park", {"refs": ["new"], "reason": " a duplicate "})["count"] == 1
    drain(stuck)
    [state] = stuck.get("/customers/new")["sync"]
    assert (state["state"], state["reason"]) == ("parked", "a duplicate")
    assert steer(stuck, "unpark", {"all": True}) == {"count": 1, "left": []}
    drain(stuck)
    assert rows(stuck) == [("bad", "failed")]
    assert steer(stuck, "park", {"connection": "acme"})["count"] == 1
    [parked] = stuck.get("/outbox")["items"]
    assert parked["reason"] == "put aside through the API"


NOTHING_NAMED = 'nothing is named: name a connection, a kind or refs, or say {"all": true}'
KINDS = "accounts, books, customers, invoices, product-groups, products, suppliers, tax-rates, tracking-categories"
MISTAKES: list[tuple[Any, int, str]] = [
    ({}, 400, NOTHING_NAMED),
    ({"all": False}, 400, NOTHING_NAMED),
    ({"kind": None}, 400, NOTHING_NAMED),
    ({"all": True, "kind": "customers"}, 400, "all goes without kind"),
    ({"all": 1}, 422, "all: must be true or false"),
    ({"kind": "shoes"}, 404, f"there is no kind 'shoes': the kinds are {KINDS}"),
    ({"refs": ["nobody"]}, 422, "refs.0: there is nothing with the ref 'nobody' among the records"),
    ({"refs": "bad"}, 422, "refs: must be a list"),
    ({"refs": ["bad", None, 5]}, 422, "refs.1: is required (and 1 more)"),
    ({"refs": ["x"] * 10_001}, 422, "refs: has 10001 entries: accepted are up to 10000; without refs all are meant"),
    ({"connection": "other"}, 422, "connection: there is no connection 'other': there are acme"),
]
REASONS = [("x" * 501, "reason: has 501 characters: accepted are up to 500"), ("\x00", "reason: must be text")]


@pytest.mark.parametrize("what", ["retry", "park", "unpark"])
def test_a_mistake_is_told_and_moves_nothing(linked_sqlite_office: Office, what: str) -> None:
    office = linked_sqlite_office
    office.put("/customers/new", {"name": "Ada"})
    before = office.get("/outbox")
    accepted = "connection, kind, refs, all" + (", reason" if what == "park" else "")
    unknown = ({"ref": "bad"}, 422, f"ref: unknown field: accepted are {accepted}")
    reasons = [({"all": True, "reason": reason}, 422, detail) for reason, detail in REASONS if what == "park"]
    for body, status, detail in [*MISTAKES, unknown, *reasons]:
        answer = office.ask("POST", f"/outbox/{what}", json=body)
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert office.ask("POST", f"/outbox/{what}", json={"all": True}, role=Role.USER).status_code == 403
    assert office.get("/outbox") == before


def test_mistakes_of_the_list(linked_sqlite_office: Office) -> None:
    for query, detail in (
        ("state=lost", f"state: 'lost' is not a state of the outbox: there are {STATES}"),
        ("connection=other", "connection: there is no connection 'other': there are acme"),
        ("kind=shoes", f"kind: there is no kind 'shoes': the kinds are {KINDS}"),
        ("ref=bad", "ref: unknown parameter: accepted are connection, kind, state, page, page_size"),
    ):
        answer = linked_sqlite_office.ask("GET", f"/outbox?{query}")
        assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert linked_sqlite_office.ask("GET", "/outbox", role=Role.USER).status_code == 403


# ------------------------------------------------------------------------------------------------------------ settings


def test_the_settings_in_force_are_shown_without_their_secrets(sqlite_office: Office) -> None:
    shown = sqlite_office.get("/settings")
    assert shown["host"]["daily_at"] == "02:30:00"
    assert shown["host"]["secret_key"] == ["***"]
    assert shown["host"]["plugins"] == ["core_billing", "shelf"]
    assert shown["plugins"]["core_billing"]["default_accounting_status"] == "draft"
    assert shown["file"].endswith("counterfoil.toml")
    for key in sqlite_office.host.config.host.secret_keys:
        assert key.reveal() not in str(shown)
    assert sqlite_office.ask("GET", "/settings", role=Role.USER).status_code == 403
