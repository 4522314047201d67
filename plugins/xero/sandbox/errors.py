"""Refusals, by what Xero answers: an empty or textual body, an API exception, or errors on one element of a batch."""

from dataclasses import dataclass, field

VALIDATION = (10, "ValidationException")
BAD_BODY = (14, "PostDataInvalidException")
BAD_WHERE = (16, "QueryParseException")
NOT_IMPLEMENTED = (20, "ApiMethodNotImplementedException")
HIGH_VOLUME = (51, "HighVolumeException")


class Refused(Exception):
    """The whole request ends here; nothing of it is written."""


class NotFound(Refused):
    """404 with an empty body (API facts 3.4)."""


@dataclass
class ApiException(Refused):
    """A numbered exception with its message."""

    status: int
    number: int
    kind: str
    message: str

    @classmethod
    def bad_body(cls, message: str) -> "ApiException":
        return cls(400, *BAD_BODY, message)

    @classmethod
    def bad_where(cls, message: str) -> "ApiException":
        return cls(400, *BAD_WHERE, message)

    @classmethod
    def validation(cls, message: str) -> "ApiException":
        return cls(400, *VALIDATION, message)

    @classmethod
    def not_implemented(cls) -> "ApiException":
        return cls(501, *NOT_IMPLEMENTED, "The Api Method called is not implemented")


@dataclass
class Problem(Refused):
    """An authentication failure (API facts 1.6)."""

    status: int
    title: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Unavailable(Refused):
    """A status with a plain text body: maintenance, wrong media type, too much."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class OAuthError(Exception):
    """What the identity server answers with the word for it (API facts 1.3); `why` is for people only."""

    error: str
    why: str = ""


@dataclass
class ElementRefused(Exception):
    """One element of a write is not accepted; the others may be."""

    messages: list[str]


@dataclass
class ElementsRefused(Refused):
    """The 400 that one bad element brings on its whole batch; `elements` are the refused ones, echoed."""

    elements: list[dict[str, object]]
