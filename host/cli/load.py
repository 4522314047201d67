"""``counterfoil load``"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of, kind_named
from host.cli.base.output import AsJson, complain, examples, new_app, print_json, say
from host.cli.base.progress import file_bar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from host.app import Host
    from host.cli.base.progress import Meter
    from host.loading import Loader, Outcome

RESULTS: Final = ("created", "updated", "unchanged", "bad")
ACCEPTED: Final = ": accepted are "
LONG: Final = 40

app = new_app()


@app.command(
    epilog=examples(
        "counterfoil load customers customers.jsonl",
        "counterfoil load invoices invoices.jsonl --dry-run",
        "export-invoices | counterfoil load invoices - --json",
    )
)
def load(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The kind of the records, such as customers.")],
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="One JSON object per line; - is standard input.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be created, updated and left alone; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load records from a file, one JSON object per line.

    What is new is created, what differs is replaced, what is the same is left alone.

    Every bad line is reported with its number and the others are loaded; it ends with 1 then. To mend and load the whole file again is safe.
    """
    with opened_host() as host, _opened(file) as source, _loader(host, kind, dry_run=dry_run) as loader:
        report = Report(kind=kind, file=file, quiet=as_json, dry_run=dry_run)
        try:
            _load(loader, source, report)
        finally:
            report.batch = loader.batch
            report.show()
    if report.counts["bad"]:
        raise typer.Exit(1)


@contextmanager
def _loader(host: Host, kind: str, *, dry_run: bool) -> Iterator[Loader]:
    from host.loading import Loader

    engine, chosen = engine_of(host), kind_named(host, kind)
    if not dry_run:
        yield Loader(kind=chosen, saver=host.saver, sync=engine)
        return
    from host.rehearsal import NoBatch, rehearsing

    with rehearsing(host.database) as saver:
        yield Loader(kind=chosen, saver=saver, sync=NoBatch())


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
        with file_bar(source, report.file) as meter:
            for outcome in loader.load(lines(source)):
                report.take(outcome, meter)
                meter.show(f"{report.file}: {outcome.line} lines so far")
    except KeyboardInterrupt:
        complain(f"stopped after {report.last_line} lines: {report.kept}, and to load the file again is safe")
        raise
    if not report.last_line:
        raise Stop(f"{report.file} is empty: it takes one JSON object per line")


# ------------------------------------------------------------------------------------------------------- what people see


@dataclass(slots=True, kw_only=True)
class Report:
    """How the lines went. ``quiet``: bad ones are kept for the JSON instead of being said. ``dry_run``: how they would go."""

    kind: str
    file: str
    quiet: bool
    dry_run: bool
    batch: str = ""
    last_line: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, Any]] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)

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
                meter.say(printable(f"{self.file}:{outcome.line}: {self._briefer(str(problem))}"))

    def _briefer(self, problem: str) -> str:
        """What is accepted is said the first time: a file of another kind has the same to be said of each of its lines."""
        what, _, accepted = problem.partition(ACCEPTED)
        if len(accepted) < LONG or accepted not in self._said:
            self._said.add(accepted)
            return problem
        return what

    @property
    def kept(self) -> str:
        return "nothing is kept of a dry run" if self.dry_run else "what they brought is kept"

    def show(self) -> None:
        if self.quiet:
            self._show_json()
        elif self.last_line:
            counted = ", ".join(f"{self.counts[result]} {result}" for result in RESULTS if self.counts[result])
            say(f"{self.kind}: {counted}{' if it were loaded; nothing was written' if self.dry_run else ''}")

    def _show_json(self) -> None:
        counted = {result: self.counts[result] for result in RESULTS}
        about = {"kind": self.kind, "file": self.file, "dry_run": self.dry_run, "batch": self.batch}
        print_json({**about, **counted, "problems": self.problems})


def printable(text: str) -> str:
    """One line that no terminal obeys: the file may hold anything, and a message may repeat it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
