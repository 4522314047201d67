"""Starting it, keeping its state, and the control interface."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from plugins.xero.sandbox.world import Options, OrganisationOption, World
from tests.contract.running import InThread, Sandbox, line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "plugins.xero.sandbox"]


@pytest.fixture
def started() -> Iterator[Any]:
    """`started(*arguments)`: the command, running, and the address that it tells."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], str, str]:
        process = subprocess.Popen([*COMMAND, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        told = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert found, told
        return process, found[0], told

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=10)


def test_one_line_tells_the_address_and_the_credentials(started: Any) -> None:
    process, url, told = started("--org", "One (UK):GB:GBP", "--org", "Two:nz:nzd", "--no-limits")
    assert "sandbox-custom / sandbox-secret" in told
    assert "sandbox-app / sandbox-secret" in told
    shown = httpx.get(f"{url}/_sandbox/organisations").json()
    assert [(one["name"], one["country"], one["currency"], one["client_id"]) for one in shown] == [
        ("One (UK)", "GB", "GBP", "sandbox-custom"),
        ("Two", "NZ", "NZD", "sandbox-custom-2"),
    ]
    assert httpx.get(f"{url}/_sandbox/limits").json()["minute"] == 0
    process.terminate()
    rest, _ = process.communicate(timeout=10)
    assert rest == ""


def test_the_state_file_outlives_the_process(started: Any, tmp_path: Path) -> None:
    state = str(tmp_path / "sandbox.db")
    process, url, _ = started("--state", state)
    sandbox = Sandbox(url)
    invoice, tenant = sandbox.invoice(), sandbox.organisation()["tenant_id"]
    sandbox.client.close()
    process.kill()
    process.wait(10)
    _, url, _ = started("--state", state)
    again = Sandbox(url, bearer=sandbox.bearer)
    assert again.organisation()["tenant_id"] == tenant
    assert again.read("Invoices", invoice["InvoiceID"])["Total"] == 24.0  # with the token of before
    assert again.invoice()["InvoiceNumber"] == "INV-0002"
    again.client.close()


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = subprocess.run([*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=30, check=False)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--org", "Demo"], "NAME:COUNTRY:CURRENCY"),
        (["--org", "Demo:England:GBP"], "two-letter code"),
        (["--org", "Demo:GB:pounds"], "three-letter code"),
        (["--latency", "-1"], "0 or more"),
        (["--latency", "long"], "0 or more"),
        (["--org", "Fiji:FJ"], "the currency of FJ is not known here"),
        (["--app", "sandbox-app"], "must be NAME=VALUE"),
        (["--app", "name=Shop"], "names no client_id"),
        (["--app", "client_id=a,redirect=http://127.0.0.1:8000/x"], "127.0.0.1 is refused"),
        (["--app", "client_id=a,colour=red"], "unknown field colour"),
        (["--app", "client_id=sandbox-custom,name=Mine"], "belong to the organisations' custom connections"),
        (["--app", "client_id=a,bulk=perhaps"], "bulk must be yes or no"),
    ],
)
def test_options_that_are_wrong_are_told(arguments: list[str], said: str) -> None:
    told = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert (told.returncode, said in told.stderr) == (2, True), told.stderr


def test_apps_are_told_on_the_command_line(started: Any, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "sandbox.db"))
    shop = "client_id=shop,name=Shop,secret=s3cret,redirect=https://a.example/x,redirect=http://localhost:1/y,bulk=yes"
    process, url, _ = started("--app", shop, "--app", "client_id=sandbox-pkce,redirect=http://localhost:9/z", *state)

    def apps(url: str) -> dict[str, dict[str, Any]]:
        return {app["client_id"]: app for app in httpx.get(f"{url}/_sandbox/apps").json()}

    known = apps(url)
    assert known["shop"] | {"scopes": []} == {
        "client_id": "shop",
        "name": "Shop",
        "kind": "web",
        "secret": "s3cret",
        "redirects": ["https://a.example/x", "http://localhost:1/y"],
        "scopes": [],
        "bulk": True,
        "certified": False,
    }
    assert (known["sandbox-pkce"]["kind"], known["sandbox-pkce"]["redirects"]) == ("pkce", ["http://localhost:9/z"])
    assert known["sandbox-app"]["redirects"] == ["http://localhost:8000/connections/callback"]
    # A later start with the same state keeps what was told, but for what it tells anew.
    process.terminate()
    process.wait(10)
    _, url, _ = started("--app", "client_id=shop,redirect=https://b.example/x", *state)
    again = apps(url)
    assert (again["shop"]["redirects"], again["shop"]["secret"]) == (["https://b.example/x"], "s3cret")
    assert again["sandbox-pkce"]["redirects"] == ["http://localhost:9/z"]


def test_a_state_file_from_before_apps_had_addresses_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE app (client_id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL, org INTEGER,"
        " scopes TEXT NOT NULL);"
        "INSERT INTO app VALUES ('sandbox-custom', 'sandbox-secret', 'Custom Connection 1', 1, 'accounting.contacts');"
    )
    old.close()
    world = World(Options(state=path))
    kinds = {app.client_id: (app.kind, app.redirects) for app in world.apps.all()}
    world.close()
    assert kinds["sandbox-custom"] == ("custom", ())
    assert kinds["sandbox-app"] == ("web", ("http://localhost:8000/connections/callback",))


def test_a_state_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("this is not a database, and long enough to be read as one" * 100)
    told = subprocess.run(
        [*COMMAND, "--port", "0", "--state", str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
    assert str(path) in told.stderr


def test_latency_is_waited_for_by_api_calls_only() -> None:
    served = InThread(Options((OrganisationOption(),), latency=3))
    sandbox = Sandbox(served.url)
    try:
        assert sandbox.ask_token().elapsed.total_seconds() < 3
        assert sandbox.call("GET", "Organisation").elapsed.total_seconds() >= 3
    finally:
        sandbox.client.close()
        served.stop()


# --------------------------------------------------------------------------------------------------------- control


def test_the_log_of_calls(sandbox: Sandbox) -> None:
    body = {"Contacts": [{"Name": "Harbour"}]}
    answer = sandbox.call("PUT", "Contacts", body, query={"summarizeErrors": "false"}, headers={"Idempotency-Key": "k"})
    (call,) = sandbox.logged("Contacts")
    assert set(call) == {"id", "time", "method", "path", "query", "status", "tenant", "key", "bytes_in", "bytes_out"}
    assert (call["method"], call["path"], call["query"]) == ("PUT", "/api.xro/2.0/Contacts", "summarizeErrors=false")
    assert (call["status"], call["key"], call["tenant"]) == (200, "k", sandbox.organisation()["tenant_id"])
    assert (call["bytes_in"], call["bytes_out"]) == (len(answer.request.content), len(answer.content))
    shown = sandbox.control("GET", f"calls/{call['id']}")
    assert shown["request_body"].encode() == answer.request.content
    assert shown["response_body"].encode() == answer.content
    assert sandbox.control("GET", f"calls?after={call['id']}") == []


def test_reset_keeps_what_others_hold_on_to(sandbox: Sandbox) -> None:
    before = sandbox.organisation(period_lock_date="2026-01-31", currencies=["ZAR"])
    sandbox.control("POST", "organisations", {"name": "Added", "country": "NZ", "currency": "NZD"})
    sandbox.invoice(Date="2026-02-01")
    sandbox.fault(path="Contacts", kind="status", status=500)
    sandbox.switch(batch_atomic=False)
    sandbox.limit(minute=5)
    sandbox.advance(100)
    sandbox.control("POST", "reset")
    (after,) = sandbox.control("GET", "organisations")
    assert after["tenant_id"] == before["tenant_id"]
    assert (after["period_lock_date"], after["currencies"]) == (None, ["GBP", "USD", "EUR"])
    assert sandbox.control("GET", "calls") == []
    assert sandbox.control("GET", "faults") == []
    assert sandbox.control("GET", "clock")["advanced_seconds"] == 0
    assert sandbox.control("GET", "limits")["minute"] == 0
    assert sandbox.control("GET", "switches")["batch_atomic"]["value"] is True
    assert sandbox.listed("Contacts") == []  # with the token of before
    assert sandbox.invoice()["InvoiceNumber"] == "INV-0001"
    added = sandbox.control("POST", "organisations", {"name": "Added", "country": "NZ", "currency": "NZD"})
    assert added["client_id"] == "sandbox-custom-2"


def test_a_second_app_works_as_a_xero_user_would(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    tenant = sandbox.organisation()["tenant_id"]
    answer = sandbox.control("POST", "tokens", {"tenant_ids": [tenant], "scopes": ["accounting.invoices"]})
    assert set(answer) == {"access_token", "expires_in", "token_type", "scope"}
    headers = {"xero-tenant-id": tenant}
    change = {"LineItems": [line("by hand")]}
    edited = sandbox.call(
        "POST", f"Invoices/{invoice['InvoiceID']}", change, token=answer["access_token"], headers=headers
    )
    assert edited.json()["ProviderName"] == "Second App"
    assert sandbox.read("Invoices", invoice["InvoiceID"])["LineItems"][0]["Description"] == "by hand"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("PUT", "switches", {"unknown": 1}, 400, "unknown switch 'unknown'"),
        ("PUT", "switches", {"batch_atomic": "yes"}, 400, "switch batch_atomic must be true or false"),
        ("PUT", "switches", {"rounding_mode": "up"}, 400, "switch rounding_mode must be one of half_up, half_even"),
        ("POST", "clock", {"advance_seconds": -1}, 400, "advance_seconds must be a number of seconds"),
        ("POST", "organisations", {"name": "X", "country": "England"}, 400, "two-letter code"),
        ("POST", "organisations", {"colour": "red"}, 400, "unknown field colour"),
        ("POST", "tokens", {"scopes": ["everything"]}, 400, "unknown scopes everything"),
        ("POST", "tokens", {"tenant_ids": ["nobody"]}, 404, "no organisation nobody"),
        ("POST", "tokens", {"client_id": "sandbox-custom"}, 400, "client_id must be an app that is no custom"),
        ("POST", "tokens", {"client_id": "nobody"}, 404, "no app nobody"),
        ("GET", "calls/999999", None, 404, "no call 999999"),
        ("PUT", "organisations/nobody", {}, 404, "no organisation nobody"),
        ("POST", "contacts/archive", {"contact_id": "nobody"}, 404, "no contact nobody"),
    ],
)
def test_control_refuses_in_one_sentence(
    sandbox: Sandbox, method: str, path: str, body: Any, status: int, said: str
) -> None:
    refused = sandbox.client.request(method, f"/_sandbox/{path}", json=body)
    assert refused.status_code == status
    assert said in refused.json()["error"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"period_lock_date": "soon"}, "period_lock_date must be a date such as 2026-03-31, or null"),
        ({"actions": {"Fly": True}}, "unknown actions Fly"),
        ({"colour": 1}, "unknown field colour"),
    ],
)
def test_a_change_of_an_organisation_is_refused_whole(sandbox: Sandbox, change: dict[str, Any], said: str) -> None:
    tenant = sandbox.organisation()["tenant_id"]
    refused = sandbox.client.put(f"/_sandbox/organisations/{tenant}", json={"name": "Changed"} | change)
    assert (refused.status_code, said in refused.json()["error"]) == (400, True)
    assert sandbox.organisation()["name"] == "Demo Company (UK)"


def test_contacts_can_be_archived_and_restored_as_a_user_would(sandbox: Sandbox) -> None:
    contact = sandbox.contact()
    sandbox.control("POST", "contacts/archive", {"contact_id": contact["ContactID"]})
    assert sandbox.read("Contacts", contact["ContactID"])["ContactStatus"] == "ARCHIVED"
    sandbox.control("POST", "contacts/archive", {"contact_id": contact["ContactID"], "restore": True})
    assert sandbox.read("Contacts", contact["ContactID"])["ContactStatus"] == "ACTIVE"
    sandbox.control("POST", "contacts/archive", {"contact_id": contact["ContactID"]})
    sandbox.contact(contact["Name"].upper())
    again = {"contact_id": contact["ContactID"], "restore": True}
    refused = sandbox.client.post("/_sandbox/contacts/archive", json=again)
    assert (refused.status_code, "another active contact" in refused.json()["error"]) == (400, True)
