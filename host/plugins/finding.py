"""Where plugins are: entry points of installed distributions, and single files in ``plugin_dir``."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROUP: Final = "counterfoil.plugins"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class CannotLoad(Exception):
    """Why a plugin is not even tried. The message is the reason that people see."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that is there, not yet imported."""

    name: str
    version: str
    place: str
    load: Callable[[], Any]


def candidates(folder: Path | None) -> dict[str, Candidate]:
    """Everything that could be loaded, by name. A name that is there twice is refused when it is loaded."""
    found: dict[str, Candidate] = {}
    for one in [*_installed(), *_files(folder)]:
        found[one.name] = _twice(found[one.name], one) if one.name in found else one
    return found


def missing(name: str, hint: str) -> Candidate:
    """Stands for a plugin that the configuration names and nobody installed."""
    return _refused(name, f"it is not installed{hint}: install it, or take it out of [host] plugins")


def _installed() -> list[Candidate]:
    return [_named(_from_entry_point(point)) for point in entry_points(group=GROUP)]


def _from_entry_point(point: EntryPoint) -> Candidate:
    def load() -> Any:
        target = point.load()
        return target() if isinstance(target, type) else target

    return Candidate(point.name, point.dist.version if point.dist else "", point.value, load)


def _files(folder: Path | None) -> list[Candidate]:
    if folder is None:
        return []
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    return [_named(_from_file(path)) for path in paths]


def _from_file(path: Path) -> Candidate:
    package = _private_package(path.parent)
    return Candidate(path.stem, "", str(path), lambda: importlib.import_module(f"{package}.{path.stem}"))


def _private_package(folder: Path) -> str:
    """A package of its own for each folder: a plugin called ``json.py`` must not be anybody else's ``json``."""
    place = str(folder.resolve())
    name = f"_counterfoil_plugins_{blake2b(place.encode(), digest_size=6).hexdigest()}"
    if name not in sys.modules:
        package = ModuleType(name, f"The plugins in {place}.")
        package.__path__ = [place]
        sys.modules[name] = package
    importlib.invalidate_caches()
    return name


def _named(one: Candidate) -> Candidate:
    if NAME.fullmatch(one.name):
        return one
    return _refused(
        one.name, f"its name {one.name!r} is not accepted: use small letters, digits and _, at most 40", one.place
    )


def _twice(first: Candidate, second: Candidate) -> Candidate:
    return _refused(first.name, f"two plugins have this name: {first.place} and {second.place}")


def _refused(name: str, reason: str, place: str = "") -> Candidate:
    def refuse() -> Any:
        raise CannotLoad(reason)

    return Candidate(name, "", place, refuse)
