"""The HTTP API of an opened host, asked in this process."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from host.roles import Role
from host.tokens import create_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from starlette.testclient import TestClient

    from host.app import Host

API: Final = "/api/v1"


class Api:
    """A client with a token. ``get`` and the like answer what the host answered, and fail unless it is a success; ``ask`` answers the response as it is."""

    def __init__(self, host: Host, role: Role = Role.ADMIN) -> None:
        from host.web.app import build

        self._client: httpx.Client = _test_client()(build(host))
        with host.database.write() as session:
            self.token = create_token(session, role).text

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """One request. ``path`` is counted from ``/api/v1``; ``more`` is httpx's (``json``, ``params``, ``content``)."""
        shown = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self._client.request(method, f"{API}{path}", headers=shown, **more)

    def at_root(self, path: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A GET of what stands beside the API: ``/metrics``, ``/readyz``."""
        return self._client.get(path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})})

    def get(self, path: str, **params: str) -> Any:
        return self._good("GET", path, params=params)

    def put(self, path: str, record: Mapping[str, Any]) -> Any:
        return self._good("PUT", path, json=record)

    def patch(self, path: str, changes: Mapping[str, Any]) -> Any:
        return self._good("PATCH", path, json=changes)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._good("POST", path, json=body)

    def delete(self, path: str) -> Any:
        """``None`` where it is gone (204); what is asked for now, where a connection has to confirm it (202)."""
        return self._good("DELETE", path)

    def _good(self, method: str, path: str, **more: Any) -> Any:
        answer = self.ask(method, path, **more)
        if not answer.is_success:
            raise AssertionError(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._client.close()


def _test_client() -> type[TestClient]:
    # It warns that httpx is not its continuation; httpx is what ships, and whose tests these are need not hear of it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient

    return TestClient
