"""The report of feature rows, read from the output of small runs of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MARKED = """
    import pytest

    @pytest.mark.row("H-27")
    @pytest.mark.row("H-3", part="api")
    @pytest.mark.parametrize("database", ["sqlite", "postgresql"])
    def test_both(database): pass

    @pytest.mark.row("H-3")
    def test_whole(): pass

    @pytest.mark.row("A-2", part="api")
    def test_part(): pass

    @pytest.mark.row("H-4")
    @pytest.mark.parametrize("number", [1, 2])
    def test_one_case_fails(number): assert number == 1

    @pytest.mark.row("H-5")
    def test_skips(): pytest.skip()

    @pytest.fixture
    def broken():
        yield
        assert not "clean"

    @pytest.mark.row("H-6")
    def test_tear_down_fails(broken): pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("COUNTERFOIL_REFERENCE", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the project needs none of them, and they take seconds
    pytester.makeconftest("pytest_plugins = ['tests.rows']")
    pytester.makeini("[pytest]\naddopts = --strict-markers\nmarkers = row(id, part=None): a feature row")
    return pytester


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["one process", "workers"])
def test_rows_are_shown_whole_in_part_or_not(project: pytest.Pytester, workers: list[str]) -> None:
    project.makepyfile(MARKED)
    project.runpytest_subprocess(*workers).stdout.fnmatch_lines(
        [
            "*= feature rows =*",
            "whole (2): H-3 H-27",
            "in part: A-2 (api)",
            "not shown, a test failed or was skipped: H-4 H-5 H-6",
        ]
    )


def test_a_row_that_is_not_in_the_list_stops_the_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "FEATURES.md").write_text("| H-27 | a row | a test |\n")
    monkeypatch.setenv("COUNTERFOIL_REFERENCE", str(tmp_path))
    project.makepyfile("import pytest\n@pytest.mark.row('H-28')\ndef test(): pass")
    project.runpytest_subprocess().stderr.fnmatch_lines(["*::test: the feature list has no row 'H-28'"])


@pytest.mark.parametrize("mark", ["row()", "row('H-27', 'api', 'more')", "row('H-27', whole=True)"])
def test_a_mark_that_says_something_else_stops_the_run(project: pytest.Pytester, mark: str) -> None:
    project.makepyfile(f"import pytest\n@pytest.mark.{mark}\ndef test(): pass")
    project.runpytest_subprocess().stderr.fnmatch_lines(["*::test: a row mark is row(*"])


def test_a_run_without_marks_reports_nothing(project: pytest.Pytester) -> None:
    project.makepyfile("def test(): pass")
    assert "feature rows" not in project.runpytest_subprocess().stdout.str()
