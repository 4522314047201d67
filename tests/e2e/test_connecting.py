"""Connecting by consent from the command line, alone and beside a server; and tokens that many want at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from host.cli.base.children import free_port
from tests.e2e.processes import Program, wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeHost, MakeSandbox
    from tests.e2e.processes import Host, Sandbox

ADA, BEN = "ada@example.com", "ben@example.com"


def by_consent(make_sandbox: MakeSandbox, make_host: MakeHost) -> Host:
    """An installation that is not connected yet, at an address that the sandbox's app knows."""
    address = f"http://localhost:{free_port()}"
    app = f"client_id=sandbox-app,redirect={address}/connections/callback,bulk=yes"
    sandbox = make_sandbox("--no-limits", "--org", "One Ltd:GB:GBP", "--org", "Two Ltd:GB:GBP", "--app", app)
    host = make_host(sandbox, connect=False)
    host.set(public_url=address)
    return host


def asked(connecting: Program) -> str:
    """The address that the command prints."""
    found = wait_until(
        lambda: re.search(r"^http\S+/identity/connect/authorize\S+$", connecting.output(), re.MULTILINE),
        what="the address",
    )
    return str(found[0])


def agree(sandbox: Sandbox, address: str, *names: str, user: str = ADA) -> None:
    there = {one["name"]: one["tenant_id"] for one in sandbox.control("GET", "organisations")}
    wish = {"url": address, "user": user, "tenant_ids": [there[name] for name in names]}
    assert httpx.get(sandbox.control("POST", "consent", **wish)["location"]).status_code == 200


@pytest.mark.parametrize(
    ("database_url", "beside_a_server"), [("sqlite", False), ("postgresql", True)], indirect=["database_url"]
)
def test_on_the_command_line(make_sandbox: MakeSandbox, make_host: MakeHost, *, beside_a_server: bool) -> None:
    host = by_consent(make_sandbox, make_host)
    if beside_a_server:
        port = host.config.read_text().partition("localhost:")[2].partition('"')[0]
        serving = host.start("serve", "--port", port, "--host", "localhost")
        wait_until(lambda: "is ready at" in serving.output(), what="the server")
    connecting = host.start("xero", "connect", "acme", "--auth", "app", "--organisation", "Two Ltd")
    agree(host.sandbox, asked(connecting), "One Ltd", "Two Ltd")
    assert connecting.process.wait(timeout=60) == 0, connecting.output()
    assert connecting.output().splitlines()[-1] == (
        "acme is connected to Two Ltd; next: counterfoil import all --connection acme"
    )
    assert host.json("status")["connections"][0]["status"] == "connected"
    assert host.run("xero", "disconnect", "acme").stdout == "acme is disconnected\n"
    assert host.json("status")["connections"][0]["status"] == "disconnected"
    assert host.run("xero", "disconnect", "acme", "--delete").stdout == "acme is deleted\n"
    assert host.json("status")["connections"] == []
