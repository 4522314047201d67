"""What holds for every address there is: who is let in, which methods there are, and a database that goes away and comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, make_url, text, update

from host import clock
from host.roles import Role
from host.tables import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.web.conftest import Office, OfficeAt
    from tests.postgres import PostgresServer

METHODS = {"get", "put", "patch", "post", "delete"}


def described(office: Office) -> list[tuple[str, str, Any]]:
    """Path, method and what is said of it; parameters filled in. What stands beside the API is asked by machines alone, and reading it is all they do."""
    found = []
    for path, item in office.get("/openapi.json")["paths"].items():
        if not path.startswith("/api/v1"):
            continue
        filled = path.removeprefix("/api/v1").replace("{ref}", "ada").replace("{key}", "acme").replace("{id}", "1")
        found += [(filled, method, said) for method, said in item.items()]
    assert len(found) > 50
    return found


def test_without_a_good_token_no_address_tells_or_does_anything(sqlite_office: Office) -> None:
    office, now = sqlite_office, clock.now()
    expired, revoked = office.new_token(Role.ADMIN, expires_at=now - timedelta(seconds=1)), office.new_token(Role.ADMIN)
    with office.host.database.write() as session:
        session.execute(update(tokens).where(tokens.c.shown == revoked[:9]).values(revoked_at=now))
    for path, method, said in described(office):
        if not said["security"]:
            continue
        for token, why in ((expired, "expired"), (revoked, "was revoked"), ("cf_nobody", "is not known")):
            answer = office.ask(method, path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, (method, path)
            assert why in answer.json()["detail"]
        assert office.client.request(method, f"/api/v1{path}").status_code == 401


def test_an_admins_addresses_are_for_admins_and_the_others_for_both(sqlite_office: Office) -> None:
    for path, method, said in described(sqlite_office):
        status = sqlite_office.ask(method, path, role=Role.USER).status_code
        assert (status == 403) == ("403" in said["responses"]), (method, path, status)
        assert str(status) in said["responses"], (method, path, status)


def test_a_method_that_an_address_does_not_have_is_refused_with_those_that_it_has(sqlite_office: Office) -> None:
    methods: dict[str, set[str]] = {}
    for path, method, _ in described(sqlite_office):
        methods.setdefault(path, set()).add(method)
    for path, there in methods.items():
        if path.endswith("/bulk"):
            continue  # a ref like any other
        for method in METHODS - there:
            answer = sqlite_office.ask(method, path)
            assert answer.status_code == 405, (method, path)
            allowed = {one.strip().lower() for one in answer.headers["allow"].split(",")}
            assert allowed - {"head"} == there


def test_a_database_that_goes_away_and_comes_back(
    postgresql_from: Callable[..., str], office_at: OfficeAt, postgres_server: PostgresServer
) -> None:
    from tests.integration.web.conftest import migrated

    url = postgresql_from(migrated)
    office = office_at(url, plugins='["core_billing"]')
    assert office.put("/customers/ada", {"name": "Ada"}).status_code == 201
    name = make_url(url).database
    admin = create_engine(postgres_server.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
        )
        for method, path, body in (
            ("GET", "/customers", None),
            ("PUT", "/customers/bea", {"name": "Bea"}),
            ("GET", "/errors", None),
        ):
            answer = office.ask(method, path, json=body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        assert office.client.get("/healthz").status_code == 200
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    admin.dispose()
    assert office.put("/customers/bea", {"name": "Bea"}).status_code == 201
    assert office.get("/customers")["total"] == 2


@pytest.mark.parametrize("depth", [500, 100_000])
def test_deep_json_is_refused_wherever_a_body_is_taken(sqlite_office: Office, depth: int) -> None:
    deep = b'{"filter":' * depth + b"1" + b"}" * depth
    for path, method, said in described(sqlite_office):
        content = said.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            answer = sqlite_office.ask(method, path, content=deep, headers={"Content-Type": "application/json"})
            assert answer.status_code in {400, 404, 422}, (method, path, answer.text)
