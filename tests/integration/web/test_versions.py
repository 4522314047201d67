"""Two who write one record do not overwrite each other unnoticed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.integration.web.conftest import Office

ADA = {"name": "Ada Lovelace"}
INVOICE = {"customer": "ada", "issue_date": "2026-03-02", "lines": [{"description": "Engine", "unit_price": "3"}]}
BAD = 'takes the ETag of a record as it was answered, with its quotes ("…"), or *'


def put(office: Office, path: str, record: Any, **conditions: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in conditions.items()}
    return office.ask("PUT", path, json=record, headers=headers)


def version(office: Office, path: str) -> str:
    return office.ask("GET", path).headers["etag"]


def test_what_another_wrote_meanwhile_is_not_overwritten(office: Office) -> None:
    read = put(office, "/customers/ada", ADA).headers["etag"]
    assert read == version(office, "/customers/ada")
    mine = put(office, "/customers/ada", {"name": "Ada King"}, If_Match=read)
    assert (mine.status_code, mine.headers["etag"]) == (200, version(office, "/customers/ada"))

    refused = "ada is not in the version that If-Match names: read it again, and decide anew"
    for method, body in (("PUT", ADA), ("PATCH", ADA), ("DELETE", None)):
        answer = office.ask(method, "/customers/ada", json=body, headers={"If-Match": read})
        assert (answer.status_code, answer.json()["detail"]) == (412, refused)
    assert office.get("/customers/ada")["name"] == "Ada King"
    assert office.ask("DELETE", "/customers/ada", headers={"If-Match": mine.headers["etag"]}).status_code == 204


@pytest.mark.parametrize("kind", ["customers", "invoices"])
def test_of_many_with_the_same_version_one_writes(office: Office, kind: str) -> None:
    office.put("/customers/ada", ADA)
    office.put("/invoices/ada", INVOICE)
    path, field = f"/{kind}/ada", {"customers": "email", "invoices": "reference"}[kind]
    for turn in range(5):
        read = version(office, path)

        def change(person: int, read: str = read, turn: int = turn) -> int:
            given = {field: f"{turn}.{person}@example.com"}
            return office.ask("PATCH", path, json=given, headers={"If-Match": read}).status_code

        with ThreadPoolExecutor(4) as people:
            assert sorted(people.map(change, range(4))) == [200, 412, 412, 412]


def test_of_many_who_make_one_record_one_makes_it(office: Office) -> None:
    with ThreadPoolExecutor(4) as people:
        answers = list(
            people.map(lambda one: put(office, "/customers/ada", {"name": str(one)}, If_None_Match="*"), range(4))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 412, 412, 412]
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    assert office.get("/customers/ada") == made
    refused = "ada is there already, and If-None-Match: * only makes new ones"
    assert {answer.json()["detail"] for answer in answers if answer.status_code == 412} == {refused}


def test_a_version_changes_with_what_the_record_is_made_of(sqlite_office: Office) -> None:
    office = sqlite_office
    office.put("/customers/ada", ADA)
    first = put(office, "/invoices/1", INVOICE).headers["etag"]
    line = {**INVOICE["lines"][0], "quantity": "2"}  # type: ignore[dict-item]
    assert put(office, "/invoices/1", {**INVOICE, "lines": [line]}).headers["etag"] != first
    assert put(office, "/invoices/1", INVOICE).headers["etag"] == first


def test_how_the_sync_stands_is_new_for_readers_and_no_matter_for_writers(linked_office: Office) -> None:
    office = linked_office
    read = put(office, "/customers/ada", ADA).headers["etag"]
    assert office.ask("GET", "/customers/ada", headers={"If-None-Match": read}).status_code == 304
    assert office.host.engine is not None
    office.host.engine.drain("acme")
    synced = office.ask("GET", "/customers/ada", headers={"If-None-Match": read})
    assert (synced.status_code, synced.json()["sync"][0]["state"]) == (200, "synced")
    assert put(office, "/customers/ada", {"name": "Ada King"}, If_Match=read).status_code == 200


def test_what_is_known_already_is_not_sent_again(sqlite_office: Office) -> None:
    office = sqlite_office
    read = put(office, "/customers/ada", ADA).headers["etag"]
    for known in (read, f'"other", {read}', f"W/{read}", "*"):
        answer = office.ask("GET", "/customers/ada", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", read)
    assert office.ask("GET", "/customers/ada", headers={"If-None-Match": '"other"'}).json()["name"] == ADA["name"]
    assert office.ask("HEAD", "/customers/ada", headers={"If-None-Match": read}).status_code == 304


def test_any_version_will_do_where_there_is_one(sqlite_office: Office) -> None:
    office = sqlite_office
    missing = put(office, "/customers/ada", ADA, If_Match="*")
    detail = "If-Match names a version, and there is nothing with the ref 'ada'"
    assert (missing.status_code, missing.json()["detail"]) == (412, detail)
    office.put("/customers/ada", ADA)
    for match in ("*", f'"other",{version(office, "/customers/ada")}', f"W/{version(office, '/customers/ada')}"):
        assert put(office, "/customers/ada", ADA, If_Match=match).status_code == 200


@pytest.mark.parametrize(
    ("header", "value", "detail"),
    [
        ("If_Match", "abc", f"If-Match {BAD}"),
        ("If_Match", "", f"If-Match {BAD}"),
        ("If_Match", '"a" "b"', f"If-Match {BAD}"),
        ("If_None_Match", "**", f"If-None-Match {BAD}"),
        ("If_None_Match", '"a"', "If-None-Match takes only * here: it makes a record where there is none"),
    ],
)
def test_a_version_that_is_none_is_told_and_nothing_is_saved(
    sqlite_office: Office, header: str, value: str, detail: str
) -> None:
    answer = put(sqlite_office, "/customers/ada", ADA, **{header: value})
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert sqlite_office.get("/customers")["total"] == 0


def test_the_answer_is_the_record_as_it_was_saved(office: Office) -> None:
    """Not as somebody else made it a moment later: whoever goes on from that ETag would overwrite what they never saw."""
    office.put("/customers/ada", ADA)
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda one: put(office, "/customers/ada", {"name": f"Ada {one}"}), range(24)))
    assert {answer.json()["name"] for answer in answers} == {f"Ada {one}" for one in range(24)}
