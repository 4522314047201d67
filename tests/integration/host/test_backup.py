"""A backup is one moment of the database, whole or not there; it is put back only where nothing is, and never by half."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, insert, select

from host.backup import postgres
from host.backup.archive import workshop
from host.crypto import generate_key
from host.db import Database
from host.db.presence import Presence
from host.tables import settings
from host.testing import Place, TinyRemote
from tests.postgres import programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

# Runs a command line in a process of its own, after a line or two of Python that break something.
BROKEN = "import os, sys, signal\n{}\nfrom host.cli.base.runner import run\nsys.exit(run(sys.argv[1:]))"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
KILLED = "def killed(*_, **__): os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(autouse=True)
def postgres_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore of the server that the tests bring."""
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")


@pytest.fixture
def full(place: Place) -> Place:
    """An installation with records, sync rows, calls and sealed credentials."""
    remote = TinyRemote()
    place.tiny_provider("customers")
    host = place.open("core_billing", transport=remote.transport())
    assert host.engine is not None
    host.engine.connect("acme", provider="tiny", auth="custom")
    for number in range(3):
        place.api.put(f"/customers/c{number}", {"name": f"Customer {number} Ünïcode"})
    host.engine.drain("acme")
    close(place)
    return place


def close(place: Place) -> None:
    place.__exit__(None, None, None)


@pytest.fixture
def empty(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Another installation with the same plugins, on an empty database of the same kind, with a key of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    with Place(folder, another_database(place, folder, request)) as other:
        other.names, other.plugin_dir = place.names, place.folder / "plugins"
        other.plugin_dir.mkdir(exist_ok=True)
        other.write()
        yield other


def another_database(place: Place, folder: Path, request: pytest.FixtureRequest) -> str:
    if place.database_url.startswith("sqlite"):
        return f"sqlite:///{folder / 'counterfoil.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database()
    request.addfinalizer(lambda: server.drop_database(name))
    return server.url(name)


def contents(place: Place) -> dict[str, list[str]]:
    """Every row of every table; nothing where there is no database."""
    if place.database_url.startswith("sqlite") and not path_of(place).exists():
        return {}
    database = Database.at(place.database_url)
    with closing(database):
        tables = MetaData()
        tables.reflect(database.engine)
        with database.read() as session:
            return {one.name: sorted(map(str, session.execute(select(one)))) for one in tables.sorted_tables}


def path_of(place: Place) -> Path:
    return Path(place.database_url.removeprefix("sqlite:///"))


def back_up(place: Place, *options: str, name: str = "backup.zip") -> Path:
    file = place.folder / name
    ran = place.run("backup", str(file), *options)
    assert ran.code == 0, ran.err
    return file


def broken(place: Place, setup: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = BROKEN.format(setup)
    command = [sys.executable, "-c", code, "-c", str(place.config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def on_sqlite(place: Place) -> bool:
    return place.database_url.startswith("sqlite")


# ------------------------------------------------------------------------------------------------------------ there and back


def test_all_of_it_comes_back(full: Place, empty: Place) -> None:
    before = contents(full)
    assert len(before["core_billing_parties"]) == len(before["sync_rows"]) == 3
    assert before["sync_calls"]
    ran = empty.run("restore", str(back_up(full)))
    assert ran.code == 0, ran.err
    assert contents(empty) == before
    host = empty.open()
    assert host.store is not None
    assert {one["ref"] for one in empty.api.get("/customers")["items"]} == {"c0", "c1", "c2"}


@ON_SQLITE
def test_only_its_owner_may_read_it_and_nothing_is_left_beside_it(full: Place) -> None:
    before = set(full.folder.iterdir())
    file = back_up(full)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in set(full.folder.iterdir()) - before} <= {file.name, "counterfoil.db.migrate.lock"}


def test_what_it_says_of_itself(full: Place) -> None:
    ran = full.run("backup", str(full.folder / "b.zip"), "--json")
    told = json.loads(ran.out)
    assert told["file"] == str(full.folder / "b.zip")
    assert told["bytes"] == (full.folder / "b.zip").stat().st_size
    assert set(told["revisions"]) == {"host", "core_billing"}
    assert (told["format"], told["keys"]) == (1, 0)
    with zipfile.ZipFile(full.folder / "b.zip") as archive:
        assert json.loads(archive.read("manifest.json")) == {
            name: value for name, value in told.items() if name not in {"file", "bytes"}
        }
        assert archive.namelist() == ["manifest.json", "database.sqlite" if on_sqlite(full) else "database.dump"]


@ON_SQLITE
def test_in_a_folder_it_is_named_by_the_moment(full: Place) -> None:
    folder = full.folder / "backups"
    folder.mkdir()
    assert full.run("backup", str(folder)).code == 0
    [file] = folder.iterdir()
    assert file.match("counterfoil-????-??-??T??-??-??Z.zip")


def test_it_is_one_moment_while_others_write(full: Place, empty: Place) -> None:
    """A writer goes on in pairs, each pair one transaction: never is half of a pair in a backup."""
    database, ended, written = Database.at(full.database_url), threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            with database.write() as session:
                for half in ("left", "right"):
                    session.execute(insert(settings).values(name=f"{half}{number}", value=str(number)))
            if number == 20:
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        file = back_up(full)
    finally:
        ended.set()
        writer.join()
        database.close()
    assert empty.run("restore", str(file)).code == 0
    names = [row for row in contents(empty)["host_settings"] if "left" in row or "right" in row]
    assert len(names) >= 40
    assert sum("left" in name for name in names) == sum("right" in name for name in names)


# ------------------------------------------------------------------------------------------------------------------- the key


def test_without_its_key_the_connections_that_must_be_made_again_are_named(full: Place, empty: Place) -> None:
    ran = empty.run("restore", str(back_up(full)))
    assert ran.code == 0
    assert (
        "warning: no key of [host] secret_key opens the credentials of acme: put the former key there, or connect again"
        in ran.err.splitlines()
    )
    assert not list(empty.folder.glob("*.key"))


@ON_SQLITE
def test_its_key_comes_back_into_a_file_of_its_own(full: Place, empty: Place) -> None:
    ran = empty.run("restore", str(back_up(full, "--with-key")), "--json")
    assert ran.code == 0, ran.err
    assert ran.json["keys"] == [str(empty.folder / "restored.key")]
    assert ran.json["locked_out"] == ["acme"]
    key = empty.folder / "restored.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().strip() in full.config.read_text()
    text = empty.config.read_text()
    empty.config.write_text(
        text.replace('secret_key = "', 'secret_key = ["file:restored.key", "').replace('"\nplugins', '"]\nplugins')
    )
    assert "to do  secret key" not in empty.run("check", "--offline").out


@ON_SQLITE
def test_a_key_that_the_configuration_names_is_not_written(full: Place, empty: Place) -> None:
    empty.config.write_text(full.config.read_text().replace(full.database_url, empty.database_url))
    ran = empty.run("restore", str(back_up(full, "--with-key")), "--json")
    assert (ran.json["keys"], ran.json["locked_out"]) == ([], [])


# ------------------------------------------------------------------------------------------------------- what must not be


def refused(place: Place, *arguments: str) -> str:
    """The one line of a command that must change nothing."""
    before = contents(place)
    ran = place.run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert contents(place) == before
    [line] = ran.err.splitlines()
    return line.removeprefix("error: ").replace(f"{place.folder}/", "")


@ON_SQLITE
def test_a_backup_never_takes_a_files_place(full: Place) -> None:
    file = back_up(full)
    before = file.read_bytes()
    told = refused(full, "backup", str(file))
    assert told == "backup.zip exists already: it is not overwritten; choose another name, or remove it"
    assert file.read_bytes() == before


@ON_SQLITE
def test_a_backup_into_a_folder_that_is_not_there(full: Place) -> None:
    told = refused(full, "backup", str(full.folder / "nowhere" / "b.zip"))
    assert told == "the backup nowhere/b.zip cannot be made: nowhere/b.zip.partial: No such file or directory"


def test_a_backup_of_what_was_never_migrated(empty: Place) -> None:
    told = refused(empty, "backup", str(empty.folder / "b.zip"))
    if on_sqlite(empty):
        assert told == "the database file counterfoil.db does not exist: correct [host] database_url"
    else:
        assert told == "the database has not been migrated: there is nothing in it to back up"
    assert not list(empty.folder.glob("b.zip*"))


@ON_SQLITE
def test_two_backups_into_one_file_at_once(full: Place) -> None:
    with workshop(full.folder / "b.zip"):
        told = refused(full, "backup", str(full.folder / "b.zip"))
    assert told == "another process is making b.zip: wait until it has finished"


def test_only_into_an_empty_database(full: Place) -> None:
    told = refused(full, "restore", str(back_up(full)))
    if on_sqlite(full):
        assert told == (
            "counterfoil.db exists: a backup is put back only where there is no database; move it away first"
        )
    else:
        assert "has tables (" in told
        assert told.endswith("is one): a backup is put back only into an empty one; make one with createdb")


@ON_SQLITE
def test_not_beside_the_log_of_a_former_database(full: Place, empty: Place) -> None:
    Path(f"{path_of(empty)}-wal").write_bytes(b"")
    told = refused(empty, "restore", str(back_up(full)))
    assert told.startswith("counterfoil.db-wal exists: ")


@ON_SQLITE
def test_not_under_a_server_whose_file_was_moved_away(full: Place) -> None:
    file, path = back_up(full), path_of(full)
    full.open()
    path.rename(full.folder / "moved.db")
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    told = refused(full, "restore", str(file))
    assert told == "another process has the database counterfoil.db open: stop the server that uses it first"
    assert not path.exists()


@ON_POSTGRESQL
def test_not_into_a_database_that_somebody_uses(full: Place, empty: Place) -> None:
    file = back_up(full)
    database = Database.at(empty.database_url)
    with closing(database), database.read() as session:
        session.execute(select(1))
        told = refused(empty, "restore", str(file))
    assert told.endswith("is in use by 1 other sessions: stop the servers that use it first")


@ON_SQLITE
def test_where_it_cannot_be_said_that_somebody_is_there(full: Place) -> None:
    lock = full.folder / "counterfoil.db.open.lock"
    lock.unlink()
    lock.mkdir()
    assert refused(full, "status") == "counterfoil.db.open.lock cannot be written: Is a directory"


@ON_SQLITE
def test_no_host_is_opened_while_a_backup_is_put_back(full: Place) -> None:
    database = Database.at(full.database_url)
    with closing(database), Presence(database, alone=True):
        told = refused(full, "status")
    assert told == "a backup is being put back into counterfoil.db: try again when that has finished"


def middle_of_largest(file: Path) -> int:
    """A place in the file where what is kept stands, and not what is said of it."""
    with zipfile.ZipFile(file) as archive:
        largest = max(archive.infolist(), key=lambda one: one.compress_size)
    return largest.header_offset + largest.compress_size // 2


@ON_SQLITE
def test_a_file_that_is_spoilt(full: Place, empty: Place) -> None:
    file = back_up(full)
    whole = file.read_bytes()
    none, middle = "File is not a zip file", middle_of_largest(file)
    for spoilt, says in (
        (b"", none),
        (whole[:middle], none),
        (b"what is this?" * 100, none),
        (whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 4]) + whole[middle + 4 :], ""),
    ):
        file.write_bytes(spoilt)
        told = refused(empty, "restore", str(file)).removeprefix(f"{full.folder}/")
        assert told.startswith(f"backup.zip is not a backup, or was cut short or spoilt: {says}")
        assert not list(empty.folder.glob("*.partial"))


def rewritten(file: Path, **changes: Any) -> Path:
    """The same backup, saying something else of itself."""
    new = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w") as archive:
        for name in old.namelist():
            held = old.read(name)
            archive.writestr(name, json.dumps({**json.loads(held), **changes}) if name == "manifest.json" else held)
    return new


def test_a_backup_of_another_kind_or_a_newer_version(full: Place, empty: Place) -> None:
    file = back_up(full)
    names = {"sqlite": "an SQLite file", "postgresql": "a PostgreSQL database"}
    ours = "sqlite" if on_sqlite(full) else "postgresql"
    [theirs] = {"sqlite", "postgresql"} - {ours}

    def told(**changes: Any) -> str:
        return refused(empty, "restore", str(rewritten(file, **changes))).replace(f"{full.folder}/", "")

    assert told(database=theirs) == (
        f"changed.zip is a backup of {names[theirs]}, and [host] database_url names {ours}: name one of the same kind"
    )
    assert told(format=2, version="9.1") == (
        "changed.zip cannot be put back: it was made by a newer version of Counterfoil (9.1): install that one"
    )
    assert told(revisions={"host": "0001", "core_billing": "0999"}, version="9.1") == (
        "changed.zip was made by version 9.1, whose tables of 'core_billing' are newer than this program knows: "
        "install that version, and put it back with that"
    )
    assert told(made_at="yesterday").startswith("changed.zip cannot be put back: its manifest cannot be read: ")
    assert refused(empty, "restore", "nothing.zip") == "the file nothing.zip does not exist"


@ON_SQLITE
def test_a_zip_file_of_somebody_else(empty: Place) -> None:
    with zipfile.ZipFile(empty.folder / "holiday.zip", "w") as archive:
        archive.writestr("beach.jpg", b"sun")
    told = refused(empty, "restore", str(empty.folder / "holiday.zip"))
    assert told == ("holiday.zip is not a backup of Counterfoil: There is no item named 'manifest.json' in the archive")


@ON_SQLITE
def test_another_restored_key_in_the_way(full: Place, empty: Place) -> None:
    (empty.folder / "restored.key").write_text(generate_key())
    told = refused(empty, "restore", str(back_up(full, "--with-key")))
    assert told == "restored.key exists, and holds another key than the backup: move it away first"


# ------------------------------------------------------------------------------------------------------------ whatever breaks


MOMENTS = {
    "with half of the file written": "import zipfile; zipfile.ZipFile.write = killed",
    "before it gets its name": "import host.backup.making as m; m.publish = killed",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_backup_that_is_killed_leaves_no_file_and_the_next_one_is_whole(
    full: Place, empty: Place, moment: str
) -> None:
    file = full.folder / "b.zip"
    done = broken(full, f"{KILLED}\n{MOMENTS[moment]}", "backup", str(file))
    assert done.returncode == -signal.SIGKILL
    assert (full.folder / "b.zip.partial").is_dir(), "it fell outside of the work"
    assert not file.exists()
    assert back_up(full, name="b.zip") == file
    assert not (full.folder / "b.zip.partial").exists()
    assert empty.run("restore", str(file)).code == 0
    assert contents(empty) == contents(full)


RESTORING = {
    "before the copy is out": "import host.backup.archive as a; a.shutil.copyfileobj = killed",
    "before the database is there": "import host.backup.sqlite as s, host.backup.postgres as p; s.place = p.load = killed",
}


@pytest.mark.parametrize("moment", RESTORING)
def test_a_restore_that_is_killed_leaves_no_database_and_the_next_one_is_whole(
    full: Place, empty: Place, moment: str
) -> None:
    file = back_up(full, "--with-key")
    done = broken(empty, f"{KILLED}\n{RESTORING[moment]}", "restore", str(file))
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert contents(empty) == {}
    ran = empty.run("restore", str(file))
    assert ran.code == 0, ran.err
    assert contents(empty) == contents(full)


def test_a_disk_that_is_full(full: Place) -> None:
    """No file may grow beyond a few kilobytes: what a full disk does to a program, as far as a test may go."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, {resource.RLIM_INFINITY}))"
    done = broken(full, limit, "backup", str(full.folder / "b.zip"))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(
        f"error: the backup {full.folder}/b.zip cannot be made: " if on_sqlite(full) else "error: pg_dump failed: "
    )
    assert not list(full.folder.glob("b.zip*"))


@ON_POSTGRESQL
def test_without_postgresqls_programs(full: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert refused(full, "backup", str(full.folder / "b.zip")) == (
        "the program pg_dump was not found: install PostgreSQL's client programs, of the server's version or newer, or run it elsewhere"
    )
    old = full.folder / "old"
    old.mkdir()
    (old / "pg_dump").write_text(
        "#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch\n"
        "pg_dump: detail: server version: 18.1; pg_dump version: 13.2' >&2\nexit 1\n"
    )
    (old / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{old}:/bin:/usr/bin")
    assert refused(full, "backup", str(full.folder / "b.zip")) == (
        "pg_dump failed: pg_dump: error: aborting because of server version mismatch; "
        "pg_dump: detail: server version: 18.1; pg_dump version: 13.2"
    )
    assert not list(full.folder.glob("b.zip*"))


def test_the_password_is_on_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    fake = tmp_path / "pg_dump"
    fake.write_text(f'#!/bin/sh\necho "$@" "with $PGPASSWORD" > {seen}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    postgres.dump(Database.at("postgresql://ann:geheim@db.example/books?sslmode=require"), seen)
    arguments, _, password = seen.read_text().partition("with ")
    assert "geheim" not in arguments
    assert "user=ann" in arguments
    assert "sslmode=require" in arguments
    assert password.strip() == "geheim"
