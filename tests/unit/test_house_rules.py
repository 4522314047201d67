"""Rules of ours that people forget and that the import contracts in pyproject.toml cannot express."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SHIPPED = ("hookspecs", "host", "plugins")
PLUGIN_NAMES = re.compile(r"xero|core_billing", re.IGNORECASE)


@dataclass(frozen=True)
class Import:
    """One imported name: `module` is what it is taken from, `name` what is taken (or the module itself)."""

    place: str
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.place}: {self.module} {self.name}"


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


class AtRunTime(ast.NodeTransformer):
    """Leaves out what only a type checker reads."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        return node.orelse if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def imports(path: Path, tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(f"{path}:{node.lineno}", alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(f"{path}:{node.lineno}", node.module or "", alias.name) for alias in node.names)


def spelled(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name and every text of a module, docstrings left out: those may tell of an example."""
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.lineno, node.value
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.lineno, node.arg


def test_the_contract_imports_only_the_standard_library_and_pluggy() -> None:
    # Whoever reads or tests against the contract needs no runtime. Annotations may name a session's type: for a type
    # checker alone that is no dependency, and any other type would leave plugins untyped.
    allowed = sys.stdlib_module_names | {"hookspecs", "pluggy"}
    foreign = [
        str(each)
        for path, tree in sources("hookspecs")
        for each in imports(path, AtRunTime().visit(tree))
        if each.module.split(".")[0] not in allowed
    ]
    assert foreign == []


@pytest.mark.parametrize("folder", ["host", "hookspecs"])
def test_the_host_spells_no_plugins_name(folder: str) -> None:
    # Another accounting or billing plugin must find the same host; what it knows of either it learns from contributions.
    named = [
        f"{path}:{line}: {text}"
        for path, tree in sources(folder)
        for line, text in spelled(tree)
        if PLUGIN_NAMES.search(text)
    ]
    assert named == []


def test_nobody_imports_what_another_package_keeps_private() -> None:
    # An underscore is the promise that a name may change without asking; plugins stand on the others.
    private = [
        str(each)
        for path, tree in sources(*SHIPPED)
        for each in imports(path, tree)
        if each.module.split(".")[0] in SHIPPED
        and package_of(each.module) != package_of(".".join(path.with_suffix("").parts))
        and any(part.startswith("_") and not part.startswith("__") for part in (*each.module.split("."), each.name))
    ]
    assert private == []


def package_of(module: str) -> tuple[str, ...]:
    """What may share private names: a plugin, a package of the host, the contract."""
    return tuple(module.split(".")[:2])


def test_only_the_clock_tells_the_time() -> None:
    # Tests shift the clock of every process; a second way to ask the time would not be shifted.
    asking = re.compile(r"\.(now|utcnow|today)\(|\btime\.time\(")
    places = [
        f"{path}:{number}: {line.strip()}"
        for path, _ in sources(*SHIPPED)
        if path.name != "clock.py"
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        if asking.search(line) and "clock" not in line
    ]
    assert places == []


def test_every_shipped_package_tells_that_it_is_typed() -> None:
    assert [folder for folder in SHIPPED if not (ROOT / folder / "py.typed").is_file()] == []
