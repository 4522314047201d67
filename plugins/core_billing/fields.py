"""Fields of the schemas. Each says in one line what is wrong and what is accepted; JSON's ``null`` means the same as leaving the field empty.

Each also says both in the words of JSON Schema, for the description of the API: ``metadata`` what is accepted, ``shown()`` what reads back.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from marshmallow import Schema, ValidationError, fields, missing

from host.db.types import MONEY_DECIMALS, RATE_DECIMALS
from plugins.core_billing.amounts import LARGEST_AMOUNT, parse_decimal, quantity_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

_LONGEST_OPTION: Final = 100
_MOST_PAIRS: Final = 10
REF: Final = re.compile(r"[A-Za-z0-9._:@-]{1,100}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
REF_PATTERN: Final = f"^{REF.pattern}$"
OPTIONAL_REF_PATTERN: Final = REF_PATTERN.replace("{1,", "{0,")
KEPT: Final = missing
"""Default of a field that stays as it is when a PUT does not name it."""


class Plain(fields.Field[Any]):
    """A field whose empty value is also what it gets when a PUT leaves it out, unless it is required or ``keeps`` what was there."""

    empty: Any = ""

    def __init__(self, *, required: bool = False, keeps: bool = False, **more: Any) -> None:
        if not required and not keeps:
            more.setdefault("load_default", self.empty)
        super().__init__(required=required, error_messages={"required": "is required"}, **more)

    def accepts(self, *types: str, **rules: Any) -> None:
        """Say what is accepted, beside ``null`` where the field may be empty."""
        self.allow_none = not self.required
        self.metadata = {"type": types[0] if len(types) == 1 else list(types), **rules, **self.metadata}

    def shown(self) -> fields.Field[Any]:
        """The field as it reads back: text, unless a field says otherwise."""
        return fields.String(required=True)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **_kwargs: Any
    ) -> Any:
        if value is not None and value is not missing:
            return self.read(value)
        if self.required:
            raise ValidationError("is required")
        return self.load_default if value is missing or self.load_default is not missing else self.empty

    def read(self, value: Any) -> Any:
        raise NotImplementedError


class Text(Plain):
    def __init__(self, longest: int, **more: Any) -> None:
        super().__init__(**more)
        self.longest = longest
        self.accepts("string", maxLength=longest, **({"pattern": r"\S"} if self.required else {}))

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be text")
        if len(value) > self.longest:
            raise ValidationError(f"has {len(value)} characters: accepted are up to {self.longest}")
        if not value.isprintable():
            _refuse_unstorable(value)
        if self.required and not value.strip():
            raise ValidationError("must not be empty")
        return value


def _refuse_unstorable(value: str) -> None:
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValidationError("holds a character that is no text (NUL, or half of a pair)")


class Ref(Plain):
    """The caller's own key of this record, or of another."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.accepts("string", pattern=REF_PATTERN if self.required else OPTIONAL_REF_PATTERN)

    def read(self, value: Any) -> str:
        if value == "" and not self.required:
            return ""
        if not isinstance(value, str) or not REF.fullmatch(value):
            raise ValidationError("must be 1 to 100 of the characters A-Z a-z 0-9 . _ : @ -")
        return value


class Currency(Plain):
    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.accepts("string", pattern=f"^({_CURRENCY.pattern})?$", examples=["GBP"])

    def read(self, value: Any) -> str:
        if value == "" or (isinstance(value, str) and _CURRENCY.fullmatch(value)):
            return str(value)
        raise ValidationError("must be a currency's three capital letters, such as GBP")


class Amount(Plain):
    """Money, a quantity or a percentage: text or a number, at most four decimals."""

    def __init__(
        self,
        empty: Decimal | None,
        *,
        decimals: int = MONEY_DECIMALS,
        within: tuple[int, int] | None = None,
        **more: Any,
    ) -> None:
        self.empty = empty
        super().__init__(**more)
        self.decimals = decimals
        self.within = within
        lowest, highest = within or (-int(LARGEST_AMOUNT), int(LARGEST_AMOUNT))
        written = rf"^([+-]?[0-9]{{1,10}}(\.[0-9]{{1,{decimals}}})?){'' if self.required else '?'}$"
        default = {} if self.empty is None else {"default": quantity_text(self.empty)}
        self.accepts(
            "string", "number", pattern=written, minimum=lowest, maximum=highest, examples=["12.50"], **default
        )

    def read(self, value: Any) -> Decimal | None:
        if value == "":
            return self._nothing()
        try:
            number = parse_decimal(value, self.decimals)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if self.within and not self.within[0] <= number <= self.within[1]:
            raise ValidationError(f"must be from {self.within[0]} to {self.within[1]:,}")
        return number

    def _nothing(self) -> Decimal | None:
        if self.required:
            raise ValidationError("is required")
        return self.empty  # type: ignore[no-any-return]


class ExchangeRate(Amount):
    def __init__(self) -> None:
        super().__init__(None, decimals=RATE_DECIMALS)

    def read(self, value: Any) -> Decimal | None:
        rate = super().read(value)
        if rate is not None and rate <= 0:
            raise ValidationError("must be above 0")
        return rate


class Day(Plain):
    empty = None

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        rules: dict[str, Any] = {"examples": ["2026-11-22"]}
        if self.required:
            self.accepts("string", format="date", **rules)
        else:
            self.metadata = {"anyOf": [{"type": "string", "format": "date"}, {"const": ""}, {"type": "null"}], **rules}

    def read(self, value: Any) -> date | None:
        if value == "" and not self.required:
            return None
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValidationError("must be a date such as 2026-11-22")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError(f"{value} is not in the calendar") from error


class Choice(Plain):
    """One of a few words. There is no empty one: ``null`` means the same as leaving the field out."""

    empty = missing

    def __init__(self, choices: Sequence[str], **more: Any) -> None:
        super().__init__(**more)
        self.choices = choices
        self.accepts("string", enum=[*choices, *([] if self.required else [None])])

    def shown(self) -> fields.Field[Any]:
        return fields.String(required=True, metadata={"enum": list(self.choices)})

    def read(self, value: Any) -> str:
        if value not in self.choices or not isinstance(value, str):
            raise ValidationError(f"must be one of {', '.join(self.choices)}")
        return value


class Flag(Plain):
    def __init__(self, *, default: bool, **more: Any) -> None:
        self.empty = default
        super().__init__(**more)
        self.accepts("boolean", default=default)

    def shown(self) -> fields.Field[Any]:
        return fields.Boolean(required=True)

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Pairs(Plain):
    """Names and values, such as a tracking category and its option."""

    def __init__(self, **more: Any) -> None:
        super().__init__(load_default=dict, **more)
        option = {"type": ["string", "null"], "maxLength": _LONGEST_OPTION}
        self.accepts("object", additionalProperties=option, maxProperties=_MOST_PAIRS)

    def shown(self) -> fields.Field[Any]:
        return fields.Dict(keys=fields.String(), values=fields.String(), required=True)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **_kwargs: Any
    ) -> Any:
        return {} if value is None or value is missing else self.read(value)

    def read(self, value: Any) -> dict[str, str]:
        text = Text(_LONGEST_OPTION)
        if not isinstance(value, dict) or len(value) > _MOST_PAIRS:
            raise ValidationError(f"must be an object of at most {_MOST_PAIRS} names with their values")
        return {text.read(name): text.read(option) for name, option in value.items() if option not in ("", None)}


class Chosen(Pairs):
    """Pairs that are a choice: an empty object is one, too. Left out or ``null`` is none, and reads as ``None``."""

    def __init__(self) -> None:
        super().__init__()
        self.load_default = None

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **_kwargs: Any
    ) -> Any:
        return None if value is None or value is missing else self.read(value)


class Names(Plain):
    """A list of texts."""

    def __init__(self) -> None:
        super().__init__(load_default=list)
        self.accepts("array", items={"type": "string"})

    def shown(self) -> fields.Field[Any]:
        return fields.List(fields.String(), required=True)

    def read(self, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise ValidationError("must be a list of names")
        return [Text(_LONGEST_OPTION).read(one) for one in value]


class Refs(Plain):
    """A list of refs."""

    def __init__(self, **more: Any) -> None:
        super().__init__(load_default=list, **more)
        self.accepts("array", items={"type": "string", "pattern": REF_PATTERN})

    def shown(self) -> fields.Field[Any]:
        return fields.List(fields.String(), required=True)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **_kwargs: Any
    ) -> Any:
        return [] if value is None or value is missing else self.read(value)

    def read(self, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise ValidationError("must be a list of refs")
        return [Ref(required=True).read(item) for item in value]


class Shown(fields.Field[Any]):
    """Reads back inside a list and is passed over when it comes in again with it. ``names`` are those of its texts."""

    def __init__(self, *names: str) -> None:
        super().__init__(
            metadata={"description": "what it has with everything inherited; passed over when it comes in"}
        )
        self.names = names

    def shown(self) -> fields.Field[Any]:
        return fields.Nested(
            Schema.from_dict({name: fields.String(required=True) for name in self.names}), required=True
        )

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **_kwargs: Any
    ) -> Any:
        return missing


class Whole(fields.Nested):
    """A list of objects, replaced whole: a PATCH that names it gives all of it. ``null`` empties it."""

    def __init__(self, schema: Any, *, most: int) -> None:
        super().__init__(
            schema,
            many=True,
            load_default=list,
            allow_none=True,
            metadata={"maxItems": most, "description": "replaced whole"},
        )
        self.most = most

    def checked(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("must be a list")
        if len(value) > self.most:
            raise ValidationError(f"has {len(value)} entries: accepted are up to {self.most:,}")
        return value

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **_kwargs: Any
    ) -> Any:
        if value is None or value is missing:
            return []
        return self._load(self.checked(value), partial=False)
