"""Whatever breaks between us and Xero: the end is the same as if nothing had broken."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.official import Official
from tests.e2e.processes import Host, Sandbox, Server, wait_until
from tests.e2e.shop import Shop, customer, invoice, line

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeHost

SIZE: Final = 120
"""Records of each kind: two full calls and one that is not."""
RESOURCES: Final = ("Contacts", "Items", "Invoices")
TIMES: Final = 2
HELD_SECONDS: Final = 62.0
"""How long a lost call may be at work: the second of patience that these installations have, a minute, and a little."""
KEYS_FORGOTTEN_SECONDS: Final = 400.0
"""Xero remembers an idempotency key for six minutes (API facts 3.6)."""

Call = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What is put into the sandbox; the status that it logs for the calls struck (``None``: no answer) and whether it did what they asked; what the host
    makes of them."""

    kind: str
    status: int | None
    written: bool
    fate: str
    more: dict[str, Any] = field(default_factory=dict)

    def put(self, sandbox: Sandbox, method: str, path: str, times: int) -> None:
        sandbox.fault(method, path, self.kind, times=times, **self.more)


FAULTS: Final = {
    "answer dropped after the write": Fault("drop_after", None, True, "unknown"),
    "connection cut before it": Fault("drop_before", None, False, "unknown"),
    "partial batch": Fault("partial", 500, True, "unknown, over", {"elements": 17}),
    "429": Fault("status", 429, False, "throttled", {"status": 429, "seconds": 1}),
    "500": Fault("status", 500, False, "unknown, over", {"status": 500}),
    "500 after the write": Fault("status", 500, True, "unknown, over", {"status": 500, "when": "after"}),
    "503": Fault("status", 503, False, "unknown", {"status": 503}),
    "503 after the write": Fault("status", 503, True, "unknown", {"status": 503, "when": "after"}),
    "truncated body": Fault("truncate", 200, True, "unknown"),
    "answer slower than our patience": Fault("delay", 200, True, "unknown", {"seconds": 1.5}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_load_ends_as_if_nothing_had_broken(server: Server, name: str) -> None:
    sandbox, fault = server.host.sandbox, FAULTS[name]
    shop = Shop(SIZE, prefix=f"f{list(FAULTS).index(name)}")
    before, logged = sandbox.last_call, newest_request(server)
    for resource in RESOURCES:
        fault.put(sandbox, "PUT", f"/{resource}$", TIMES)

    shop.load(server)
    shop.wait_until_synced(server, meanwhile=server.past_pauses)

    struck = TIMES * len(RESOURCES)
    assert sandbox.faults_left() == []
    assert len([call for call in sandbox.writes(after=before) if call["status"] == fault.status]) >= struck
    assert len([one for one in requests(server, after=logged) if one["fate"] == fault.fate]) >= struck
    shop.assert_all_is_there(Official(sandbox.url))


def test_an_update_ends_as_if_nothing_had_broken(server: Server) -> None:
    """Each fault strikes the update of an invoice of its own; what the lost call did is read before anything is sent again."""
    host, sandbox = server.host, server.host.sandbox
    faults = {f"u-i{number}": fault for number, fault in enumerate(FAULTS.values())}
    server.put("/customers/u-c", customer("u-c"))
    server.bulk("invoices", [invoice(ref, "u-c", line(), line(description="More")) for ref in faults])
    ids = {ref: synced(server, ref)["remote_id"] for ref in faults}

    for ref, fault in faults.items():
        before, logged = sandbox.last_call, newest_request(server)
        fault.put(sandbox, "POST", "/Invoices$", 1)
        change_first_line(server, ref, quantity="3")
        wait_until(partial(has_struck, fault, server, before, logged), what=fault.kind)
        host.advance(HELD_SECONDS)
        synced(server, ref)
        assert len(sandbox.writes("Invoices", after=before)) == (1 if fault.written else 2), fault

    there = {
        one.invoice_number.lower(): one
        for one in Official(sandbox.url).invoices()
        if one.contact.name == "Customer u-c"
    }
    assert {ref: one.invoice_id for ref, one in there.items()} == ids
    assert {Decimal(str(one.total)) for one in there.values()} == {Decimal(40)}


def test_what_is_saved_while_an_update_is_lost_goes_after_it(server: Server) -> None:
    host, sandbox = server.host, server.host.sandbox
    server.put("/customers/v-c", customer("v-c"))
    server.put("/invoices/v-i", invoice("v-i", "v-c"))
    synced(server, "v-i")
    before = sandbox.last_call
    FAULTS["answer dropped after the write"].put(sandbox, "POST", "/Invoices$", 1)
    change_first_line(server, "v-i", quantity="2")
    server.wait_for_state("/invoices/v-i", "unknown")
    change_first_line(server, "v-i", quantity="5")
    assert len(sandbox.writes("Invoices", after=before)) == 1, "nothing is sent while the lost call may be at work"
    host.advance(HELD_SECONDS)
    synced(server, "v-i")
    assert Official(sandbox.url).invoice("V-I").total == 50
    assert len(sandbox.writes("Invoices", after=before)) == 2


def test_a_kill_and_a_restart_when_xero_has_forgotten_the_keys(host: Host) -> None:
    """The writes happened, nobody heard of it, and the same key would do them once more: they are found by their marks."""
    sandbox, official, shop = host.sandbox, Official(host.sandbox.url), Shop(60)
    kinds = {"Contacts": "customers", "Items": "products", "Invoices": "invoices"}
    for resources in (("Contacts", "Items"), ("Invoices",)):
        server, before = host.serve(), sandbox.last_call
        for resource in resources:
            sandbox.fault("PUT", f"/{resource}$", "delay", when="after", seconds=KEYS_FORGOTTEN_SECONDS, times=9)
        for resource in resources:
            server.bulk(kinds[resource], getattr(shop, kinds[resource]))
        sandbox.wait_for_writes(2 * len(resources), after=before)
        server.kill()
        assert [call["status"] for call in sandbox.writes(after=before)] == [None] * 2 * len(resources)
        sandbox.control("DELETE", "faults")
        host.advance(KEYS_FORGOTTEN_SECONDS)
    there = official.contacts(), official.items(), official.invoices()
    assert [len(some) for some in there] == [60, 60, 60], "what the killed servers asked for was done"

    written = sandbox.last_call
    shop.wait_until_synced(host.serve())
    shop.assert_all_is_there(official)
    assert sandbox.writes(after=written) == []


@pytest.mark.parametrize("seed", range(2026, 2076 if os.environ.get("FULL") else 2027))
def test_everything_at_once(make_connected: MakeHost, seed: int) -> None:
    """Faults of all kinds on writes and reads, kills and edits between them, as the seed decides."""
    host = make_connected("--latency", "0.1")
    host.set("plugins.xero.limits", concurrent=2)  # so that the load lasts for all the kills
    dice, sandbox, shop = random.Random(seed), host.sandbox, Shop(SIZE)
    for _ in range(14):
        method, path = dice.choice([*(("PUT", f"/{resource}$") for resource in RESOURCES), ("GET", "/api.xro")])
        dice.choice(list(FAULTS.values())).put(sandbox, method, path, dice.randint(1, 2))
    server, kills = host.serve(), []
    shop.load(server)
    for _ in range(3):
        wait_until(partial(has_written, server, len(sandbox.writes())), what="a write")
        server.kill()
        kills.append(sandbox.last_call)
        host.advance(dice.choice([0, 30, KEYS_FORGOTTEN_SECONDS]))
        server = host.serve()
        for edited in dice.sample(shop.invoices, 3):
            edited["lines"][1]["quantity"] = str(dice.randint(1, 9))
            server.put(f"/invoices/{edited['ref']}", edited)
    shop.wait_until_synced(server, meanwhile=server.past_pauses)
    sandbox.control("DELETE", "faults")
    shop.assert_all_is_there(Official(sandbox.url))
    creates = [call["id"] for call in sandbox.writes("Invoices") if call["method"] == "PUT"]
    assert max(kills) < max(creates), "a kill fell after the last write"


def has_written(server: Server, before: int) -> bool:
    return server.past_pauses() and len(server.host.sandbox.writes()) > before


def has_struck(fault: Fault, server: Server, before: int, logged: str) -> bool:
    """Whether the call has ended on both sides: the host may have given up while Xero still works on it."""
    there = [call["status"] for call in server.host.sandbox.writes("Invoices", after=before)]
    here = {one["fate"] for one in requests(server, after=logged)}
    return there[:1] == [fault.status] and fault.fate in here


def newest_request(server: Server) -> str:
    id: str = server.get("/requests?page_size=1")["items"][0]["id"]
    return id


def requests(server: Server, *, after: str) -> Sequence[Call]:
    """The host's own log of its calls: their ids grow with time."""
    return [one for one in server.get("/requests?page_size=500")["items"] if one["id"] > after]


def synced(server: Server, ref: str) -> dict[str, Any]:
    state: dict[str, Any] = server.wait_for_state(f"/invoices/{ref}", "synced")["sync"][0]
    return state


def change_first_line(server: Server, ref: str, **changes: str) -> None:
    [first, *others] = server.get(f"/invoices/{ref}")["lines"]
    kept = ("id", "description", "quantity", "unit_price", "account", "tax_rate", "product")
    lines = [{name: one[name] for name in kept} for one in ({**first, **changes}, *others)]
    answer = server.api.patch(f"/invoices/{ref}", json={"lines": lines})
    assert answer.status_code == 200, answer.text
