"""A host with billing and a shelf of books that behave as their refs say, and a client that talks to it over HTTP."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from host.app import Host, open_host, open_installation
from host.crypto import generate_key
from host.db.migrate import migrate
from host.logs import JsonLines
from host.roles import Role
from host.testing.tiny_provider import PLUGIN
from host.tokens import create_token
from host.web.app import build

if TYPE_CHECKING:
    import httpx

    from host.testing import TinyRemote

COMMAND = (sys.executable, "-c", "from host.cli import main; main()")

SHELF = """
from hookspecs import BadQuery, Deletion, Kind, KindService, ListPage, Problem, Refused, Saved, hookimpl
from sqlalchemy.exc import OperationalError

contract_version = 1
BOOKS = {}
CHUNKS = []
DEADLOCKS = []


class Deadlock(Exception):
    sqlstate = "40P01"


class Books(KindService):
    def get(self, session, ref):
        return BOOKS.get(ref)

    def list(self, session, query):
        if set(query.filters) - {"colour"}:
            raise BadQuery(f"there is no filter {min(query.filters)!r}: there are colour")
        found = [book for book in BOOKS.values() if query.filters.get("colour") in {None, book["colour"]}]
        start = (query.page - 1) * query.page_size
        return ListPage(items=found[start : start + query.page_size], total=len(found))

    def ids(self, session, refs):
        return {ref: BOOKS[ref]["id"] for ref in refs if ref in BOOKS}

    def put(self, unit_of_work, inputs, *, partial=False):
        CHUNKS.append((unit_of_work.batch, [one["ref"] for one in inputs]))
        if any(one["ref"] == "bomb" for one in inputs):
            raise RuntimeError("this book explodes")
        if DEADLOCKS:
            raise OperationalError("INSERT", {}, DEADLOCKS.pop())
        if any(one["ref"] == "flood" for one in inputs):
            raise OperationalError("INSERT", {}, Exception("disk is full"))
        return [self._put(one) for one in inputs]

    def _put(self, one):
        if "colour" not in one:
            return Saved(ref=one["ref"], problems=(Problem("colour", "is required"),))
        book = {"id": one["ref"] * 2, "ref": one["ref"], "colour": one["colour"]}
        before = BOOKS.get(one["ref"])
        BOOKS[one["ref"]] = book
        return Saved(ref=one["ref"], id=book["id"], created=before is None, changed=before != book)

    def delete(self, unit_of_work, ref):
        if ref == "chained":
            raise Refused("book chained cannot be deleted: it is chained to the shelf")
        if ref in {"asked", "inactive"}:
            return Deletion(ref)
        del BOOKS[ref]
        return Deletion.GONE


@hookimpl
def register_kinds():
    return [Kind(name="books", service=Books(), schema=type("Nothing", (), {}))]
"""


def config_of(folder: Path, database_url: str, *, plugins: str = '["core_billing", "shelf"]') -> Path:
    """A configuration in this folder, beside the plugins' code."""
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "plugins" / "shelf.py").write_text(SHELF)
    (folder / "plugins" / "tiny.py").write_text(PLUGIN.format(only=("customers", "invoices")))
    config = folder / "counterfoil.toml"
    config.write_text(
        f'[host]\ndatabase_url = "{database_url}"\nsecret_key = "{generate_key()}"\n'
        f'plugins = {plugins}\nplugin_dir = "plugins"\n'
    )
    config.chmod(0o600)
    return config


def migrated(url: str) -> None:
    with TemporaryDirectory() as folder:
        installation = open_installation(config_of(Path(folder), url))
        migrate(installation.database, installation.plugins.lines)
        installation.close()


@dataclass
class Office:
    """The host behind its HTTP address."""

    host: Host
    tokens: dict[Role, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = TestClient(build(self.host))
        for role in Role:
            self.tokens[role] = self.new_token(role)

    def new_token(self, role: Role, **more: Any) -> str:
        with self.host.database.write() as session:
            return create_token(session, role, **more).text

    def ask(
        self, method: str, path: str, *, role: Role = Role.ADMIN, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        shown = {"Authorization": f"Bearer {self.tokens[role]}", **(headers or {})}
        answer: httpx.Response = self.client.request(method, f"/api/v1{path}", headers=shown, **more)
        return answer

    def put(self, path: str, record: Mapping[str, Any]) -> httpx.Response:
        return self.ask("PUT", path, json=record)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def shelf(self) -> Any:
        """The module of the shelf's plugin, with what it was asked."""
        books = self.host.kinds["books"].service
        return sys.modules[type(books).__module__]


OfficeAt = Callable[..., Office]


@pytest.fixture
def office_at(tmp_path: Path, remote: TinyRemote) -> Iterator[OfficeAt]:
    """`office_at(url)`: an office on a migrated database; `plugins` as the configuration writes them. Its connections lead to `remote`.

    Ask for it after the database: what is asked for last is closed first.
    """
    opened: list[Office] = []

    def open_it(url: str, **config: str) -> Office:
        opened.append(Office(open_host(config_of(tmp_path, url, **config), transport=remote.transport())))
        return opened[-1]

    yield open_it
    for office in opened:
        office.client.close()
        office.host.close()


@pytest.fixture
def office(database_from: Callable[..., str], office_at: OfficeAt) -> Office:
    """On SQLite and on PostgreSQL."""
    return office_at(database_from(migrated))


def linked(office: Office, remote: TinyRemote) -> Office:
    assert office.host.engine is not None
    office.host.engine.connect("acme", provider="tiny", auth="custom")
    remote.calls.clear()
    return office


@pytest.fixture
def linked_office(database_from: Callable[..., str], remote: TinyRemote, office_at: OfficeAt) -> Office:
    """With a connection `acme`, on SQLite and on PostgreSQL."""
    return linked(office_at(database_from(migrated), plugins='["core_billing", "shelf", "tiny"]'), remote)


@pytest.fixture
def linked_sqlite_office(sqlite_from: Callable[..., str], remote: TinyRemote, office_at: OfficeAt) -> Office:
    """With a connection `acme`, where the database makes no difference."""
    return linked(office_at(sqlite_from(migrated), plugins='["core_billing", "shelf", "tiny"]'), remote)


@pytest.fixture
def sqlite_office(sqlite_from: Callable[..., str], office_at: OfficeAt) -> Office:
    """Where the database makes no difference."""
    return office_at(sqlite_from(migrated))


class _Written(logging.Handler):
    """Keeps the lines of the log as programs read them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def written() -> Iterator[list[dict[str, Any]]]:
    """The log of the host, from its level info on."""
    log, handler = logging.getLogger("host"), _Written()
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.lines
    log.setLevel(before)
    log.removeHandler(handler)
