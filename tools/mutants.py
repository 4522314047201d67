"""Switches off, one at a time, each mechanism that an invariant rests on, and requires the test named for it to fail.

    python -m tools.mutants                  all of tools/mutants.toml
    python -m tools.mutants --invariant 4    those of one invariant

A mutant is a piece of source that stands exactly once in its file, what replaces it, and the test that must notice. Each
runs on its own copy of the tree (what git knows, with changes not yet committed), so the working tree is never touched.
A test counts as having noticed only if it passes on the tree as it is, and each of its cases fails on the mutant by an
assertion: an import that no longer works, a crash or a time-out shows nothing about the mechanism. A mutant whose test
fails by a certain exception, because the code itself then refuses, names it in `raises`.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TEST_PATIENCE_SECONDS = 900
CASE_TAGS = ("failure", "error", "skipped")


class MutantError(Exception):
    """The table or the tree is not as the mutant says; the message names the mutant and what to mend."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One entry `[[mutant]]` of the table."""

    invariant: int
    title: str
    file: str
    snippet: str
    replacement: str
    test: str
    raises: str = "AssertionError"

    def __str__(self) -> str:
        return f"{self.invariant:>2}  {self.title}"


@dataclass(frozen=True)
class Case:
    """What became of one case of a test; `outcome` is passed, skipped, failure (in the test) or error (around it)."""

    name: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    killed: bool
    reason: str = ""


# ------------------------------------------------------------------------------------------------------------ the table


def read_table(path: Path) -> tuple[int, list[Mutant]]:
    """How many invariants there are, and the mutants, in the order of the table."""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: {error}"
        raise MutantError(message) from error
    unknown = table.keys() - {"invariants", "mutant"}
    if unknown or not isinstance(table.get("invariants"), int):
        message = f"{path}: needs `invariants` (how many there are) and entries `[[mutant]]`, nothing else"
        raise MutantError(message)
    return table["invariants"], [
        _mutant(path, number, entry) for number, entry in enumerate(table.get("mutant", []), 1)
    ]


def _mutant(path: Path, number: int, entry: dict[str, Any]) -> Mutant:
    types = {field.name: int if field.name == "invariant" else str for field in fields(Mutant)}
    wrong = [key for key, value in entry.items() if not isinstance(value, types.get(key, ()))]
    missing = sorted(types.keys() - {"raises"} - entry.keys())
    if wrong or missing:
        message = f"{path}: mutant {number}: missing {missing}, unknown or of the wrong type {wrong}"
        raise MutantError(message)
    return Mutant(**entry)


def mutated(mutant: Mutant, source: str) -> str:
    """The source with the mechanism switched off; refused if it is not there, not alone, or no Python any more."""
    found = source.count(mutant.snippet)
    if found != 1:
        message = f"{mutant}: its snippet stands {found} times in {mutant.file}, not once"
        raise MutantError(message)
    changed = source.replace(mutant.snippet, mutant.replacement)
    try:
        same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
    except SyntaxError as error:
        message = f"{mutant}: with its replacement {mutant.file} is no Python: {error}"
        raise MutantError(message) from error
    if same:
        message = f"{mutant}: its replacement changes nothing"
        raise MutantError(message)
    return changed


# -------------------------------------------------------------------------------------------------------------- judging


def reason_to_doubt(mutant: Mutant, cases: Sequence[Case]) -> str:
    """Why these cases, run on the mutant, do not show that the test notices; empty if they do."""
    for case in cases:
        if case.outcome == "passed":
            return f"survived: {case.name} passes without it"
        if case.outcome != "failure" or not _is_by(mutant.raises, case.message):
            return (
                f"{case.name} ends by something else than {mutant.raises}: {case.outcome}: {_first_line(case.message)}"
            )
    return "" if cases else f"no test ran: {mutant.test}"


def _is_by(raises: str, message: str) -> bool:
    line = _first_line(message)
    kind = line.split(":")[0].split(".")[-1].strip()
    if raises != "AssertionError":
        return kind == raises
    # pytest shortens "AssertionError: assert ..." to "assert ..."; pytest.raises and pytest.fail say "Failed: ...".
    return kind == raises or line.startswith("assert ") or (kind == "Failed" and "Timeout" not in message)


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]


# -------------------------------------------------------------------------------------------------------------- running


def copy_tree(root: Path, target: Path) -> None:
    """Every file that git knows or would add, as it is now."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)


def run_tests(tree: Path, tests: Iterable[str]) -> list[Case]:
    """Runs the tests on that tree, in a process of its own, and reads what became of each case."""
    report = tree / ".mutants-report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    try:
        run = subprocess.run(
            command,
            check=False,  # failing is what it is for
            cwd=tree,
            env=_environment(tree),
            capture_output=True,
            text=True,
            timeout=TEST_PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return [Case(" ".join(tests), "error", f"no end within {TEST_PATIENCE_SECONDS} seconds")]
    cases = _read_report(report) if report.exists() else []
    if cases or run.returncode == 0:
        return cases
    return [Case(" ".join(tests), "error", (run.stderr.strip() or run.stdout.strip())[-500:])]


def _environment(tree: Path) -> dict[str, str]:
    """The tree comes first on the path, also for programs that a test starts: the installed package is another tree."""
    return os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"} | _absolute_reference()


def _absolute_reference() -> dict[str, str]:
    reference = os.environ.get("COUNTERFOIL_REFERENCE")
    return {"COUNTERFOIL_REFERENCE": str(Path(reference).resolve())} if reference else {}


def _read_report(report: Path) -> list[Case]:
    return [_case(element) for element in ET.parse(report).iter("testcase")]


def _case(element: ET.Element) -> Case:
    name = f"{element.get('classname')}::{element.get('name')}"
    ended = [child for child in element if child.tag in CASE_TAGS]
    # A test that failed and whose tear-down then broke has both; how the test itself ended is what counts.
    worst = next((child for tag in CASE_TAGS for child in ended if child.tag == tag), None)
    return Case(name, "passed") if worst is None else Case(name, worst.tag, worst.get("message") or "")


def require_passing(root: Path, mutants: Sequence[Mutant]) -> None:
    """Refuses to go on if a test does not pass on the tree as it is: its failing later would show nothing."""
    tests = sorted({mutant.test for mutant in mutants})
    with tempfile.TemporaryDirectory(prefix="counterfoil-mutants-") as folder:
        copy_tree(root, Path(folder))
        cases = run_tests(Path(folder), tests)
    broken = [f"{case.name}: {case.outcome}: {_first_line(case.message)}" for case in cases if case.outcome != "passed"]
    if broken or not cases:
        message = "these must pass before anything is switched off:\n  " + "\n  ".join(broken or tests)
        raise MutantError(message)


def try_mutant(root: Path, mutant: Mutant) -> Verdict:
    """Runs the mutant's test on a copy of the tree with the mechanism switched off."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-mutants-") as folder:
        tree = Path(folder)
        copy_tree(root, tree)
        path = tree / mutant.file
        path.write_text(mutated(mutant, path.read_text()))
        doubt = reason_to_doubt(mutant, run_tests(tree, [mutant.test]))
    return Verdict(mutant, not doubt, doubt)


def check_all(root: Path, mutants: Sequence[Mutant]) -> None:
    """Finds every mistake in the table before the first, slow run."""
    for mutant in mutants:
        path = root / mutant.file
        if not path.is_file():
            message = f"{mutant}: there is no file {mutant.file}"
            raise MutantError(message)
        mutated(mutant, path.read_text())


# --------------------------------------------------------------------------------------------------------- command line


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants", description="Switches off what invariants rest on."
    )
    parser.add_argument("--table", type=Path, default=Path(__file__).with_name("mutants.toml"))
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the tree, a git checkout (default: here)")
    parser.add_argument("--invariant", type=int, action="append", help="only this one's mutants (may be repeated)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args(arguments)
    try:
        return run(options.root, options.table, options.invariant, jobs=options.jobs)
    except MutantError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2


def run(root: Path, table: Path, only: Sequence[int] | None, *, jobs: int) -> int:
    """Tries the mutants, prints a line for each as it is known; 0 if all were noticed and no invariant is without."""
    invariants, mutants = read_table(table)
    wanted = set(only or range(1, invariants + 1))
    chosen = [mutant for mutant in mutants if mutant.invariant in wanted]
    check_all(root, chosen)
    if chosen:
        require_passing(root, chosen)
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = [_told(verdict) for verdict in pool.map(lambda mutant: try_mutant(root, mutant), chosen)]
    bare = sorted(wanted - {mutant.invariant for mutant in chosen})
    noticed = sum(verdict.killed for verdict in verdicts)
    print(
        f"{noticed} of {len(verdicts)} mutants noticed; invariants without one: {', '.join(map(str, bare)) or 'none'}"
    )
    return 0 if noticed == len(verdicts) and not bare else 1


def _told(verdict: Verdict) -> Verdict:
    print(f"{'noticed' if verdict.killed else 'NOT NOTICED'}  {verdict.mutant}  ({verdict.mutant.file})", flush=True)
    if verdict.reason:
        print(f"    {verdict.reason}\n    {verdict.mutant.test}", flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
