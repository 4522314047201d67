"""The hook pages say what the contract says, and their examples run."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hookspecs import Contributions, Events
from tests.docs.pages import DOCS, files
from tools.docs import hook

if TYPE_CHECKING:
    from pathlib import Path

HOOKS = DOCS / "hooks"
PAGES = sorted(page for page in HOOKS.glob("*.md") if page.name != "README.md")
HEADINGS = ["## When", "## Transaction", "## What raising does", "## Example"]


def names(contract: type) -> list[str]:
    return [name for name, member in vars(contract).items() if inspect.isfunction(member)]


def test_every_event_has_a_page_and_every_contribution_is_on_theirs() -> None:
    assert {page.stem for page in PAGES} == {*names(Events), "contributions"}
    assert [name for name in names(Contributions) if f"<!-- hook {name} -->" not in page("contributions")] == []
    assert [name for name in names(Events) if f"[{name}]({name}.md)" not in page("README")] == []


def page(name: str) -> str:
    return (HOOKS / f"{name}.md").read_text()


@pytest.mark.parametrize("name", [*names(Events), *names(Contributions)])
def test_a_page_has_the_specification_word_for_word(name: str) -> None:
    text = page(name if name in names(Events) else "contributions")
    assert hook(name) in text, "run `make docs`"
    assert inspect.signature(vars(Events).get(name) or vars(Contributions)[name]).parameters.keys() - {"self"} == {
        argument.partition(":")[0] for argument in _signature(text, name) if argument
    }


def _signature(text: str, name: str) -> list[str]:
    found = re.search(rf"^{name}\((.*)\) -> ", text, re.MULTILINE)
    assert found
    return re.split(r", (?![^\[]*\])", found.group(1))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_answers_what_one_wants_to_know(path: Path) -> None:
    headings = [line for line in path.read_text().splitlines() if line.startswith("## ")]
    assert [heading for heading in headings if heading in HEADINGS] == HEADINGS


def test_the_examples_run(tmp_path: Path) -> None:
    """Each in a folder of its own. Warnings are errors: what a stranger copies should be clean."""
    for page in PAGES:
        for name, text in files(page).items():
            path = tmp_path / page.stem / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-W", "error"]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # a reader has none of those that our own tests need
    ran = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False).stdout
    for page in PAGES:
        outcomes = re.findall(rf"^{page.stem}/test_\S+ (\w+)", ran, re.MULTILINE)
        assert set(outcomes) == {"PASSED"}, ran
