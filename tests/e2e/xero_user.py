"""Somebody else at work in the same organisation: an app of their own, with which they do what people do in Xero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.e2e.processes import Sandbox

Element = dict[str, Any]


class XeroUser:
    """Writes and reads by plain HTTP, with a second app's token."""

    def __init__(self, sandbox: Sandbox, tenant: str = "") -> None:
        self._api = f"{sandbox.url}/api.xro/2.0"
        tenant = tenant or sandbox.control("GET", "organisations")[0]["tenant_id"]
        token = sandbox.control("POST", "tokens", tenant_ids=[tenant])["access_token"]
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Xero-Tenant-Id": tenant,
            "Accept": "application/json",
        }

    def get(self, resource: str, id: str) -> Element:
        [found] = self._call("GET", f"{resource}/{id}", None)[resource]
        return dict(found)

    def listed(self, resource: str, query: str) -> list[Element]:
        return list(self._call("GET", f"{resource}?{query}", None)[resource])

    def put(self, resource: str, element: Element) -> Element:
        [made] = self._call("PUT", resource, element)[resource]
        return dict(made)

    def post(self, path: str, element: Element) -> Element:
        [changed] = self._call("POST", path, element)[path.partition("/")[0]]
        return dict(changed)

    def _call(self, method: str, path: str, element: Element | None) -> Any:
        answer = httpx.request(method, f"{self._api}/{path}", json=element, headers=self._headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()
