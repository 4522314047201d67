"""The command line: what it prints, how it ends, and one line for every mistake."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from hookspecs import Action, Record
from host import clock
from host.cli.base import runner
from host.cli.base.runner import config_first, run
from host.config import load_config
from host.crypto import hash_token
from host.db import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.testing import Place

GOOD = "@hookimpl\ndef on_entity_saved(event, unit_of_work):\n    if event.record.ref == 'bad': raise ValueError('on purpose')\n"
PROGRAM = [sys.executable, "-c", "from host.cli import main; main()"]


@pytest.fixture
def ready(place: Place) -> Place:
    """A migrated host with a plugin."""
    place.plugin("good", GOOD)
    place.open().close()
    return place


class Ran:
    """One command line, run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> None:
        capsys.readouterr()
        self.code = run([str(argument) for argument in arguments])
        self.out, self.err = capsys.readouterr()


# --------------------------------------------------------------------------------------------------------------- in general


def test_the_configuration_may_be_named_anywhere() -> None:
    assert config_first(["-c", "x", "migrate"]) == ["-c", "x", "migrate"]
    assert config_first(["token", "create", "--role", "user", "-c", "x"]) == [
        "-c",
        "x",
        "token",
        "create",
        "--role",
        "user",
    ]
    assert config_first(["sync", "--config=x", "--wait"]) == ["-c", "x", "sync", "--wait"]
    assert config_first(["load", "--", "-c", "x"]) == ["load", "--", "-c", "x"]
    assert config_first(["check", "-c"]) == ["-c"]


@pytest.mark.parametrize("arguments", [["check", "-c"], ["-c"]])
def test_naming_no_configuration_is_a_wrong_use(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    ran = Ran(capsys, *arguments)
    assert ran.code == 2
    assert ran.err == "error: Option '-c' requires an argument.\n"


def test_help_names_the_commands_of_the_plugins(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--help"]):
        ran = Ran(capsys, *arguments)
        assert ran.code == 0
        assert {"check", "init", "migrate", "plugins", "token", "xero"} <= set(ran.out.split())
        assert ran.err == ""


def test_help_is_quick_because_it_leaves_the_heavy_libraries_alone() -> None:
    script = (
        "import sys; from host.cli.base.runner import run; run(['--help']); "
        "print([name for name in ('sqlalchemy', 'alembic', 'httpx', 'apscheduler', 'marshmallow', 'cryptography', 'rich') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_who_calls_nobody_does_not_load_what_calls() -> None:
    script = "import sys, host.app; print([name for name in ('httpx', 'rich', 'alembic', 'starlette') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["migrat"], "error: there is no command 'migrat' (did you mean 'migrate'?) (see `counterfoil --help`)"),
        (["migrate", "--jsno"], "error: No such option: --jsno"),
        (
            ["token", "create"],
            "error: Missing option '--role'. Choose from: admin, user (see `counterfoil token create --help`)",
        ),
        (["token", "create", "--role", "king"], "error: Invalid value for '--role': 'king' is not one of"),
        (["plugins"], "error: Missing command. (see `counterfoil plugins --help`)"),
        (["init"], "error: Missing argument 'DIR'. (see `counterfoil init --help`)"),
    ],
)
def test_a_wrong_use_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    ran = Ran(capsys, *arguments)
    assert ran.code == 2
    assert ran.err.startswith(line)
    assert ran.err.count("\n") == 1
    assert ran.out == ""


@pytest.mark.parametrize("command", [["check"], ["migrate"], ["plugins", "list"], ["token", "list"]])
def test_without_a_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]) -> None:
    ran = Ran(capsys, "-c", tmp_path / "no.toml", *command)
    assert ran.code == 1
    assert ran.err == (
        f"error: {tmp_path}/no.toml does not exist: name the file with -c, or make one with `counterfoil init DIR`\n"
    )


def test_every_fault_of_the_configuration_has_its_line(capsys: pytest.CaptureFixture[str], sqlite_place: Place) -> None:
    sqlite_place.write(host="scheduler = 1\ntimezone = 2")
    ran = Ran(capsys, "check", "-c", sqlite_place.config)
    assert ran.code == 1
    assert ran.err.splitlines() == [
        f"error: {sqlite_place.config}:6: host.scheduler: 1 is not accepted; it takes true or false",
        f'error: {sqlite_place.config}:7: host.timezone: 2 is not accepted; it takes a name like "Europe/London"',
    ]


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        ("token list | head -0", 141, ""),
        ("plugins list --json | head -0", 141, ""),
        ("--help | head -0", 141, ""),
        ("check --offline >&-", 0, ""),
        ("check --offline >/dev/full", 1, "error: the output cannot be written: No space left on device\n"),
        ("plugins list 2>&-", 0, ""),
    ],
)
def test_output_that_nobody_takes(sqlite_place: Place, redirected: str, code: int, said: str) -> None:
    """A reader that has had enough is no error; a full disk is one, on one line."""
    sqlite_place.write()
    sqlite_place.open().close()
    assert run(["token", "create", "--role", "user", "-c", str(sqlite_place.config)]) == 0
    line = f"{shlex.join(PROGRAM)} -c {sqlite_place.config} {redirected}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, said)


def test_interrupting_is_quiet(sqlite_place: Place) -> None:
    # A plugin that hangs while it is loaded: the program waits for it when the signal comes.
    sqlite_place.plugin(
        "hangs", "import sys, threading; print('loading', file=sys.stderr, flush=True); threading.Event().wait()"
    )
    sqlite_place.write()
    process = subprocess.Popen(
        [*PROGRAM, "check", "-c", sqlite_place.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"loading\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=8)
    assert (out, err) == (b"", b"")
    assert process.returncode == 130


# ----------------------------------------------------------------------------------------------------------------- commands


def test_init_check_migrate_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "books"
    config = folder / "counterfoil.toml"
    ran = Ran(capsys, "init", folder)
    assert ran.code == 0
    assert ran.out == f"{config} is written. Next: counterfoil migrate -c {config}\n"
    assert [oct(path.stat().st_mode & 0o777) for path in sorted(folder.iterdir())] == ["0o600", "0o600"]
    assert load_config(config).warnings == []
    key = (folder / "secret.key").read_text()
    assert key.strip() not in config.read_text()

    before = Ran(capsys, "check", "-c", config)
    assert before.code == 1
    assert f"the database file {folder}/counterfoil.db does not exist: " in before.out
    assert not (folder / "counterfoil.db").exists()
    migrated = Ran(capsys, "migrate", "-c", config, "--json")
    assert migrated.code == 0
    assert {"host", "core_billing"} <= {line["name"] for line in json.loads(migrated.out)}
    after = Ran(capsys, "check", "-c", config, "--json")
    assert after.code == 0
    noted = {check["says"] for check in json.loads(after.out)["checks"] if check["state"] != "ok"}
    assert noted == {
        "none yet; what [plugins.xero] says has no effect until an organisation is connected (counterfoil xero connect KEY)"
    }

    again = Ran(capsys, "init", folder)
    assert again.code == 1
    assert again.err == f"error: {config} exists already: it is not overwritten; choose another folder, or remove it\n"
    config.unlink()
    assert Ran(capsys, "init", folder).code == 1
    assert (folder / "secret.key").read_text() == key
    assert not config.exists()


def test_a_new_configuration_says_what_each_key_is_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert Ran(capsys, "init", tmp_path).code == 0
    lines = (tmp_path / "counterfoil.toml").read_text().splitlines()
    for line in (
        "# entities_to_sync =   # the kinds of records that are sent: customers, suppliers, products, invoices "
        "(a list of customers, suppliers, products, invoices)",
        "# [plugins.xero.custom]   # credentials of custom connections that have none of their own",
        "# client_id =   # of the custom connection's app at Xero (a text in quotes)",
        "# [plugins.xero.connections.KEY]   # what differs for one connection",
    ):
        assert line in lines


def test_init_where_nobody_may_write(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = Ran(capsys, "init", tmp_path / "file" / "books")
    assert ran.code == 1
    assert ran.err == f"error: {tmp_path}/file/books cannot be written: Not a directory\n"


def test_init_against_a_sandbox_that_does_not_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ran = Ran(capsys, "init", tmp_path / "books", "--sandbox", "http://127.0.0.1:9")
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert "http://127.0.0.1:9" in ran.err
    assert not (tmp_path / "books").exists()


def test_migrating_tells_which_plugin_failed(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    place.plugin("good", GOOD)
    place.plugin("broken", "1 / 0")
    place.plugin(
        "bad",
        GOOD
        + "@hookimpl\ndef migrations():\n    from pathlib import Path; return Migrations(versions=Path('/nowhere'))",
    )
    place.write()
    ran = Ran(capsys, "migrate", "-c", place.config, "--json")
    assert ran.code == 1
    states = {line["name"]: (line["state"], line["reason"]) for line in json.loads(ran.out)}
    assert states["host"] == ("current", "")
    assert states["bad"] == (
        "failed",
        "its migrations cannot be read: FileNotFoundError: the folder /nowhere does not exist",
    )
    assert states["broken"] == ("failed", "it could not be imported: ZeroDivisionError: division by zero")
    assert "good" not in states


def test_plugins_list(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    place.plugin("good", GOOD + "__version__ = '1.2'")
    place.plugin("future", "", head="contract_version = 99\n")
    with place.open(allow_failed=True) as host:
        for ref in ("fine", "bad"):
            with host.saver() as work:
                work.save("things", Record(id=ref, ref=ref), action=Action.CREATED, changed=frozenset())
    ran = Ran(capsys, "plugins", "list", "-c", place.config)
    assert ran.code == 0
    assert ran.out.splitlines()[:6] == [
        "good 1.2 active",
        "  contract version: 1",
        "  hooks: on_entity_saved",
        "  offers: nothing",
        "  failed hooks: 1; run again at each start and daily. The newest:",
        ran.out.splitlines()[5],
    ]
    assert ran.out.splitlines()[5].endswith("on_entity_saved for things bad: ValueError: on purpose")
    assert (
        "future failed\n  reason: it was made for contract version 99, this host has 1: install a matching version (CHANGELOG.md says what changed)"
        in ran.out
    )

    assert "xero 0.1.0 available\n  reason: installed, and not named: add it to plugins in [host]\n" in ran.out

    good, future, *others = json.loads(Ran(capsys, "plugins", "list", "--json", "-c", place.config).out)
    assert {one["state"] for one in others} == {"available"}
    assert (good["name"], good["state"], good["hooks"], good["failed_hooks"]) == (
        "good",
        "active",
        ["on_entity_saved"],
        1,
    )
    assert good["failures"][0]["ref"] == "bad"
    assert (future["state"], future["failed_hooks"]) == ("failed", 2), "it is owed a hook for each record"


def test_plugins_list_works_before_anything_is_migrated(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    place.plugin("good", GOOD)
    place.write()
    good, *_ = json.loads(Ran(capsys, "plugins", "list", "--json", "-c", place.config).out)
    assert (good["state"], good["failed_hooks"]) == ("active", 0)


def test_a_plugin_that_changed_a_file_that_others_can_read(capsys: pytest.CaptureFixture[str], ready: Place) -> None:
    ready.config.chmod(0o644)
    ran = Ran(capsys, "token", "list", "-c", ready.config)
    assert ran.code == 0
    assert ran.err.splitlines()[0] == (
        f"warning: {ready.config} has mode 0644, so that others can read it: chmod 600 {ready.config}"
    )


def test_tokens(capsys: pytest.CaptureFixture[str], ready: Place) -> None:
    made = Ran(capsys, "token", "create", "--role", "user", "-c", ready.config)
    assert made.code == 0
    token = made.out.strip()
    assert made.out == f"{token}\n"
    with_end = Ran(capsys, "token", "create", "--role", "admin", "--expires", "30d", "-c", ready.config).out.strip()

    database = Database.at(ready.database_url)
    with database.read() as session:
        rows = session.execute(text("SELECT * FROM host_tokens ORDER BY id")).all()
    database.close()
    assert [row.hashed for row in rows] == [hash_token(token), hash_token(with_end)]
    assert token not in str(rows)

    listed = json.loads(Ran(capsys, "token", "list", "--json", "-c", ready.config).out)
    assert [(each["shown"], each["role"], bool(each["expires_at"])) for each in listed] == [
        (token[:9], "user", False),
        (with_end[:9], "admin", True),
    ]
    assert token[9:] not in Ran(capsys, "token", "list", "-c", ready.config).out

    revoked = Ran(capsys, "token", "revoke", token[:9], "-c", ready.config)
    assert (revoked.code, revoked.err) == (0, f"{token[:9]}… is not valid any more\n")
    listed = json.loads(Ran(capsys, "token", "list", "--json", "-c", ready.config).out)
    assert [bool(each["revoked_at"]) for each in listed] == [True, False]
    unknown = Ran(capsys, "token", "revoke", "cf_nobody", "-c", ready.config)
    assert unknown.code == 1
    assert unknown.err == "error: no token begins with 'cf_nobody': `counterfoil token list` shows how each begins\n"


@pytest.mark.parametrize("age", ["90", "0d", "-1d", "1y", "d", "1.5d", "40000d", "9999999w", "2027-01-01", ""])
def test_an_age_that_is_none(capsys: pytest.CaptureFixture[str], sqlite_place: Place, age: str) -> None:
    ran = Ran(capsys, "token", "create", "--role", "user", f"--expires={age}", "-c", sqlite_place.config)
    told = f"{age!r} is not accepted: it takes a number of hours, days or weeks, such as 12h, 90d or 8w"
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: Invalid value for '--expires': {told} (see `counterfoil token create --help`)\n"


def test_a_list_of_tokens_says_which_are_valid_on_the_configurations_clock(
    capsys: pytest.CaptureFixture[str], sqlite_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_place.write(host='timezone = "Asia/Tokyo"')
    sqlite_place.migrate()
    at = clock.now().replace(year=2026, month=7, day=1, hour=12, minute=0, second=0)
    monkeypatch.setattr(clock, "now", lambda: at)
    made = [
        json.loads(Ran(capsys, "token", "create", "--role", "user", "--json", *more, "-c", sqlite_place.config).out)
        for more in ((), ("--expires", "2h"), ("--expires", "1w"))
    ]
    assert [(one["role"], len(one["token"]) > 40) for one in made] == [("user", True)] * 3
    assert Ran(capsys, "token", "revoke", made[0]["token"], "-c", sqlite_place.config).code == 0
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=2))
    listed = Ran(capsys, "token", "list", "-c", sqlite_place.config).out.splitlines()
    assert [line.split()[2] for line in listed[1:]] == ["revoked", "expired", "valid"]
    assert "2026-07-01 23:00:00 JST" in listed[2]


def test_tokens_need_a_migrated_database_and_no_plugins(
    capsys: pytest.CaptureFixture[str], sqlite_place: Place
) -> None:
    sqlite_place.plugin("bad", "1 / 0")
    sqlite_place.write(tables="[plugins.bad]\nx = 1")
    (sqlite_place.folder / "counterfoil.db").touch()
    ran = Ran(capsys, "token", "create", "--role", "admin", "-c", sqlite_place.config)
    assert ran.code == 1
    assert ran.err == "error: the database must be migrated first: run `counterfoil migrate`\n"


# -------------------------------------------------------------------------------------------------------- plugins' commands

COMMANDS = (
    GOOD
    + """
@hookimpl
def register_commands():
    return [CommandGroup(name="shout", help="Says things loudly.", target="{target}")]
"""
)
TARGET = """
import typer
from host.cli.base.context import config_path, host
app = typer.Typer()
@app.callback()
def group() -> None: pass
@app.command()
def hello(name: str) -> None:
    with host() as opened:
        print(f"HELLO {name} FROM {config_path().name}", len(opened.plugins.all))
"""


def test_a_plugin_brings_commands(
    capsys: pytest.CaptureFixture[str], ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ready.folder)
    (ready.folder / "shouting.py").write_text(TARGET)
    ready.plugin("loud", COMMANDS.format(target="shouting:app"))
    ready.write()
    told = Ran(capsys, "--help", "-c", ready.config)
    assert "shout    Says things loudly." in told.out
    assert "shouting" not in sys.modules, "listing a command imports nothing of it"
    ran = Ran(capsys, "shout", "hello", "you", "-c", ready.config)
    assert (ran.code, ran.out) == (0, "HELLO you FROM counterfoil.toml 2\n")
    assert Ran(capsys, "shout", "goodbye", "-c", ready.config).code == 2
    del sys.modules["shouting"]


def test_a_plugins_commands_that_cannot_be_imported(capsys: pytest.CaptureFixture[str], ready: Place) -> None:
    ready.plugin("loud", COMMANDS.format(target="no_such_module:app"))
    ready.write()
    ran = Ran(capsys, "shout", "hello", "-c", ready.config)
    assert ran.code == 1
    assert ran.err == (
        "error: the commands of plugin 'loud' cannot be imported: ModuleNotFoundError: No module named 'no_such_module'\n"
    )


def test_a_broken_configuration_does_not_hide_the_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "counterfoil.toml").write_text("[host\n")
    (tmp_path / "counterfoil.toml").chmod(0o600)
    assert "xero" in Ran(capsys, "--help", "-c", tmp_path / "counterfoil.toml").out.split()


# --------------------------------------------------------------------------------------------------------------------- help

# The sandbox by its own parser, which needs no configuration.
TOLD_ELSEWHERE = {"xero sandbox"}


def commands(group: Any, context: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name."""
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if hasattr(command, "list_commands"):
            yield from commands(command, context, f"{name}{word} ")
        else:
            yield f"{name}{word}", command


def test_every_command_says_what_it_does_in_one_line_and_shows_examples_that_parse() -> None:
    program = runner.program()
    context = program.make_context("counterfoil", [], resilient_parsing=True)
    found = dict(commands(program, context))
    assert {"load", "sync", "user add", "token list", "xero connect"} <= set(found)
    for name, command in found.items():
        assert not command.get_short_help_str(65).endswith("..."), f"{name} says too much in its first line"
        if name not in TOLD_ELSEWHERE:
            assert list(parsed(program, command.epilog)), f"{name} has no examples"


def parsed(program: Any, epilog: str | None) -> Iterator[Any]:
    """The commands of examples, as far as options and arguments go; whoever mistypes one is told with an exception."""
    for example in (epilog or "").splitlines()[2:]:
        for part in re.split(r" && | \| ", example.strip()):
            first, *words = shlex.split(part.partition(" < ")[0].partition(" > ")[0])
            if first != "counterfoil":
                continue
            context = program.make_context("counterfoil", runner.config_first(words), resilient_parsing=True)
            name, command, rest = "", program, [*context._protected_args, *context.args]
            while rest and hasattr(command, "resolve_command"):
                name, command, rest = command.resolve_command(context, rest)
            if rest and "--help" not in rest:
                command.make_context(name, list(rest), parent=context)
            yield command


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert Ran(capsys, "--version").out == f"counterfoil {version('counterfoil')}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["tok"], ["token"]),
        (["token", ""], ["create", "list", "revoke"]),
        (["load", "customers", "--d"], ["--dry-run"]),
        (["user", "add", "ann", "--role", ""], ["admin", "user"]),
        (["xero", "con"], ["connect"]),
    ],
)
def test_the_shell_completes_commands_options_and_choices(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: list[str], offered: list[str]
) -> None:
    words = ["counterfoil", *typed]
    monkeypatch.setenv("_COUNTERFOIL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    with pytest.raises(SystemExit) as ended:
        run([])
    assert (ended.value.code, capsys.readouterr().out.split()) == (0, offered)


def test_one_command_brings_completion_to_the_shell(tmp_path: Path) -> None:
    shell = ["bash", "-c", f"{shlex.join(PROGRAM)} --install-completion; :"]  # the shell around us is what is found out
    installed = subprocess.run(
        shell, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert installed.stdout.startswith("bash completion installed in ")
    script = tmp_path / ".bash_completions" / "counterfoil.sh"
    assert str(script) in (tmp_path / ".bashrc").read_text()
    check = f"source {script}; complete -p counterfoil"
    assert (
        "_counterfoil_completion"
        in subprocess.run(["bash", "-c", check], capture_output=True, text=True, check=True).stdout
    )
