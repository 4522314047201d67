"""The page about the command line names every command, and no option that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from host.cli.base import runner

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
EVERYWHERE = {"--help", "--json", "--version", "--install-completion", "--show-completion", "--config"}


def found(group: Any, context: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if hasattr(command, "list_commands"):
            yield from found(command, context, f"{name}{word} ")
        else:
            yield f"{name}{word}", command


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    program = runner.program()
    return dict(found(program, program.make_context("counterfoil", [], resilient_parsing=True)))


def rows() -> dict[str, str]:
    """What stands in the tables, by the command."""
    lines = re.findall(r"^\| `([a-z ]+)[^`]*` \| (.*) \|$", PAGE.read_text(), flags=re.MULTILINE)
    return {name.strip(): told for name, told in lines}


def test_every_command_has_its_row_and_every_row_its_command(commands: dict[str, Any]) -> None:
    assert set(rows()) == set(commands)


def test_every_option_has_its_word_and_every_word_its_option(commands: dict[str, Any]) -> None:
    together = PAGE.read_text()
    for name, told in rows().items():
        if name == "xero sandbox":
            continue  # on a page of its own
        options = {option for one in commands[name].params for option in one.opts if option.startswith("--")}
        assert set(re.findall(r"--[a-z-]+", told)) <= options, name
        missing = {option for option in options - EVERYWHERE if option not in together}
        assert not missing, f"{name}: {missing}"
