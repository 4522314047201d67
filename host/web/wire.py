"""What the host's own addresses take and answer, as schemas: bodies are read by them, and the OpenAPI document is made from all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from marshmallow import Schema, ValidationError, fields

from hookspecs import Problem
from host.sync.connections import LONGEST_NAME, name_fault
from host.web.problems import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hookspecs import JSON

MOST_REFS: Final = 10_000
LONGEST_REASON: Final = 500


# ---------------------------------------------------------------------------------------------------------------- bodies


def is_text(value: Any) -> bool:
    """Whether this is a text that a database can hold, or look for: no NUL, and no half of a pair of surrogates."""
    return isinstance(value, str) and "\x00" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def _storable(value: str) -> None:
    if not is_text(value):
        raise ValidationError("must be text")


def _few(refs: list[str]) -> None:
    if len(refs) > MOST_REFS:
        raise ValidationError(
            f"has {len(refs)} entries: accepted are up to {MOST_REFS}; without refs all are meant", field_name="refs"
        )


def _one_line(name: str) -> None:
    fault = name_fault(name.strip())
    if fault:
        raise ValidationError(fault)


def _short(reason: str) -> None:
    if len(reason) > LONGEST_REASON:
        raise ValidationError(f"has {len(reason)} characters: accepted are up to {LONGEST_REASON}")


def _text(description: str, **more: Any) -> fields.String:
    more.setdefault("validate", _storable)
    return fields.String(
        allow_none=not more.get("required"),
        error_messages={"invalid": "must be text", "required": "is required", "null": "is required"},
        metadata={"description": description, **more.pop("metadata", {})},
        **more,
    )


def _refs(description: str) -> fields.Field[Any]:
    return fields.List(
        _text("a record's ref", required=True),
        allow_none=True,
        validate=_few,
        error_messages={"invalid": "must be a list"},
        metadata={"description": description, "maxItems": MOST_REFS},
    )


class Flag(fields.Boolean):
    """marshmallow's own takes 1 and "yes" as well."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Body(Schema):
    """The body of a request. An unknown field is refused, and the message names those that there are."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        unknown = f"unknown field: accepted are {', '.join(self.fields)}"
        self.error_messages = {**self.error_messages, "unknown": unknown}


class SyncWish(Body):
    connection = _text("the key of a connection: only records that belong to it")
    kind = _text("only records of this kind")
    refs = _refs("only the records with these refs")
    filter = fields.Dict(
        keys=fields.String(),
        values=_text("a value", required=True),
        allow_none=True,
        error_messages={"invalid": "must be an object"},
        metadata={"description": "instead of refs, and with a kind: its filters, as its list takes them, and q"},
    )


class Choice(Body):
    """Which records of the outbox. A body that names nothing has to say that all are meant."""

    connection = _text("the key of a connection: only its records")
    kind = _text("only records of this kind")
    refs = _refs("only the records with these refs")
    all = Flag(
        allow_none=True,
        metadata={"description": "true says that all are meant; needed where nothing else is named"},
    )


class ParkWish(Choice):
    reason = _text(
        "why; shown with the records",
        validate=[_storable, _short],
        metadata={"maxLength": LONGEST_REASON},
    )


def _name() -> fields.Field[Any]:
    return _text(
        "the shown name", required=True, validate=_one_line, metadata={"minLength": 1, "maxLength": LONGEST_NAME}
    )


class ConnectionChange(Body):
    name = _name()


class ConnectionWish(Body):
    key = _text("its fixed name in the configuration and in links: 1 to 50 of a-z, 0-9, - and _", required=True)
    name = _name()
    auth = _text("app (a person lets it in; the usual one) or custom (credentials of the configuration)")
    provider = _text("the plugin that it belongs to; may be left out where there is one")


class OrganisationChoice(Body):
    organisation = _text("its id or its name", required=True)


class ImportWish(Body):
    kind = _text("which list or kind of records, or all", required=True)
    choose = fields.List(
        _text("a remote_id", required=True),
        allow_none=True,
        validate=_few,
        error_messages={"invalid": "must be a list"},
        metadata={"description": "of one kind of records: only those with these remote_ids", "maxItems": MOST_REFS},
    )
    preview = Flag(
        allow_none=True, metadata={"description": "true: say what would become of each record, and change none"}
    )
    whole = Flag(
        allow_none=True,
        metadata={"description": "true: read everything, not only what changed there since the last import"},
    )
    group = _text("the ref of the product group that new products are put into")


class LinkWish(Body):
    remote_id = _text("the remote record's id, as a search answers it", required=True)
    replace = Flag(
        allow_none=True, metadata={"description": "true: it takes the place of what the record is linked with already"}
    )


def read_body(schema: type[Body], given: JSON) -> JSON:
    """What a body says, without the fields that are null. Raises ``Refusal`` with everything that is wrong in it."""
    try:
        read: JSON = schema().load(given)
    except ValidationError as error:
        raise invalid(list(_problems(error.messages_dict, ()))) from None
    return {name: value for name, value in read.items() if value is not None}


def _problems(messages: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[Problem]:
    for name, below in messages.items():
        # Below a field and its entry marshmallow tells of the entry's key and of its value; people know only the entry.
        here = (*path, str(name))[:2]
        if isinstance(below, dict):
            yield from _problems(below, here)
        else:
            yield from (Problem(".".join(here), str(message)) for message in below)
