"""The recipes as those read them that they are written for: systemd and the builders of images."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.deploy.machine import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPLOY: Final = PROJECT / "deploy"


def unit(name: str) -> dict[tuple[str, str], list[str]]:
    """A unit's settings, by section and name, each with its values in order."""
    found: dict[tuple[str, str], list[str]] = {}
    section = ""
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found.setdefault((section, key), []).append(value)
    return found


def command_of(value: str) -> list[str]:
    """A command line as systemd hands it on: ``%%`` and ``$$`` stand for one of each."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(value)]


@dataclass(frozen=True)
class Instruction:
    """One of a Containerfile's: ``COPY host ./host``."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """What the exec form holds, else the words."""
        return json.loads(self.value) if self.value.startswith("[") else shlex.split(self.value)


def stages(text: str) -> list[tuple[str, list[Instruction]]]:
    """The stages of a Containerfile, each with its name and what follows its FROM. What stands before the first is left out."""
    found: list[tuple[str, list[Instruction]]] = []
    for one in _instructions(text):
        if one.name == "FROM":
            _, _, name = one.value.partition(" AS ")
            found.append((name, []))
        elif found:
            found[-1][1].append(one)
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, value = line.partition(" ")
            yield Instruction(name, value.strip())


def ignored_by(lines: Sequence[str], path: str) -> bool:
    """Whether a ``.dockerignore`` keeps a path of the checkout from the build: the last line that fits decides."""
    ignored = False
    for line in lines:
        pattern = line.removeprefix("!")
        if (
            pattern == "*"
            or path == pattern
            or path.startswith(f"{pattern}/")
            or pattern.removeprefix("**/") in path.split("/")
        ):
            ignored = not line.startswith("!")
    return ignored
