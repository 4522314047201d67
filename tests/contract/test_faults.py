"""Faults put in by hand: what the client sees, and what was written all the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.contract.running import API

if TYPE_CHECKING:
    from tests.contract.running import Sandbox

BATCH = {"Contacts": [{"Name": name} for name in ("One", "Two", "Three")]}


def put(sandbox: Sandbox, **more: Any) -> httpx.Response:
    return sandbox.call("PUT", "Contacts", BATCH, **more)


def names(sandbox: Sandbox) -> list[str]:
    return [contact["Name"] for contact in sandbox.listed("Contacts")]


@pytest.mark.parametrize(
    ("kind", "written", "error"),
    [
        ("drop_before", [], httpx.TransportError),
        ("drop_after", ["One", "Two", "Three"], httpx.TransportError),
        ("truncate", ["One", "Two", "Three"], httpx.RemoteProtocolError),
    ],
)
def test_cut_connections(sandbox: Sandbox, kind: str, written: list[str], error: Any) -> None:
    sandbox.token()
    sandbox.fault(method="PUT", path="/Contacts$", kind=kind)
    with pytest.raises(error):
        put(sandbox)
    assert names(sandbox) == written
    assert sandbox.control("GET", "faults") == []
    logged = sandbox.logged("Contacts")[0]
    assert (logged["method"], logged["status"]) == ("PUT", 200 if kind == "truncate" else None)


def test_a_truncated_answer_promises_more_than_it_sends(sandbox: Sandbox) -> None:
    sandbox.token()
    sandbox.fault(method="PUT", path="Contacts", kind="truncate")
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    with sandbox.client.stream("PUT", f"{API}Contacts", json=BATCH, headers=headers) as answer:
        assert answer.status_code == 200
        assert int(answer.headers["content-length"]) > 100
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


@pytest.mark.parametrize(
    ("status", "when", "written"),
    [
        (500, "before", 0),
        (500, "after", 3),
        (503, "before", 0),
        (502, "after", 3),
        (429, "before", 0),
        (401, "before", 0),
    ],
)
def test_a_status_before_or_after_the_work(sandbox: Sandbox, status: int, when: str, written: int) -> None:
    sandbox.fault(method="PUT", path="Contacts", kind="status", status=status, when=when)
    assert put(sandbox).status_code == status
    assert len(names(sandbox)) == written


def test_statuses_look_as_xero_makes_them(sandbox: Sandbox) -> None:
    def faulty(status: int) -> httpx.Response:
        sandbox.fault(path="Contacts", kind="status", status=status, seconds=7)
        return sandbox.call("GET", "Contacts")

    offline, busy, forbidden, missing = (faulty(status) for status in (503, 429, 403, 404))
    assert offline.text == "The Xero API is currently offline for maintenance"
    assert offline.headers["content-type"].startswith("text/plain")
    assert (busy.content, busy.headers["retry-after"], busy.headers["x-rate-limit-problem"]) == (b"", "7", "minute")
    assert forbidden.json()["Detail"] == "AuthenticationUnsuccessful"
    assert (missing.content, missing.headers["content-type"]) == (b"", "text/html; charset=utf-8")


def test_a_partial_batch_saves_the_first_elements_and_breaks(sandbox: Sandbox) -> None:
    sandbox.fault(method="PUT", path="Contacts", kind="partial", elements=2)
    broken = put(sandbox, headers={"Idempotency-Key": "k"})
    assert broken.status_code == 500
    assert names(sandbox) == ["One", "Two"]
    # An internal error is remembered for its key (API facts 3.6).
    assert put(sandbox, headers={"Idempotency-Key": "k"}).status_code == 500
    assert names(sandbox) == ["One", "Two"]


def test_a_delayed_write_happens_though_the_client_has_gone(sandbox: Sandbox) -> None:
    sandbox.token()
    sandbox.fault(method="PUT", path="Contacts", kind="delay", seconds=0.6, when="before")
    with pytest.raises(httpx.ReadTimeout):
        httpx.put(
            f"{sandbox.url}{API}Contacts",
            json=BATCH,
            headers={"Authorization": f"Bearer {sandbox.token()}"},
            timeout=0.2,
        )
    arrived = sandbox.logged("Contacts")[0]
    assert (arrived["status"], names(sandbox)) == (None, [])
    until(lambda: sandbox.control("GET", f"calls/{arrived['id']}")["status"] == 200)
    assert names(sandbox) == ["One", "Two", "Three"]


def test_an_answer_delayed_after_the_write(sandbox: Sandbox) -> None:
    sandbox.token()
    sandbox.fault(method="PUT", path="Contacts", kind="delay", seconds=1.2, when="after")
    with pytest.raises(httpx.ReadTimeout):
        httpx.put(
            f"{sandbox.url}{API}Contacts",
            json=BATCH,
            headers={"Authorization": f"Bearer {sandbox.token()}"},
            timeout=0.5,
        )
    assert names(sandbox) == ["One", "Two", "Three"]


def test_all_faults_that_match_apply_and_each_counts_for_itself(sandbox: Sandbox) -> None:
    sandbox.token()
    sandbox.fault(path="Contacts", kind="delay", seconds=0.3, times=2)
    sandbox.fault(path="Contacts", kind="status", status=500, when="after")
    sandbox.fault(method="GET", path="Contacts", kind="status", status=503)
    sandbox.fault(path="Invoices", kind="status", status=500)
    first = put(sandbox)
    assert first.status_code == 500
    assert first.elapsed.total_seconds() >= 0.3
    assert {fault["path"]: fault["times"] for fault in sandbox.control("GET", "faults")} == {
        "Contacts": 1,
        "Invoices": 1,
    }
    assert sandbox.call("GET", "Contacts").status_code == 503
    sandbox.control("DELETE", "faults")
    assert names(sandbox) == ["One", "Two", "Three"]


def test_the_token_endpoint_has_faults_too(sandbox: Sandbox) -> None:
    sandbox.fault(path="/connect/token", kind="status", status=500)
    assert [sandbox.ask_token().status_code for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "explode"}, "kind must be one of"),
        ({"kind": "status", "method": "("}, "method must be a regular expression"),
        ({"kind": "delay", "seconds": "long"}, "seconds must be a number"),
        ({"kind": "status", "status": 200}, "status must be a whole number of at least 400"),
        ({"kind": "drop_before", "when": "after"}, "drop_before always acts before"),
        ({"kind": "status", "colour": 1}, "unknown field colour"),
        ({"kind": "status", "times": 0}, "times must be"),
    ],
)
def test_a_fault_that_is_none_is_refused(sandbox: Sandbox, fault: dict[str, Any], told: str) -> None:
    refused = sandbox.client.post("/_sandbox/faults", json=fault)
    assert (refused.status_code, told in refused.json()["error"]) == (400, True), refused.text


def until(reached: Any, seconds: float = 10) -> None:
    """The only sign of a call whose client has gone is the sandbox's own log."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not happen"
