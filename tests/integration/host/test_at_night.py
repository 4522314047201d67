"""docs/operation.md, "At three in the morning": each line is brought about, is what the program says, and is well again as the page says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from host import clock
from host.app import open_host
from host.cli.base import runner
from host.crypto import generate_key
from host.db import Database
from host.db import engine as engine_module
from host.db.locks import NamedLock
from host.web.app import build
from tests.docs.pages import DOCS, agrees
from tests.integration.host.test_cli import parsed
from tests.integration.host.test_mistakes import something_else_listening

if TYPE_CHECKING:
    from tests.contract.running import Sandbox
    from tests.integration.host.conftest import Desk, Ran

PAGE: Final = (DOCS / "operation.md").read_text()
SECTION: Final = PAGE.partition("## At three in the morning\n")[2].partition("\n## ")[0]
CODE: Final = re.compile(r"``(.+?)``|`(.+?)`")
ADA: Final = {"ref": "ada", "name": "Ada"}


@dataclass(frozen=True)
class Row:
    says: str
    well_again: str
    commands: tuple[str, ...]


def rows() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for line in SECTION.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            says, *_ = spans(cells[0])
            found[says] = Row(says, (spans(cells[3]) or [cells[3]])[0], tuple(spans(cells[2])))
    return found


def spans(cell: str) -> list[str]:
    return [(two or one).strip().replace("\\|", "|") for two, one in CODE.findall(cell)]


@dataclass
class Night:
    """What an operator has at hand, and what may go wrong with it."""

    desk: Desk
    sandbox: Sandbox
    monkeypatch: pytest.MonkeyPatch
    clean_up: ExitStack = field(default_factory=ExitStack)

    @property
    def database(self) -> Database:
        database = Database.at(f"sqlite:///{self.desk.folder}/counterfoil.db")
        self.clean_up.callback(database.close)
        return database

    def sql(self, statement: str) -> None:
        with self.database.write() as session:
            session.execute(text(statement))

    def customers(self, *records: dict[str, Any]) -> str:
        return self.desk.file("customers.jsonl", *(records or [ADA]))

    def plugin(self, source: str) -> None:
        folder = self.desk.folder / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / "odd.py").write_text(
            f"from hookspecs import *\nfrom hookspecs import hookimpl\ncontract_version = 1\n{source}\n"
        )
        if "plugin_dir =" not in self.desk.folder.joinpath("counterfoil.toml").read_text().replace("# plugin_dir", ""):
            self.desk.change(
                'plugins = ["core_billing", "xero"]',
                'plugins = ["core_billing", "xero", "odd"]\nplugin_dir = "plugins"',
            )

    def later(self, **passed: float) -> None:
        """So much time passes, here and at the remote."""
        by, now = timedelta(**passed), clock.now
        self.monkeypatch.setattr(clock, "now", lambda: now() + by)
        self.sandbox.advance(by.total_seconds())

    def asked(self, token: str) -> tuple[int, str]:
        """What the API answers to this token."""
        with open_host(self.desk.folder / "counterfoil.toml") as host:
            answer = TestClient(build(host)).get("/api/v1/customers", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json().get("detail", "")


Says = Iterator[str]
"""First what is said while it is wrong, then what is said when it is well again."""
BROUGHT_ABOUT: dict[str, Callable[[Night], Says]] = {}


def says(beginning: str) -> Callable[[Callable[[Night], Says]], Callable[[Night], Says]]:
    def noted(bring_about: Callable[[Night], Says]) -> Callable[[Night], Says]:
        BROUGHT_ABOUT[beginning] = bring_about
        return bring_about

    return noted


def printed(ran: Ran) -> str:
    return ran.out + ran.err


# ------------------------------------------------------------------------------------------------------ it does not start


@says("error: port")
def a_port_is_taken(night: Night) -> Says:
    with something_else_listening() as port:
        yield printed(night.desk("serve", "--port", str(port)))
    yield "Counterfoil is ready at ..."  # shown by what serves in other tests


@says("error: the database file")
def the_database_is_not_there(night: Night) -> Says:
    database = night.desk.folder / "counterfoil.db"
    database.rename(night.desk.folder / "aside")
    yield printed(night.desk("serve"))
    (night.desk.folder / "aside").rename(database)
    yield printed(night.desk("check"))


@says("error: the database sqlite")
def the_database_cannot_be_opened(night: Night) -> Says:
    (night.desk.folder / "folder.db").mkdir()  # as root one may write anywhere, but not into this
    night.desk.change("sqlite:///counterfoil.db", "sqlite:///folder.db")
    yield printed(night.desk("serve"))
    night.desk.change("sqlite:///folder.db", "sqlite:///counterfoil.db")
    yield printed(night.desk("check"))


@says("error: the database postgresql")
def postgresql_is_away(night: Night) -> Says:
    ours = 'database_url = "sqlite:///counterfoil.db"'
    theirs = 'database_url = "postgresql://counterfoil:hidden@127.0.0.1:1/counterfoil"'
    night.desk.change(ours, theirs)
    yield printed(night.desk("serve"))
    night.desk.change(theirs, ours)
    yield printed(night.desk("check"))


@says("error: the database must be migrated")
def the_program_is_newer(night: Night) -> Says:
    with night.database.write() as session:
        at = session.execute(text("SELECT version_num FROM host_migrations")).scalar_one()
    night.sql("UPDATE host_migrations SET version_num = '0001'")
    yield printed(night.desk("serve"))
    night.sql(f"UPDATE host_migrations SET version_num = '{at}'")
    yield printed(night.desk("check"))


@says("error: the database is newer")
def the_program_is_older(night: Night) -> Says:
    night.desk.good("backup", "before.zip")
    night.sql("UPDATE host_migrations SET version_num = '9999'")
    yield printed(night.desk("serve"))
    for part in night.desk.folder.glob("counterfoil.db*"):
        part.unlink()
    night.desk.good("restore", "before.zip")
    yield printed(night.desk("check"))


@says("error: another process is migrating")
def somebody_else_is_at_it(night: Night) -> Says:
    night.monkeypatch.setattr("host.db.migrate._WAIT_SECONDS", 0.05)
    with NamedLock(night.database, "migrate"):
        yield printed(night.desk("migrate"))
    assert night.desk("migrate").code == 0
    yield "the command goes through"


@says("error: ...counterfoil.toml")
def a_mistake_in_the_configuration(night: Night) -> Says:
    night.desk.change('daily_at = "02:30"', 'daily_at = "2:30 pm"')
    yield printed(night.desk("serve"))
    night.desk.change('daily_at = "2:30 pm"', 'daily_at = "02:30"')
    yield printed(night.desk("check"))


@says("error: ...: host.secret_key")
def the_key_is_gone(night: Night) -> Says:
    key = night.desk.folder / "secret.key"
    key.unlink()
    yield printed(night.desk("serve"))
    [new_key] = [one for one in row_of("error: ...: host.secret_key").commands if one.startswith("openssl")]
    here = new_key.replace("-o counterfoil ", "").replace("/etc/counterfoil", str(night.desk.folder))
    subprocess.run(["sh", "-c", here], check=True)
    night.desk.good("xero", "connect", "one")
    yield printed(night.desk("check"))


@says("error: no plugin that keeps records")
def no_keeper(night: Night) -> Says:
    night.desk.change('plugins = ["core_billing", "xero"]', 'plugins = ["xero"]')
    yield printed(night.desk("status"))
    night.desk.change('plugins = ["xero"]', 'plugins = ["core_billing", "xero"]')
    yield printed(night.desk("check"))


# ------------------------------------------------------------------------------------------------- check has something to do


@says("to do  connection ...: needs attention")
def the_credentials_are_wrong(night: Night) -> Says:
    night.desk.good("load", "customers", night.customers())
    right, wrong = (f'client_id = "sandbox-custom"\nclient_secret = "{one}"' for one in ("sandbox-secret", "wrong"))
    night.desk.change(right, wrong)
    with night.monkeypatch.context() as shifted:
        then = clock.now() + timedelta(seconds=1900)  # the token that it has is spent
        shifted.setattr(clock, "now", lambda: then)
        night.desk("sync", "--wait", "--timeout", "1")
        yield printed(night.desk("check"))
    night.desk.change(wrong, right)
    night.desk.good("xero", "connect", "one")
    yield printed(night.desk("check"))


@says("to do  secret key")
def another_key(night: Night) -> Says:
    key = night.desk.folder / "secret.key"
    shutil.copy(key, night.desk.folder / "former.key")
    key.write_text(f"{generate_key()}\n")
    yield printed(night.desk("check"))
    night.desk.change('secret_key = "file:secret.key"', 'secret_key = ["file:secret.key", "file:former.key"]')
    yield printed(night.desk("check"))


@says("to do  tables of")
def a_plugin_is_newer(night: Night) -> Says:
    with night.database.read() as session:
        at = session.execute(text("SELECT version_num FROM core_billing_migrations")).scalar_one()
    night.sql("UPDATE core_billing_migrations SET version_num = '0001'")
    yield printed(night.desk("check"))
    night.sql(f"UPDATE core_billing_migrations SET version_num = '{at}'")
    yield printed(night.desk("check"))


@says("to do  plugin ...: it could not be imported")
def a_plugin_cannot_be_imported(night: Night) -> Says:
    night.plugin("import no_such_thing")
    yield printed(night.desk("check"))
    night.plugin("")
    yield printed(night.desk("check"))


MOODY = """
from pathlib import Path

@hookimpl
def on_entity_saved(event, unit_of_work):
    if Path("moody").exists():
        raise ValueError("on purpose")
"""


@says("to do  plugin ...: it failed over")
def a_plugin_raised(night: Night) -> Says:
    night.plugin(MOODY)
    (night.desk.folder / "moody").touch()
    night.desk.good("load", "customers", night.customers())
    yield printed(night.desk("check"))
    (night.desk.folder / "moody").unlink()
    with open_host(night.desk.folder / "counterfoil.toml") as host:
        host.repair()  # as at each start
    yield printed(night.desk("check"))


@says("to do  clock")
def the_clock_was_set_back(night: Night) -> Says:
    with night.monkeypatch.context() as shifted:
        then = clock.now() - timedelta(hours=1)
        shifted.setattr(clock, "now", lambda: then)
        yield printed(night.desk("check"))
    yield printed(night.desk("check"))


@says("to do  connection ...: ... answers, but")
def the_remote_sees_another_clock(night: Night) -> Says:
    yield from the_clock_was_set_back(night)


@says("to do  file modes")
def others_can_read(night: Night) -> Says:
    (night.desk.folder / "secret.key").chmod(0o644)
    yield printed(night.desk("check"))
    (night.desk.folder / "secret.key").chmod(0o600)
    yield printed(night.desk("check"))


# ---------------------------------------------------------------------------------------------------- records do not arrive


@says("not called until")
def the_remote_is_down(night: Night) -> Says:
    night.sandbox.fault(method="PUT", path="Contacts", kind="status", status=429, seconds=200, times=1)
    night.desk.good("load", "customers", night.customers())
    night.desk("sync", "--wait")
    yield printed(night.desk("status"))
    night.later(minutes=5)
    yield arrived(night)


@says("waits until")
def an_import_meets_the_limits(night: Night) -> Says:
    night.desk.change("day = 5000", "day = 1")  # connecting took one
    night.sandbox.put("Contacts", {"Name": "Bea"})
    ran = night.desk("import", "customers", "--connection", "one")
    assert (ran.code, ran.err.count("are used up until")) == (1, 1), "it is told once"
    yield printed(night.desk("status"))
    night.desk.change("day = 1", "day = 5000")
    night.later(hours=25)
    yield printed(night.desk("import", "customers", "--connection", "one"))
    assert "waits until" not in printed(night.desk("status"))


@says("warning: the import of")
def an_import_stops(night: Night) -> Says:
    night.sandbox.fault(method="GET", path="Contacts", kind="status", status=503, times=9)
    night.sandbox.put("Contacts", {"Name": "Bea"})
    ran = night.desk("import", "customers", "--connection", "one")
    assert (ran.code, len(ran.err.splitlines())) == (1, 1), "it is told once"
    yield printed(night.desk("errors"))
    night.sandbox.control("DELETE", "faults")
    yield printed(night.desk("import", "customers", "--connection", "one"))
    assert "the import of" not in printed(night.desk("errors"))


@says("the day's calls are used up")
def the_day_is_used_up(night: Night) -> Says:
    night.desk.change("day = 5000", "day = 4")  # connecting took one, and a look takes three
    night.desk("check")
    night.desk.good("load", "customers", night.customers())
    yield printed(night.desk("status"))
    night.later(hours=25)
    yield arrived(night)


@says("... unknown")
def an_answer_is_lost(night: Night) -> Says:
    night.sandbox.fault(method="PUT", path="Contacts", kind="status", status=503, times=2)
    night.desk.good("load", "customers", night.customers())
    night.desk("sync", "--wait", "--timeout", "1")
    yield printed(night.desk("errors"))
    night.later(minutes=5)
    yield arrived(night)


@says("... failed")
def the_remote_refuses(night: Night) -> Says:
    night.desk.good("load", "customers", night.customers())
    night.sandbox.fault(method="PUT", path="Contacts", kind="status", status=400, times=1)
    night.desk("sync", "--wait")
    yield printed(night.desk("errors"))
    night.desk.good("retry", "--kind", "customers", "--ref", "ada")
    yield arrived(night)


@says("the oldest record that waits")
def nobody_serves(night: Night) -> Says:
    night.desk.good("load", "customers", night.customers())
    yield printed(night.desk("status"))
    yield arrived(night)


def arrived(night: Night) -> str:
    return night.desk.good("sync", "--wait")


# ------------------------------------------------------------------------------------------------------- disk and database


@says("error: stopped before line")
def the_disk_is_full(night: Night) -> Says:
    real = engine_module._prepare_sqlite

    def full(connection: Any, record: Any) -> None:
        real(connection, record)
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    many = night.customers(*({"ref": f"c{number}", "name": f"C {number}"} for number in range(1000)))
    with night.monkeypatch.context() as small:
        small.setattr(engine_module, "_prepare_sqlite", full)
        yield printed(night.desk("load", "customers", many))
    assert night.desk("load", "customers", many).code == 0
    yield "the command goes through"


@says("the database cannot be used just now")
def the_database_goes_away(night: Night) -> Says:
    token = night.desk.good("token", "create", "--role", "user").strip()
    with open_host(night.desk.folder / "counterfoil.toml") as host:
        client = TestClient(build(host))
        with night.monkeypatch.context() as away:
            away.setattr(host.database, "read", unusable)
            answer = client.get("/api/v1/customers", headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, client.get("/readyz").status_code) == (503, 503)
            assert answer.headers["retry-after"]
            yield answer.json()["detail"]
        yield client.get("/readyz").text


def unusable() -> Any:
    from sqlalchemy.exc import OperationalError

    raise OperationalError("SELECT", {}, Exception("disk I/O error"))


@says("error: the backup")
def no_place_for_a_backup(night: Night) -> Says:
    yield printed(night.desk("backup", "/proc/backup.zip"))
    yield printed(night.desk("backup", "backup.zip"))


# ----------------------------------------------------------------------------------------------------- programs are refused


@says("this token is not known here")
def a_token_of_elsewhere(night: Night) -> Says:
    yield night.asked("cf_of_another_installation")[1]
    token = night.desk.good("token", "create", "--role", "user").strip()
    yield str(night.asked(token)[0])


@says("the token ... was revoked")
def a_revoked_token(night: Night) -> Says:
    token = night.desk.good("token", "create", "--role", "user").strip()
    night.desk.good("token", "revoke", token[:9])
    yield night.asked(token)[1]
    yield str(night.asked(night.desk.good("token", "create", "--role", "user").strip())[0])


@says("the token ... expired")
def an_expired_token(night: Night) -> Says:
    token = night.desk.good("token", "create", "--role", "user", "--expires", "1h").strip()
    night.later(hours=2)
    yield night.asked(token)[1]
    yield str(night.asked(night.desk.good("token", "create", "--role", "user", "--expires", "90d").strip())[0])


@says("the server is away")
def the_proxy_finds_nobody(_night: Night) -> Says:
    """That they do say so is shown where they are started."""
    proxies = DOCS.parent / "deploy/proxy"
    for recipe in (proxies / "nginx.conf", proxies / "Caddyfile"):
        assert "the server is away: try again soon" in recipe.read_text()
    yield "the server is away: try again soon"
    yield "200"


# ----------------------------------------------------------------------------------------------------------------- the test


@pytest.fixture
def night(desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    found = Night(desk, sandbox, monkeypatch)
    with found.clean_up:
        yield found


def row_of(beginning: str) -> Row:
    [row] = [row for says, row in rows().items() if says.startswith(beginning)]
    return row


def test_every_line_is_brought_about() -> None:
    assert [says for says in rows() if not any(says.startswith(beginning) for beginning in BROUGHT_ABOUT)] == []


@pytest.mark.parametrize("beginning", BROUGHT_ABOUT)
def test_a_line(beginning: str, night: Night) -> None:
    row = row_of(beginning)
    wrong, well = BROUGHT_ABOUT[beginning](night)
    assert says_so(row.says, wrong), f"{row.says!r} is not in\n{wrong}"
    assert says_so(row.well_again, well), f"{row.well_again!r} is not in\n{well}"
    assert not says_so(row.says, well), "it is not well again"


def says_so(pattern: str, text: str) -> bool:
    """Whether one line of it is, or holds, this."""
    return any(agrees(f"...{pattern}...", f" {line}") for line in text.splitlines())


@pytest.mark.parametrize(
    "command", sorted({one for row in rows().values() for one in row.commands if one.startswith("counterfoil ")})
)
def test_what_is_to_be_typed_is_a_command(command: str) -> None:
    typed = command.replace("KIND/REF", "invoices/1").replace("KIND", "invoices")
    assert list(parsed(runner.program(), f"\b\nExamples:\n  {typed}"))
