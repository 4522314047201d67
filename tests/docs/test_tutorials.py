"""The tutorials do what they say: each is done from its very text, as a reader would."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import DOCS, agrees, changed
from tests.docs.shell import Shell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", ["plugins.md", "providers.md", "sandbox.md", "connect.md"])
def test_a_tutorial(page: str, tmp_path: Path) -> None:
    if page in {"sandbox.md", "connect.md"} and not shutil.which("curl") and os.environ.get("CI") != "true":
        pytest.skip("its commands need curl, which is not on this machine")
    with Shell(tmp_path) as shell:
        shell.do(DOCS / page)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a\nb", True),
        ("a", "a\nb", False),
        ("a\n...", "a\nb\nc", True),
        ("...\nc", "a\nb\nc", True),
        ("...", "", True),
        ("took ... ms", "took 0.3 ms", True),
        ("took ... ms", "took 0.3 s", False),
        ("1.5", "1x5", False),
    ],
)
def test_what_is_shown_is_compared(shown: str, printed: str, *, same: bool) -> None:
    assert agrees(shown, printed) == same


def test_a_change_takes_the_place_of_what_is_there() -> None:
    before = "[host]\nplugins = []\n# plugin_dir = x\n\n[plugins.xero]\n"
    assert changed(before, '# file\n[host]\nplugin_dir = "y"\nplugins = ["a"]\nnew = 1\n[more]\nkey = 2\n') == (
        '[host]\nplugins = ["a"]\nplugin_dir = "y"\n\nnew = 1\n[plugins.xero]\n\n[more]\nkey = 2\n'
    )
