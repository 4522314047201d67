"""``counterfoil load``"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of, kind_named
from host.cli.base.output import AsJson, complain, new_app, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from host.app import Host
    from host.loading import Loader, Outcome

RESULTS = ("created", "updated", "unchanged", "bad")

app = new_app()


@app.command()
def load(
    kind: Annotated[str, typer.Argument(help="The kind of the records, such as customers.")],
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="One JSON object per line; - is standard input.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Load records from a file, one JSON object per line.

    What is new is created, what differs is replaced, what is the same is left alone.

    Every bad line is reported with its number and the others are loaded; it ends with 1 then. To mend and load the whole file again is safe.
    """
    with opened_host() as host, _opened(file) as source:
        loader = _loader(host, kind)
        report = Report(kind=kind, file=file, quiet=as_json)
        try:
            _load(loader, source, report)
        finally:
            report.batch = loader.batch
            report.show()
    if report.counts["bad"]:
        raise typer.Exit(1)


def _loader(host: Host, kind: str) -> Loader:
    from host.loading import Loader

    engine = engine_of(host)
    return Loader(kind=kind_named(host, kind), saver=host.saver, sync=engine)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    from host.errors import Stop

    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}") from error


def _load(loader: Loader, source: BinaryIO, report: Report) -> None:
    from host.errors import Stop
    from host.loading import lines

    try:
        with _progress(source, report.file) as meter:
            for outcome in loader.load(lines(source)):
                report.take(outcome, meter)
                meter.advance()
    except KeyboardInterrupt:
        complain(
            f"stopped after {report.last_line} lines: what they brought is kept, and to load the file again is safe"
        )
        raise
    if not report.last_line:
        raise Stop(f"{report.file} is empty: it takes one JSON object per line")


# ------------------------------------------------------------------------------------------------------- what people see


class Meter(Protocol):
    """Shows how far it is."""

    def advance(self) -> None: ...
    def say(self, text: str) -> None:
        """A line beside it, on standard error."""


class Silence:
    """For pipes and logs."""

    def advance(self) -> None:
        pass

    def say(self, text: str) -> None:
        typer.echo(text, err=True)


@contextmanager
def _progress(source: BinaryIO, title: str) -> Iterator[Meter]:
    if not sys.stderr.isatty() or not source.seekable():
        yield Silence()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    size = source.seek(0, 2)
    source.seek(0)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=size)

        class Bar:
            def advance(self) -> None:
                progress.update(task, completed=source.tell())

            def say(self, text: str) -> None:
                progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield Bar()


@dataclass(slots=True, kw_only=True)
class Report:
    """How the lines went. ``quiet``: bad ones are kept for the JSON instead of being said."""

    kind: str
    file: str
    quiet: bool
    batch: str = ""
    last_line: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def take(self, outcome: Outcome, meter: Meter) -> None:
        self.last_line = outcome.line
        self.counts[outcome.result] += 1
        for problem in outcome.saved.problems:
            if self.quiet:
                shown = {
                    "line": outcome.line,
                    "ref": printable(outcome.saved.ref),
                    "field": printable(problem.path),
                    "message": printable(problem.message),
                }
                self.problems.append(shown)
            else:
                meter.say(printable(f"{self.file}:{outcome.line}: {problem}"))

    def show(self) -> None:
        if self.quiet:
            counted = {result: self.counts[result] for result in RESULTS}
            print_json(
                {"kind": self.kind, "file": self.file, "batch": self.batch, **counted, "problems": self.problems}
            )
        elif self.last_line:
            say(
                f"{self.kind}: {', '.join(f'{self.counts[result]} {result}' for result in RESULTS if self.counts[result])}"
            )


def printable(text: str) -> str:
    """One line that no terminal obeys: the file may hold anything, and a message may repeat it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
