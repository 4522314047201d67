"""The `where` parameter: a recursive-descent parser, types checked before any row is read (API facts 3.7).

    condition  := conjunction (OR conjunction)*
    conjunction:= term (AND term)*
    term       := "(" condition ")" | operand [comparison operand]
    operand    := primary ("." method "(" [literal] ")")*
    primary    := string | number | true | false | null | guid("...") | DateTime(y,m,d[,h,m,s]) | member

Members are the fields of one kind, dotted for what is embedded (Contact.Name), in any letter case.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from plugins.xero.sandbox.wire import fold


class BadWhere(ValueError):
    """The text is no condition, or it cannot be applied to a row."""


class Type(StrEnum):
    TEXT = "String"
    NUMBER = "Decimal"
    DATE = "DateTime"
    GUID = "Guid"
    FLAG = "Boolean"
    NULL = "null"


Fields = Mapping[str, Type]  # by the name as Xero writes it
Lookup = Callable[[str], Any]  # the value of a field in one row; texts as they are, dates as aware datetimes


@dataclass(frozen=True)
class Literal:
    value: Any
    type: Type


@dataclass(frozen=True)
class Member:
    name: str
    type: Type


@dataclass(frozen=True)
class Method:
    target: "Operand"
    name: str
    argument: str | None
    type: Type


Operand = Literal | Member | Method


@dataclass(frozen=True)
class Comparison:
    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Truth:
    operand: Operand


@dataclass(frozen=True)
class AllOf:
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class AnyOf:
    parts: "tuple[Condition, ...]"


Condition = Comparison | Truth | AllOf | AnyOf

TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?[mMdDfF]?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>==|!=|<>|>=|<=|&&|\|\||[=<>().,])
    )""",
    re.VERBOSE,
)
COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
    "equals": lambda text, part: text == part,
}
CHANGES: dict[str, Callable[[str], str]] = {"tolower": str.lower, "toupper": str.upper, "trim": str.strip}
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
}


def parse(text: str, fields: Fields, kind: str) -> Condition:
    return _Parser(text, fields, kind).whole()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            if text[at:].lstrip().startswith('"'):
                raise BadWhere("Unterminated string literal")
            raise BadWhere(f"Syntax error '{text[at:].lstrip()[:1]}'")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


class _Parser:
    def __init__(self, text: str, fields: Fields, kind: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.kind = kind
        self.fields = {name.lower(): (name, type_) for name, type_ in fields.items()}
        self.parents = {name.rsplit(".", 1)[0] for name in self.fields if "." in name}

    def whole(self) -> Condition:
        if not self.tokens:
            raise BadWhere("Expression expected")
        condition = self.condition()
        if self.at < len(self.tokens):
            raise BadWhere(f"Syntax error at '{self.tokens[self.at][1]}'")
        return condition

    # ------------------------------------------------------------------------------------------------ tokens

    def peek(self) -> str:
        return self.tokens[self.at][1].lower() if self.at < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise BadWhere("Expression expected")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise BadWhere(f"'{sign}' expected")
        self.at += 1

    def is_word(self, *words: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][0] != "text" and self.peek() in words

    # ------------------------------------------------------------------------------------------------ conditions

    def condition(self) -> Condition:
        parts = [self.conjunction()]
        while self.is_word("or", "||"):
            self.at += 1
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def conjunction(self) -> Condition:
        parts = [self.term()]
        while self.is_word("and", "&&"):
            self.at += 1
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def term(self) -> Condition:
        if self.is_word("("):
            self.at += 1
            condition = self.condition()
            self.expect(")")
            return condition
        left = self.operand()
        if self.is_word(*COMPARISONS):
            operator = COMPARISONS[self.take()[1]]
            return _comparison(operator, left, self.operand())
        if left.type is not Type.FLAG:
            raise BadWhere("Expression of type 'Boolean' expected")
        return Truth(left)

    # -------------------------------------------------------------------------------------------------- operands

    def operand(self) -> Operand:
        operand = self.primary()
        while self.is_word("."):
            self.at += 1
            operand = self.method(operand)
        return operand

    def primary(self) -> Operand:
        group, text = self.take()
        if group == "text":
            return Literal(_unquoted(text), Type.TEXT)
        if group == "number":
            return Literal(Decimal(text.rstrip("mMdDfF")), Type.NUMBER)
        if group == "word":
            return self.word(text)
        raise BadWhere(f"Syntax error at '{text}'")

    def word(self, text: str) -> Operand:
        word = text.lower()
        if word in ("true", "false"):
            return Literal(word == "true", Type.FLAG)
        if word == "null":
            return Literal(None, Type.NULL)
        if word == "guid" and self.is_word("("):
            return Literal(_guid(self.arguments()), Type.GUID)
        if word == "datetime" and self.is_word("("):
            return Literal(_moment(self.arguments()), Type.DATE)
        return self.member(text)

    def member(self, text: str) -> Member:
        name = text.lower()
        while name in self.parents and self.is_word("."):
            self.at += 1
            name = f"{name}.{self.take()[1].lower()}"
        if name not in self.fields:
            raise BadWhere(f"No property or field '{text}' exists in type '{self.kind}'")
        return Member(*self.fields[name])

    def arguments(self) -> list[Any]:
        self.expect("(")
        values: list[Any] = []
        while not self.is_word(")"):
            if values:
                self.expect(",")
            group, text = self.take()
            if group not in ("text", "number"):
                raise BadWhere(f"Syntax error at '{text}'")
            values.append(_unquoted(text) if group == "text" else Decimal(text.rstrip("mMdDfF")))
        self.expect(")")
        return values

    def method(self, target: Operand) -> Method:
        name = self.take()[1]
        known = name.lower()
        if target.type is not Type.TEXT or known not in TESTS | CHANGES:
            raise BadWhere(f"No applicable method '{name}' exists in type '{target.type}'")
        arguments = self.arguments()
        wanted = 1 if known in TESTS else 0
        if len(arguments) != wanted or not all(isinstance(given, str) for given in arguments):
            raise BadWhere(f"No applicable method '{name}' exists in type '{target.type}'")
        kind = Type.FLAG if known in TESTS else Type.TEXT
        return Method(target, known, arguments[0] if arguments else None, kind)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _guid(arguments: list[Any]) -> str:
    try:
        (text,) = arguments
        return str(UUID(text))
    except (ValueError, AttributeError, TypeError):
        raise BadWhere("Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)") from None


def _moment(arguments: list[Any]) -> datetime:
    try:
        numbers = [int(number) for number in arguments if number == int(number)]
        if len(numbers) not in (3, 5, 6) or len(numbers) != len(arguments):
            raise ValueError
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except (ValueError, TypeError, OverflowError):
        raise BadWhere("No applicable constructor exists in type 'DateTime'") from None


def _comparison(operator: str, left: Operand, right: Operand) -> Comparison:
    types = {left.type, right.type}
    equality = operator in ("==", "!=")
    if Type.NULL in types:
        fits = equality
    else:
        fits = len(types) == 1 and (equality or types <= {Type.NUMBER, Type.DATE, Type.TEXT})
    if not fits:
        raise BadWhere(f"Operator '{operator}' incompatible with operand types '{left.type}' and '{right.type}'")
    return Comparison(operator, left, right)


# ------------------------------------------------------------------------------------------------------ evaluation


def matches(condition: Condition, row: Lookup) -> bool:
    match condition:
        case AllOf(parts):
            return all(matches(part, row) for part in parts)
        case AnyOf(parts):
            return any(matches(part, row) for part in parts)
        case Truth(operand):
            return bool(_value(operand, row))
        case Comparison(operator, left, right):
            return _compare(operator, _value(left, row), _value(right, row))


def _compare(operator: str, left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        left, right = fold(left), fold(right)
    if operator in ("==", "!="):
        return bool(left == right) is (operator == "==")
    if left is None or right is None:
        raise BadWhere("Nullable object must have a value.")
    return ORDERINGS[operator](left, right)


def _value(operand: Operand, row: Lookup) -> Any:
    match operand:
        case Literal(value, _):
            return value
        case Member(name, _):
            return row(name)
        case Method(target, name, argument, _):
            text = _value(target, row)
            if text is None:
                # Xero: a method on an empty field needs its `Field!=null AND` guard (API facts 3.4).
                raise BadWhere("Object reference not set to an instance of an object.")
            if argument is None:
                return CHANGES[name](text)
            return TESTS[name](fold(text), fold(argument))


# ------------------------------------------------------------------------------------- what an index can answer


def required_values(condition: Condition) -> dict[str, list[Any]]:
    """For each member, the values of which every matching row must have one, where the condition says so."""
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    found: dict[str, list[Any]] = {}
    for part in parts:
        values = _equalities(part)
        if values is not None and values[0] not in found:
            found[values[0]] = values[1]
    return found


def _equalities(condition: Condition) -> tuple[str, list[Any]] | None:
    match condition:
        case Comparison("==", Member(name, _), Literal(value, type_)) | Comparison(
            "==", Literal(value, type_), Member(name, _)
        ) if type_ is not Type.NULL:
            return name, [value]
        case AnyOf(parts):
            sides = [_equalities(part) for part in parts]
            names = {side[0] for side in sides if side}
            if None in sides or len(names) != 1:
                return None
            return names.pop(), [value for side in sides if side for value in side[1]]
    return None
