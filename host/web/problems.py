"""Problem documents (RFC 9457): every answer that is not a success is one, and says what is wrong, where, and what is accepted."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from hookspecs import NOTHING, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.json_text import NotJson

MEDIA_TYPE: Final = "application/problem+json"


class Refusal(Exception):
    """A request that is answered with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Problem] = (),
        headers: Mapping[str, str] = NOTHING,
        more: Mapping[str, Any] = NOTHING,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.more = more

    def document(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors:
            shown["errors"] = [{"field": one.path, "message": one.message} for one in self.errors]
        return shown


def bad_request(detail: str, *errors: Problem) -> Refusal:
    return Refusal(400, detail, errors)


def bad_parameter(name: str, message: str) -> Refusal:
    return bad_request(f"{name}: {message}", Problem(name, message))


def broken_json(error: NotJson) -> Refusal:
    detail = f"the body is not JSON: {error} (line {error.line}, column {error.column})"
    return Refusal(400, detail, more={"line": error.line, "column": error.column})


def not_found(detail: str) -> Refusal:
    return Refusal(404, detail)


def nothing_at(path: str) -> Refusal:
    return not_found(f"there is nothing at {path}")


def conflict(detail: str) -> Refusal:
    return Refusal(409, detail)


def invalid(problems: Sequence[Problem]) -> Refusal:
    """The input is read, and these fields of it are not accepted. The detail is the first of them, for people who read only that."""
    first = str(problems[0])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Refusal(422, first + more, problems)
