"""Writes the files of a new installation."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields

from host.config.faults import accepts
from host.crypto import generate_key
from host.errors import Stop
from host.files import write_files
from host.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marshmallow import Schema

    from hookspecs import Demo
    from host.plugins import Plugin

CONFIG_NAME: Final = "counterfoil.toml"
KEY_NAME: Final = "secret.key"

HOST_TABLE: Final = """\
# Paths count from this file. A secret may stand in an environment variable ("env:NAME") or in a file of its own ("file:PATH").

[host]
# SQLite needs nothing else and serves one machine; for PostgreSQL: "postgresql://user@server/counterfoil"
database_url = "sqlite:///counterfoil.db"

# The address under which others reach this host.
public_url = "http://localhost:8000"

# Documents are dated by this clock, and the daily run begins at this time of it.
timezone = {timezone}
daily_at = "02:30"

# Seals what must stay secret in the database. Keep a copy: without it every connection has to be made again.
# For a new key: ["file:new.key", "file:secret.key"]. The first seals, all of them open.
secret_key = "file:{key}"

# Which plugins run, in the order in which they are called.
plugins = {plugins}

# A folder with plugins of your own, each a single .py file.
# plugin_dir = "plugins"

# The log, to standard error: "text" for people, "json" for programs; and from which level on: debug, info, warning, error.
# log_format = "text"
# log_level = "info"

# Ticks: retries, and the daily run. A saved record goes out at once with or without them.
# scheduler = true

# What anybody who reaches this host may read without a token: "metrics", "openapi" (the description of the API).
# without_token = []

# For those who write plugins: every call of a hook is a line in the log.
# trace_hooks = false
"""


def write_installation(folder: Path, sandbox: str | None) -> Path:
    """A configuration and its key in ``folder``; answers the configuration's path. Writes nothing where anything is in the way."""
    config, key = folder / CONFIG_NAME, folder / KEY_NAME
    for path in (config, key):
        if path.exists():
            raise Stop(f"{path} exists already: it is not overwritten; choose another folder, or remove it")
    text = configuration(sandbox)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_files({key: f"{generate_key()}\n", config: text})
    except OSError as error:
        raise Stop(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return config


def configuration(sandbox: str | None = None) -> str:
    """The text of a configuration for the plugins that are installed."""
    plugins = Plugins()
    plugins.load()
    names = [plugin.name for plugin in plugins.active]
    head = HOST_TABLE.format(timezone=json.dumps(_local_zone()), key=KEY_NAME, plugins=json.dumps(names))
    return "\n".join([head, *(_plugin_table(plugins, plugin, sandbox) for plugin in plugins.active)])


def _plugin_table(plugins: Plugins, plugin: Plugin, sandbox: str | None) -> str:
    demo = plugins.ask_demo(plugin) if sandbox is not None else None
    if demo is not None and sandbox is not None and (settings := sandbox_table(plugin, demo, sandbox)):
        return settings
    schema = plugins.ask_schema(plugin)
    table = f"plugins.{plugin.name}"
    hints = [] if schema is None else _hints(schema(), table)
    return "".join(f"{line}\n" for line in [f"[{table}]", *hints])


def sandbox_table(plugin: Plugin, demo: Demo, url: str) -> str:
    """What a plugin wants in its part to work with the sandbox at this address, with the table's head where the plugin left that to us."""
    if demo.settings is None:
        return ""
    lines = demo.settings(url)
    try:
        parsed = tomllib.loads(lines)
    except tomllib.TOMLDecodeError as error:
        raise Stop(f"plugin {plugin.name!r} gave settings that are not TOML: {error}") from error
    head = "" if "plugins" in parsed else f"[plugins.{plugin.name}]\n"
    return f"{head}{lines.strip()}\n"


def _hints(schema: Schema, table: str) -> Iterator[str]:
    """Every key as a comment, tables last: to set one, take the mark away and write a value."""
    known = [(field.data_key or name, field) for name, field in schema.load_fields.items()]
    for key, field in known:
        if _inner(field) is None:
            yield f"# {key} =   # {_told_of(field)}"
    for key, field in known:
        if (inner := _inner(field)) is not None:
            name = f"{table}.{key}.KEY" if isinstance(field, fields.Mapping) else f"{table}.{key}"
            yield ""
            yield f"# [{name}]   # {field.metadata.get('description', '')}".rstrip(" #")
            yield from _hints(inner, name)


def _inner(field: fields.Field[Any]) -> Schema | None:
    """The schema of a table, or of each table of a table of tables."""
    if isinstance(field, fields.Mapping):
        return _inner(field.value_field) if field.value_field is not None else None
    return field.schema if isinstance(field, fields.Nested) and not field.many else None


def _told_of(field: fields.Field[Any]) -> str:
    told = f"{field.metadata['description']} ({accepts(field)})" if "description" in field.metadata else accepts(field)
    return f"needed; {told}" if field.required else told


def _local_zone() -> str:
    from tzlocal import get_localzone_name

    return get_localzone_name() or "UTC"
