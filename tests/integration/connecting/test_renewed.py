"""An organisation that was reset, as Xero's demo company is every month: everything in it is gone, and it has another id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.connecting.conftest import Office


@pytest.mark.parametrize("kept", [False, True], ids=["let in nowhere", "let in at the new one"])
def test_an_organisation_that_was_reset_is_another_one(either_office: Office, *, kept: bool) -> None:
    office = either_office
    office.connected("acme")
    office.save_customer("ada")
    office.drain("acme")
    before = office.tenant(1)
    linked = office.state("ada")["remote_id"]
    office.sandbox.control("POST", "organisations/reset", {"tenant_id": before, "keep_connections": kept})

    office.save_customer("ada", email="ada@example.com")
    office.drain("acme")
    shown = office.show("acme")
    assert shown["status"] == "needs_attention"
    assert "the organisation was disconnected or reset there, or the app lost its rights" in shown["reason"]
    waiting = office.state("ada")
    assert (waiting["state"], waiting["remote_id"]) == ("waiting", linked)
    assert waiting["reason"].startswith("acme needs attention: ")

    # Under the same key it stays bound to what is no more; under a new one everything begins anew.
    assert office.consent("acme", 1).status_code == 200
    office.api.post("/connections/acme/organisation", {"organisation": office.tenant(1)})
    refused = office.api.ask("POST", "/connections/acme/save", json={})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "connection 'acme' is bound to One Ltd, and these credentials lead to another organisation of this name, with the id "
        f"{office.tenant(1)}: one that was reset, or made anew, is another one, with a key of its own",
    )
    assert office.connected("november")["status"] == "connected"
    office.save_customer("bea", connection="november")
    office.drain("november")
    assert office.state("bea")["state"] == "synced"
    assert office.state("ada")["remote_id"] == linked, "what was linked before is not forgotten"
