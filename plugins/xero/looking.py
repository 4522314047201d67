"""Reading what Xero has: by ids, by a mark, by a match key; few by name, many by one listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from host.sync.provider import JSON, Request, Response, Unreadable
from plugins.xero.replies import envelope
from plugins.xero.wire.numbers import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_WHERE: Final = 1500
"""What an address takes safely, percent-encoded: its length is limited, 40 ids being advised (API facts 2.2). More is cheaper as a listing anyway."""
PAGE: Final = 1000


def any_of(conditions: Iterable[tuple[str, str]]) -> str | None:
    """``Name=="A" OR Name=="B"``; ``None`` where that would be too long, or cannot be written.

    How a quote is written between quotes is not documented (API facts 3.7).
    """
    wanted = list(dict.fromkeys(conditions))  # thousands may bear one name
    if any('"' in value or "\\" in value or not value.isprintable() for _, value in wanted):
        return None
    where = " OR ".join(f'{field}=="{value}"' for field, value in wanted)
    return where if len(quote(where)) <= LONGEST_WHERE else None


def get(path: str, *query: tuple[str, str]) -> Request:
    return Request(method="GET", path=path, query=query)


def pages(responses: Sequence[Response], key: str) -> list[JSON]:
    """The elements of all pages read so far."""
    return [element for response in responses for element in envelope(response, key)]


def next_page(request: Request, responses: Sequence[Response]) -> Request | None:
    """The request for the page after the last one that was read; ``None`` where that was the end."""
    said = loads(responses[-1].body)
    pagination = said.get("pagination")
    if not isinstance(pagination, dict):
        return None
    read, count = len(responses), pagination.get("pageCount")
    if not isinstance(count, int):
        raise Unreadable("Xero's answer does not say how many pages there are")
    if read >= count:
        return None
    query = tuple((name, str(read + 1) if name == "page" else value) for name, value in request.query)
    return Request(method=request.method, path=request.path, query=query)
