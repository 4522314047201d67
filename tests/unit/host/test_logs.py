"""A line of the log: one JSON object or one line of text, with the correlation id of what it is about."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from host.correlation import asked_by, correlated, correlation_id, occasion
from host.logs import JsonLines, TextLines, fields


def record(message: str, *args: Any, error: BaseException | None = None, **told: Any) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("host.sync", logging.WARNING, "file.py", 1, message, args, info)
    made.__dict__.update(fields(**told))
    made.created = 1_790_000_000.25
    return made


def test_a_line_of_json_has_its_fields_and_no_empty_ones() -> None:
    line = JsonLines().format(record("%s failed", "INV-1", ref="INV-1", status=400, call_id="", took=None))
    assert json.loads(line) == {
        "time": "2026-09-21T14:13:20.250+00:00",
        "level": "warning",
        "logger": "host.sync",
        "message": "INV-1 failed",
        "ref": "INV-1",
        "status": 400,
    }


@pytest.mark.parametrize("nasty", ["two\nlines", "\x1b[2Jgone", "half \ud800 of a pair", "line\u2028separator", "\x85"])
def test_nobodys_text_breaks_a_line_in_two(nasty: str) -> None:
    as_json, as_text = JsonLines().format(record(nasty, ref=nasty)), TextLines().format(record(nasty))
    assert as_json.isascii()
    assert as_json.isprintable()
    assert json.loads(as_json)["message"] == nasty
    assert len(as_text.splitlines()) == 1 or "\u2028" in nasty
    assert "\x1b" not in as_text


def test_a_traceback_is_in_the_line_of_json() -> None:
    try:
        raise ValueError("on purpose")
    except ValueError as error:
        line = JsonLines().format(record("unexpected", error=error))
    assert "ValueError: on purpose" in json.loads(line)["error"]
    assert "\n" not in line


def test_every_line_bears_the_correlation_id_of_its_occasion() -> None:
    with correlated("PUT /x", given="mine-1"):
        assert json.loads(JsonLines().format(record("said")))["correlation_id"] == "mine-1"
        assert TextLines().format(record("said", path="/x")).endswith("WARNING host.sync: said (correlation_id=mine-1)")
        assert json.loads(JsonLines().format(record("of a record", correlation_id="r")))["correlation_id"] == "r"
    assert "correlation_id" not in JsonLines().format(record("afterwards"))


@pytest.mark.parametrize("given", ["", "a b", "é", "x" * 65, "new\nline", "<script>", "a/b"])
def test_a_name_that_is_not_well_formed_is_replaced(given: str) -> None:
    with correlated("PUT /x", given=given):
        assert len(correlation_id()) == 32
    assert correlation_id() == ""


def test_who_asks_may_be_known_later() -> None:
    with correlated("PUT /x", given="one"):
        asked_by("cf_1234")
        now = occasion()
        assert now
        assert (now.what, now.who) == ("PUT /x", "cf_1234")
    asked_by("nobody")
    assert occasion() is None


def test_a_program_that_runs_us_keeps_its_own_log() -> None:
    code = """
import logging
from host.logs import write_log
logging.basicConfig(format="theirs %(message)s")
write_log(form="json")
logging.warning("said")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "theirs said\n"


def test_the_last_word_about_the_log_counts() -> None:
    code = """
import logging
from host.logs import write_log
write_log()
write_log(form="json", packages={"host": "info"})
logging.getLogger("host.sync").info("ours")
logging.getLogger("httpx").info("a library's")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["ours"]
