"""Migrations: each line for itself, one process at a time, and nothing half done."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

import host.sync.tables
import host.tables  # noqa: F401 - both put their tables into the metadata
from host.db import Database, metadata
from host.db.locks import NamedLock
from host.db.migrate import HOST, Line, LineStatus, Standing, differences, migrate, status
from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REVISION = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {after!r}

def upgrade():
    {body}
"""
PARENT = 'op.create_table("books_parent", sa.Column("id", sa.Integer, primary_key=True))'


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.at(database_url)
    yield database
    database.close()


def line(folder: Path, *bodies: str, name: str = "books") -> Line:
    """A plugin's line with one revision for each body."""
    versions = folder / name / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(bodies, start=1):
        after = f"{number - 1:04}" if number > 1 else None
        (versions / f"{number:04}.py").write_text(REVISION.format(revision=f"{number:04}", after=after, body=body))
    return Line(name, versions)


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def only(found: list[LineStatus], name: str) -> LineStatus:
    return next(each for each in found if each.name == name)


def test_the_tables_are_those_that_the_code_has(database: Database) -> None:
    found = migrate(database)
    assert [each.standing for each in found] == [Standing.CURRENT]
    assert of_the_host(differences(database, HOST, metadata)) == []


def of_the_host(found: list[object]) -> list[object]:
    return [each for each in found if "host_" in repr(each) or "sync_" in repr(each)]


def test_a_difference_would_be_seen(database: Database) -> None:
    migrate(database)
    with database.write() as session:
        session.execute(text("ALTER TABLE host_tokens ADD COLUMN forgotten INTEGER"))
        session.execute(text("CREATE TABLE host_forgotten (id INTEGER)"))
    assert len(of_the_host(differences(database, HOST, metadata))) == 2


def test_asking_changes_nothing(database: Database, tmp_path: Path) -> None:
    books = line(tmp_path, PARENT)
    found = status(database, [HOST, books])
    assert [each.standing for each in found] == [Standing.MISSING, Standing.MISSING]
    if database.is_sqlite:
        path = tmp_path / "counterfoil.db"
        assert found[0].reason == (
            f"the database file {path} does not exist: correct [host] database_url, or run `counterfoil migrate`, which makes it"
        )
    else:
        assert found[0].reason == "the database must be migrated first: run `counterfoil migrate`"
    assert found[1].reason == "the tables of plugin 'books' must be migrated first: run `counterfoil migrate`"
    assert not (tmp_path / "counterfoil.db").exists()
    if not database.is_sqlite:
        assert tables(database) == set()


def test_migrating_again_does_nothing(database: Database) -> None:
    migrate(database)
    prefix = read_prefix(database)
    assert [each.standing for each in migrate(database)] == [Standing.CURRENT]
    assert read_prefix(database) == prefix
    assert len(prefix) == 6
    assert prefix.isalnum()
    assert prefix == prefix.lower()


def read_prefix(database: Database) -> str:
    with database.read() as session:
        return str(session.execute(text("SELECT value FROM host_settings WHERE name = 'prefix'")).scalar_one())


def test_a_new_database_file_is_its_owners_alone(sqlite_url: str, tmp_path: Path) -> None:
    database = Database.at(sqlite_url)
    migrate(database)
    with database.write() as session:
        session.execute(text("SELECT 1"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("counterfoil.db*")}
    database.close()
    assert modes["counterfoil.db"] == modes["counterfoil.db-wal"] == 0o600


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    database = Database.at(f"sqlite:///{tmp_path}/no/counterfoil.db")
    with pytest.raises(Stop, match=r"no/counterfoil.db cannot be made: No such file or directory"):
        migrate(database)

    assert status(database, [HOST])[0].reason == (
        f"the folder {tmp_path}/no for the database does not exist: correct [host] database_url, "
        "or make the folder and run `counterfoil migrate`"
    )


def test_what_failed_last_is_told_until_it_went_through(database: Database, tmp_path: Path) -> None:
    broken = line(tmp_path, PARENT, 'raise RuntimeError("out of ideas")')
    told = only(migrate(database, [broken]), "books").reason
    assert told == "the migrations of 'books' failed and were undone: RuntimeError: out of ideas"
    [_, found] = status(database, [HOST, broken])
    assert (found.standing, found.at) == (Standing.FAILED, "")
    assert found.reason == f"{told}; mend the plugin and run `counterfoil migrate` again"

    other = line(tmp_path, PARENT, 'raise RuntimeError("still none")')
    migrate(database, [other])
    assert "still none" in status(database, [HOST, other])[1].reason
    mended = line(tmp_path, PARENT, "pass")
    migrate(database, [mended])
    further = line(tmp_path, PARENT, "pass", "pass")
    assert status(database, [HOST, further])[1].standing is Standing.BEHIND


def test_a_plugin_goes_on_from_where_it_was(database: Database, tmp_path: Path) -> None:
    first = line(tmp_path, PARENT)
    migrate(database, [first])
    both = line(tmp_path, PARENT, 'op.add_column("books_parent", sa.Column("name", sa.String(10)))')
    behind = only(status(database, [HOST, both]), "books")
    assert behind.standing is Standing.BEHIND
    assert (
        behind.reason == "the tables of plugin 'books' must be migrated (from 0001 to 0002): run `counterfoil migrate`"
    )
    assert only(migrate(database, [both]), "books").usable
    assert {column["name"] for column in inspect(database.engine).get_columns("books_parent")} == {"id", "name"}


def test_a_database_newer_than_the_code(database: Database, tmp_path: Path) -> None:
    migrate(database, [line(tmp_path, PARENT, "pass")])
    (tmp_path / "books" / "versions" / "0002.py").unlink()
    books = line(tmp_path, PARENT)
    [host_line, books_line] = migrate(database, [books])
    assert host_line.usable
    assert books_line.standing is Standing.NEWER
    assert books_line.reason == (
        "the tables of plugin 'books' are newer than this program (at revision 0002, it knows 0001): "
        "install the newer version, or put the backup from before that migration back"
    )
    with database.write() as session:
        session.execute(text("UPDATE host_migrations SET version_num = '9999'"))
    with pytest.raises(Stop, match=r"^the database is newer than this program \(at revision 9999, it knows "):
        migrate(database, [books])


def test_a_failing_plugin_fails_alone_and_leaves_nothing(database: Database, tmp_path: Path) -> None:
    bad = line(tmp_path, PARENT, "op.drop_table('books_nowhere')")
    good = line(tmp_path, PARENT.replace("books", "notes"), name="notes")
    found = migrate(database, [bad, good])
    assert only(found, "books").standing is Standing.FAILED
    assert only(found, "books").reason.startswith("the migrations of 'books' failed and were undone: ")
    assert "\n" not in only(found, "books").reason
    assert only(found, "notes").usable
    assert "notes_parent" in tables(database)
    assert "books_parent" not in tables(database)
    mended = line(tmp_path, PARENT, "pass")
    assert only(migrate(database, [mended]), "books").usable


@pytest.mark.parametrize(
    ("bodies", "reason"),
    [
        (["1 / 0\n  bad indent"], "its migrations cannot be read: IndentationError: "),
        ([], "its migrations end in 0 heads () instead of one"),
        (None, "its migrations cannot be read: FileNotFoundError: the folder "),
    ],
)
def test_migrations_that_cannot_be_read(
    database: Database, tmp_path: Path, bodies: list[str] | None, reason: str
) -> None:
    bad = Line("books", tmp_path / "nowhere") if bodies is None else line(tmp_path, *bodies)
    found = migrate(database, [bad])
    assert found[0].usable
    assert found[1].standing is Standing.FAILED
    assert found[1].reason.startswith(reason)


def test_making_a_table_anew_keeps_the_rows_that_refer_to_it(database: Database, tmp_path: Path) -> None:
    child = (
        'op.create_table("books_child", sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("parent", sa.Integer, sa.ForeignKey("books_parent.id", ondelete="CASCADE")))'
    )
    migrate(database, [line(tmp_path, PARENT, child)])
    with database.write() as session:
        session.execute(text("INSERT INTO books_parent VALUES (1)"))
        session.execute(text("INSERT INTO books_child VALUES (1, 1)"))
    anew = "\n    ".join(
        [
            'with op.batch_alter_table("books_parent", recreate="auto") as batch:',
            '    batch.alter_column("id", type_=sa.BigInteger)',
        ]
    )
    assert only(migrate(database, [line(tmp_path, PARENT, child, anew)]), "books").usable
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM books_child")).scalar_one() == 1
        if database.is_sqlite:
            assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_rows_left_without_what_they_refer_to_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    database = Database.at(sqlite_url)
    child = (
        'op.create_table("books_child", sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("parent", sa.Integer, sa.ForeignKey("books_parent.id")))'
    )
    orphan = 'op.execute("INSERT INTO books_child VALUES (1, 77)")'
    found = only(migrate(database, [line(tmp_path, PARENT, child, orphan)]), "books")
    assert found.reason == (
        "the migrations of 'books' failed and were undone: "
        "Stop: rows of books_child would refer to rows of books_parent that do not exist"
    )
    assert "books_child" not in tables(database)
    database.close()


MIGRATE = (
    "import sys; from host.db import Database; from host.db.migrate import migrate; migrate(Database.at(sys.argv[1]))"
)


def test_several_processes_at_once(database: Database, database_url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", MIGRATE, database_url]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert only(status(database, [HOST]), "host").usable


def test_one_that_waits_too_long_says_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.db.migrate._WAIT_SECONDS", 0.05)
    with NamedLock(database, "migrate"), pytest.raises(Stop, match="another process is migrating this database"):
        migrate(database)


def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    database = Database.at("postgresql://me:hunter2@127.0.0.1:9/books")
    with pytest.raises(Stop, match=r"the database postgresql://me:\*\*\*@127.0.0.1:9/books cannot be used: ") as raised:
        status(database, [HOST])
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)
