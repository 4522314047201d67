"""A sandbox on a port of this machine, and the clients that tests ask it with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.identity import IdentityApi

from plugins.xero.sandbox.serve import Server, listen, server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from plugins.xero.sandbox.world import Options

API = "/api.xro/2.0/"
CUSTOM = ("sandbox-custom", "sandbox-secret")
SECOND = ("sandbox-second", "sandbox-secret")


class InThread:
    """Serves from a thread of this process until it is stopped."""

    def __init__(self, options: Options) -> None:
        self.server: Server = server(options)
        self.listener: socket.socket = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, name="sandbox under test")
        # Connections wait in the listener's queue until the server takes them: nobody needs to wait for the start.
        self.listener.listen(128)
        self.thread.start()

    def _serve(self) -> None:
        self.server.run(sockets=[self.listener])

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=20)


@dataclass
class Sandbox:
    """The control interface, and calls as any HTTP client makes them."""

    url: str
    client: httpx.Client = field(init=False)
    bearer: str | None = None

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=30)

    # ------------------------------------------------------------------------------------------------- control

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = self.client.request(method, f"/_sandbox/{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", {"advance_seconds": seconds})

    def switch(self, **values: Any) -> None:
        self.control("PUT", "switches", values)

    def limit(self, **values: int) -> None:
        self.control("PUT", "limits", values)

    def fault(self, **fault: Any) -> None:
        self.control("POST", "faults", fault)

    def organisation(self, **changes: Any) -> dict[str, Any]:
        """Changes the first organisation and gives it."""
        shown = self.control("GET", "organisations")[0]
        if changes:
            shown = self.control("PUT", f"organisations/{shown['tenant_id']}", changes)
        return dict(shown)

    def logged(self, path: str = "") -> list[dict[str, Any]]:
        return [call for call in self.control("GET", "calls") if path.lower() in call["path"].lower()]

    # ------------------------------------------------------------------------------------------- tokens and calls

    def ask_token(self, client: tuple[str, str] = CUSTOM, **form: str) -> httpx.Response:
        return self.client.post("/connect/token", data={"grant_type": "client_credentials", **form}, auth=client)

    def token(self) -> str:
        """The custom connection's, asked for once in a test."""
        if self.bearer is None:
            self.bearer = self.ask_token().json()["access_token"]
        return self.bearer

    def user_token(self, *scopes: str, tenant_ids: list[str] | None = None) -> str:
        """A second app's: somebody else at work in the same organisation."""
        asked: dict[str, Any] = {"scopes": list(scopes)}
        if tenant_ids is not None:
            asked["tenant_ids"] = tenant_ids
        return str(self.control("POST", "tokens", asked)["access_token"])

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {token or self.token()}", "Accept": "application/json"} | (headers or {})
        return self.client.request(method, API + path, json=body, headers=sent, params=query)

    def get(self, path: str, **query: str) -> Any:
        response = self.call("GET", path, query=query)
        assert response.status_code == 200, response.text
        return response.json()

    def listed(self, plural: str, **query: str) -> list[dict[str, Any]]:
        return list(self.get(plural, **query)[plural])

    def write(self, method: str, path: str, *elements: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        """The saved elements; fails unless every one was saved."""
        plural = path.partition("/")[0]
        response = self.call(method, path, {plural: list(elements)}, query=query)
        assert response.status_code == 200, response.text
        return list(response.json()[plural])

    def put(self, path: str, *elements: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        return self.write("PUT", path, *elements, **query)

    def post(self, path: str, *elements: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        return self.write("POST", path, *elements, **query)

    def refusals(self, method: str, path: str, element: dict[str, Any], **query: str) -> list[str]:
        """The messages that an element is refused with."""
        plural = path.partition("/")[0]
        response = self.call(method, path, {plural: [element]}, query=query)
        assert response.status_code == 400, response.text
        body = response.json()
        assert (body["ErrorNumber"], body["Type"]) == (10, "ValidationException")
        return [error["Message"] for error in body["Elements"][0]["ValidationErrors"]]

    # ------------------------------------------------------------------------------------------------- ready records

    def contact(self, name: str = "Harbour Joinery Ltd", **more: Any) -> dict[str, Any]:
        return self.put("Contacts", {"Name": name, **more})[0]

    def invoice(self, **more: Any) -> dict[str, Any]:
        """An approved sales invoice of 24.00, unless told otherwise."""
        wanted: dict[str, Any] = {"Type": "ACCREC", "Contact": {"Name": "Harbour Joinery Ltd"}, "Status": "AUTHORISED"}
        wanted |= {"Date": "2026-01-10", "DueDate": "2026-02-10", "LineItems": [line()]}
        return self.put("Invoices", wanted | more)[0]

    def payment(self, invoice: dict[str, Any], amount: str, **more: Any) -> dict[str, Any]:
        paid: dict[str, Any] = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}}
        return self.put("Payments", paid | {"Amount": amount, "Date": "2026-01-15"} | more)[0]

    def read(self, plural: str, document_id: str) -> dict[str, Any]:
        return dict(self.get(f"{plural}/{document_id}")[plural][0])


def line(description: str = "Oak shelf", **more: Any) -> dict[str, Any]:
    return {"Description": description, "Quantity": 2, "UnitAmount": 10, "AccountCode": "200"} | more


@dataclass
class Official:
    """The official client, pointed at the sandbox: nothing but host names is changed."""

    accounting: Any
    identity: Any
    client: Any
    tenant: str


def official(sandbox: Sandbox, pair: tuple[str, str] = CUSTOM, kept: dict[str, Any] | None = None) -> Official:
    """With the grant that is kept, or with a custom connection's own."""
    grant: dict[str, Any] = {} if kept is None else kept
    client = ApiClient(Configuration(), pool_threads=1)
    # Given to its constructor, the first pair of the process would be everybody's.
    client.configuration.oauth2_token = OAuth2Token(client_id=pair[0], client_secret=pair[1])
    client.oauth2_token_getter(lambda: grant)
    client.oauth2_token_saver(grant.update)
    if kept is None:
        client.get_client_credentials_token()
    return Official(
        AccountingApi(client, base_url=f"{sandbox.url}/api.xro/2.0"),
        IdentityApi(client, base_url=sandbox.url),
        client,
        "",
    )


def pointed_at(sandbox: Sandbox) -> Iterator[None]:
    """The official client's addresses of the token endpoint are class attributes."""
    names = ("client_credentials_token_url", "refresh_token_url", "revoke_token_url")
    before = {name: getattr(TokenApi, name) for name in names}
    TokenApi.client_credentials_token_url = f"{sandbox.url}/connect/token"
    TokenApi.refresh_token_url = f"{sandbox.url}/connect/token"
    TokenApi.revoke_token_url = f"{sandbox.url}/connect/revocation"
    yield
    for name, address in before.items():
        setattr(TokenApi, name, address)
