"""An office beside a sandbox with two organisations: a host in this process that people connect by consent."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from plugins.xero.demo import settings_with
from plugins.xero.sandbox.world import Options, OrganisationOption
from tests.contract.running import InThread, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from host.testing import Api, Place

HERE = "http://localhost:8000"
ADA, BEN = "ada@example.com", "ben@example.com"


@dataclass
class Office:
    place: Place
    sandbox: Sandbox

    @property
    def api(self) -> Api:
        return self.place.api

    def tenant(self, number: int) -> str:
        """The id of the sandbox's first organisation, or of its second."""
        found = self.sandbox.control("GET", "organisations")
        return str(found[number - 1]["tenant_id"])

    def draft(self, key: str, **more: Any) -> Any:
        return self.api.post("/connections", {"key": key, "name": f"{key.title()} Ltd", **more})

    def address(self, key: str) -> str:
        return str(self.api.post(f"/connections/{key}/authorise", {})["address"])

    def agree(self, address: str, *tenants: int, user: str = ADA, allow: bool = True) -> str:
        """What a person does at Xero; answers the address that the browser is sent to."""
        wish = {"url": address, "user": user, "allow": allow, "tenant_ids": [self.tenant(one) for one in tenants]}
        return str(self.sandbox.control("POST", "consent", wish)["location"]).removeprefix(HERE)

    def consent(self, key: str, *tenants: int, **how: Any) -> httpx.Response:
        """The whole way there and back."""
        return self.api.at_root(self.agree(self.address(key), *tenants, **how))

    def connected(self, key: str, *tenants: int, **how: Any) -> Any:
        """A connection that is let in, with the first of these organisations chosen, and saved."""
        if key not in [one["key"] for one in self.api.get("/connections")["items"]]:
            self.draft(key)
        answer = self.consent(key, *(tenants or (1,)), **how)
        assert answer.status_code == 200, answer.text
        self.api.post(f"/connections/{key}/organisation", {"organisation": self.tenant((tenants or (1,))[0])})
        return self.api.post(f"/connections/{key}/save", {})

    def reopen(self, tables: str) -> None:
        """Start anew with these tables besides in the configuration."""
        self.place.open(tables=f"{settings_with(self.sandbox.url, {})}\n{tables}")

    def show(self, key: str) -> Any:
        return self.api.get(f"/connections/{key}")

    def drain(self, key: str) -> None:
        assert self.place.host.engine is not None
        self.place.host.engine.drain(key)

    def save_customer(self, ref: str, **more: Any) -> None:
        self.api.put(f"/customers/{ref}", {"name": f"Customer {ref}", **more})

    def state(self, ref: str) -> Any:
        [sync] = self.api.get(f"/customers/{ref}")["sync"]
        return sync

    def logged(self, method: str, path: str) -> list[Any]:
        """The calls of this kind that reached the sandbox."""
        return [one for one in self.sandbox.control("GET", "calls") if one["method"] == method and path in one["path"]]


@pytest.fixture(scope="session")
def running() -> Iterator[InThread]:
    organisations = (OrganisationOption("One Ltd"), OrganisationOption("Two Ltd"))
    served = InThread(Options(organisations, no_limits=True))
    yield served
    served.stop()


@contextmanager
def opened(place: Place, running: InThread) -> Iterator[Office]:
    sandbox = Sandbox(running.url)
    sandbox.control("POST", "reset")
    place.open("core_billing", "xero", tables=settings_with(running.url, {}))
    yield Office(place, sandbox)
    sandbox.client.close()


@pytest.fixture
def office(sqlite_place: Place, running: InThread) -> Iterator[Office]:
    with opened(sqlite_place, running) as office:
        yield office


@pytest.fixture
def either_office(place: Place, running: InThread) -> Iterator[Office]:
    """On SQLite and on PostgreSQL: for what the database has a part in."""
    with opened(place, running) as office:
        yield office
