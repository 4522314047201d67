"""Which rows of the feature list a run has shown: the marker `row`, and a report at the end of the run.

    @pytest.mark.row("H-27")                a test that shows the row's whole right-hand column
    @pytest.mark.row("H-3", part="api")     a test that shows a part of it

A row counts as shown only if every test that bears it ran and passed, on every database it runs on.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROW_ID = re.compile(r"[HPAFT]-[1-9]\d*")
ROW_IN_LIST = re.compile(rf"^\| ({ROW_ID.pattern}) \|", re.MULTILINE)
PROPERTY = "feature row"  # how a worker's report carries its rows to the process that writes the summary


@dataclass(frozen=True, order=True)
class Row:
    id: str
    part: str | None = None

    def __str__(self) -> str:
        return f"{self.id} ({self.part})" if self.part else self.id


class FeatureRows:
    """Reads the marks when tests are collected, and what became of them as they report."""

    def __init__(self, known: frozenset[str] | None) -> None:
        self._known = known
        self._outcomes: dict[Row, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            for row in rows_of(item, known=self._known):
                item.user_properties.append((PROPERTY, [row.id, row.part]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test that passes says so in its "call"; set-up and tear-down only matter when they skip or fail.
        if report.when == "call" or not report.passed:
            for name, value in report.user_properties:
                if name == PROPERTY:
                    self._outcomes[Row(*value)].append(report.outcome)  # type: ignore[misc]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._outcomes:
            terminalreporter.section("feature rows")
            for line in self._summary():
                terminalreporter.write_line(line)

    def _summary(self) -> Iterator[str]:
        shown = [row for row, outcomes in self._outcomes.items() if set(outcomes) == {"passed"}]
        whole = {row.id for row in shown if not row.part}
        total = f" of {len(self._known)}" if self._known else ""
        yield f"whole ({len(whole)}{total}): {_listed(row for row in shown if not row.part)}"
        yield f"in part: {_listed(row for row in shown if row.part and row.id not in whole)}"
        yield f"not shown, a test failed or was skipped: {_listed(self._outcomes.keys() - set(shown))}"


def rows_of(item: pytest.Item, *, known: frozenset[str] | None) -> list[Row]:
    """The rows that a test's marks name; a mark that cannot be meant stops the run, naming the test."""
    rows = []
    for mark in item.iter_markers("row"):
        try:
            row = Row(*mark.args, **mark.kwargs)
        except TypeError as error:
            message = f'{item.nodeid}: a row mark is row("H-27") or row("H-27", part="api")'
            raise pytest.UsageError(message) from error
        if not ROW_ID.fullmatch(row.id) or (known is not None and row.id not in known):
            message = f"{item.nodeid}: the feature list has no row {row.id!r}"
            raise pytest.UsageError(message)
        rows.append(row)
    return rows


def known_rows() -> frozenset[str] | None:
    """Every row id of the feature list, or None where the list is not at hand."""
    reference = os.environ.get("COUNTERFOIL_REFERENCE")
    return frozenset(ROW_IN_LIST.findall((Path(reference) / "FEATURES.md").read_text())) if reference else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FeatureRows(known_rows()), "feature-rows")


def _listed(rows: Iterable[Row]) -> str:
    return " ".join(map(str, sorted(rows, key=_in_order))) or "none"


def _in_order(row: Row) -> tuple[str, int, str]:
    system, number = row.id.split("-")
    return system, int(number), row.part or ""
