"""What a call may not take along when it fails or breaks off."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Mount
from starlette.testclient import TestClient

from plugins.xero.sandbox.app import create_app
from plugins.xero.sandbox.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "/api.xro/2.0/Currencies"


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as opened:
        form = {"grant_type": "client_credentials"}
        token = opened.post("/connect/token", data=form, auth=("sandbox-custom", "sandbox-secret")).json()[
            "access_token"
        ]
        opened.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        yield opened


def gateway(client: TestClient) -> Gateway:
    app: Any = client.app
    found = next(route.app for route in app.routes if isinstance(route, Mount) and route.path == "")
    assert isinstance(found, Gateway)
    return found


def test_a_state_that_fails_costs_no_place_among_the_concurrent(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Gateway, "perform", full)
        assert [client.get(API).status_code for _ in range(6)] == [500] * 6
    assert client.get(API).status_code == 200


def test_a_mistake_of_the_sandbox_is_a_500_that_writes_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise KeyError("a mistake of ours")

    with monkeypatch.context() as broken:
        broken.setattr("plugins.xero.sandbox.contacts.full", breaks)
        assert client.put("/api.xro/2.0/Contacts", json={"Name": "Harbour"}).status_code == 500
    assert client.get("/api.xro/2.0/Contacts").json()["Contacts"] == []


def test_an_upload_that_breaks_off_is_no_call(client: TestClient) -> None:
    messages = iter(
        [{"type": "http.request", "body": b'{"Name": "Har', "more_body": True}, {"type": "http.disconnect"}]
    )
    headers = [(b"authorization", client.headers["Authorization"].encode())]
    scope = {"type": "http", "method": "PUT", "scheme": "http", "query_string": b"", "headers": headers}
    scope |= {"path": "/api.xro/2.0/Contacts", "raw_path": b"/api.xro/2.0/Contacts"}
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(gateway(client)(scope, receive, send))
    assert sent == []
    assert [call["path"] for call in client.get("/_sandbox/calls").json()] == ["/connect/token"]


def test_in_process_a_cut_connection_raises(client: TestClient) -> None:
    client.post("/_sandbox/faults", json={"kind": "drop_after", "path": "Contacts"})
    with TestClient(client.app) as telling, pytest.raises(ConnectionResetError):
        telling.put("/api.xro/2.0/Contacts", json={"Name": "Harbour"}, headers=dict(client.headers))
