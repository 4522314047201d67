"""What is at Xero, read with Xero's own Python client: somebody else's code, told only where to call."""

from __future__ import annotations

import base64
from typing import Any

import httpx
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token


class Official:
    """Reads everything of one organisation of a sandbox."""

    def __init__(self, url: str, client_id: str = "sandbox-custom", secret: str = "sandbox-secret") -> None:
        token = _token(url, client_id, secret)
        # Set rather than handed over: their class makes one object, of whatever the first in a process handed over, and copies it from then on.
        configuration = Configuration()
        configuration.oauth2_token = OAuth2Token(client_id=client_id, client_secret=secret)
        client = ApiClient(
            configuration,
            oauth2_token_getter=lambda: token,
            oauth2_token_saver=lambda _token: None,
        )
        self._api = AccountingApi(client, base_url=f"{url}/api.xro/2.0")

    def contacts(self) -> list[Any]:
        return self._pages(lambda page: self._api.get_contacts("", page=page, page_size=1000).contacts)

    def items(self) -> list[Any]:
        found: list[Any] = self._api.get_items("", unitdp=4).items
        return found

    def invoices(self) -> list[Any]:
        return self._pages(lambda page: self._api.get_invoices("", page=page, page_size=1000, unitdp=4).invoices)

    def count_of_invoices(self) -> int:
        count: int = self._api.get_invoices("", page=1, page_size=1).pagination.item_count
        return count

    def invoice(self, number: str) -> Any:
        [found] = self._api.get_invoices("", invoice_numbers=[number], page=1, unitdp=4).invoices
        return found

    @staticmethod
    def _pages(read: Any) -> list[Any]:
        found: list[Any] = []
        page = 1
        while some := read(page):
            found.extend(some)
            page += 1
        return found


def _token(url: str, client_id: str, secret: str) -> dict[str, Any]:
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    scope = "accounting.contacts.read accounting.settings.read accounting.invoices.read"
    answer = httpx.post(
        f"{url}/connect/token",
        data={"grant_type": "client_credentials", "scope": scope},
        headers={"Authorization": f"Basic {basic}"},
    )
    answer.raise_for_status()
    token: dict[str, Any] = answer.json()
    return token
