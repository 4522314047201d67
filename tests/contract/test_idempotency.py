"""Idempotency keys: section 3.6 of the API facts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.contract.running import line

if TYPE_CHECKING:
    import httpx

    from tests.contract.running import Sandbox

DRAFT: dict[str, Any] = {"Type": "ACCREC", "Contact": {"Name": "Harbour"}, "LineItems": [line()]}


def put(sandbox: Sandbox, key: str, body: Any = DRAFT, path: str = "Invoices", **more: Any) -> httpx.Response:
    return sandbox.call("PUT", path, body, headers={"Idempotency-Key": key} | more.pop("headers", {}), **more)


def test_the_same_request_is_answered_again_and_written_once(sandbox: Sandbox) -> None:
    first, second = put(sandbox, "k"), put(sandbox, "k")
    assert first.content == second.content
    assert first.headers["xero-correlation-id"] != second.headers["xero-correlation-id"]
    assert len(sandbox.listed("Invoices")) == 1


def test_the_key_is_new_again_after_six_minutes(sandbox: Sandbox) -> None:
    first = put(sandbox, "k").json()
    sandbox.advance(5 * 60 + 50)
    assert put(sandbox, "k").json() == first
    sandbox.advance(11)
    assert put(sandbox, "k").json() != first
    assert len(sandbox.listed("Invoices")) == 2


def test_another_request_with_the_key_is_refused(sandbox: Sandbox) -> None:
    put(sandbox, "k")
    message = "Idempotency Key: k is used with a different request."
    others = [
        put(sandbox, "k", DRAFT | {"Reference": "other"}),
        put(sandbox, "k", DRAFT, query={"unitdp": "4"}),
        put(sandbox, "k", {"Name": "Harbour"}, "Contacts"),
        sandbox.call("POST", "Invoices", DRAFT, headers={"idempotency-KEY": "k"}),
    ]
    for other in others:
        assert (other.status_code, other.json()["Message"]) == (400, message)
        assert other.json()["Type"] == "ValidationException"
    sandbox.switch(idempotency_conflict="plain")
    assert put(sandbox, "k", {"Name": "X"}, "Contacts").json() == {"Message": message}
    assert len(sandbox.listed("Invoices")) == 1


def test_keys_belong_to_the_app_and_not_to_the_organisation(sandbox: Sandbox) -> None:
    put(sandbox, "k")
    second = sandbox.user_token()
    tenant = {"xero-tenant-id": sandbox.organisation()["tenant_id"]}
    assert put(sandbox, "k", token=second, headers=tenant).status_code == 200
    assert len(sandbox.listed("Invoices")) == 2
    other = sandbox.control("POST", "organisations", {"name": "Other", "country": "GB", "currency": "GBP"})
    both = sandbox.user_token()
    elsewhere = put(sandbox, "k", token=both, headers={"xero-tenant-id": other["tenant_id"]})
    # The same app with the same key in another organisation gets the answer of the first.
    assert elsewhere.json()["Invoices"][0]["InvoiceID"] in {one["InvoiceID"] for one in sandbox.listed("Invoices")}


def test_an_internal_error_is_remembered_too(sandbox: Sandbox) -> None:
    sandbox.fault(method="PUT", path="Invoices", kind="status", status=500)
    assert [put(sandbox, "k").status_code for _ in range(2)] == [500, 500]
    assert sandbox.listed("Invoices") == []
    assert put(sandbox, "new").status_code == 200
    sandbox.advance(6 * 60)
    assert put(sandbox, "k").status_code == 200


def test_an_error_that_never_reached_the_application_is_not_remembered(sandbox: Sandbox) -> None:
    sandbox.fault(method="PUT", path="Invoices", kind="status", status=503)
    assert [put(sandbox, "k").status_code for _ in range(2)] == [503, 200]


def test_whether_a_refusal_is_remembered_is_a_switch(sandbox: Sandbox) -> None:
    bad = DRAFT | {"Contact": {"ContactNumber": "c-1"}}
    assert put(sandbox, "k", bad).status_code == 400
    sandbox.contact("Late", ContactNumber="c-1")
    assert put(sandbox, "k", bad).status_code == 400
    sandbox.switch(idempotency_caches_400=False)
    sandbox.advance(6 * 60)
    worse = DRAFT | {"Contact": {"ContactNumber": "c-2"}}
    assert put(sandbox, "w", worse).status_code == 400
    sandbox.contact("Later", ContactNumber="c-2")
    assert put(sandbox, "w", worse).status_code == 200


def test_a_key_has_at_most_128_characters(sandbox: Sandbox) -> None:
    assert put(sandbox, "k" * 128).status_code == 200
    refused = put(sandbox, "k" * 129)
    assert refused.status_code == 400
    assert refused.json()["Type"] == "ValidationException"
    assert len(sandbox.listed("Invoices")) == 1


def test_reading_ignores_the_key(sandbox: Sandbox) -> None:
    header = {"Idempotency-Key": "k"}
    before = sandbox.call("GET", "Invoices", headers=header).json()["Invoices"]
    sandbox.invoice()
    after = sandbox.call("GET", "Invoices", headers=header).json()["Invoices"]
    assert (len(before), len(after)) == (0, 1)


def twice_at_once(sandbox: Sandbox) -> list[httpx.Response]:
    """The second arrives while the first is held up."""
    sandbox.token()
    sandbox.fault(method="PUT", path="Invoices", kind="delay", seconds=0.8, when="before")
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: put(sandbox, "k"), range(2)))


def test_a_repeat_while_the_first_still_runs_waits_for_it(sandbox: Sandbox) -> None:
    one, other = twice_at_once(sandbox)
    assert one.content == other.content
    assert min(answer.elapsed.total_seconds() for answer in (one, other)) > 0.4
    assert len(sandbox.listed("Invoices")) == 1


def test_or_is_refused_if_switched_so(sandbox: Sandbox) -> None:
    sandbox.switch(idempotency_in_flight="conflict")
    assert sorted(answer.status_code for answer in twice_at_once(sandbox)) == [200, 400]
    assert len(sandbox.listed("Invoices")) == 1


def test_repeats_count_against_the_limits(sandbox: Sandbox) -> None:
    sandbox.limit(day=2)
    assert [put(sandbox, "k").status_code for _ in range(3)] == [200, 200, 429]
