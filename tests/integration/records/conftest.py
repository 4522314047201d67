"""An installation that is connected by credentials, beside a sandbox: customers, suppliers and products on their way to Xero."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from host.testing import Place
from plugins.xero.demo import settings_with
from plugins.xero.sandbox.world import Options, OrganisationOption
from tests.contract.running import InThread
from tests.e2e.importing import Importing, Organisation
from tests.e2e.xero_user import XeroUser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

XERO = "[plugins.xero]\n"
SECOND = """
[plugins.xero.connections.second]
client_id = "sandbox-custom-2"
client_secret = "sandbox-secret"
"""


def tables(xero_url: str, xero: str = "", billing: str = "") -> str:
    text = settings_with(xero_url, {}).replace(XERO, f"{XERO}{xero}\n")
    return f"[plugins.core_billing]\n{billing}\n\n{text}{SECOND}"


class Colleague(XeroUser):
    """Somebody else at work in the organisation, with one client for all that they do: making one takes longer than what it is for."""

    def __init__(self, company: Company, tenant: str) -> None:
        super().__init__(company, tenant)  # type: ignore[arg-type]
        self._client = company.client

    def _call(self, method: str, path: str, element: Any) -> Any:
        answer = self._client.request(method, f"{self._api}/{path}", json=element, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Company(Organisation):
    def __init__(self, url: str, client: httpx.Client) -> None:
        super().__init__(url)
        self.client = client
        self._colleagues: dict[str, Colleague] = {}

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        answer = self.client.request(method, f"{self.url}/_sandbox/{path}", json=body or None)
        assert answer.is_success, answer.text
        return answer.json()

    def user(self, tenant: str = "") -> Colleague:
        if tenant not in self._colleagues:
            self._colleagues[tenant] = Colleague(self, tenant)
        return self._colleagues[tenant]


class Shop(Importing):
    """``world`` of the importing tests, with settings that change and what is asked here."""

    @property
    def api(self) -> Any:
        return self.place.api

    def set(self, *, xero: str = "", billing: str = "") -> None:
        """Start anew with these further settings, on the same database."""
        self.place.open(tables=tables(self.organisation.url, xero, billing))

    def connect(self, key: str = "demo") -> None:
        self.engine.connect(key, provider="xero", auth="custom")
        for kind in ("tax-rates", "accounts"):
            self.import_(kind, connection=key)

    def save(self, path: str, **fields: Any) -> Any:
        """Save a record and send what waits; answers how it stands then."""
        self.api.put(path, fields)
        return self.sent(path)

    def change(self, path: str, **fields: Any) -> Any:
        self.api.patch(path, fields)
        return self.sent(path)

    def sent(self, path: str) -> Any:
        self.drain()
        return self.state(path)

    def state(self, path: str) -> Any:
        [sync] = self.api.get(path)["sync"]
        return sync

    def contact(self, path: str) -> Any:
        """The contact at Xero that a record is linked with."""
        return self.organisation.user().get("Contacts", self.state(path)["remote_id"])

    def contacts(self) -> list[Any]:
        return self.organisation.user().listed("Contacts", "includeArchived=true&page=1")

    def item(self, path: str) -> Any:
        return self.organisation.user().get("Items", self.state(path)["remote_id"])

    def items(self) -> list[Any]:
        return self.organisation.user().listed("Items", "")

    def sync(self, **which: Any) -> None:
        """Everything, or what is named, is looked at once more."""
        self.api.post("/sync", which)
        self.drain()

    def bodies(self, after: int) -> list[Any]:
        """What was written to Xero since: one element for each record."""
        calls = [self.organisation.control("GET", f"calls/{one['id']}") for one in self.organisation.writes(after)]
        return [
            element for call in calls for elements in json.loads(call["request_body"]).values() for element in elements
        ]

    def refused(self, method: str, path: str, body: Any) -> list[tuple[str, str]]:
        answer = self.api.ask(method, path, json=body)
        assert answer.status_code == 422, answer.text
        return [(one["field"], one["message"]) for one in answer.json()["errors"]]


@pytest.fixture(scope="session")
def xero() -> Iterator[tuple[str, httpx.Client]]:
    served = InThread(Options((OrganisationOption("One Ltd"), OrganisationOption("Two Ltd")), no_limits=True))
    with httpx.Client(timeout=30) as client:
        yield served.url, client
    served.stop()


def migrated(database_url: str) -> None:
    """With the tables of both plugins: to copy a file is quicker than to make them."""
    with TemporaryDirectory() as folder, Place(Path(folder), database_url, ["core_billing", "xero"]) as place:
        place.write()
        place.migrate()


def opened(place: Place, xero: tuple[str, httpx.Client]) -> Shop:
    organisation = Company(*xero)
    organisation.control("POST", "reset")
    place.open("core_billing", "xero", tables=tables(organisation.url))
    shop = Shop(place, organisation)
    shop.connect()
    return shop


@pytest.fixture
def shop(
    tmp_path: Path, sqlite_from: Callable[[Callable[[str], None]], str], xero: tuple[str, httpx.Client]
) -> Iterator[Shop]:
    with Place(tmp_path, sqlite_from(migrated)) as place:
        yield opened(place, xero)


@pytest.fixture
def either_shop(
    tmp_path: Path, database_from: Callable[[Callable[[str], None]], str], xero: tuple[str, httpx.Client]
) -> Iterator[Shop]:
    """On SQLite and on PostgreSQL: for what the database has a part in."""
    with Place(tmp_path, database_from(migrated)) as place:
        yield opened(place, xero)


def invoice(ref: str, customer: str, *lines: Any, **more: Any) -> Any:
    given = lines or ({"account": "200", "tax_rate": "NONE"},)
    whole = [{"description": "Work", "quantity": "1", "unit_price": "10.00", **line} for line in given]
    return {
        "number": ref,
        "customer": customer,
        "issue_date": "2026-11-02",
        "due_date": "2026-12-02",
        "lines": whole,
        **more,
    }
