"""At the command line, every mistake has its one clear line and its exit code, and nothing is half written or sent to the wrong place.

Three tables: command lines, configurations and files. A fourth, of requests to the API, is in ``tests/integration/web/test_mistakes.py``.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from host.config.settings import HostSchema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.running import Sandbox
    from tests.integration.host.conftest import Desk

KINDS = "accounts, customers, invoices, product-groups, products, suppliers, tax-rates, tracking-categories"
SECOND_APP = ('"sandbox-custom"', '"sandbox-custom-2"')


@contextmanager
def something_else_listening() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


# ------------------------------------------------------------------------------------------------- nothing comes of these

MISTAKES: list[tuple[str, int, str]] = [
    ("import all --connection nowhere", 1, "there is no connection 'nowhere' (connections: one)"),
    ("import taxes --connection one", 1, "'taxes' can't be imported (all, tax-rates, accounts, currencies, branding-themes, customers, suppliers, products)"),
    ("errors --connection nowhere", 1, "there is no connection 'nowhere' (connections: one)"),
    ("sync --connection nowhere", 1, "there is no connection 'nowhere' (connections: one)"),
    ("sync --kind widgets", 1, "xero does not sync 'widgets' (it syncs customers, suppliers, products, invoices)"),
    ("sync --ref nobody", 1, "there is nothing with the ref 'nobody' among the records"),
    ("sync --kind customers --ref nobody --wait", 1, "there is nothing with the ref 'nobody' among the customers"),
    ("retry", 2, "Invalid value: say which: --connection, --kind, --ref, or --all (see `counterfoil retry --help`)"),
    ("park", 2, "Invalid value: say which: --connection, --kind, --ref, or --all (see `counterfoil park --help`)"),
    ("unpark --all --kind invoices", 2,
     "Invalid value for '--all': it goes with no other choice (see `counterfoil unpark --help`)"),
    ("retry --kind widgets", 1, "there is no kind 'widgets': the kinds are KINDS"),
    ("park --kind customer --ref ada", 1, "there is no kind 'customer' (did you mean 'customers'?): the kinds are KINDS"),
    ("retry --ref nobody", 1, "there is nothing with the ref 'nobody' among the records"),
    ("unpark --connection nowhere", 1, "there is no connection 'nowhere' (connections: one)"),
    ("sync --timeout 5", 2, "Invalid value for '--timeout': it goes with --wait (see `counterfoil sync --help`)"),
    (
        "sync --wait --timeout -1", 2,
        "Invalid value for '--timeout': it should be greater than or equal to 0 (see `counterfoil sync --help`)",
    ),
    ("xero connect other", 1, "One Ltd is connected already, under the key 'one': an organisation has one connection"),
    (
        "xero connect Two!", 1,
        "'Two!' can't be a connection's key: use 1 to 50 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
    ),
    (
        "xero connect one --auth magic", 2,
        "Invalid value for '--auth': 'magic' is not one of 'custom', 'app'. (see `counterfoil xero connect --help`)",
    ),
    (
        "load customer records.jsonl", 1,
        "there is no kind 'customer' (did you mean 'customers'?): the kinds are KINDS",
    ),
    ("init . --sandbox SANDBOX", 1, "counterfoil.toml exists already: it is not overwritten; choose another folder, or remove it"),
    ("init new --sandbox SANDBOX/elsewhere", 1,
     "what answers at SANDBOX/elsewhere is no Xero sandbox: start one with: counterfoil xero sandbox"),
    ("init new --sandbox=", 1, "'' is no address of a sandbox: it takes one such as http://127.0.0.1:9300"),
    ("init new --sandbox localhost:9300", 1,
     "'localhost:9300' is no address of a sandbox: it takes one such as http://127.0.0.1:9300"),
    ("demo --dir records.jsonl", 1, "records.jsonl cannot be used: File exists: choose another with --dir"),
    ("demo --dir .", 1, ". is there and is not a demo's folder: choose another with --dir"),
    ("demo --dir spoilt", 1,
     "spoilt/demo.json does not say what the demo wrote there: remove spoilt, or choose another with --dir"),
    ("demo --port TAKEN --dir new", 1, "port TAKEN is taken: stop what uses it, or choose another with --port"),
    ("serve --port TAKEN", 1, "port TAKEN on 127.0.0.1 is taken: stop what uses it, or choose another with --port"),
    ("xero sandbox --port TAKEN", 1,
     "cannot listen on 127.0.0.1:TAKEN: it is taken: stop what uses it, or choose another with --port"),
    ("xero sandbox --port 65536", 2,
     "argument --port: '65536' must be a whole number from 0 to 65535 (see `counterfoil xero sandbox --help`)"),
    ("xero sandbox --host 192.0.2.1", 1,
     "cannot listen on 192.0.2.1:9300: that is no address of this machine: choose another with --host"),
    ("xero sandbox --org Acme", 2,
     "argument --org: 'Acme' must be NAME:COUNTRY:CURRENCY, for example Demo Company (UK):GB:GBP (see `counterfoil xero sandbox --help`)"),
    ("xero sandbox --latency nan", 2,
     "argument --latency: 'nan' must be a number of seconds, 0 or more (see `counterfoil xero sandbox --help`)"),
    ("xero sandbox --limits", 2, "unrecognized arguments: --limits (see `counterfoil xero sandbox --help`)"),
    ("xero sandbox --port 0 --state nowhere/state.db", 1,
     "the state file nowhere/state.db cannot be used: unable to open database file"),
    ("loda customers x", 2, "there is no command 'loda' (did you mean 'load'?) (see `counterfoil --help`)"),
    ("token creat", 2, "No such command 'creat'. Did you mean 'create'? (see `counterfoil token --help`)"),
    ("xero nothing", 2, "No such command 'nothing'. (see `counterfoil xero --help`)"),
    ("--nonsense", 2, "No such option: --nonsense (see `counterfoil --help`)"),
    ("check --jsn", 2, "No such option: --jsn (Possible options: --json) (see `counterfoil check --help`)"),
    ("status extra", 2, "Got unexpected extra argument(s) (extra) (see `counterfoil status --help`)"),
    ("migrate now", 2, "Got unexpected extra argument(s) (now) (see `counterfoil migrate --help`)"),
    ("load", 2, "Missing argument 'KIND'. (see `counterfoil load --help`)"),
    ("load customers", 2, "Missing argument 'FILE.jsonl'. (see `counterfoil load --help`)"),
    ("load customers nofile.jsonl", 1, "nofile.jsonl cannot be read: No such file or directory"),
    ("load customers .", 1, ". cannot be read: Is a directory"),
    ("import all", 2, "Missing option '--connection'. (see `counterfoil import --help`)"),
    ("unpark --ref", 2, "Option '--ref' requires an argument."),
    ("sync --timeout abc --wait", 2, "Invalid value for '--timeout': it takes a number (see `counterfoil sync --help`)"),
    ("serve --port abc", 2, "Invalid value for '--port': it takes a whole number (see `counterfoil serve --help`)"),
    ("serve --port 99999", 2,
     "Invalid value for '--port': it should be less than or equal to 65535 (see `counterfoil serve --help`)"),
    ("demo --port 0", 2, "Invalid value for '--port': it should be greater than or equal to 1 (see `counterfoil demo --help`)"),
    ("user add ann", 2, "Missing option '--role'. Choose from: admin, user (see `counterfoil user add --help`)"),
    ("user disable ann", 1, "there is no user 'ann': `counterfoil user list` shows all"),
    ("token create --role king", 2,
     "Invalid value for '--role': 'king' is not one of 'admin', 'user'. (see `counterfoil token create --help`)"),
    ("token revoke cf_zzz", 1, "no token begins with 'cf_zzz': `counterfoil token list` shows how each begins"),
    ("-c nowhere.toml status", 1,
     "nowhere.toml does not exist: name the file with -c, or make one with `counterfoil init DIR`"),
    ("-c . status", 1, ". cannot be read: Is a directory"),
    ("init counterfoil.toml", 1, "counterfoil.toml cannot be written: File exists"),
]  # fmt: skip


DATABASE = 'database_url = "sqlite:///counterfoil.db"'
DATABASES = '"sqlite:///counterfoil.db" or "postgresql://user@host/name" (or env:NAME, file:PATH)'
KEY = 'secret_key = "file:secret.key"'
SECRET = (
    'a secret: "env:NAME" (environment variable), "file:PATH" (a file with nothing else in it) or the secret itself'
)
PLUGINS = 'plugins = ["core_billing", "xero"]'
HOST_KEYS = ", ".join(sorted(HostSchema().load_fields))

CONFIGURATIONS: list[tuple[str, str, str]] = [
    (DATABASE, 'database_url = "sqlite:///counterfoi.db"',
     "the database file counterfoi.db does not exist: correct [host] database_url, or run `counterfoil migrate`, which makes it"),
    (DATABASE, 'database_url = "sqlite:///no/counterfoil.db"',
     "the folder no for the database does not exist: correct [host] database_url, or make the folder and run `counterfoil migrate`"),
    (DATABASE, 'database_url = "mysql://x/y"',
     f"counterfoil.toml:5: host.database_url: 'mysql' is not a database that works here; it takes {DATABASES}"),
    (DATABASE, 'database_url = "counterfoil.db"',
     f"counterfoil.toml:5: host.database_url: it is not a database address; it takes {DATABASES}"),
    (DATABASE, 'database_url = "sqlite://"',
     f"counterfoil.toml:5: host.database_url: a database in memory is not shared by processes; it takes {DATABASES}"),
    (DATABASE, "database_url = 5", f"counterfoil.toml:5: host.database_url: this value is not accepted; it takes {DATABASES}"),
    (DATABASE, 'database_url = "env:NO_SUCH_VARIABLE"',
     "counterfoil.toml:5: host.database_url: the environment variable NO_SUCH_VARIABLE is not set: set it, or name another"),
    (DATABASE, 'database_url = "postgresql://nobody:hidden@127.0.0.1:1/none"',
     "the database postgresql://nobody:***@127.0.0.1:1/none cannot be used: connection failed: connection to server at "
     '"127.0.0.1", port 1 failed: Connection refused Is the server running on that host and accepting TCP/IP connections?'),
    (DATABASE, "", f"counterfoil.toml:3: host.database_url: missing; it takes {DATABASES}"),
    ('public_url = "http://localhost:8000"', 'public_url = "localhost:8000"',
     "counterfoil.toml:8: host.public_url: 'localhost:8000' is not accepted; it takes the address under which others reach "
     'this host, such as "https://billing.example.com"'),
    ('daily_at = "02:30"', 'daily_at = "2:30 pm"',
     "counterfoil.toml:12: host.daily_at: '2:30 pm' is not accepted; it takes a time of day like \"02:30\""),
    ('daily_at = "02:30"', "daily_at = 02:30pm",
     "counterfoil.toml:12: this is not TOML: Expected newline or end of document after a statement"),
    ('daily_at = "02:30"', 'daily_at = "02:30"\ndaily_at = "02:31"',
     "counterfoil.toml:13: host.daily_at: it stands there twice, for the first time in line 12: leave one of them"),
    ('daily_at = "02:30"', 'daily_at = "02:30"\nschedular = true',
     f"counterfoil.toml:13: host.schedular: unknown key (did you mean 'scheduler'?); accepted: {HOST_KEYS}"),
    ('daily_at = "02:30"', 'daily_at = "02:30"\nscheduler = "yes"',
     "counterfoil.toml:13: host.scheduler: 'yes' is not accepted; it takes true or false"),
    ('daily_at = "02:30"', 'daily_at = "02:30"\nplugin_dir = "nowhere"',
     "counterfoil.toml:13: host.plugin_dir: the folder nowhere does not exist"),
    (KEY, 'secret_key = "file:sekret.key"',
     "counterfoil.toml:16: host.secret_key: the file sekret.key does not exist: put the secret there, or name another file"),
    (KEY, 'secret_key = "too short"',
     "counterfoil.toml:16: host.secret_key: what it leads to is not a key: a key is 32 random bytes in URL-safe base64, as "
     f"`counterfoil init` writes them; it takes {SECRET}; or a list of these, the newest first"),
    (KEY, 'secret_key = ""', f"counterfoil.toml:16: host.secret_key: it is empty; it takes {SECRET}"),
    (KEY, "", f"counterfoil.toml:3: host.secret_key: missing; it takes {SECRET}; or a list of these, the newest first"),
    ("[host]\n", "[host\n", "counterfoil.toml:3: this is not TOML: Expected ']' at the end of a table declaration"),
    (PLUGINS, 'plugins = "core_billing"',
     "counterfoil.toml:19: host.plugins: 'core_billing' is not accepted; it takes a list of names, in call order"),
    (PLUGINS, 'plugins = ["core_billing", "xero", "xero"]', "counterfoil.toml:19: host.plugins: 'xero' stands there twice"),
    (PLUGINS, "plugins = []", "no plugin that keeps records is running: `counterfoil plugins list` says why"),
    ('client_id = "sandbox-custom"', 'client_id = ""', "counterfoil.toml:LINE: plugins.xero.custom.client_id: must not be empty"),
    ('client_id = "sandbox-custom"', 'client_id = "x"\nclient_name = "x"',
     "counterfoil.toml:LINE: plugins.xero.custom.client_name: unknown key (did you mean 'client_id'?); accepted: client_id, client_secret"),
    ("[plugins.xero]\n", "[plugins.xeroo]\n",
     "counterfoil.toml:LINE: plugins.xeroo: unknown plugin (did you mean 'xero'?); installed: core_billing, xero"),
]  # fmt: skip

REF = "must be 1 to 100 of the characters A-Z a-z 0-9 . _ : @ -"
ADDRESS = "line1, line2, city, region, postal_code, country"

FILES: list[tuple[bytes, str]] = [
    (b'{"ref": "a"', "broken JSON at column 12: expecting ',' delimiter"),
    (b'{"ref": "a", "name": "x"} trailing', "broken JSON at column 27: extra data"),
    (b'{"ref": "a", "name": "A", "name": "B"}', "broken JSON at column 27: the key 'name' stands twice in one object"),
    (b'["a"]', 'is not a JSON object: each line takes one, such as {"ref": "…"}'),
    (b"null", 'is not a JSON object: each line takes one, such as {"ref": "…"}'),
    (b"\xff\xfe{\x00", "broken JSON at column 1: the text is UTF-16: save it as UTF-8"),
    (b'{"ref": "a", "name": "\xff"}', "broken JSON at column 23: the byte 0xff is not UTF-8"),
    (b'{"ref": "a", "name": Infinity}',
     "broken JSON at column 22: Infinity is not a number in JSON: write a decimal such as 12.50"),
    (b'{"ref": "a", "name": 1e999999999999999999999}', "broken JSON at column 1: it holds a number too large to be read"),
    (b"[" * 5000, "broken JSON at column 1: it is nested too deeply"),
    (b'{"name": "x"}', "ref: is required"),
    (b'{"ref": "", "name": "x"}', f"ref: {REF}"),
    (b'{"ref": 5, "name": "x"}', f"ref: {REF}"),
    (b'{"ref": "a/b", "name": "x"}', f"ref: {REF}"),
    (b'{"ref": "a"}', "name: is required"),
    (b'{"ref": "a", "name": ""}', "name: must not be empty"),
    (b'{"ref": "a", "name": 5}', "name: must be text"),
    (b'{"ref": "a", "name": "a\\u0000b"}', "name: holds a character that is no text (NUL, or half of a pair)"),
    (b'{"ref": "a", "name": "x", "email": "%s"}' % (b"x" * 300), "email: has 300 characters: accepted are up to 255"),
    (b'{"ref": "a", "name": "x", "currency": "pounds"}',
     "currency: must be a currency's three capital letters, such as GBP"),
    (b'{"ref": "a", "name": "x", "active": "no"}', "active: must be true or false"),
    (b'{"ref": "a", "name": "x", "billing_address": "street"}', f"billing_address: must be an object with the fields {ADDRESS}"),
    (b'{"ref": "a", "name": "x", "billing_address": {"street": "x"}}',
     f"billing_address.street: unknown field: accepted are {ADDRESS}"),
    (b'{"ref": "a", "name": "x", "connection": 1}', "connection: must be text"),
]  # fmt: skip


def test_the_tables_are_long_enough() -> None:
    assert len(MISTAKES) + len(CONFIGURATIONS) + len(FILES) >= 80


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the database's, whose rows are compared; a database that is read touches the files beside it."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("counterfoil.db"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def line_of(wanted: str, text: str) -> int:
    return text.splitlines().index(wanted) + 1


def test_a_configuration_that_is_refused_changes_nothing(desk: Desk) -> None:
    config = desk.folder / "counterfoil.toml"
    good, before = config.read_text(), desk.contents()
    for old, new, said in CONFIGURATIONS:
        config.write_text(good)
        desk.change(old, new)
        # Below the tables of other plugins, whose commented keys come and go, a mistake stands in the last line that was written.
        if "LINE" in said:
            said = said.replace("LINE", str(line_of(new.strip().splitlines()[-1], config.read_text())))
        there = files(desk.folder)
        ran = desk("status")
        assert (ran.code, ran.out, ran.err) == (1, "", f"error: {said}\n")
        assert files(desk.folder) == there
    assert desk.contents() == before


def test_a_line_that_is_refused_changes_nothing(desk: Desk) -> None:
    before = {**desk.contents(), "sync_batches": []}
    file = desk.folder / "file.jsonl"
    for content, said in FILES:
        file.write_bytes(content)
        ran = desk("load", "customers", "file.jsonl")
        assert (ran.code, ran.out, ran.err) == (1, "customers: 1 bad\n", f"file.jsonl:1: {said}\n")
    assert {**desk.contents(), "sync_batches": []} == before
    assert sorted(files(desk.folder)) == ["counterfoil.toml", "file.jsonl", "secret.key"]


@pytest.mark.parametrize(("line", "code", "said"), MISTAKES, ids=[mistake[0] for mistake in MISTAKES])
def test_one_line_and_nothing_changed(desk: Desk, line: str, code: int, said: str) -> None:
    desk.file("records.jsonl", {"ref": "ada", "name": "Ada"})
    (desk.folder / "spoilt").mkdir()
    (desk.folder / "spoilt" / "demo.json").touch()
    before, there = desk.contents(), files(desk.folder)

    with something_else_listening() as port:
        given = line.replace("SANDBOX", desk.sandbox).replace("TAKEN", str(port))
        ran = desk(*given.split(" "))
        expected = said.replace("TAKEN", str(port)).replace("KINDS", KINDS)

    assert (ran.code, ran.err) == (code, f"error: {expected}\n")
    assert ran.out == ""
    assert (desk.contents(), files(desk.folder)) == (before, there)
    assert not (desk.folder / "new").exists()


@pytest.mark.parametrize("written_before", [0, 1])
def test_a_disk_that_is_full_leaves_no_half_installation(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, written_before: int
) -> None:
    written: list[int] = []
    fdopen = os.fdopen

    def full(descriptor: int, mode: str, *, encoding: str) -> Any:
        if len(written) == written_before:
            os.close(descriptor)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(descriptor)
        return fdopen(descriptor, mode, encoding=encoding)

    monkeypatch.setattr("host.files.os.fdopen", full)
    ran = desk("init", "new")
    assert (ran.code, ran.err) == (1, "error: new cannot be written: No space left on device\n")
    assert list((desk.folder / "new").iterdir()) == []


# ------------------------------------------------------------------------------------------------- credentials that do not fit


def test_a_wrong_secret_connects_nothing(desk: Desk) -> None:
    desk.change(
        '"sandbox-custom"\nclient_secret = "sandbox-secret"', '"sandbox-custom"\nclient_secret = "another-secret"'
    )
    before = desk.contents()
    ran = desk("xero", "connect", "two")
    assert (ran.code, ran.err) == (
        1,
        "error: connection two: Xero does not know the client_id, or the client_secret is wrong: "
        "check them in [plugins.xero.connections.two] or [plugins.xero.custom]\n",
    )
    assert desk.contents() == before


def test_credentials_of_another_organisation_leave_a_connection_as_it_was(desk: Desk) -> None:
    desk.change(*SECOND_APP)
    before = desk.contents()
    ran = desk("xero", "connect", "one")
    assert (ran.code, ran.err) == (
        1,
        "error: connection 'one' is bound to One Ltd, and these credentials lead to Two Ltd: "
        "a different organisation is a new connection, with a key of its own\n",
    )
    assert desk.contents() == before, "its grant among it: what runs with it goes on"


def test_nothing_of_one_organisation_goes_to_another_whose_credentials_took_the_place(
    desk: Desk, sandbox: Sandbox
) -> None:
    """Connecting the second organisation by editing the first one's credentials is the mistake that anybody makes."""
    desk.change(*SECOND_APP)
    desk.good("xero", "connect", "two")
    sandbox.advance(1900)  # the first one's token is spent
    desk.good("load", "customers", desk.file("records.jsonl", {"ref": "ada", "name": "Ada", "connection": "one"}))

    ran = desk("sync", "--wait")

    reason = (
        "connection one was made with the client_id sandbox-custom, and the configuration has sandbox-custom-2: "
        "run `counterfoil xero connect one`, which finds out whether that leads to the same organisation"
    )
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == f"error: customers ada: waiting: one needs attention: {reason}"
    assert contacts(sandbox, "sandbox-custom") == contacts(sandbox, "sandbox-custom-2") == []
    told = desk("errors")
    assert (told.code, told.err) == (0, f"warning: one needs attention, and its records wait: {reason}\nnone\n")

    config = desk.folder / "counterfoil.toml"
    own = '[plugins.xero.connections.one]\nclient_id = "sandbox-custom"\nclient_secret = "sandbox-secret"\n'
    config.write_text(f"{config.read_text()}\n{own}")
    desk.good("xero", "connect", "one")
    desk.good("sync", "--wait")
    assert (contacts(sandbox, "sandbox-custom"), contacts(sandbox, "sandbox-custom-2")) == (["Ada"], [])


def contacts(sandbox: Sandbox, client_id: str) -> list[str]:
    form = {"grant_type": "client_credentials", "scope": "accounting.contacts"}
    token = sandbox.client.post("/connect/token", data=form, auth=(client_id, "sandbox-secret")).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    found = sandbox.client.get("/api.xro/2.0/Contacts", headers=headers).json()["Contacts"]
    return [contact["Name"] for contact in found]


# ------------------------------------------------------------------------------------------------------ nobody at the other end


@pytest.fixture
def gone(desk: Desk) -> Desk:
    """The sandbox of the configuration does not run (any more)."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    path = desk.folder / "counterfoil.toml"
    path.write_text(path.read_text().replace(desk.sandbox, address))
    desk.sandbox = address
    return desk


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import all --connection one", "one: SANDBOX gave no answer that helps (connection refused): try again later"),
        ("xero connect one", "SANDBOX can't be reached to get a token (connection refused): try again later"),
        ("xero connect two", "SANDBOX can't be reached to get a token (connection refused): try again later"),
        (
            "init new --sandbox SANDBOX",
            "no Xero sandbox answers at SANDBOX ([Errno 111] Connection refused): start one with: counterfoil xero sandbox",
        ),
    ],
)
def test_a_sandbox_that_does_not_run_is_one_line(gone: Desk, line: str, said: str) -> None:
    before = gone.contents()
    ran = gone(*line.replace("SANDBOX", gone.sandbox).split(" "))
    assert (ran.code, ran.err) == (1, f"error: {said}\n")
    assert gone.contents() == before


def test_what_waits_for_a_sandbox_that_does_not_run_says_so_everywhere(
    gone: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("host.sync.retry.PAUSES", (timedelta(minutes=5),))  # long enough not to be waited for
    gone.good("load", "customers", gone.file("records.jsonl", {"ref": "ada", "name": "Ada"}))
    ran = gone("sync", "--wait")
    assert (ran.code, ran.out) == (1, "1 waiting\n")
    assert ran.err.splitlines() == [
        "one is not called until TIME: connection refused",
        "error: customers ada: waiting: connection refused (until TIME)",
    ]
    assert caplog.messages == [], "what the log would warn of is said already"
    assert "not called until TIME: connection refused" in gone.good("status")
    assert gone("errors").err == "warning: one is not called until TIME: connection refused\nnone\n"


# --------------------------------------------------------------------------------------------------------- what a bookkeeper reads


def test_a_record_of_a_connection_that_does_not_exist_says_so_and_goes_when_it_does(
    desk: Desk, sandbox: Sandbox
) -> None:
    desk.good("load", "customers", desk.file("records.jsonl", {"ref": "ada", "name": "Ada", "connection": "two"}))
    reason = "there is no connection 'two': connect it, or let the record name another"
    assert desk("sync", "--wait").err == f"error: customers ada: waiting: {reason}\n"
    [shown] = json.loads(desk.good("errors", "--list", "--json"))
    assert (shown["ref"], shown["state"], shown["error"]) == ("ada", "waiting", reason)
    desk.change(*SECOND_APP)
    desk.good("xero", "connect", "two")
    desk.good("sync", "--wait")
    assert contacts(sandbox, "sandbox-custom-2") == ["Ada"]
    assert desk("errors").err == "none\n"


def test_errors_read_well(desk: Desk) -> None:
    def invoice(ref: str, customer: str = "ada", **of_line: str) -> dict[str, Any]:
        of_line = {"description": "Work", "unit_price": "10.00", "account": "200", "tax_rate": "OUTPUT2", **of_line}
        return {"ref": ref, "customer": customer, "issue_date": "2026-03-02", "lines": [of_line]}

    desk.good("load", "customers", desk.file("c.jsonl", *({"ref": ref, "name": "Ada"} for ref in ("ada", "twin"))))
    desk.good("load", "invoices", desk.file("early.jsonl", invoice("early")))
    desk("sync", "--wait")
    assert desk.good("errors", "--list").endswith(
        " line 1: account 200 is not among the accounts of One Ltd: correct it, or, if it is new in Xero, "
        "run counterfoil import accounts --connection one\n"
    )
    desk.good("import", "all", "--connection", "one")
    bad = [invoice("rate", tax_rate="VAT99"), invoice("account", account="9999"), invoice("of-twin", "twin")]
    desk.good("load", "invoices", desk.file("late.jsonl", *bad))
    assert desk("sync", "--wait").code == 1
    twin = "Xero's contact with name Ada is linked to ada already: give one of the two another"
    assert [tuple(re.split(r" {2,}", line)) for line in desk.good("errors", "--list").splitlines()] == [
        ("SINCE", "CONNECTION", "KIND", "REF", "STATE", "ERROR"),
        ("TIME", "one", "customers", "twin", "conflict", twin),
        (
            "TIME", "one", "invoices", "rate", "blocked",
            "line 1: tax rate VAT99 is not among the tax rates of One Ltd: correct it, or, if it is new in Xero, "
            "run counterfoil import tax-rates --connection one",
        ),
        (
            "TIME", "one", "invoices", "account", "blocked",
            "line 1: account 9999 is not among the accounts of One Ltd: correct it, or, if it is new in Xero, "
            "run counterfoil import accounts --connection one",
        ),
        (
            "TIME", "one", "invoices", "of-twin", "blocked",
            f"its customer twin is not in Xero ({twin}): check its first name (missing), "
            "last name (missing), email (missing), accounts code (missing) and Xero contact id (missing), and sync it",
        ),
    ]  # fmt: skip
