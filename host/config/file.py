"""``counterfoil.toml`` as a whole: read once, its tables checked by those whose they are."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from host.config.faults import ConfigFault, Fault, loaded
from host.config.lines import KeyPath, key_lines, line_of, stands_twice
from host.config.secret import reading, too_open
from host.config.settings import HostSchema, HostSettings, host_settings
from host.errors import Stop
from host.words import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from marshmallow import Schema

DEFAULT_NAME: Final = "counterfoil.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration file whose ``[host]`` is sound. Its plugins' tables are checked when the plugins are known."""

    path: Path
    host: HostSettings
    plugin_tables: Mapping[str, Any] = field(repr=False)
    warnings: list[str]
    _lines: Mapping[KeyPath, int] = field(repr=False)

    def plugin_settings(self, name: str, schema: type[Schema] | None) -> tuple[dict[str, Any], list[str]]:
        """What ``[plugins.<name>]`` says, read by the plugin's schema (without one it has to be empty), and the lines of complaint."""
        from marshmallow import Schema as Empty

        with reading(self.path.parent) as now:
            settings, faults = loaded((schema or Empty)(), self.plugin_tables.get(name, {}), ("plugins", name))
        self.warnings.extend(now.warnings)
        return settings, _sentences(self.path, self._lines, faults)

    def unknown_plugins(self, known: Collection[str]) -> list[str]:
        """A line of complaint for every ``[plugins.NAME]`` of a plugin that is not installed."""
        faults = [
            Fault(("plugins", name), f"unknown plugin{did_you_mean(name, known)}; installed: {listed(sorted(known))}")
            for name in self.plugin_tables
            if name not in known
        ]
        return _sentences(self.path, self._lines, faults)


def load_config(path: Path) -> Config:
    """Reads the file and checks ``[host]``. Raises ``ConfigFault`` with one line for every fault."""
    text = _read(path)
    table = _parse(path, text)
    lines = key_lines(text)
    folder = path.absolute().parent
    with reading(folder) as now:
        faults = list(_outline_faults(table))
        host = table.get("host", {})
        settings, host_faults = loaded(HostSchema(), host if isinstance(host, dict) else {}, ("host",))
    faults += host_faults
    if faults:
        raise ConfigFault("\n".join(_sentences(path, lines, faults)))
    return Config(
        path=folder / path.name,
        host=host_settings(settings),
        plugin_tables=table.get("plugins", {}),
        warnings=too_open(path) + now.warnings,
        _lines=lines,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Stop(f"{path} does not exist: name the file with -c, or make one with `counterfoil init DIR`") from None
    except UnicodeDecodeError as error:
        raise Stop(f"{path} is not a text in UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise Stop(f"{path} cannot be read: {error.strerror}") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if twice := stands_twice(text):
            key, first, second = twice
            said = f"{'.'.join(key)}: it stands there twice, for the first time in line {first}: leave one of them"
            raise ConfigFault(f"{path}:{second}: {said}") from error
        what = str(error)
        at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", what)
        line = at.group(1) if at and at.group(1) else max(1, len(text.splitlines()))
        raise ConfigFault(f"{path}:{line}: this is not TOML: {what[: at.start()] if at else what}") from error


def _outline_faults(table: Mapping[str, Any]) -> Iterable[Fault]:
    for name in table:
        if name not in {"host", "plugins"}:
            meant = did_you_mean(name, ("host", "plugins"))
            yield Fault((name,), f"unknown table{meant}; accepted: [host], [plugins.NAME]")
    if "host" in table and not isinstance(table["host"], dict):
        yield Fault(("host",), "this value is not accepted; it takes a table: [host]")
    plugins = table.get("plugins", {})
    sections = plugins.items() if isinstance(plugins, dict) else [("", plugins)]
    for name, section in sections:
        if not isinstance(section, dict):
            path = ("plugins", name) if name else ("plugins",)
            yield Fault(path, "this value is not accepted; it takes tables: [plugins.NAME]")


def _sentences(path: Path, lines: Mapping[KeyPath, int], faults: Iterable[Fault]) -> list[str]:
    found = sorted(((line_of(lines, fault.path), fault) for fault in faults), key=lambda pair: pair[0])
    return [f"{path}:{line}: {'.'.join(fault.path)}: {fault.message}" for line, fault in found]
