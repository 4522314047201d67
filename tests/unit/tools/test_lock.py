"""requirements*.lock against pyproject.toml, without asking an index: `make lock` is what mends a failure here."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LOCKS = {"requirements.lock": (), "requirements-dev.lock": ("test", "dev")}


@pytest.fixture(params=list(LOCKS))
def lock(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def locked(root: Path, lock: str) -> dict[str, Requirement]:
    lines = [line for line in (root / lock).read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def asked_for(root: Path, extras: Iterable[str]) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [requirement for requirement in map(Requirement, lines) if requirement.name != project["name"]]


def everything_below(requirements: Iterable[Requirement]) -> set[str]:
    """The names that the installed packages, from these on, ask for on this machine."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in found:
            found.add(key)
            waiting += _asked_by(requirement)
    return {name for name, _ in found}


def _asked_by(requirement: Requirement) -> list[Requirement]:
    asked = map(Requirement, requires(requirement.name) or [])
    extras = ("", *requirement.extras)
    return [each for each in asked if not each.marker or any(each.marker.evaluate({"extra": e}) for e in extras)]


def test_every_requirement_is_locked_at_a_version_it_accepts(pytestconfig: pytest.Config, lock: str) -> None:
    versions = locked(pytestconfig.rootpath, lock)
    for requirement in asked_for(pytestconfig.rootpath, LOCKS[lock]):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{lock} lacks {name}: run `make lock`"
        (pin,) = versions[name].specifier
        assert pin.version in requirement.specifier, f"{lock} has {versions[name]}, asked for is {requirement}"


def test_a_lock_holds_what_is_needed_and_nothing_else(pytestconfig: pytest.Config, lock: str) -> None:
    versions = locked(pytestconfig.rootpath, lock)
    here = {name for name, pin in versions.items() if not pin.marker or pin.marker.evaluate()}
    try:
        needed = everything_below(asked_for(pytestconfig.rootpath, LOCKS[lock]))
    except PackageNotFoundError as missing:
        pytest.fail(f"{missing.name} is asked for and not installed: run `make lock`, then `make test`")
    assert here == needed


def test_a_lock_pins_exactly_and_names_no_index(pytestconfig: pytest.Config, lock: str) -> None:
    text = (pytestconfig.rootpath / lock).read_text()
    assert "://" not in text
    for requirement in locked(pytestconfig.rootpath, lock).values():
        assert [pin.operator for pin in requirement.specifier] == ["=="], requirement


def test_tests_run_on_the_versions_that_ship(pytestconfig: pytest.Config) -> None:
    ships, tested = (locked(pytestconfig.rootpath, lock) for lock in LOCKS)
    assert {name: str(tested.get(name)) for name in ships} == {name: str(pin) for name, pin in ships.items()}
