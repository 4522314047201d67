"""Each import contract of pyproject.toml, broken on purpose on a copy of the tree, must be the one that complains."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("hookspecs", "host", "plugins")
LINT = Path(sysconfig.get_path("scripts")) / "lint-imports"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def complaints(tree: Path) -> set[str]:
    """The names of the contracts that the tree breaks."""
    told = subprocess.run(
        [LINT, "--no-cache", "--no-logo"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in told.stdout, told.stdout + told.stderr
    return {line.removesuffix(" BROKEN") for line in told.stdout.splitlines() if line.endswith(" BROKEN")}


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("host/db/engine.py", "host.sync.provider", "imports run one way"),
        ("host/sync/provider/protocol.py", "plugins.xero", "imports run one way"),
        ("hookspecs/records.py", "host.clock", "imports run one way"),
        ("host/errors.py", "starlette", "the sync engine is handed what it needs from above"),
        ("plugins/xero/added.py", "plugins.core_billing", "a plugin never imports another plugin"),
        ("plugins/xero/sandbox/added.py", "plugins.xero.added", "the sandbox imports nothing of the Xero plugin"),
        ("plugins/xero/added.py", "plugins.xero.sandbox", "the Xero plugin imports nothing of the sandbox"),
        ("plugins/core_billing/added.py", "tests", "what ships imports nothing that does not ship"),
    ],
)
def test_a_contract_complains(tree: Path, module: str, imported: str, contract: str) -> None:
    (tree / "plugins/xero/added.py").touch()
    with (tree / module).open("a") as source:
        source.write(f"\nimport {imported}\n")
    assert contract in complaints(tree)
