"""Every mistake has its one clear answer, and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update

from host import clock
from host.roles import Role
from host.tables import tokens
from host.web.resource import LARGEST_BODY

if TYPE_CHECKING:
    from tests.integration.web.conftest import Office

JSON = {"Content-Type": "application/json"}
KINDS = "accounts, books, customers, invoices, product-groups, products, suppliers, tax-rates, tracking-categories"
ADA = {"name": "Ada"}


@dataclass
class Mistake:
    method: str
    path: str
    status: int
    detail: str
    body: bytes | None = None
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.detail[:60]}"


def put(body: bytes, status: int, detail: str, **more: Any) -> Mistake:
    return Mistake("PUT", "/customers/ada", status, detail, body=body, headers=JSON, **more)


def invalid(path: str, record: Any, *errors: tuple[str, str], method: str = "PUT") -> Mistake:
    first = f"{errors[0][0]}: {errors[0][1]}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Mistake(method, path, 422, first + more, json=record, errors=list(errors))


def parameter(path: str, name: str, message: str) -> Mistake:
    return Mistake("GET", path, 400, f"{name}: {message}", errors=[(name, message)])


def line(**fields: Any) -> dict[str, Any]:
    return {"customer": "ada", "issue_date": "2026-03-02", "lines": [{"description": "x", **fields}]}


BODIES = [
    put(b"", 400, "the body is empty: it takes a JSON object"),
    put(b"[1]", 400, "the body is a list: it takes a JSON object"),
    put(b'"x"', 400, "the body is text: it takes a JSON object"),
    put(b"1.5", 400, "the body is a number: it takes a JSON object"),
    put(b"true", 400, "the body is true or false: it takes a JSON object"),
    put(b"null", 400, "the body is null: it takes a JSON object"),
    put(b'{"name": "Ada"', 400, "the body is not JSON: expecting ',' delimiter (line 1, column 15)"),
    put(b'{\n "name": Ada}', 400, "the body is not JSON: expecting value (line 2, column 10)"),
    put(b'{"name": "a"} {}', 400, "the body is not JSON: extra data (line 1, column 15)"),
    put(
        b'{"name": "NaN",\n "x": NaN}',
        400,
        "the body is not JSON: NaN is not a number in JSON: write a decimal such as 12.50 (line 2, column 7)",
    ),
    put(
        b'{"x": -Infinity}',
        400,
        "the body is not JSON: -Infinity is not a number in JSON: write a decimal such as 12.50 (line 1, column 7)",
    ),
    put(
        b'{"name": "\xff"}', 400, "the body is not JSON: the byte 0xff is not UTF-8 (line 1, column 11)"
    ),
    put(
        '{"name": "Ada"}'.encode("utf-16"),
        400,
        "the body is not JSON: the text is UTF-16: save it as UTF-8 (line 1, column 1)",
    ),
    put(b"[" * 100_000, 400, "the body is not JSON: it is nested too deeply (line 1, column 1)"),
    put(
        b'{"x": 1%s}' % (b"0" * 5000),
        400,
        "the body is not JSON: it holds a number too large to be read (line 1, column 1)",
    ),
    put(
        b'{"x": 1.0e99999999999999999999}',
        400,
        "the body is not JSON: it holds a number too large to be read (line 1, column 1)",
    ),
    put(b" " * (LARGEST_BODY + 1), 413, "the body is too large: accepted are up to 4 MB"),
    Mistake(
        "PUT", "/customers/ada", 415, "the body is text/csv: send it as Content-Type: application/json",
        body=b"{}", headers={"Content-Type": "text/csv; header=present"},
    ),
    Mistake(
        "PUT", "/customers/ada", 415, "the body is in latin-1: send it as UTF-8",
        body=b"{}", headers={"Content-Type": "application/json; charset=latin-1"},
    ),
    Mistake(
        "POST", "/customers/bulk", 415, "the body is text/plain: send it as Content-Type: application/jsonl",
        body=b"{}", headers={"Content-Type": "text/plain"},
    ),
    Mistake("POST", "/customers/bulk", 400, "the body is empty: it takes one JSON object per line", body=b" \n\n"),
]  # fmt: skip

RECORDS = [
    invalid("/customers/ada", {"name": ""}, ("name", "must not be empty")),
    invalid("/customers/ada", {}, ("name", "is required")),
    invalid("/customers/ada", {"name": 5, "active": "yes"}, ("name", "must be text"), ("active", "must be true or false")),
    invalid("/customers/ada", {"ref": "bob", **ADA}, ("ref", "must be ada as in the address, or be left out")),
    invalid("/customers/a%20b", ADA, ("ref", "must be 1 to 100 of the characters A-Z a-z 0-9 . _ : @ -")),
    invalid("/customers/ada", {"id": "1"}, ("id", "is read-only"), method="PATCH"),
    invalid("/invoices/1", line(unit_price="0.12345"), ("lines.0.unit_price", "0.12345 has more than 4 decimals")),
    invalid(
        "/invoices/1", line(quantity="NaN"), ("lines.0.quantity", "'NaN' is not a number: accepted are decimals such as 12.50")
    ),
    invalid("/invoices/1", line(quantity=10**15), ("lines.0.quantity", f"{10**15} is too large: accepted is up to 9,999,999,999.9999")),
    invalid("/invoices/1", {**line(), "customer": "nobody"}, ("customer", "there is no customer with the ref nobody")),
    invalid("/invoices/1", {**line(), "issue_date": "2026-02-30"}, ("issue_date", "2026-02-30 is not in the calendar")),
    Mistake("PATCH", "/customers/nobody", 404, "there is nothing with the ref 'nobody' among the customers", json=ADA),
    Mistake("GET", "/customers/nobody", 404, "there is nothing with the ref 'nobody' among the customers"),
    Mistake("DELETE", "/customers/nobody", 404, "there is nothing with the ref 'nobody' among the customers"),
    Mistake("DELETE", "/books/chained", 409, "book chained cannot be deleted: it is chained to the shelf"),
]  # fmt: skip

ADDRESSES = [
    Mistake("GET", "/widgets", 404, f"there is no kind 'widgets': the kinds are {KINDS}"),
    Mistake("PUT", "/customer/ada", 404, f"there is no kind 'customer' (did you mean 'customers'?): the kinds are {KINDS}", json=ADA),
    Mistake("POST", "/widgets/bulk", 404, f"there is no kind 'widgets': the kinds are {KINDS}", body=b"{}"),
    Mistake("GET", "/customers/", 404, "there is nothing at /api/v1/customers/"),
    Mistake("GET", "/customers/a/b/c", 404, "there is nothing at /api/v1/customers/a/b/c"),
    Mistake("POST", "/customers", 405, "POST is not possible here: there are GET, HEAD"),
    Mistake("POST", "/customers/ada", 405, "POST is not possible here: there are DELETE, GET, HEAD, PATCH, PUT"),
    Mistake("DELETE", "/connections", 405, "DELETE is not possible here: there are GET, HEAD, POST"),
    Mistake("GET", "/sync", 405, "GET is not possible here: there are POST"),
    Mistake("GET", "/batches/nothing", 404, "there is no batch 'nothing'"),
    Mistake("GET", "/requests/nothing", 404, "there is no request 'nothing'"),
    Mistake("GET", "/connections/acme", 404, "there is no connection 'acme': there are none yet"),
    Mistake("PATCH", "/connections/acme", 404, "there is no connection 'acme': there are none yet", json={"name": "x"}),
    Mistake("POST", "/connections/acme/import", 404, "there is no connection 'acme': there are none yet", json={"kind": "all"}),
]  # fmt: skip

PARAMETERS = [
    parameter("/customers?page=0", "page", "'0' is not accepted: it takes a whole number from 1 to 1000000000"),
    parameter("/customers?page=x", "page", "'x' is not accepted: it takes a whole number from 1 to 1000000000"),
    parameter(f"/customers?page={10**30}", "page", f"'{10**30}' is not accepted: it takes a whole number from 1 to 1000000000"),
    parameter("/customers?page_size=501", "page_size", "'501' is not accepted: it takes a whole number from 1 to 500"),
    parameter("/customers?page=1&page=2", "page", "it stands there twice"),
    parameter("/customers?q=%00", "q", "it holds a character that is no text"),
    parameter("/customers/ada?page=1", "page", "unknown parameter: this address takes none"),
    parameter("/requests?size=1", "size", "unknown parameter: accepted are connection, page, page_size"),
    Mistake("GET", "/books?size=1", 400, "there is no filter 'size': there are colour"),
    Mistake("GET", "/customers?active=maybe", 400, "active is true or false, not 'maybe'"),
    Mistake("GET", "/customers?sort=shoe", 400, "cannot sort by 'shoe': there are accounts_code, name, ref"),
    Mistake("GET", "/requests?connection=acme", 400, "connection: there is no connection 'acme': there are none yet"),
    Mistake("GET", "/errors?connection=acme", 400, "connection: there is no connection 'acme': there are none yet"),
]  # fmt: skip

SYNC = [
    invalid("/sync", {"kinds": "x"}, ("kinds", "unknown field: accepted are connection, kind, refs, filter"), method="POST"),
    invalid("/sync", {"kind": 1, "refs": "ada"}, ("kind", "must be text"), ("refs", "must be a list"), method="POST"),
    invalid("/sync", {"connection": "acme"}, ("connection", "there is no connection 'acme': there are none yet"), method="POST"),
    invalid("/sync", {"refs": ["ada", 5]}, ("refs.1", "must be text"), method="POST"),
    invalid(
        "/sync", {"kind": "customers", "refs": ["nobody"]},
        ("refs.0", "there is nothing with the ref 'nobody' among the customers"), method="POST",
    ),
    invalid("/sync", {"refs": ["nobody"]}, ("refs.0", "there is nothing with the ref 'nobody' among the records"), method="POST"),
    invalid("/sync", {"filter": {}}, ("filter", "goes with a kind, and without refs"), method="POST"),
    invalid("/sync", {"kind": "books", "filter": {"size": 1}}, ("filter.size", "must be text"), method="POST"),
    invalid(
        "/sync", {"kind": "books", "filter": {"size": "1"}}, ("filter", "there is no filter 'size': there are colour"), method="POST"
    ),
    Mistake("POST", "/sync", 404, f"there is no kind 'widgets': the kinds are {KINDS}", json={"kind": "widgets"}),
]  # fmt: skip

MISTAKES = [*BODIES, *RECORDS, *ADDRESSES, *PARAMETERS, *SYNC]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_has_one_clear_answer_and_changes_nothing(sqlite_office: Office, mistake: Mistake) -> None:
    office = sqlite_office
    assert office.put("/customers/ada", ADA).status_code == 201
    assert office.put("/books/chained", {"colour": "red"}).status_code == 201
    before = contents(office)

    given = {"json": mistake.json} if mistake.json is not None else {"content": mistake.body}
    answer = office.ask(mistake.method, mistake.path, headers=mistake.headers, **given)

    document = answer.json()
    assert (answer.status_code, document["detail"]) == (mistake.status, mistake.detail)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (document["status"], document["type"]) == (mistake.status, "about:blank")
    assert [(one["field"], one["message"]) for one in document.get("errors", [])] == mistake.errors
    assert contents(office) == before


def contents(office: Office) -> Any:
    return [office.get(f"/{kind}") for kind in ("customers", "invoices", "books")]


def test_broken_json_is_told_by_line_and_column_for_programs_too(sqlite_office: Office) -> None:
    answer = sqlite_office.ask("PUT", "/customers/ada", content=b'{\n"name": }', headers=JSON).json()
    assert (answer["line"], answer["column"]) == (2, 9)


def test_a_body_that_does_not_say_its_size_is_measured(sqlite_office: Office) -> None:
    parts = (b" " * 65536 for _ in range(LARGEST_BODY // 65536 + 1))
    answer = sqlite_office.ask("PUT", "/customers/ada", content=parts, headers=JSON)
    assert (answer.status_code, answer.json()["title"]) == (413, "Request Entity Too Large")


@pytest.mark.parametrize("character", [r"\u0000", r"\ud800"])
def test_what_no_database_holds_is_refused_before_it_is_asked(office: Office, character: str) -> None:
    name = office.ask("PUT", "/customers/ada", content=f'{{"name": "A{character}a"}}', headers=JSON)
    assert (name.status_code, name.json()["errors"][0]["field"]) == (422, "name")
    ref = office.ask("POST", "/sync", content=f'{{"refs": ["{character}"]}}', headers=JSON)
    assert (ref.status_code, ref.json()["detail"]) == (422, "refs.0: must be text")
    found = office.ask(
        "POST", "/sync", content=f'{{"kind": "customers", "filter": {{"name": "{character}"}}}}', headers=JSON
    )
    assert (found.status_code, found.json()["detail"]) == (422, "filter.name: must be text")


@pytest.mark.parametrize("path", ["/customers/a%00b", "/batches/%00", "/requests/%00", "/connections/%00"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_an_address_with_nul_in_it_leads_nowhere(office: Office, method: str, path: str) -> None:
    assert office.ask(method, path).status_code == 404


# -------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer cf_unknown"])
def test_without_a_token_that_is_known_nothing_is_told(sqlite_office: Office, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/customers", "/widgets", "/connections", "/customers/ada"):
        answer = sqlite_office.client.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="counterfoil"')
        assert answer.json()["detail"] in {
            "this needs a token: send the header Authorization: Bearer TOKEN (`counterfoil token create` makes one)",
            "this token is not known here",
        }


def test_a_revoked_token_and_one_that_expired_are_told_so(sqlite_office: Office) -> None:
    office, now = sqlite_office, clock.now()
    expired = office.new_token(Role.ADMIN, expires_at=now - timedelta(seconds=1))
    revoked = office.new_token(Role.ADMIN)
    with office.host.database.write() as session:
        session.execute(update(tokens).where(tokens.c.shown == revoked[:9]).values(revoked_at=now))
    for token, what in ((expired, "expired"), (revoked, "was revoked")):
        answer = office.ask("GET", "/customers", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith(f"the token {token[:9]}… {what} at ")
        assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


@pytest.mark.parametrize("path", ["/connections", "/connections/acme", "/requests", "/requests/1", "/plugins"])
def test_what_is_the_admins_is_not_for_users(sqlite_office: Office, path: str) -> None:
    answer = sqlite_office.ask("GET", path, role=Role.USER)
    expected = "this needs a token with the role admin; this one has the role user"
    assert (answer.status_code, answer.json()["detail"]) == (403, expected)


def test_the_use_of_a_token_is_noted_once_a_minute(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    start = clock.now()
    seen = []
    for seconds in (0, 59, 61):
        monkeypatch.setattr(clock, "now", lambda at=start + timedelta(seconds=seconds): at)
        office.get("/customers")
        with office.host.database.read() as session:
            seen.append(
                session.scalar(tokens.select().with_only_columns(tokens.c.last_used_at).where(tokens.c.role == "admin"))
            )
    assert seen == [start, start, start + timedelta(seconds=61)]


# ------------------------------------------------------------------------------------------------------ what is our fault


def test_an_error_of_ours_is_told_as_ours_and_kept_in_the_log(
    sqlite_office: Office, written: list[dict[str, Any]]
) -> None:
    answer = sqlite_office.put("/books/bomb", {"colour": "red"})
    correlation = answer.headers["x-correlation-id"]
    expected = f"an error of ours, not of the request; the log tells more under {correlation}"
    assert (answer.status_code, answer.json()["detail"]) == (500, expected)
    [line] = [one for one in written if one["level"] == "error"]
    assert line["correlation_id"] == correlation
    assert "this book explodes" in line["error"]


def test_a_database_that_cannot_be_used_is_for_later(sqlite_office: Office) -> None:
    answer = sqlite_office.put("/books/flood", {"colour": "red"})
    expected = "the database cannot be used just now: send the same again"
    assert (answer.status_code, answer.json()["detail"], answer.headers["retry-after"]) == (503, expected, "5")


def test_the_process_says_that_it_lives_without_a_token_and_without_a_database(sqlite_office: Office) -> None:
    with sqlite_office.host.database.write() as session:
        session.execute(text("DROP TABLE host_tokens"))
    answer = sqlite_office.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_access_log_names_the_caller_and_leaves_the_query_out(
    sqlite_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="host.web.access_log"):
        sqlite_office.get("/customers?q=Lovelace")
    [line] = [record.getMessage() for record in caplog.records if record.name == "host.web.access_log"]
    assert line.startswith(f"{sqlite_office.tokens[Role.ADMIN][:9]} GET /api/v1/customers 200 ")
    assert "Lovelace" not in line
