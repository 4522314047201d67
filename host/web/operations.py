"""What an address takes and answers, said beside its handler; the description of the API is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marshmallow import Schema

    from host.web.exchange import Answer, Asked

    Handler = Callable[[Asked], Answer]

PROBLEMS: Final[Mapping[int, str]] = {
    400: "The request cannot be read, or a parameter is not accepted.",
    401: "There is no token, or it is not known, revoked or expired.",
    403: "The token's role is not enough.",
    404: "There is nothing of this name.",
    409: "It is understood and cannot be done; the detail says why, and what a person can do.",
    412: "The record is not in the version that the request names.",
    413: "The body is too large.",
    415: "The body is in a type or an encoding that is not accepted.",
    422: "The input is read, and fields of it are not accepted: each is named.",
    500: "An error of ours; the log tells more under the answer's X-Correlation-Id.",
    503: "Not just now: the database, or what is asked for, cannot be used. Try again after Retry-After seconds.",
}
ALWAYS: Final = (400, 401, 413, 500, 503)
"""A body that is too large is refused where none is wanted as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One that stands in the query, or in a header."""

    name: str
    description: str
    place: str = "query"
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``answers`` are a status with the schema of its body each, or ``None`` for none. ``refuses`` are the problems beside those of every address."""

    takes: type[Schema] | Mapping[str, Any] | None = None
    may_be_empty: bool = False
    answers: Mapping[int, Any]
    refuses: Sequence[int] = ()
    parameters: Sequence[Parameter] = ()
    media_type: str = "application/json"


H = TypeVar("H", bound="Callable[..., Answer]")
_operations: Final[dict[Callable[..., Answer], Operation]] = {}


def operation(
    answers: Any,
    *,
    status: int = 200,
    takes: type[Schema] | None = None,
    may_be_empty: bool = False,
    refuses: Sequence[int] = (),
    parameters: Sequence[Parameter] = (),
    media_type: str = "application/json",
    otherwise: Mapping[int, Any] = MappingProxyType({}),
) -> Callable[[H], H]:
    """Say of a handler what it takes and answers. What it does is the first line of its docstring. ``otherwise`` are answers with a status of their own."""
    with_body = (415, 422) if takes else ()
    said = Operation(
        takes=takes,
        may_be_empty=may_be_empty,
        answers={status: answers, **otherwise},
        refuses=(*with_body, *refuses),
        parameters=parameters,
        media_type=media_type,
    )

    def note(handler: H) -> H:
        _operations[handler] = said
        return handler

    return note


def operation_of(handler: Handler) -> Operation:
    """Raises ``KeyError`` for a handler of which nothing was said."""
    return _operations[getattr(handler, "__func__", handler)]


def text_parameter(name: str, description: str, **schema: Any) -> Parameter:
    return Parameter(name=name, description=description, schema={"type": "string", **schema})


def page_parameters(largest: int, usual: int) -> Sequence[Parameter]:
    number = {"type": "integer", "minimum": 1}
    return (
        Parameter(name="page", description="which page, from 1", schema={**number, "maximum": 10**9, "default": 1}),
        Parameter(
            name="page_size", description="records on a page", schema={**number, "maximum": largest, "default": usual}
        ),
    )
