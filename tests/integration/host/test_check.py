"""`counterfoil check`: a line for each thing, fine or what to do, and an exit code that a script can go by."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Action, Record
from host import clock
from host.cli.base.runner import run
from host.crypto import generate_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.testing.place import Place
    from tests.integration.host.conftest import Desk

SECOND_APP = ('"sandbox-custom"', '"sandbox-custom-2"')


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """With everything imported: what a connection lacks before is told elsewhere."""
    desk.good("import", "all", "--connection", "one")
    return desk


def to_do(desk: Desk, *options: str) -> dict[str, str]:
    """What has to be done, by what it is about; the exit code says whether there is any."""
    before = desk.contents()
    ran = desk("check", "--json", *options)
    assert desk.contents() == before
    found = {one["what"]: one["says"] for one in json.loads(ran.out)["checks"] if one["state"] == "to do"}
    assert ran.code == bool(found), ran.err
    return found


def test_everything_is_fine(desk: Desk) -> None:
    lines = desk.good("check").splitlines()
    assert {line[:6] for line in lines} == {"ok    ", "note  "}
    assert [line for line in lines if line.startswith("note")] == [
        f"note   one, {kind}: none is linked with One Ltd: counterfoil import {kind} --connection one, or save some that are sent there"
        for kind in ("products", "suppliers")
    ]
    assert "ok     connection one: One Ltd answers, and the token is good" in lines
    assert "ok     secret key: opens every secret that is kept (1)" in lines
    assert [line.partition(": ")[0][7:] for line in lines] == [
        "configuration",
        "file modes",
        "database",
        "tables of core_billing",
        "plugin core_billing",
        "plugin xero",
        "secret key",
        "clock",
        "connection one",
        "one, tax-rates",
        "one, accounts",
        "one, currencies",
        "one, branding-themes",
        "one, products",
        "one, suppliers",
        "one, tax rates linked",
        "one, lock dates",
        "one, CreateDraftInvoice",
        "one, CreateApprovedInvoice",
    ]


def test_what_others_can_read(desk: Desk) -> None:
    (desk.folder / "counterfoil.db").chmod(0o640)
    assert to_do(desk) == {
        "file modes": "counterfoil.db has mode 0640, so that others can read it: chmod 600 counterfoil.db"
    }


def test_another_key_than_the_one_that_sealed(desk: Desk) -> None:
    (desk.folder / "secret.key").write_text(generate_key())
    lost = (
        "the stored secret was sealed with a key that [host] secret_key does not have: reconnect, or put that key back"
    )
    assert to_do(desk) == {"secret key": lost, "connection one": lost}
    assert to_do(desk, "--offline") == {"secret key": lost}


def test_credentials_of_another_app(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.change(*SECOND_APP)
    spent = clock.now() + timedelta(seconds=1900)
    monkeypatch.setattr(clock, "now", lambda: spent)
    [says] = to_do(desk).values()
    assert says.startswith("connection one was made with the client_id sandbox-custom, and the configuration has ")


def test_a_clock_that_was_set_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() - timedelta(hours=1))
    told = to_do(desk)
    assert told["clock"] == "TIME, but a call was sent at TIME: correct it, or wait"
    behind = r"One Ltd answers, but this machine's clock is (\d+) s behind the remote's: correct it"
    found = re.fullmatch(behind, told["connection one"])
    assert found
    assert abs(int(found[1]) - 3600) < 30, "beside the second that a date is cut to, the time that the answer took"


def test_a_database_that_is_not_there_or_is_none(desk: Desk) -> None:
    database = desk.folder / "counterfoil.db"
    database.write_bytes(b"this is not a database" * 100)
    ran = desk("check")
    assert (ran.code, ran.err) == (1, "")
    assert "to do  database: the database sqlite:///counterfoil.db cannot be used: file is not a database" in ran.out
    database.unlink()
    assert (
        "to do  database: the database file counterfoil.db does not exist: correct [host] database_url, "
        in desk("check").out
    )
    assert not database.exists()


def test_a_plugin_whose_name_is_misspelt(desk: Desk) -> None:
    desk.change('"xero"]', '"xerro"]')
    assert to_do(desk) == {
        "plugin xerro": "it is not installed (did you mean 'xero'?): install it, or take it out of [host] plugins",
        "connection one": "there is no accounting provider 'xero' (loaded: none)",
    }


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("1 / 0", "it could not be imported: ZeroDivisionError: division by zero"),
        ("import no_such_thing", "it could not be imported: ModuleNotFoundError: No module named 'no_such_thing'"),
        (
            "@hookimpl\ndef register_commands():\n    return [CommandGroup(name='loud', help='', target='no_such_thing:app')]",
            "its command 'loud' cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'",
        ),
        (
            "@hookimpl\ndef on_entity_saved(event, unit_of_work):\n    raise ValueError('on purpose')",
            "it failed over 1 record, which it is owed again; the newest is things bad: ValueError: on purpose",
        ),
    ],
)
def test_a_plugin_that_is_not_in_order(
    sqlite_place: Place, capsys: pytest.CaptureFixture[str], source: str, says: str
) -> None:
    sqlite_place.plugin("odd", source)
    with sqlite_place.open(allow_failed=True) as host, host.saver() as work:
        work.save("things", Record(id="bad", ref="bad"), action=Action.CREATED, changed=frozenset())
    assert run(["check", "-c", str(sqlite_place.config)]) == 1
    assert f"to do  plugin odd: {says}\n" in capsys.readouterr().out


def test_a_database_whose_clock_differs(
    postgresql_from: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    from tests.integration.web.conftest import config_of, migrated

    config = config_of(tmp_path, postgresql_from(migrated))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=2))
    assert run(["check", "-c", str(config), "--json"]) == 1
    [said] = [one["says"] for one in json.loads(capsys.readouterr().out)["checks"] if one["state"] == "to do"]
    assert ", but the database has " in said
