"""What tools/make_venv.sh says and does on machines that lack something, played by small stand-ins for Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "make_venv.sh"

TOO_OLD = """#!/bin/sh
case $1 in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac
"""
WITHOUT_VENV = f"""#!/bin/sh
case $2 in *ensurepip*) exit 1 ;; *) exec {sys.executable} "$@" ;; esac
"""
# Makes what the script looks at, without the seconds that a real environment takes.
WORKING = f"""#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$4/bin" && touch "$4/pyvenv.cfg" "$4/made-anew" && ln -sf "$0" "$4/bin/python"
else
    exec {sys.executable} "$@"
fi
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that is the whole path of a machine: the plain tools, and whatever Python a test puts there."""
    folder = tmp_path / "machine"
    folder.mkdir()
    for tool in ("sh", "ls", "mkdir", "touch", "ln"):
        (folder / tool).symlink_to(f"/bin/{tool}")
    return folder


def put(machine: Path, name: str, script: str) -> None:
    (machine / name).write_text(script)
    (machine / name).chmod(0o755)


def make_venv(machine: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": str(machine)} | environment
    return subprocess.run([SCRIPT, str(folder)], env=clean, capture_output=True, text=True, check=False)


def test_without_any_python(machine: Path, tmp_path: Path) -> None:
    told = make_venv(machine, tmp_path / "venv")
    assert told.returncode == 1
    assert "Python 3.11 or newer is needed" in told.stderr
    assert told.stderr.count("\n") == 1


def test_with_a_python_that_is_too_old(machine: Path, tmp_path: Path) -> None:
    put(machine, "python3", TOO_OLD)
    told = make_venv(machine, tmp_path / "venv")
    assert told.returncode == 1
    assert "Python 3.11 or newer is needed; python3 here is Python 3.9.2" in told.stderr
    assert told.stderr.count("\n") == 1


def test_a_newer_python_beside_one_that_is_too_old(machine: Path, tmp_path: Path) -> None:
    put(machine, "python3", TOO_OLD)
    put(machine, "python3.12", WORKING)
    assert make_venv(machine, tmp_path / "venv").returncode == 0
    assert (tmp_path / "venv" / "made-anew").exists()


def test_without_venv(machine: Path, tmp_path: Path) -> None:
    put(machine, "python3", WITHOUT_VENV)
    told = make_venv(machine, tmp_path / "venv")
    assert told.returncode == 1
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv" in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("python", "complaint"), [("nowhere/python3", "is not a program"), ("python3", "python3 is Python 3.9.2")]
)
def test_a_python_that_was_named_and_does_not_fit(machine: Path, tmp_path: Path, python: str, complaint: str) -> None:
    put(machine, "python3", TOO_OLD)
    put(machine, "python3.12", WORKING)
    told = make_venv(machine, tmp_path / "venv", PYTHON=python)
    assert told.returncode == 1
    assert complaint in told.stderr


def test_an_environment_that_works_is_left_alone(machine: Path, tmp_path: Path) -> None:
    put(machine, "python3", WORKING)
    folder = tmp_path / "venv"
    make_venv(machine, folder)
    (folder / "made-anew").unlink()
    assert make_venv(machine, folder).returncode == 0
    assert not (folder / "made-anew").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(machine: Path, tmp_path: Path) -> None:
    put(machine, "python3", WORKING)
    folder = tmp_path / "venv"
    make_venv(machine, folder)
    (folder / "made-anew").unlink()
    (folder / "bin" / "python").unlink()
    assert make_venv(machine, folder).returncode == 0
    assert (folder / "made-anew").exists()


def test_a_folder_with_something_else_in_it_is_not_touched(machine: Path, tmp_path: Path) -> None:
    put(machine, "python3", WORKING)
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter-1").touch()
    told = make_venv(machine, folder)
    assert told.returncode == 1
    assert "is not a virtual environment and not empty" in told.stderr
    assert os.listdir(folder) == ["chapter-1"]  # noqa: PTH208 - the names are what is compared
