"""Two organisations at once: nothing of the one ever appears in the other, and the one goes on without the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.integration.connecting.conftest import ADA, BEN

if TYPE_CHECKING:
    from tests.integration.connecting.conftest import Office

KEYS = ("one", "two")
IDENTITIES = {"Contacts": "ContactID", "Items": "ItemID", "Invoices": "InvoiceID"}
SECRETS = {"one": "Zebra", "two": "Walrus"}
"""A word that only the records of one of them bear."""


def at_xero(office: Office, tenant: str) -> dict[str, dict[str, str]]:
    """What is there, by list: names, or codes or numbers, by id."""
    token = office.sandbox.user_token(tenant_ids=[tenant])
    there: dict[str, dict[str, str]] = {}
    for plural, identity in IDENTITIES.items():
        answer = office.sandbox.call("GET", plural, token=token, headers={"Xero-Tenant-Id": tenant})
        names = {one[identity]: str(one.get("Name") or one.get("InvoiceNumber")) for one in answer.json()[plural]}
        there[plural] = names
    return there


def save_shop(office: Office, key: str) -> None:
    """The same names, codes and texts in both, beside the word that tells them apart."""
    word = SECRETS[key]
    customer, product = f"{key}-customer", f"{key}-product"
    office.save_customer(customer, name=f"{word} Ltd", connection=key, email="same@example.com")
    office.save_customer(f"{key}-same", name="Same Name Ltd", connection=key)
    office.api.put(
        f"/products/{product}",
        {"name": f"{word} hour", "code": "HOUR", "connection": key, "sales_price": "50", "sales_account": "200"},
    )
    line = {
        "product": product,
        "description": f"{word} work",
        "unit_price": "50",
        "account": "200",
        "tax_rate": "OUTPUT2",
    }
    for number in ("1", "2"):
        office.api.put(
            f"/invoices/{key}-{number}",
            {"number": f"{word}-{number}", "customer": customer, "issue_date": "2026-11-02", "lines": [line]},
        )


def at_once(*works: Any) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()


def drained(office: Office, *keys: str) -> None:
    at_once(*(lambda key=key: office.drain(key) for key in keys))


def test_nothing_of_one_appears_in_the_other(either_office: Office) -> None:
    office = either_office
    engine = office.place.host.engine
    assert engine is not None
    tenants = {key: office.tenant(number) for number, key in enumerate(KEYS, start=1)}
    for number, (key, user) in enumerate(zip(KEYS, (ADA, BEN), strict=True), start=1):
        office.connected(key, number, user=user)
        office.sandbox.control(
            "POST", "fill", {"tenant_id": tenants[key], "contacts": 3, "items": 2, "is_customer": True}
        )
        office.api.post(f"/connections/{key}/import", {"kind": "all"})
    at_once(*(lambda key=key: engine.imports.go_on(key) for key in KEYS))
    for key in KEYS:
        save_shop(office, key)
    drained(office, *KEYS)

    there = {key: at_xero(office, tenants[key]) for key in KEYS}
    for key, other in (KEYS, KEYS[::-1]):
        names = [name for names in there[key].values() for name in names.values()]
        assert f"{SECRETS[key]} Ltd" in names
        assert "Same Name Ltd" in names
        assert len(there[key]["Invoices"]) == 2
        assert not [name for name in names if SECRETS[other] in name]
    assert ids(there["one"]).isdisjoint(ids(there["two"]))

    for key, other in (KEYS, KEYS[::-1]):
        calls = calls_of(office, tenants[key])
        assert len(calls) > 5
        said = "".join(
            f"{call['path']} {call['query']} {call['request_body']} {call['response_body']}" for call in calls
        )
        assert SECRETS[key] in said
        assert SECRETS[other] not in said
        assert not [id for id in ids(there[other]) if id in said]

    for kind in ("customers", "products", "invoices"):
        for record in office.api.get(f"/{kind}", page_size="100")["items"]:
            [sync] = record["sync"]
            assert sync["state"] == "synced", sync
            assert sync["remote_id"] in ids(there[sync["connection"]])

    # The one is shut out, and the other goes on.
    office.sandbox.control("POST", "revoke", {"client_id": "sandbox-app", "user": ADA})
    office.sandbox.control("POST", "expire", {"kind": "access", "user": ADA})
    for key in KEYS:
        office.save_customer(f"{key}-later", name=f"{SECRETS[key]} later", connection=key)
    drained(office, *KEYS)
    assert office.state("two-later")["state"] == "synced"
    assert office.state("one-later")["reason"].startswith("one needs attention: ")


def ids(there: dict[str, dict[str, str]]) -> set[str]:
    return {id for names in there.values() for id in names}


def calls_of(office: Office, tenant: str) -> list[Any]:
    """The calls of the host to this organisation, with what was sent and answered; not those with which this test looks."""
    listed = [one for one in office.sandbox.control("GET", "calls") if one["tenant"] == tenant]
    mine = [
        one
        for one in listed
        if one["method"] == "GET" and one["path"].rpartition("/")[2] in IDENTITIES and not one["query"]
    ]
    return [office.sandbox.control("GET", f"calls/{one['id']}") for one in listed if one not in mine]
