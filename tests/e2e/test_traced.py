"""What the log says of a failed sync leads, with one command, to the request, the call, the answer and the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.processes import Host, Server

pytestmark = pytest.mark.database("postgresql")  # it has no part in this; the tests within one process run on both


def log_of(server: Server) -> list[dict[str, Any]]:
    """The server's log; the one line that is none says that it is ready."""
    return [json.loads(line) for line in server.program.output().splitlines() if line.startswith("{")]


def test_a_correlation_id_in_the_log_of_a_failed_sync_leads_to_everything(host: Host) -> None:
    host.set(log_format="json")
    server = host.serve()
    host.sandbox.fault("PUT", "Contacts", "status", times=1, status=400)
    saved = server.api.put("/customers/ada", json={"name": "Ada"}, headers={"X-Correlation-Id": "shop-4711"})
    assert saved.status_code == 201
    server.wait_for_state("/customers/ada", "failed")
    server.program.stop()

    lines = log_of(server)
    [failed] = [line for line in lines if line.get("state") == "failed"]
    assert (failed["correlation_id"], failed["kind"], failed["ref"]) == ("shop-4711", "customers", "ada")
    [call] = [line for line in lines if line.get("call_id") == failed["call_id"] and line.get("status") == 400]
    [at_xero] = [one for one in host.sandbox.writes("Contacts") if one["status"] == 400]

    found = host.json("errors", "--show", failed["correlation_id"])
    assert [one["what"] for one in found["requests"]] == ["PUT /api/v1/customers/ada"]
    assert [(one["kind"], one["ref"], one["state"]) for one in found["records"]] == [("customers", "ada", "failed")]
    [shown] = found["calls"]
    assert (shown["id"], shown["status"]) == (failed["call_id"], 400)
    assert shown["request_body"] == host.sandbox.call(at_xero["id"])["request_body"]
    assert shown["response_body"] == host.sandbox.call(at_xero["id"])["response_body"]
    [outcome] = shown["records"]
    assert (outcome["ref"], outcome["outcome"], outcome["reason"]) == ("ada", "rejected", failed["reason"])
    assert shown["remote_correlation_id"] == call["remote_correlation_id"] != ""
    by_xeros_name = host.json("errors", "--show", call["remote_correlation_id"])
    assert by_xeros_name["calls"][0]["id"] == failed["call_id"]
    assert "PUT /api/v1/customers/ada by cf_" in host.run("errors", "--show", "customers/ada").stdout
