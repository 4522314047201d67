"""What commands print: data to standard output, words about it to standard error."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
"""The option ``--json``, for commands that print data."""


def new_app(help: str | None = None, *, completion: bool = False) -> typer.Typer:  # noqa: A002 - typer's own name for it
    """A Typer application that looks like the others. ``completion``: with the options that bring it to the shell."""
    return typer.Typer(help=help, add_completion=completion, rich_markup_mode=None, pretty_exceptions_enable=False)


def examples(*lines: str) -> str:
    """Examples below a command's help, one a line and none of them wrapped. A test parses each."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def say(text: str) -> None:
    """To standard output. Raises ``Stop`` where it cannot be written; a pipe that closed is dealt with where commands are run."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Stop(f"the output cannot be written: {error.strerror}") from error


def warn(text: str) -> None:
    typer.echo(f"warning: {text}", err=True)


def complain(text: str) -> None:
    """An error: one line for each line of ``text``."""
    for line in text.splitlines():
        typer.echo(f"error: {line}", err=True)


def print_json(data: Any) -> None:
    """For programs: one JSON value. Times and identities are texts."""
    say(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def moment(at: str | datetime | None, zone: tzinfo) -> str:
    """A time for people, on the clock of the configuration; a text as ``--json`` has it."""
    if not at:
        return ""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{found.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def size(count: int) -> str:
    """So many bytes, for people."""
    if count < 1_000_000:
        return f"{count / 1_000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.1f} GB"


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, nothing: str = "none") -> None:
    """For people: aligned columns under their names; where there are no rows, ``nothing`` on standard error."""
    if not rows:
        typer.echo(nothing, err=True)
        return
    cells = [[column.replace("_", " ").upper() for column in columns]]
    cells += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value)) or "-"
    return str(value)
