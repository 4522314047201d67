"""What is wrong in a table of the configuration, found against its marshmallow schema and said in the words of TOML.

marshmallow is lenient where a configuration should not be (it takes "5" for 5 and "yes" for true) and cannot say what it would have accepted. So the
structure is compared here: unknown, missing, wrong type, not among the choices. What the schema's own validators say is added to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from host.config.secret import ACCEPTED, SecretField
from host.errors import Stop
from host.words import did_you_mean, listed

Path = tuple[str, ...]

_TYPES: Final[Sequence[tuple[type[fields.Field[Any]], tuple[type, ...], str]]] = (
    (SecretField, (str,), ACCEPTED),
    (fields.String, (str,), "a text in quotes"),
    (fields.Boolean, (bool,), "true or false"),
    (fields.Integer, (int,), "a whole number"),
    (fields.Float, (int, float), "a number"),
    (fields.List, (list,), "a list in brackets"),
    (fields.Mapping, (dict,), "a table"),
)


class ConfigFault(Stop):
    """The configuration is wrong. The message has one line for each fault: file, line, key, and what is accepted."""


@dataclass(frozen=True, slots=True)
class Fault:
    path: Path
    message: str


def loaded(schema: Schema, table: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """The table as its schema reads it, and all that is wrong with it."""
    faults = list(_table_faults(schema, table, path))
    try:
        settings = schema.load(table)
    except ValidationError as error:
        known = {fault.path for fault in faults}
        said = _flat(error.messages_dict, schema.load_fields, path)
        faults += [fault for fault in said if not any(fault.path[: len(one)] == one for one in known)]
        return {}, faults
    return dict(settings), faults


def _table_faults(schema: Schema, table: Mapping[str, Any], path: Path) -> Iterable[Fault]:
    known = {one.data_key or name: one for name, one in schema.load_fields.items()}
    if schema.unknown == RAISE:
        for key in table:
            if key not in known:
                accepted = f"accepted: {listed(sorted(known))}"
                yield Fault((*path, key), f"unknown key{did_you_mean(key, known)}; {accepted}")
    for key, one in known.items():
        if key in table:
            yield from _value_faults(one, table[key], (*path, key))
        elif one.required:
            yield Fault((*path, key), f"missing; it takes {accepts(one)}")


def _value_faults(one: fields.Field[Any], value: Any, path: Path) -> Iterable[Fault]:
    if isinstance(one, fields.Nested):
        yield from _nested_faults(one, value, path)
        return
    if not _right_type(one, value):
        yield Fault(path, f"{_shown(one, value)} is not accepted; it takes {accepts(one)}")
        return
    if isinstance(one, fields.List):
        for index, item in enumerate(value):
            yield from _value_faults(one.inner, item, (*path, str(index)))
    elif isinstance(one, fields.Mapping) and one.value_field is not None:
        for key, item in value.items():
            yield from _value_faults(one.value_field, item, (*path, key))
    yield from _choice_faults(one, value, path)
    yield from _range_faults(one, value, path)


def _nested_faults(one: fields.Nested, value: Any, path: Path) -> Iterable[Fault]:
    tables = value if one.many else [value]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        yield Fault(path, f"{_shown(one, value)} is not accepted; it takes {accepts(one)}")
        return
    for index, table in enumerate(tables):
        yield from _table_faults(one.schema, table, (*path, str(index)) if one.many else path)


def _choice_faults(one: fields.Field[Any], value: Any, path: Path) -> Iterable[Fault]:
    choices = _choices(one)
    given = value if isinstance(value, list) else [value]
    for item in given:
        if choices and item not in choices:
            meant = did_you_mean(str(item), choices)
            yield Fault(path, f"{_shown(one, item)} is not accepted{meant}; accepted: {listed(choices)}")


def _range_faults(one: fields.Field[Any], value: Any, path: Path) -> Iterable[Fault]:
    if isinstance(one, fields.Number) and (ends := _ends(one)) and not ends[0] <= value <= ends[1]:
        yield Fault(path, f"{value} is not accepted; it takes {accepts(one)}")


def _choices(one: fields.Field[Any]) -> list[str]:
    for validator in one.validators:
        if isinstance(validator, validate.OneOf):
            return [str(choice) for choice in validator.choices]
    return []


def _right_type(one: fields.Field[Any], value: Any) -> bool:
    for kind, types, _ in _TYPES:
        if isinstance(one, kind):
            return isinstance(value, types) and (bool in types or not isinstance(value, bool))
    return True  # a type of the plugin's own says itself what it takes


def accepts(one: fields.Field[Any]) -> str:
    """What a field takes, for people; a schema can say it better with ``metadata={"accepts": "..."}``."""
    if said := one.metadata.get("accepts"):
        return str(said)
    if choices := _choices(one):
        return f"one of {listed(choices)}"
    if isinstance(one, fields.Nested):
        return "tables" if one.many else "a table"
    words = next((words for kind, _, words in _TYPES if isinstance(one, kind)), "a value")
    return f"{words}{_range(one)}"


def _range(one: fields.Field[Any]) -> str:
    ends = _ends(one)
    return f" from {ends[0]} to {ends[1]}" if ends else ""


def _ends(one: fields.Field[Any]) -> tuple[Any, Any] | None:
    """The least and the greatest that a field takes, where it says both."""
    found = next((each for each in one.validators if type(each) is validate.Range), None)
    if found is None or found.min is None or found.max is None:
        return None
    return found.min, found.max


def _shown(one: fields.Field[Any], value: Any) -> str:
    if isinstance(one, SecretField) or one.metadata.get("secret"):
        return "this value"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _flat(messages: Any, known: Mapping[str, fields.Field[Any]], path: Path) -> list[Fault]:
    """marshmallow's messages, nested as the data is, one by one."""
    faults = []
    for key, inner in messages.items():
        one = next((each for name, each in known.items() if key in {name, each.data_key}), None)
        faults += _flat_value(inner, one, path if key == "_schema" else (*path, str(key)))
    return faults


def _flat_value(messages: Any, one: fields.Field[Any] | None, path: Path) -> list[Fault]:
    if isinstance(messages, str):
        return [Fault(path, messages)]
    if isinstance(messages, list):
        return [Fault(path, str(message)) for message in messages]
    if isinstance(one, fields.Nested) and not one.many:
        return _flat(messages, one.schema.load_fields, path)
    faults = []
    for key, inner in messages.items():
        if isinstance(
            one, fields.Mapping
        ):  # {"key": what is wrong with the key, "value": what is wrong with the value}
            for part, said in inner.items():
                faults += _flat_value(said, one.value_field if part == "value" else None, (*path, str(key)))
        elif isinstance(one, fields.Nested):
            faults += _flat(inner, one.schema.load_fields, (*path, str(key)))
        else:
            faults += _flat_value(inner, one.inner if isinstance(one, fields.List) else None, (*path, str(key)))
    return faults
