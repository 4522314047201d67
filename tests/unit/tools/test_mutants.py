"""The mutant runner, tried on a project of one function, one mechanism and one test."""

from __future__ import annotations

import subprocess
import textwrap
from typing import TYPE_CHECKING

import pytest

from tools.mutants import Case, Mutant, MutantError, main, mutated, read_table, reason_to_doubt

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
def pay(due, amount):
    if amount > due:
        raise ValueError("more than is due")
    return due - amount
"""
TEST = """\
import subprocess, sys
import pytest
import shop

def test_no_overpayment():
    with pytest.raises(ValueError):
        shop.pay(1, 2)

def test_difference():
    assert shop.pay(5, 2) == 3

def test_difference_in_another_process():
    told = subprocess.run([sys.executable, "-c", "import shop; print(shop.pay(5, 2))"], capture_output=True, text=True)
    assert told.stdout.strip() == "3"

def test_skipped():
    pytest.skip("not here")
"""
OVERPAYMENT = {
    "invariant": "1",
    "title": "'no overpayment'",
    "file": "'shop.py'",
    "snippet": "'amount > due'",
    "replacement": "'False'",
    "test": "'test_shop.py::test_no_overpayment'",
}
DIFFERENCE = OVERPAYMENT | {"snippet": "'due - amount'", "replacement": "'due + amount'"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the project needs none of them, and they take seconds
    root = tmp_path / "project"
    root.mkdir()
    (root / "shop.py").write_text(SOURCE)
    (root / "test_shop.py").write_text(TEST)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def try_out(project: Path, *mutants: dict[str, str], invariants: int = 1) -> int:
    entries = "".join("[[mutant]]\n" + "".join(f"{k} = {v}\n" for k, v in mutant.items()) for mutant in mutants)
    table = project / "mutants.toml"
    table.write_text(f"invariants = {invariants}\n{entries}")
    return main(["--root", str(project), "--table", str(table), "--jobs", "2"])


def test_a_mutant_that_its_test_notices(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (project / "shop.py").read_text()
    assert try_out(project, OVERPAYMENT) == 0
    assert "1 of 1 mutants noticed" in capsys.readouterr().out
    assert (project / "shop.py").read_text() == before


def test_a_mutant_is_noticed_in_a_program_that_the_test_starts(project: Path) -> None:
    assert try_out(project, DIFFERENCE | {"test": "'test_shop.py::test_difference_in_another_process'"}) == 0


def test_a_mutant_that_survives(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutant = OVERPAYMENT | {"test": "'test_shop.py::test_difference'"}
    assert try_out(project, mutant, DIFFERENCE | {"test": mutant["test"]}) == 1
    told = capsys.readouterr().out
    assert "survived: test_shop::test_difference passes without it" in told
    assert "1 of 2 mutants noticed" in told


def test_a_crash_is_not_an_assertion(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutant = OVERPAYMENT | {"snippet": "'due - amount'", "replacement": "'deu - amount'"}
    mutant["test"] = "'test_shop.py::test_difference'"
    assert try_out(project, mutant) == 1
    assert "NameError" in capsys.readouterr().out
    assert try_out(project, mutant | {"raises": "'NameError'"}) == 0


def test_an_import_that_no_longer_works_is_not_an_assertion(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutant = OVERPAYMENT | {"snippet": "'def pay(due, amount):'", "replacement": "'def pay(due, amount=deu):'"}
    assert try_out(project, mutant) == 1
    assert "error" in capsys.readouterr().out


def test_an_invariant_without_a_mutant(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert try_out(project, OVERPAYMENT, invariants=3) == 1
    assert "invariants without one: 2, 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"snippet": "'amount < due'"}, "stands 0 times in shop.py"),
        ({"snippet": "'due'"}, "stands 4 times in shop.py"),
        ({"replacement": "'(amount > due)'"}, "changes nothing"),
        ({"replacement": "'amount >'"}, "is no Python"),
        ({"file": "'shoppe.py'"}, "there is no file shoppe.py"),
        ({"test": "'test_shop.py::test_skipped'"}, "test_skipped: skipped: not here"),
        ({"test": "'test_shop.py::test_gone'"}, "not found: "),
        ({"invariant": "'1'"}, "of the wrong type ['invariant']"),
        ({"snipet": "''"}, "unknown or of the wrong type ['snipet']"),
    ],
)
def test_a_table_that_does_not_fit_the_tree(
    project: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], complaint: str
) -> None:
    assert try_out(project, OVERPAYMENT | change) == 2
    assert complaint in capsys.readouterr().err


def test_the_table_of_this_project_fits_its_tree(pytestconfig: pytest.Config) -> None:
    _, mutants = read_table(pytestconfig.rootpath / "tools/mutants.toml")
    for mutant in mutants:
        assert mutated(mutant, (pytestconfig.rootpath / mutant.file).read_text())


@pytest.mark.parametrize(
    ("message", "noticed"),
    [
        ("AssertionError: 2 calls, not 1", True),
        ("assert 2 == 1", True),
        ("Failed: DID NOT RAISE <class 'ValueError'>", True),
        ("Failed: Timeout (>300.0s) from pytest-timeout.", False),
        ("sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed", False),
        ("ImportError: cannot import name 'x'", False),
    ],
)
def test_what_counts_as_an_assertion(message: str, noticed: bool) -> None:
    mutant = Mutant(invariant=1, title="", file="", snippet="", replacement="", test="")
    assert (not reason_to_doubt(mutant, [Case("test", "failure", message)])) is noticed


def test_every_case_must_notice() -> None:
    mutant = Mutant(invariant=1, title="", file="", snippet="", replacement="", test="")
    cases = [Case("test[sqlite]", "failure", "assert 1 == 2"), Case("test[postgresql]", "passed")]
    assert reason_to_doubt(mutant, cases) == "survived: test[postgresql] passes without it"
    assert reason_to_doubt(mutant, []) != ""


def test_a_table_that_is_no_table(tmp_path: Path) -> None:
    for text in ("", "invariants = 'ten'", "invariants = 1\nmutants = []", "invariants ="):
        table = tmp_path / "mutants.toml"
        table.write_text(textwrap.dedent(text))
        with pytest.raises(MutantError, match=r"mutants\.toml: "):
            read_table(table)
