"""Writes the parts of docs/ that say what the code says: hooks from their specifications, keys from the schemas of the configuration.

``make docs`` brings the pages up to date; a test compares them. Such a part stands between two comments in the page::

    <!-- hook on_entity_saved -->       signature and docstring of a hook
    <!-- keys plugins.xero.limits -->   the keys of a table of the configuration
    <!-- end -->
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields, missing

from hookspecs import Contributions, Events
from host.config.faults import accepts
from host.config.settings import HostSchema
from host.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marshmallow import Schema

ROOT: Final = Path(__file__).parents[1]
PART: Final = re.compile(r"<!-- (hook|keys) (\S+) -->\n.*?<!-- end -->", re.DOTALL)


def written(text: str) -> str:
    """A page with its parts as the code says them now."""
    return PART.sub(_part, text)


def _part(found: re.Match[str]) -> str:
    kind, name = found.groups()
    body = {"hook": hook, "keys": keys}[kind](name)
    return f"<!-- {kind} {name} -->\n{body}\n<!-- end -->"


# ----------------------------------------------------------------------------------------------------------------- hooks


def hook(name: str) -> str:
    """A hook's signature, as an implementation has it, and its docstring."""
    spec = specification(name)
    signature = inspect.signature(spec)
    taken = [f"{one.name}: {one.annotation}" for one in list(signature.parameters.values())[1:]]
    told = (inspect.getdoc(spec) or "").replace("``", "`")
    return f"```text\n{name}({', '.join(taken)}) -> {signature.return_annotation}\n```\n\n{told}"


def specification(name: str) -> Callable[..., Any]:
    for contract in (Events, Contributions):
        if name in vars(contract):
            spec: Callable[..., Any] = vars(contract)[name]
            return spec
    raise LookupError(f"there is no hook {name!r}")


# ------------------------------------------------------------------------------------------------------------------ keys


def keys(table: str) -> str:
    """The keys of a table: what each takes, what holds without it, what it is for."""
    rows = [_row(key, field) for key, field in _fields(schema_of(table)) if _inner(field) is None]
    return "\n".join(["| key | takes | without it | what it is for |", "| --- | --- | --- | --- |", *rows])


def _row(key: str, field: fields.Field[Any]) -> str:
    told = field.metadata.get("description", "")
    cells = [f"`{key}`", accepts(field), "**needed**" if field.required else _default(field), told]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: fields.Field[Any]) -> str:
    if said := field.metadata.get("default"):
        return str(said)
    value = field.load_default() if callable(field.load_default) else field.load_default
    if value is missing or value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def schema_of(table: str) -> Schema:
    """The schema of ``[table]``; ``KEY`` stands for any name in a table of tables."""
    first, *rest = table.split(".")
    if first == "host":
        return HostSchema()
    schema = _plugin_schema(rest.pop(0))
    for name in rest:
        if name != "KEY":
            schema = _inner(dict(_fields(schema))[name]) or schema
    return schema


def tables(name: str, schema: Schema) -> Iterator[str]:
    """The names of a table and of all tables in it."""
    yield name
    for key, field in _fields(schema):
        if (inner := _inner(field)) is not None:
            yield from tables(f"{name}.{key}.KEY" if isinstance(field, fields.Mapping) else f"{name}.{key}", inner)


def _plugin_schema(name: str) -> Schema:
    plugins = Plugins([name])
    plugins.load()
    schema = plugins.ask_schema(plugins.all[0])
    assert schema is not None, plugins.all[0].reason or f"plugin {name} has no settings"
    found: Schema = schema()
    return found


def _fields(schema: Schema) -> list[tuple[str, fields.Field[Any]]]:
    return [(field.data_key or name, field) for name, field in schema.load_fields.items()]


def _inner(field: fields.Field[Any]) -> Schema | None:
    if isinstance(field, fields.Mapping):
        return _inner(field.value_field) if field.value_field is not None else None
    return field.schema if isinstance(field, fields.Nested) else None


# ------------------------------------------------------------------------------------------------------------------ pages


def outdated() -> list[Path]:
    """The pages that do not say what the code says."""
    return [page for page in pages() if written(page.read_text()) != page.read_text()]


def pages() -> list[Path]:
    return sorted((ROOT / "docs").rglob("*.md"))


def main() -> int:
    for page in outdated():
        page.write_text(written(page.read_text()))
        print(f"{page.relative_to(ROOT)} is brought up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
