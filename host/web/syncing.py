"""The sync, seen and asked for: batches, imports, errors, the request log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hookspecs import JSON, BadQuery, ListQuery, Problem
from host.known import no_such_refs
from host.web import answers
from host.web.connections import known_connection, named_connection
from host.web.exchange import LARGEST_PAGE, Answer, Asked, whole_number
from host.web.operations import operation, page_parameters, text_parameter
from host.web.problems import invalid, not_found
from host.web.records import PAGE_SIZE, kind_of
from host.web.wire import SyncWish, read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hookspecs import Kind

_CONNECTION: Final = text_parameter("connection", "the key of a connection: only what belongs to it")
PAGES: Final = page_parameters(LARGEST_PAGE, PAGE_SIZE)


@operation(answers.Batch, status=202, takes=SyncWish, may_be_empty=True, refuses=(404, 409))
def request_sync(asked: Asked) -> Answer:
    """Queue records to be looked at and sent where they differ; 202 with the batch."""
    asked.parameters()
    wish = read_body(SyncWish, asked.json() if asked.body.strip() else {})
    kinds = [kind_of(asked.host, wish["kind"])] if wish.get("kind") else []
    batch = asked.engine.request_sync(
        connection=known_connection(asked, wish.get("connection")),
        kind=wish.get("kind") or None,
        refs=_refs(asked, wish, kinds),
    )
    asked.host.wake()
    return Answer(whole_batch(asked, batch), 202, {"Location": f"/api/v1/batches/{batch}"})


def _refs(asked: Asked, wish: JSON, kinds: Sequence[Kind]) -> Sequence[str] | None:
    if wish.get("filter") is not None:
        return _filtered_refs(asked, wish, kinds)
    refs = wish.get("refs")
    if refs is None:
        return None
    refuse_unknown(asked, refs, kinds or list(asked.host.kinds.values()))
    return list(refs)


def refuse_unknown(asked: Asked, refs: Sequence[str], kinds: Sequence[Kind]) -> None:
    """Raises ``Refusal`` where a ref is none of these kinds'."""
    with asked.host.database.read() as session:
        missing = no_such_refs(session, kinds, refs)
    if missing:
        raise invalid([Problem(f"refs.{place}", sentence) for place, sentence in missing.items()])


def _filtered_refs(asked: Asked, wish: JSON, kinds: Sequence[Kind]) -> Sequence[str]:
    if not kinds or wish.get("refs") is not None:
        raise invalid([Problem("filter", "goes with a kind, and without refs")])
    filters = dict(wish["filter"])
    query = ListQuery(q=filters.pop("q", ""), filters=filters, page_size=LARGEST_PAGE)
    return _all_refs(asked, kinds[0], query)


def _all_refs(asked: Asked, kind: Kind, query: ListQuery) -> Sequence[str]:
    refs: list[str] = []
    with asked.host.database.read() as session:
        while True:
            try:
                page = kind.service.list(session, query)
            except BadQuery as error:
                raise invalid([Problem("filter", str(error))]) from None
            refs += [record["ref"] for record in page.items]
            if len(page.items) < query.page_size:
                return refs
            query = ListQuery(q=query.q, filters=query.filters, page=query.page + 1, page_size=query.page_size)


@operation(answers.Batch)
def show_batch(asked: Asked) -> Answer:
    """How far a batch is."""
    asked.parameters()
    return Answer(whole_batch(asked, asked.path["id"]))


def whole_batch(asked: Asked, batch: str) -> JSON:
    """How far a batch is. Raises ``Refusal`` where there is none."""
    with asked.host.database.read() as session:
        found = asked.engine.batch(session, batch)
    if found is None:
        raise not_found(f"there is no batch {batch!r}")
    return dict(found)


# ------------------------------------------------------------------------------------------ what happened, and with whom


@operation(answers.page(answers.Request), parameters=(_CONNECTION, *PAGES))
def list_requests(asked: Asked) -> Answer:
    """The request log: every call, the newest first."""
    given = asked.parameters("connection", "page", "page_size")
    page, page_size = page_of(given)
    connection = named_connection(asked, given)
    with asked.host.database.read() as session:
        items, total = asked.engine.requests(session, connection=connection, page=page, page_size=page_size)
    return Answer({"items": list(items), "page": page, "page_size": page_size, "total": total})


def page_of(given: dict[str, str]) -> tuple[int, int]:
    """Which page the query asks for, and of what size. Raises ``Refusal``."""
    page = whole_number(given, "page", default=1)
    return page, whole_number(given, "page_size", default=PAGE_SIZE, most=LARGEST_PAGE)


@operation(answers.WholeRequest)
def get_request(asked: Asked) -> Answer:
    """One call with both bodies and what it carried."""
    asked.parameters()
    with asked.host.database.read() as session:
        found = asked.engine.request(session, asked.path["id"])
    if found is None:
        raise not_found(f"there is no request {asked.path['id']!r}")
    return Answer(found)


@operation(answers.whole_list(answers.ErrorRow), parameters=(_CONNECTION,))
def list_errors(asked: Asked) -> Answer:
    """What does not go on by itself, in the order in which it happened."""
    connection = named_connection(asked, asked.parameters("connection"))
    with asked.host.database.read() as session:
        return Answer({"items": list(asked.engine.errors(session, connection=connection))})
