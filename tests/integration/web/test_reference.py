"""The API is described by itself: for programs (OpenAPI 3.1), and as a page for people."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from host.web.app import build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.web.conftest import Office, OfficeAt


def test_every_address_and_method_is_described(sqlite_office: Office) -> None:
    described = sqlite_office.get("/openapi.json")["paths"]
    there = {(path.replace("/v1/{kind}", "/v1/customers"), method.lower()) for path, method in addresses(sqlite_office)}
    assert {(path, method) for path in described for method in described[path]} >= there
    assert {"/healthz", "/readyz", "/metrics"} <= described.keys()
    kinds = sqlite_office.host.kinds
    assert all(f"/api/v1/{kind}/{{ref}}" in described for kind in kinds)


def addresses(office: Office) -> list[tuple[str, str]]:
    routes: Any = build(office.host).routes
    assert len(routes) > 15
    return [(route.path, method) for route in routes for method in route.app.described]


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, said) for path, item in document["paths"].items() for method, said in item.items()]


def test_every_operation_says_what_it_does_and_each_has_its_own_name(sqlite_office: Office) -> None:
    said = [one for _, _, one in operations(sqlite_office.get("/openapi.json"))]
    assert all(re.fullmatch(r"[A-Z].*\.", one["summary"]) for one in said), [one["summary"] for one in said]
    names = [one["operationId"] for one in said]
    assert len(names) == len(set(names))


def test_the_roles_and_what_needs_no_token_are_told(sqlite_office: Office) -> None:
    document = sqlite_office.get("/openapi.json")
    admins = {path for path, _, said in operations(document) if "403" in said["responses"]}
    assert "/api/v1/settings" in admins
    assert "/api/v1/invoices" not in admins
    assert {path for path, _, said in operations(document) if not said["security"]} == {
        "/api/v1/reference",
        "/connections/callback",
        "/healthz",
        "/readyz",
    }


def test_every_request_may_bear_a_correlation_id_and_every_answer_bears_one(sqlite_office: Office) -> None:
    document = sqlite_office.get("/openapi.json")
    for path, method, said in operations(document):
        assert {"$ref": "#/components/parameters/CorrelationId"} in said["parameters"], (path, method)
        for status, answer in said["responses"].items():
            answer = document["components"]["responses"][answer["$ref"].split("/")[-1]] if "$ref" in answer else answer
            named = {"X-Correlation-Id": {"$ref": "#/components/headers/CorrelationId"}}
            assert answer["headers"].items() >= named.items(), (path, method, status)
    [given] = document["components"]["parameters"].values()
    assert (given["name"], given["in"], given.get("required", False)) == ("X-Correlation-Id", "header", False)
    assert "X-Correlation-Id" in sqlite_office.ask("GET", "/reference/content").text


def test_fields_are_described_as_they_are_taken_and_as_they_read_back(sqlite_office: Office) -> None:
    schemas = sqlite_office.get("/openapi.json")["components"]["schemas"]
    taken, shown = schemas["InvoicesInput"], schemas["Invoices"]
    assert taken["required"] == ["customer", "issue_date"]
    assert taken["properties"]["currency_rate"]["type"] == ["string", "number", "null"]
    assert taken["properties"]["line_amounts"]["enum"] == ["exclusive", "inclusive", "no_tax", None]
    assert shown["properties"]["total"]["type"] == "string"
    assert "required" not in schemas["InvoicesPatch"]
    assert schemas["Books"] == {
        "type": "object",
        "additionalProperties": True,  # its plugin says nothing of it
        "properties": {"sync": {"type": "array", "items": {"$ref": "#/components/schemas/SyncState"}}},
        "required": ["sync"],
    }


def test_the_description_needs_a_token_unless_the_configuration_opens_it(
    sqlite_from: Callable[..., str], office_at: OfficeAt
) -> None:
    from tests.integration.web.conftest import migrated

    office = office_at(sqlite_from(migrated), plugins='["core_billing"]\nwithout_token = ["openapi"]')
    for path in ("openapi.json", "reference/content"):
        assert office.client.get(f"/api/v1/{path}").status_code == 200
    assert office.client.get("/api/v1/customers").status_code == 401
    assert office.get("/openapi.json")["paths"]["/api/v1/openapi.json"]["get"]["security"] == []


def test_without_a_token_there_is_only_the_page_that_asks_for_one(sqlite_office: Office) -> None:
    client = sqlite_office.client
    assert client.get("/api/v1/openapi.json").status_code == 401
    assert client.get("/api/v1/reference/content").status_code == 401
    page = client.get("/api/v1/reference")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    for tag in ("script", "style"):
        [own] = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(own.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"(src|href)\s*=", page.text)  # it brings everything along


class Nesting(HTMLParser):
    """What is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_shows_every_address_with_its_fields(sqlite_office: Office) -> None:
    content = sqlite_office.ask("GET", "/reference/content").text
    reader = Nesting()
    reader.feed(content)
    assert reader.open == []
    described = operations(sqlite_office.get("/openapi.json"))
    assert reader.seen.count("details") == len(described)
    for _, _, said in described:
        assert f'id="{said["operationId"]}"' in content
    assert "<td><code>due_date</code></td><td>string (date) or &#34;&#34; or null</td>" in content


@pytest.mark.parametrize("names", ['["openapi", "records"]', '["openapi", "openapi"]', '"openapi"'])
def test_only_what_may_be_opened_can_be(tmp_path: Path, names: str) -> None:
    from host.config import ConfigFault, load_config
    from tests.integration.web.conftest import config_of

    config = config_of(tmp_path, "sqlite:///x.db", plugins=f"[]\nwithout_token = {names}")
    with pytest.raises(ConfigFault) as raised:
        load_config(config)
    assert "host.without_token" in str(raised.value)
