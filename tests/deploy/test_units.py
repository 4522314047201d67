"""The systemd units, read as systemd reads them."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from host.cli.base import runner
from host.cli.serve import GRACE_SECONDS
from host.config.settings import HostSchema
from plugins.xero.settings import CallLimits
from tests.deploy.machine import needs
from tests.deploy.recipes import DEPLOY, command_of, unit
from tests.docs.pages import DOCS
from tests.integration.host.test_cli import parsed

if TYPE_CHECKING:
    from pathlib import Path

UNITS: Final = sorted(
    path.name for path in (DEPLOY / "systemd").glob("counterfoil*.*") if path.suffix in {".service", ".timer"}
)


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with a program that is there: systemd looks whether it is."""
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        (folder / name).write_text(text.replace("/opt/counterfoil/current/bin/counterfoil", "/bin/true"))
    return folder


@pytest.mark.parametrize("name", UNITS)
def test_systemd_has_nothing_to_say_against_it(units: Path, name: str) -> None:
    needs("systemd-analyze")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", units / name], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize("name", ["counterfoil.service", "counterfoil-backup.service"])
def test_little_of_the_machine_is_left_open_to_it(units: Path, name: str) -> None:
    needs("systemd-analyze")
    looked = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(units / name)]
    said = subprocess.run(looked, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_the_server_has_time_to_end() -> None:
    seconds = int(unit("counterfoil.service")["Service", "TimeoutStopSec"][0])
    assert seconds > GRACE_SECONDS
    assert seconds > CallLimits().patience


@pytest.mark.parametrize("name", ["counterfoil.service", "counterfoil-backup.service"])
def test_what_it_starts_is_a_command_of_ours(name: str) -> None:
    words = command_of(unit(name)["Service", "ExecStart"][0])
    if words[0] == "/bin/sh":
        words = shlex.split(words[-1].removeprefix("exec "))
    assert words[0] == "/opt/counterfoil/current/bin/counterfoil"
    [_] = parsed(runner.program(), f"\b\nExamples:\n  {shlex.join(['counterfoil', *words[1:]])}")


def test_it_is_tried_again_as_often_as_the_page_says() -> None:
    [seconds] = unit("counterfoil.service")["Service", "RestartSec"]
    assert f"systemd tries again every {seconds} seconds" in (DOCS / "operation.md").read_text()


def test_the_backup_comes_before_the_daily_run() -> None:
    """Which does away with what is older than it is kept."""
    [when] = unit("counterfoil-backup.timer")["Timer", "OnCalendar"]
    [delay] = unit("counterfoil-backup.timer")["Timer", "RandomizedDelaySec"]
    hour, minute = map(int, when.removeprefix("*-*-* ").split(":"))
    daily = HostSchema().load_fields["daily_at"].load_default
    assert hour * 60 + minute + int(delay.removesuffix("min")) < daily.hour * 60 + daily.minute
