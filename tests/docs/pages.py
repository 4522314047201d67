"""The pages of docs/ as programs: their blocks, taken from the very text, written and run in order.

A reader does what stands there, so that is what a test does. What a block is says its language:

=============  ============================================================================================================
``console``    lines that begin with ``$ `` are commands; what stands below one is what it prints, ``...`` for anything
``sh``         commands, one a line (or several, where a backslash or brace is open); they must succeed
``python``     a file, named by a comment in its first line (``# plugins/scribe.py``; ``…, continued`` adds to it)
``toml``       what is to be set in a file that is named like that: keys take the place of those that are there
=============  ============================================================================================================

Other blocks are for reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# ([\w./-]+)(, continued)?\n")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """The file that the block is, where it says so."""
        named = _FILE.match(self.text)
        return named.group(1) if named and self.language in {"python", "toml"} else ""

    @property
    def continued(self) -> bool:
        named = _FILE.match(self.text)
        return bool(named and named.group(2))


@dataclass(frozen=True)
class Command:
    """A command and the output shown below it; ``None`` where the page shows none."""

    text: str
    shown: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(found.group(1), found.group(2), text.count("\n", 0, found.start()) + 2) for found in _FENCE.finditer(text)
    ]


def files(page: Path) -> dict[str, str]:
    """The files of a page, whole."""
    found: dict[str, str] = {}
    for block in blocks(page):
        if block.file and block.language == "python":
            found[block.file] = found[block.file] + block.text if block.continued else block.text
    return found


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block of shell, in order."""
    if block.language == "console":
        yield from _console(block)
    elif block.language == "sh":
        for number, text in _joined(block.text.splitlines(), block.line):
            if text.strip() and not text.lstrip().startswith("#"):
                yield Command(text, None, number)


def _console(block: Block) -> Iterator[Command]:
    found: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            found.append((number, [line[2:]], []))
        elif found and found[-1][1][-1].endswith("\\") and not found[-1][2]:
            found[-1][1].append(line.removeprefix("> "))
        else:
            assert found, f"line {number}: a block of console begins with a command"
            found[-1][2].append(line)
    for number, text, shown in found:
        yield Command("\n".join(text), "\n".join(shown) if shown else None, number)


def _joined(lines: Sequence[str], first: int) -> Iterator[tuple[int, str]]:
    kept: list[str] = []
    for number, line in enumerate(lines, first):
        kept.append(line)
        if not line.endswith(("\\", "{")) and not (kept[0].endswith("{") and line != "}"):
            yield number - len(kept) + 1, "\n".join(kept)
            kept = []


def agrees(shown: str, printed: str) -> bool:
    """Whether a command printed what the page shows. ``...`` alone on a line stands for any lines, within a line for any text."""
    pattern = ""
    for line in shown.strip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ \t]*\n"
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in printed.strip().splitlines()) + "\n") is not None


def changed(text: str, change: str) -> str:
    """A TOML text with the keys of another one set: in place where they are there, also as a comment, else at the end of their table."""
    table, lines = "", text.splitlines()
    for line in change.splitlines():
        if line.startswith("["):
            table = line
            if table not in lines:
                lines += ["", table]
        elif line.strip() and not line.startswith("#"):
            _set(lines, table, line)
    return "\n".join(lines) + "\n"


def _set(lines: list[str], table: str, line: str) -> None:
    start = lines.index(table) + 1
    end = next((place for place in range(start, len(lines)) if lines[place].startswith("[")), len(lines))
    key = line.partition("=")[0].strip()
    there = [place for place in range(start, end) if re.match(rf"(# )?{re.escape(key)} *=", lines[place])]
    if there:
        lines[there[0]] = line
    else:
        lines.insert(end, line)
