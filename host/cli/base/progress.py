"""How far a command is, on standard error: one line that is written over at a terminal, and now and then a line anywhere else."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

PAUSE_SECONDS: Final = 10.0
"""In a pipe or a log, so often at most."""


class Meter(Protocol):
    """Shows how far it is."""

    def show(self, text: str) -> None:
        """How far it is now; the next time it is written over."""

    def say(self, text: str) -> None:
        """A line that stays, beside it."""


class Lines:
    """For pipes and logs: nothing but whole lines, and only of what takes long."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()
        self._shown = ""

    def show(self, text: str) -> None:
        now = time.monotonic()
        if text != self._shown and now - self._said_at > PAUSE_SECONDS:
            self._shown, self._said_at = text, now
            self.say(text)

    def say(self, text: str) -> None:
        typer.echo(text, err=True)


@contextmanager
def status_line(text: str) -> Iterator[Meter]:
    """For what has no known end."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status(text) as status:

        class Status:
            def show(self, text: str) -> None:
                status.update(text)

            def say(self, text: str) -> None:
                console.print(text, markup=False, soft_wrap=True)

        yield Status()


@contextmanager
def file_bar(source: BinaryIO, title: str) -> Iterator[Meter]:
    """For reading a file to its end; where its size is not known, as without a terminal."""
    if not sys.stderr.isatty() or not source.seekable():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    name = Column(no_wrap=True, overflow="ellipsis", max_width=30)
    columns = (
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
    )
    size = source.seek(0, 2)
    source.seek(0)
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        task = progress.add_task(title, total=size)

        class Bar:
            def show(self, text: str) -> None:
                progress.update(task, completed=source.tell())

            def say(self, text: str) -> None:
                progress.console.print(text, markup=False, soft_wrap=True)

        yield Bar()
