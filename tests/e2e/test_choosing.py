"""What is sent, and to which organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.official import Official
from tests.e2e.shop import customer, invoice, product

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeHost, MakeSandbox
    from tests.e2e.processes import Host, Sandbox, Server

pytestmark = pytest.mark.database("postgresql")  # it has no part in this; the tests within one process run on both

ORGANISATIONS = {"alpha": "sandbox-custom", "beta": "sandbox-custom-2", "gamma": "sandbox-custom-3"}
TOKENS_DIE_SECONDS = 1860


@pytest.mark.row("H-84")
def test_kinds_are_chosen_and_may_be_added_later(host: Host) -> None:
    sandbox = host.sandbox
    host.set("plugins.xero", entities_to_sync=["customers"])
    host.advance(TOKENS_DIE_SECONDS)  # so that the next token has the scopes for customers only
    server = host.serve()
    server.put("/customers/c", customer("c"))
    server.wait_for_state("/customers/c", "synced")
    server.put("/products/old", product("old"))
    server.put("/products/idle", product("idle"))
    state = server.put("/products/old", product("old", name="Edited"))["sync"][0]
    assert (state["state"], state["reason"]) == (
        "excluded",
        "entities_to_sync in [plugins.xero] does not name products",
    )
    host.run("sync", "--wait")
    assert sandbox.writes("Items") == []

    server.close()
    host.set("plugins.xero", entities_to_sync=["customers", "products"])
    server = host.serve()
    server.put("/products/new", product("new"))
    server.wait_for_state("/products/new", "synced")
    server.put("/products/old", product("old", name="Edited again"))
    server.wait_for_state("/products/old", "synced")
    assert server.state("/products/idle") == "excluded", "what nobody touched stays as it was"
    assert codes(Official(sandbox.url)) == {"NEW", "OLD"}

    host.run("sync", "--wait")
    assert server.state("/products/idle") == "synced"
    assert codes(Official(sandbox.url)) == {"NEW", "OLD", "IDLE"}


@pytest.mark.row("H-94")
def test_without_a_connection_nothing_is_sent_and_the_reason_is_shown(host: Host) -> None:
    host.set("plugins.xero", default_connection="none")
    server, before = host.serve(), host.sandbox.last_call
    server.put("/customers/c", customer("c"))
    server.put("/invoices/i", invoice("i", "c"))
    host.run("sync", "--wait", code=1)
    for path in ("/customers/c", "/invoices/i"):
        [state] = server.get(path)["sync"]
        assert (state["connection"], state["state"]) == ("", "not_sent")
        assert "the record names none, and default_connection is none" in state["reason"]
    assert host.sandbox.calls(after=before) == []


@pytest.fixture
def three(make_sandbox: MakeSandbox, make_host: MakeHost) -> Host:
    """An installation that is connected to three organisations, the first of which is the default."""
    orgs = [part for name in ORGANISATIONS for part in ("--org", f"{name.title()} Ltd:GB:GBP")]
    host = make_host(make_sandbox("--no-limits", *orgs), connect=False)
    host.set("plugins.xero", default_connection="alpha")
    commands = []
    for key, client in ORGANISATIONS.items():
        host.set(f"plugins.xero.connections.{key}", client_id=client, client_secret="sandbox-secret")
        commands += [["xero", "connect", key, "--auth", "custom"], ["import", "all", "--connection", key]]
    host.admin = host.run_all(*commands, ["token", "create", "--role", "admin"]).split()[-1]
    return host


@pytest.mark.row("A-2")
@pytest.mark.row("A-25")
@pytest.mark.row("H-5")
@pytest.mark.row("H-93")
def test_each_organisation_gets_its_own_records_though_another_is_broken(three: Host) -> None:
    server, sandbox = three.serve(), three.sandbox
    listed = server.get("/connections")["items"]
    assert [(one["key"], one["organisation_name"], one["status"]) for one in listed] == [
        (key, f"{key.title()} Ltd", "connected") for key in ORGANISATIONS
    ]

    for key in ORGANISATIONS:
        save_one_of_each(server, key, connection=key)
    save_one_of_each(server, "nowhere", connection="")
    expected = {key: {key} for key in ORGANISATIONS} | {"alpha": {"alpha", "nowhere"}}
    for key, whose in expected.items():
        assert what_is_at(sandbox, key) == whose
    for kind in ("customers", "suppliers", "products"):
        assert server.get(f"/{kind}/nowhere")["sync"][0]["connection"] == "alpha"

    # The first one's credentials no longer work, and its token dies.
    server.close()
    three.set("plugins.xero.connections.alpha", client_secret="not-the-secret")
    three.advance(TOKENS_DIE_SECONDS)
    server = three.serve()
    server.put("/customers/lost", customer("lost", connection="alpha"))
    for key in ("beta", "gamma"):
        save_one_of_each(server, f"{key}-2", connection=key)
        assert what_is_at(sandbox, key) == {key, f"{key}-2"}
    [state] = server.wait_for_state("/customers/lost", "waiting")["sync"]
    assert state["reason"].startswith("alpha needs attention: ")
    assert "Xero does not know the client_id, or the client_secret is wrong" in state["reason"]
    statuses = {one["key"]: one["status"] for one in server.get("/connections")["items"]}
    assert statuses == {"alpha": "needs_attention", "beta": "connected", "gamma": "connected"}

    # Mended and connected again, it goes on.
    three.set("plugins.xero.connections.alpha", client_secret="sandbox-secret")
    server.close()
    three.run("xero", "connect", "alpha")
    server = three.serve()
    server.wait_for_state("/customers/lost", "synced")
    assert what_is_at(sandbox, "alpha") == {"alpha", "nowhere", "lost"}


def save_one_of_each(server: Server, name: str, **more: Any) -> None:
    """A customer with an invoice, a supplier and a product, all of this name."""
    server.put(f"/customers/{name}", customer(name, **more))
    server.put(f"/suppliers/{name}", {**customer(name, **more), "name": f"Supplier {name}"})
    server.put(f"/products/{name}", product(name, **more))
    server.put(f"/invoices/{name}", invoice(name, name))
    for kind in ("customers", "suppliers", "products", "invoices"):
        server.wait_for_state(f"/{kind}/{name}", "synced")


def what_is_at(sandbox: Sandbox, key: str) -> set[str]:
    """The names that the records there bear."""
    official = Official(sandbox.url, ORGANISATIONS[key])
    contacts = {one.name.split()[-1] for one in official.contacts()}
    return (
        contacts
        | {one.code.lower() for one in official.items()}
        | {one.invoice_number.lower() for one in official.invoices()}
    )


def codes(official: Official) -> set[str]:
    return {one.code for one in official.items()}
