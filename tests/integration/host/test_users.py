"""People who may log in: only hashes of their passwords are kept, and every mistake leaves them as they were."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from host.cli.base.runner import run
from host.crypto import password_fits
from host.db import Database
from host.tables import users
from tests.integration.host.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from host.testing import Place

GOOD = "correct horse battery"


class Counter:
    """Where users are added: the command line of a migrated host, with something on its standard input."""

    def __init__(self, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("host.crypto._MEMORY_KIB", 64)  # a quarter of a second each time is for those who guess
        place.write()
        place.migrate()
        self._place, self._capsys, self._patch = place, capsys, monkeypatch

    def __call__(self, *arguments: str, typed: str = "") -> tuple[int, str, str]:
        self._capsys.readouterr()
        self._patch.setattr(sys, "stdin", io.StringIO(typed))
        code = run([*arguments, "-c", str(self._place.config)])
        return code, *self._capsys.readouterr()

    def rows(self) -> list[tuple[object, ...]]:
        database = Database.at(self._place.database_url)
        with database.read() as session:
            found = [tuple(row) for row in session.execute(select(users).order_by(users.c.name))]
        database.close()
        return found


@pytest.fixture
def counter(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(place, capsys, monkeypatch)


def test_added_disabled_enabled_and_given_another_password(counter: Counter) -> None:
    assert counter("user", "add", "Ann", "--role", "admin", typed=f"{GOOD}\r\nmore") == (
        0, "", "ann may log in, with the role admin\n",
    )  # fmt: skip
    counter("user", "add", "bob@example.com", "--role", "user", typed=GOOD * 2)
    ann, bob = counter.rows()
    assert GOOD not in str([ann, bob])
    assert password_fits(GOOD, str(ann[3]))
    assert not password_fits(GOOD, str(bob[3]))

    assert counter("user", "disable", "ANN") == (0, "", "ann can't log in any more\n")
    listed = json.loads(counter("user", "list", "--json")[1])
    assert [(one["name"], one["role"], bool(one["disabled_at"])) for one in listed] == [
        ("ann", "admin", True), ("bob@example.com", "user", False),
    ]  # fmt: skip
    assert all("password" not in one for one in listed)
    assert counter("user", "list")[1].splitlines()[0].split() == ["NAME", "ROLE", "CREATED", "AT", "DISABLED", "AT"]
    counter("user", "enable", "ann")
    assert counter("user", "password", "ann", typed="another good one\n") == (0, "", "ann has another password\n")
    [ann, _] = counter.rows()
    assert (ann[5], password_fits(GOOD, str(ann[3])), password_fits("another good one", str(ann[3]))) == (
        None,
        False,
        True,
    )


def test_what_is_refused_adds_nobody_and_changes_nobody(
    sqlite_place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(sqlite_place, capsys, monkeypatch)
    counter("user", "add", "ann", "--role", "admin", typed=GOOD)
    before = counter.rows()
    for arguments, typed, said in (
        ("add Ann --role user", GOOD, "there is a user 'ann' already: `counterfoil user list` shows all"),
        ("add bob --role user", "short", "a password has 12 to 1000 characters, this one has 5"),
        ("add bob --role user", "", "a password has 12 to 1000 characters, this one has 0"),
        ("add bob --role user", "x" * 1001, "a password has 12 to 1000 characters, this one has 1001"),
        ("add bob --role user", "tab\tbetween words", "the password holds a character that nobody can type"),
        (
            "add bo/b --role user", GOOD,
            "'bo/b' can't be a user's name: use 1 to 100 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit",
        ),
        ("disable bob", "", "there is no user 'bob': `counterfoil user list` shows all"),
        ("enable bob", "", "there is no user 'bob': `counterfoil user list` shows all"),
        ("password bob", GOOD, "there is no user 'bob': `counterfoil user list` shows all"),
        ("password ann", "short", "a password has 12 to 1000 characters, this one has 5"),
    ):  # fmt: skip
        assert counter("user", *arguments.split(), typed=typed) == (1, "", f"error: {said}\n")
    assert counter.rows() == before


def test_at_a_terminal_it_is_typed_twice_and_not_shown_and_ctrl_c_is_quiet(
    sqlite_place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(sqlite_place, capsys, monkeypatch)
    for again, code, said in (
        (GOOD + "!", 1, "error: the two passwords differ: nothing was saved"),
        (GOOD, 0, "ann may"),
    ):
        with Terminal("user", "add", "ann", "--role", "user", "-c", str(sqlite_place.config)) as terminal:
            terminal.wait_for("Password: ")
            terminal.type(f"{GOOD}\n")
            terminal.wait_for("The same again: ")
            terminal.type(f"{again}\n")
            assert terminal.end() == code
        assert said in terminal.shown
        assert GOOD not in terminal.shown
        assert len(counter.rows()) == 1 - code


def test_a_password_that_is_no_text(
    sqlite_place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counter = Counter(sqlite_place, capsys, monkeypatch)
    (tmp_path / "password").write_bytes(b"\xff\xfe latin")
    with (tmp_path / "password").open(encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run(["user", "add", "ann", "--role", "user", "-c", str(sqlite_place.config)]) == 1
    assert capsys.readouterr().err == "error: the password on standard input is not text in UTF-8\n"
    assert counter.rows() == []
