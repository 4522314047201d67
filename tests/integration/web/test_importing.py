"""Importing over HTTP, whatever the ledger: what is refused, what goes on by itself, what two do at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from host.db.locks import NamedLock
from host.roles import Role
from host.sync import RemoteRecord, Unreadable
from host.sync.imports.importer import Importer
from host.sync.tables import connections
from host.testing import TinyProvider
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from host.sync.imports.staging import Staged, Wish
    from host.testing.tiny_remote import TinyRemote
    from tests.integration.web.conftest import Office

PATH = "/connections/acme/import"


def there(remote: TinyRemote, *names: str) -> None:
    kept = remote.elements.setdefault("acme/customers", {})
    for name in names:
        id = f"r{len(kept) + 1}"
        kept[id] = {"id": id, "mark": f"m{id}", "ours": "", "text": name, "status": "draft"}


def imported(office: Office, **more: Any) -> Any:
    answer = office.ask("POST", PATH, json={"kind": "customers", **more})
    assert answer.status_code == 202, answer.text
    assert office.host.engine is not None
    office.host.engine.imports.go_on("acme")
    return office.get(answer.headers["location"].removeprefix("/api/v1"))["imported"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"kind": "shoes"}, "kind", "'shoes' cannot be imported: there are all, accounts, customers"),
        ({"kind": "all", "choose": []}, "choose", "goes with one kind of records, and names at least one remote_id"),
        ({"kind": "accounts", "choose": ["1"]}, "choose", "goes with one kind of records, and names at least one remote_id"),
        ({"kind": "customers", "choose": "1"}, "choose", "must be a list"),
        ({"kind": "accounts", "preview": True}, "preview", "goes with records (customers, suppliers, products): lists are taken as they are"),
        ({"kind": "customers", "preview": "yes"}, "preview", "must be true or false"),
        ({"kind": "customers", "group": "g"}, "group", "goes with products"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_said(linked_sqlite_office: Office, body: Any, field: str, message: str) -> None:
    answer = linked_sqlite_office.ask("POST", PATH, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": message}]


def test_only_an_admin_imports_and_links(linked_office: Office) -> None:
    for method, path in (
        ("POST", PATH),
        ("GET", "/connections/acme/remote/customers"),
        ("PUT", "/connections/acme/links/customers/a"),
    ):
        assert linked_office.ask(method, path, json={}, role=Role.USER).status_code == 403


def test_what_nobody_has_is_not_found(linked_office: Office) -> None:
    for path in ("/batches/none/records", "/connections/none/remote/customers", "/connections/acme/remote/shoes"):
        assert linked_office.ask("GET", path).status_code == 404, path
    nobody = linked_office.ask("DELETE", "/connections/acme/links/customers/nobody")
    assert (nobody.status_code, nobody.json()["detail"]) == (404, "there is no customers record with the ref nobody")


def test_a_running_server_imports_by_itself(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    there(remote, "Ada", "Bea")
    office.host.start()
    answer = office.ask("POST", PATH, json={"kind": "all"})
    assert answer.json()["taken"]["accounts"]["created"] == 2
    path = f"/batches/{answer.json()['batch']}"
    wait_until(lambda: office.get(path)["imported"]["stage"] == "done", what="the import")
    listed = office.get(f"{path}/records?action=create")
    assert [(one["name"], one["ref"]) for one in listed["items"]] == [("Ada", "acme:Ada"), ("Bea", "acme:Bea")]
    assert remote.writes("customers") == []


def test_what_was_chosen_and_is_not_there_is_said(linked_office: Office, remote: TinyRemote) -> None:
    there(remote, "Ada", "Bea")
    done = imported(linked_office, choose=["r2", "r9"])
    assert (done["kinds"]["customers"]["create"], done["kinds"]["customers"]["skip"]) == (1, 1)
    assert [one["name"] for one in linked_office.get("/customers")["items"]] == ["Bea"]


def test_an_import_that_died_half_way_goes_on(
    linked_office: Office, remote: TinyRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead between two transactions: nothing that was done is done again."""
    office, engine = linked_office, linked_office.host.engine
    assert engine is not None
    there(remote, "Ada", "Bea", "Cid")
    monkeypatch.setattr("host.sync.imports.importer.AT_ONCE", 1)
    whole, rounds = Importer._decide_guarded, []

    def dying(importer: Importer, wish: Wish, some: list[Staged]) -> None:
        rounds.append(some)
        if len(rounds) == 2:
            raise KeyboardInterrupt
        whole(importer, wish, some)

    monkeypatch.setattr(Importer, "_decide_guarded", dying)
    answer = office.ask("POST", PATH, json={"kind": "customers"})
    with pytest.raises(KeyboardInterrupt):
        engine.imports.go_on("acme")
    batch = f"/batches/{answer.json()['batch']}"
    assert office.get(batch)["imported"]["kinds"]["customers"] == {**dict.fromkeys(ACTIONS, 0), "create": 1, "left": 2}
    reads = len(remote.reads("customers"))
    assert engine.imports.waiting() == ["acme"]
    assert engine.imports.go_on("acme")
    assert office.get(batch)["imported"]["kinds"]["customers"]["create"] == 3
    assert len(remote.reads("customers")) == reads, "it is not read again"
    assert len(office.get("/customers")["items"]) == 3


ACTIONS = ("create", "update", "link", "unchanged", "skip", "conflict", "failed", "left")


def test_an_import_that_nobody_carries_out_keeps_nothing_from_going(linked_office: Office, remote: TinyRemote) -> None:
    """No server runs jobs: what is saved in bulk would wait until the batch counts as given up."""
    office, engine = linked_office, linked_office.host.engine
    assert engine is not None
    for preview in (True, False):
        assert office.ask("POST", PATH, json={"kind": "customers", "preview": preview}).status_code == 202
    assert office.ask("POST", "/customers/bulk", content=b'{"ref": "ada", "name": "Ada"}').status_code == 200
    engine.drain("acme")
    assert len(remote.writes("customers")) == 1


def test_one_import_of_a_connection_runs_at_a_time(linked_office: Office, remote: TinyRemote) -> None:
    office, engine = linked_office, linked_office.host.engine
    assert engine is not None
    there(remote, "Ada")
    office.ask("POST", PATH, json={"kind": "customers"})
    with NamedLock(office.host.database, "import-acme"):
        assert not engine.imports.go_on("acme")
    threads = [threading.Thread(target=engine.imports.go_on, args=("acme",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.imports.go_on("acme")
    assert len(office.get("/customers")["items"]) == 1
    assert len(remote.reads("customers")) == 1


def test_one_that_cannot_be_taken_over_fails_alone(linked_office: Office, remote: TinyRemote) -> None:
    there(remote, "Ada", "x" * 600, "Bea")
    done = imported(linked_office)
    assert (done["kinds"]["customers"]["create"], done["kinds"]["customers"]["failed"]) == (2, 1)
    [failed] = records(linked_office, "failed")
    assert failed["reason"] == "name: has 600 characters: accepted are up to 500"


BEA = RemoteRecord(kind="customers", id="r1", name="Bea", fields={"name": "Bea"})


@pytest.mark.parametrize(
    ("answered", "says"),
    [
        (None, "NoneType, and not pages of records"),
        ([BEA], "RemoteRecord for a page: a page is a list of records"),
        ([[BEA, {"name": "Ada"}]], "a page with dict in it: a page has RemoteRecords"),
        ([[BEA], [replace(BEA, kind="customer")]], "a record of the kind 'customer', and was asked for customers"),
        ([[replace(BEA, id="")]], "a record (Bea) whose id is '': it needs one, as text"),
    ],
)
def test_a_provider_that_does_not_answer_as_it_should_is_named(
    linked_office: Office, monkeypatch: pytest.MonkeyPatch, answered: Any, says: str
) -> None:
    monkeypatch.setattr(TinyProvider, "remote_records", lambda *_: answered)
    told = f"the plugin of tiny is at fault, please report it to its authors: its remote_records answered {says}"
    done = imported(linked_office)
    assert (done["stage"], done["reason"]) == ("failed", told)
    assert linked_office.get("/customers")["items"] == []
    searched = linked_office.ask("GET", "/connections/acme/remote/customers")
    assert (searched.status_code, searched.json()["detail"]) == (409, told)


def test_an_answer_that_cannot_be_read_is_asked_for_again_later(
    linked_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def garbled(*_: Any) -> Any:
        raise Unreadable

    monkeypatch.setattr(TinyProvider, "remote_records", garbled)
    told = "the remote's answer could not be read: try again later"
    assert (imported(linked_office)["stage"], imported(linked_office)["reason"]) == ("failed", told)
    searched = linked_office.ask("GET", "/connections/acme/remote/customers")
    assert (searched.status_code, searched.json()["detail"]) == (503, told)


def records(office: Office, action: str) -> Any:
    from sqlalchemy import select

    from host.sync.imports.tables import import_records

    with office.host.database.read() as session:
        batch = session.scalars(select(import_records.c.batch)).first()
    return office.get(f"/batches/{batch}/records?action={action}")["items"]


def test_who_is_being_made_there_is_not_made_here_again(linked_office: Office, remote: TinyRemote) -> None:
    """Its create is out, and the listing has it already."""
    office, engine = linked_office, linked_office.host.engine
    assert engine is not None
    office.put("/customers/ada", {"name": "Ada"})
    remote.fails("lose", "PUT /customers")
    seen: list[Any] = []

    def import_now(request: Any) -> None:
        if request.method == "GET" and not seen:
            seen.append(None)
            seen.append(imported(office))

    remote.before_answer = import_now
    engine.drain("acme")
    assert len(office.get("/customers")["items"]) == 1
    [state] = office.get("/customers/ada")["sync"]
    assert state["remote_id"] == "r1"
    assert imported(office)["kinds"]["customers"]["unchanged"] == 1


def test_an_import_from_a_connection_that_is_gone_ends_with_what_to_do(
    linked_office: Office, remote: TinyRemote
) -> None:
    office, engine = linked_office, linked_office.host.engine
    assert engine is not None
    there(remote, "Ada")
    answer = office.ask("POST", PATH, json={"kind": "customers"})
    with office.host.database.write() as session:
        session.execute(update(connections).values(status="disconnected"))
    assert engine.imports.go_on("acme")
    shown = office.get(f"/batches/{answer.json()['batch']}")
    assert (shown["imported"]["stage"], shown["imported"]["reason"]) == (
        "failed",
        "acme is disconnected: connect it again first",
    )
    assert shown["closed_at"]
    assert engine.imports.waiting() == []
    assert office.ask("POST", PATH, json={"kind": "customers"}).status_code == 409


def test_a_server_that_is_told_to_end_leaves_the_rest_for_the_next(linked_office: Office, remote: TinyRemote) -> None:
    office, engine = linked_office, linked_office.host.engine
    assert engine is not None
    there(remote, "Ada")
    answer = office.ask("POST", PATH, json={"kind": "customers"})
    remote.before_answer = lambda _request: engine.stop()
    engine.imports.go_on("acme")
    shown = office.get(f"/batches/{answer.json()['batch']}")
    assert shown["imported"]["stage"] == "reading"
    assert office.get("/customers")["items"] == []
    assert engine.imports.waiting() == ["acme"]
