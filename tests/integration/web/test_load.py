"""``counterfoil load``: bad lines are told by number, the others loaded, and the same again changes nothing."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import MetaData, select

from host.app import open_host
from host.cli.base.runner import run
from tests.e2e.processes import wait_until
from tests.integration.web.conftest import COMMAND, config_of, migrated

if TYPE_CHECKING:
    from host.testing.tiny_remote import TinyRemote
    from tests.integration.web.conftest import Office

LOADED = 1000

ADA, BEA = '{"ref": "ada", "name": "Ada"}', '{"ref": "bea", "name": "Bea"}'


@dataclass
class Desk:
    """The command line in a folder of its own."""

    folder: Path
    config: Path
    captured: pytest.CaptureFixture[str]

    def load(
        self, kind: str, content: str | bytes | None, *more: str, name: str = "file.jsonl"
    ) -> tuple[int, str, str]:
        """The exit code and what was printed, with paths as they were given."""
        if content is not None:
            (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.run("load", kind, name, *more)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = run(["-c", str(self.config), *arguments])
        out, err = self.captured.readouterr()
        return code, out, err

    def refs(self, kind: str = "customers") -> list[str]:
        from hookspecs import ListQuery

        with open_host(self.config) as host, host.database.read() as session:
            page = host.kinds[kind].service.list(session, ListQuery(page_size=500))
        return sorted(record["ref"] for record in page.items)


def desk_at(url: str, folder: Path, captured: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(folder)
    return Desk(folder, config_of(folder, url), captured)


@pytest.fixture
def desk(
    tmp_path: Path,
    database_from: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    return desk_at(database_from(migrated), tmp_path, capsys, monkeypatch)


@pytest.fixture
def sqlite_desk(
    tmp_path: Path,
    sqlite_from: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    return desk_at(sqlite_from(migrated), tmp_path, capsys, monkeypatch)


def test_a_file_is_loaded_and_the_same_again_changes_nothing(desk: Desk) -> None:
    assert desk.load("customers", f"{ADA}\n{BEA}\n") == (0, "customers: 2 created\n", "")
    assert desk.load("customers", None) == (0, "customers: 2 unchanged\n", "")
    changed = BEA.replace('"Bea"', '"Beatrice"')
    assert desk.load("customers", f"{ADA}\n{changed}\n") == (0, "customers: 1 updated, 1 unchanged\n", "")


def test_every_bad_line_is_told_by_its_number_and_the_others_are_loaded(desk: Desk) -> None:
    lines = [
        ADA.encode(),
        b'{"ref": "b1", "name": "x"',
        b'{"ref": "b2", "name": ""}',
        b"",
        b'{"ref": "b3", "name": "x", "currency": "gbp", "shoe": 1}',
        ADA.encode(),
        b'{"ref": "b4", "name": "\xff"}',
        b'{"ref": "b5", "name": NaN}',
        b'["b6"]',
        b'{"ref": "b 7", "name": "x"}',
        BEA.encode(),
    ]
    code, out, err = desk.load("customers", b"\n".join(lines))
    assert (code, out) == (1, "customers: 2 created, 8 bad\n")
    told = [line for line in err.splitlines() if "shoe" not in line]
    assert told == [
        "file.jsonl:2: broken JSON at column 26: expecting ',' delimiter",
        "file.jsonl:3: name: must not be empty",
        "file.jsonl:5: currency: must be a currency's three capital letters, such as GBP",
        "file.jsonl:6: ref: ada stands on line 1 already",
        "file.jsonl:7: broken JSON at column 24: the byte 0xff is not UTF-8",
        "file.jsonl:8: broken JSON at column 23: NaN is not a number in JSON: write a decimal such as 12.50",
        'file.jsonl:9: is not a JSON object: each line takes one, such as {"ref": "…"}',
        "file.jsonl:10: ref: must be 1 to 100 of the characters A-Z a-z 0-9 . _ : @ -",
    ]
    assert desk.refs() == ["ada", "bea"]


def test_money_is_refused_by_line_and_field(sqlite_desk: Desk) -> None:
    sqlite_desk.load("customers", ADA)
    lines = [
        {"ref": str(number), "customer": "ada", "issue_date": "2026-03-02", "lines": [{"unit_price": price}]}
        for number, price in enumerate(["1.25", "0.12345", "NaN", 10**12, 2.5])
    ]
    code, out, err = sqlite_desk.load("invoices", "\n".join(map(json.dumps, lines)))
    assert (code, out) == (1, "invoices: 2 created, 3 bad\n")
    assert err.splitlines() == [
        "file.jsonl:2: lines.0.unit_price: 0.12345 has more than 4 decimals",
        "file.jsonl:3: lines.0.unit_price: 'NaN' is not a number: accepted are decimals such as 12.50",
        "file.jsonl:4: lines.0.unit_price: 1000000000000 is too large: accepted is up to 9,999,999,999.9999",
    ]


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("customers", "file.jsonl", b"", "file.jsonl is empty: it takes one JSON object per line"),
        ("customers", "file.jsonl", b" \n\r\n", "file.jsonl is empty: it takes one JSON object per line"),
        ("customers", "file.jsonl", b"\xef\xbb\xbf", "file.jsonl is empty: it takes one JSON object per line"),
        ("customers", "missing.jsonl", None, "missing.jsonl cannot be read: No such file or directory"),
        ("customers", "plugins", None, "plugins cannot be read: Is a directory"),
        (
            "product_groups",
            "file.jsonl",
            b"{}",
            "there is no kind 'product_groups' (did you mean 'product-groups'?): the kinds are "
            "accounts, books, customers, invoices, product-groups, products, suppliers, tax-rates, tracking-categories",
        ),
    ],
)
def test_what_cannot_be_loaded_at_all_is_one_line(
    sqlite_desk: Desk, kind: str, name: str, content: bytes | None, message: str
) -> None:
    assert sqlite_desk.load(kind, content, name=name) == (1, "", f"error: {message}\n")


def test_a_file_in_another_encoding_is_told_so(sqlite_desk: Desk) -> None:
    code, _, err = sqlite_desk.load("customers", f"{ADA}\n".encode("utf-16"))
    assert code == 1
    assert err.splitlines()[0] == "file.jsonl:1: broken JSON at column 1: the text is UTF-16: save it as UTF-8"


def test_a_byte_order_mark_is_no_mistake(sqlite_desk: Desk) -> None:
    assert sqlite_desk.load("customers", f"\ufeff{ADA}\r\n{BEA}") == (0, "customers: 2 created\n", "")


def test_standard_input_is_a_file_too(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(f"{ADA}\nx".encode())))
    assert sqlite_desk.run("load", "customers", "-") == (
        1,
        "customers: 1 created, 1 bad\n",
        "-:2: broken JSON at column 1: expecting value\n",
    )


def test_a_ref_that_stands_twice_is_told_with_the_first_line_however_far_away(sqlite_desk: Desk) -> None:
    lines = [f'{{"ref": "{number}", "colour": "red"}}' for number in range(450)]
    code, out, err = sqlite_desk.load("books", "\n".join([*lines, lines[3]]))
    assert (code, out) == (1, "books: 450 created, 1 bad\n")
    assert err == "file.jsonl:451: ref: 3 stands on line 4 already\n"


def test_json_tells_it_to_programs(sqlite_desk: Desk) -> None:
    code, out, err = sqlite_desk.load("customers", f'{ADA}\n{{"ref": "b", "name": ""}}', "--json")
    shown = json.loads(out)
    assert len(shown.pop("batch")) == 32
    assert (code, err) == (1, "")
    assert shown == {
        "kind": "customers",
        "file": "file.jsonl",
        "dry_run": False,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "bad": 1,
        "problems": [{"line": 2, "ref": "b", "field": "name", "message": "must not be empty"}],
    }


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_a_message_repeats_is_one_line_that_no_terminal_obeys(sqlite_desk: Desk, options: tuple[str, ...]) -> None:
    code, out, err = sqlite_desk.load("customers", r'{"ref": "a", "name": "x", "\u001b[2J\n\ud800": 1}', *options)
    told = json.loads(out)["problems"][0]["field"] if options else err
    assert code == 1
    assert r"\x1b[2J\n\ud800" in told
    assert "\x1b" not in out + err


# ------------------------------------------------------------------------------------------------------------------ as if


def everything(desk: Desk) -> dict[str, list[str]]:
    """Every row of the database."""
    tables = MetaData()
    with open_host(desk.config) as host:
        tables.reflect(host.database.engine)
        with host.database.read() as session:
            return {table.name: sorted(map(str, session.execute(select(table)))) for table in tables.sorted_tables}


def test_a_dry_run_says_what_would_become_of_each_line_and_writes_nothing(desk: Desk) -> None:
    desk.load("customers", f"{ADA}\n{BEA}\n")
    changed = BEA.replace('"Bea"', '"Beatrice"')
    new = "".join(f'{{"ref": "n{number}", "name": "New {number}"}}\n' for number in range(250))
    before = everything(desk)
    content = f'{ADA}\n{changed}\n{new}{{"ref": "x"}}\n{{"ref": "n7", "name": "Twice"}}\n'
    code, out, err = desk.load("customers", content, "--dry-run")
    assert (code, out) == (
        1,
        "customers: 250 created, 1 updated, 1 unchanged, 2 bad if it were loaded; nothing was written\n",
    )
    assert err == "file.jsonl:253: name: is required\nfile.jsonl:254: ref: n7 stands on line 10 already\n"
    told = json.loads(desk.run("load", "customers", "file.jsonl", "--dry-run", "--json")[1])
    assert (told["dry_run"], told["batch"], told["created"], told["bad"]) == (True, "", 250, 2)
    assert everything(desk) == before

    assert desk.load("customers", content)[:2] == (1, "customers: 250 created, 1 updated, 1 unchanged, 2 bad\n")


def test_a_dry_run_knows_what_earlier_lines_would_have_brought(desk: Desk) -> None:
    """Two hundred lines further on, in another chunk; an invoice without a number counts on from what is there."""
    products = [{"ref": f"p{number}", "code": f"P{number}", "name": "Part"} for number in range(250)]
    products[249]["parent"] = "p0"
    desk.load("customers", ADA)
    before = everything(desk)
    assert desk.load("products", "\n".join(map(json.dumps, products)), "--dry-run")[0] == 0
    products[249]["parent"] = "p999"
    code, _, err = desk.load("products", "\n".join(map(json.dumps, products)), "--dry-run")
    assert (code, err) == (1, "file.jsonl:250: parent: there is no product with the ref p999\n")
    invoices = [{"ref": str(number), "customer": "ada", "issue_date": "2026-03-02"} for number in range(3)]
    assert desk.load("invoices", "\n".join(map(json.dumps, invoices)), "--dry-run")[0] == 0
    assert everything(desk) == before


def test_a_dry_run_of_what_breaks_the_service_blames_the_guilty_line(sqlite_desk: Desk) -> None:
    code, out, err = sqlite_desk.load(
        "books", '{"ref": "a", "colour": "red"}\n{"ref": "bomb", "colour": "red"}', "--dry-run"
    )
    assert (code, out) == (1, "books: 1 created, 1 bad if it were loaded; nothing was written\n")
    assert err == "file.jsonl:2: could not be saved: RuntimeError: this book explodes\n"


def test_a_file_of_another_kind_repeats_itself_no_more_than_it_must(sqlite_desk: Desk) -> None:
    lines = [{"ref": str(number), "customer": "ada", "issue_date": "2026-03-02"} for number in range(3)]
    code, _, err = sqlite_desk.load("suppliers", "\n".join(map(json.dumps, lines)))
    assert code == 1
    first, *others = err.splitlines()
    assert first.startswith("file.jsonl:1: customer: unknown field: accepted are ref, name, ")
    assert others == [
        "file.jsonl:1: issue_date: unknown field",
        "file.jsonl:1: name: is required",
        *(
            f"file.jsonl:{line}: {said}"
            for line in (2, 3)
            for said in ("customer: unknown field", "issue_date: unknown field", "name: is required")
        ),
    ]


def test_a_full_disk_stops_it_and_says_from_where_on(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.loading.PAUSES_SECONDS", (0.0,))
    refs = [*(str(number) for number in range(200)), "flood", "more"]
    code, out, err = sqlite_desk.load("books", "\n".join(f'{{"ref": "{ref}", "colour": "red"}}' for ref in refs))
    assert (code, out) == (1, "books: 200 created\n")
    assert err == "error: stopped before line 201, because the database cannot be used: disk is full\n"


def test_it_is_one_batch_that_is_closed_at_the_end(desk: Desk) -> None:
    _, out, _ = desk.load("customers", f"{ADA}\n{BEA}", "--json")
    with open_host(desk.config) as host, host.database.read() as session:
        assert host.engine is not None
        batch = host.engine.batch(session, json.loads(out)["batch"])
    assert batch is not None
    assert (batch["purpose"], batch["kind"], batch["closed_at"] is not None) == ("load", "customers", True)


@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_load_that_is_broken_off_keeps_what_it_told_and_goes_on_when_run_again(
    desk: Desk, end: signal.Signals, code: int
) -> None:
    lines = "".join(f'{{"ref": "m{number}", "name": "Many {number}"}}\n' for number in range(250))
    command = [*COMMAND, "-c", str(desk.config), "load", "customers", "-"]
    loading = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert loading.stdin
    loading.stdin.write(lines)  # and more is to come: the last fifty wait for a full chunk
    loading.stdin.flush()
    wait_until(lambda: len(desk.refs()) == 200, what="the first lines to be saved", pause=0.1)
    loading.send_signal(end)
    out, err = loading.communicate(timeout=20)
    assert loading.returncode == code
    if end == signal.SIGINT:
        assert out == "customers: 200 created\n"
        kept = "error: stopped after 200 lines: what they brought is kept, and to load the file again is safe"
        assert [line for line in err.splitlines() if line.strip()] == [kept]

    assert desk.load("customers", lines) == (0, "customers: 50 created, 200 unchanged\n", "")


def test_a_load_beside_a_server_that_sends_keeps_nobody_out(
    linked_office: Office, remote: TinyRemote, caplog: pytest.LogCaptureFixture
) -> None:
    office = linked_office
    office.host.start()
    config = office.host.config.path
    file = config.with_name("many.jsonl")
    file.write_text("".join(f'{{"ref": "m{number}", "name": "Many {number}"}}\n' for number in range(LOADED)))
    command = [*COMMAND, "-c", str(config), "load", "customers", str(file)]
    loading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    statuses: list[int] = []

    def save(name: str) -> None:
        while loading.poll() is None:
            # Each time another one of those that are being loaded: their rows are fought over.
            number = len(statuses) * 7 % LOADED
            statuses.append(office.put(f"/customers/m{number}", {"name": f"{name} {number}"}).status_code)

    people = [threading.Thread(target=save, args=(name,)) for name in ("Ada", "Bea")]
    for person in people:
        person.start()
    out, err = loading.communicate(timeout=120)
    for person in people:
        person.join()

    assert loading.returncode == 0, err
    # Slow hooks are named, on a machine that is busy with tests; nothing else is to be said.
    assert [line for line in err.splitlines() if "everybody's saves wait that long" not in line] == []
    assert out.startswith("customers: ")
    assert set(statuses) <= {200, 201}
    assert len(statuses) > len(people)
    wait_until(lambda: len(remote.of("customers")) == LOADED, what="all of them to arrive", seconds=90)
    marks = [element["mark"] for element in remote.of("customers")]
    assert len(set(marks)) == LOADED
    complaints = [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]
    assert complaints == []
