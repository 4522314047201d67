"""The README's commands work as they stand there, and the other pages are where it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from host.testing import Sandbox
from tests.docs.pages import DOCS, blocks
from tests.docs.shell import Shell

if TYPE_CHECKING:
    from pathlib import Path

ROOT = DOCS.parent
README = ROOT / "README.md"
REHEARSAL, OWN = [block for block in blocks(README) if block.language == "sh"]
# What a person writes there: the id and secret of the sandbox's app stand for those of one at Xero.
EDITOR = """#!{python}
import sys
from pathlib import Path
from tests.docs.pages import changed
path = Path(sys.argv[1])
path.write_text(changed(path.read_text(), '''{settings}'''))
"""


def test_a_rehearsal(tmp_path: Path) -> None:
    with Shell(tmp_path) as shell:
        # It is installed already, in the environment that runs these tests.
        shell.define("pip", '[ "$*" = "install ." ] && command -v counterfoil')
        shell.do_block(REHEARSAL, README)
        assert shell.prints("counterfoil status --json").count('"synced"') == 1


def test_with_ones_own(tmp_path: Path) -> None:
    with Sandbox("xero", tmp_path) as sandbox:
        editor = tmp_path / "editor"
        editor.write_text(EDITOR.format(python=sys.executable, settings=sandbox.table))
        editor.chmod(0o700)
        with Shell(tmp_path, EDITOR=str(editor), PYTHONPATH=str(ROOT)) as shell:
            shell.do_block(OWN, README)
            assert '"connected"' in shell.prints("counterfoil status --json")


def test_its_two_commands_are_those_that_are_tried_on_a_bare_machine() -> None:
    [named] = [block for block in blocks(README) if block.text.startswith("make ")]
    commands = re.findall(r"^(make \w+)", named.text, re.MULTILINE)
    tried = re.findall(r'"(make \w+)', (ROOT / "tools/bare_machine.sh").read_text())
    assert commands == tried == ["make demo", "make test"]


if os.environ.get("FULL") == "1":  # it makes a user and installs everything for it: no part of a usual run

    @pytest.mark.skipif(os.geteuid() != 0, reason="making a user needs root")
    @pytest.mark.timeout(1800)
    def test_on_a_bare_machine() -> None:
        ran = subprocess.run([ROOT / "tools/bare_machine.sh"], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "20 invoices synced" in ran.stdout
        assert re.search(r"\d+ passed", ran.stdout)


@pytest.mark.parametrize("page", [README, *sorted(DOCS.rglob("*.md"))], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)?(?:#([\w-]+))?\)", page.read_text())
    for path, anchor in links:
        if path.startswith(("http:", "https:")):
            continue
        target = (page.parent / path).resolve() if path else page
        target = target / "README.md" if target.is_dir() else target
        assert target.exists(), f"{path} is not there"
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor} is not there"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    assert [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and f"({page.name})" not in index] == []


def test_what_is_promised_names_tests_that_are_there() -> None:
    text = (DOCS / "guarantees.md").read_text()
    named = re.findall(r"`([\w/]+\.py)`", text)
    there = [path.relative_to(ROOT / "tests").as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(named) > 15
    assert [name for name in named if not any(path.endswith(name) for path in there)] == []
    numbers = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    invariants = re.findall(r"^invariant = (\d+)$", (ROOT / "tools/mutants.toml").read_text(), re.MULTILINE)
    assert set(numbers) == set(invariants)
