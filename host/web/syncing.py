"""The sync, seen and asked for: batches, connections, errors, the request log, plugins."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from hookspecs import JSON, BadQuery, ListQuery, Problem
from host.known import no_such_refs
from host.plugins.describing import describe
from host.web.exchange import LARGEST_PAGE, Answer, Asked, fields, is_text, whole_number
from host.web.problems import bad_request, invalid, not_found
from host.web.records import PAGE_SIZE, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hookspecs import Kind

_SYNC_FIELDS: Final[Mapping[str, type]] = {"connection": str, "kind": str, "refs": list, "filter": dict}
MOST_REFS: Final = 10_000


def request_sync(asked: Asked) -> Answer:
    """Queue records to be looked at and sent where they differ; 202 with the batch."""
    asked.parameters()
    wish = asked.json() if asked.body.strip() else {}
    fields(wish, optional=_SYNC_FIELDS)
    kinds = [kind_of(asked.host, wish["kind"])] if wish.get("kind") else []
    batch = asked.engine.request_sync(
        connection=_known_connection(asked, wish.get("connection")),
        kind=wish.get("kind") or None,
        refs=_refs(asked, wish, kinds),
    )
    asked.host.wake()
    return Answer(_batch(asked, batch), 202, {"Location": f"/api/v1/batches/{batch}"})


def _known_connection(asked: Asked, key: str | None) -> str | None:
    if key is None or key in _connections(asked):
        return key
    known = ", ".join(_connections(asked)) or "none yet"
    raise invalid([Problem("connection", f"there is no connection {key!r}: there are {known}")])


def _refs(asked: Asked, wish: JSON, kinds: Sequence[Kind]) -> Sequence[str] | None:
    if wish.get("filter") is not None:
        return _filtered_refs(asked, wish, kinds)
    refs = wish.get("refs")
    if refs is None:
        return None
    problems = _wrong_refs(refs)
    if problems:
        raise invalid(problems)
    _refuse_unknown(asked, refs, kinds or list(asked.host.kinds.values()))
    return list(refs)


def _wrong_refs(refs: Sequence[Any]) -> list[Problem]:
    if len(refs) > MOST_REFS:
        return [Problem("refs", f"has {len(refs)} entries: accepted are up to {MOST_REFS}; without refs all are meant")]
    return [Problem(f"refs.{place}", "must be text") for place, ref in enumerate(refs) if not is_text(ref)]


def _refuse_unknown(asked: Asked, refs: Sequence[str], kinds: Sequence[Kind]) -> None:
    with asked.host.database.read() as session:
        missing = no_such_refs(session, kinds, refs)
    if missing:
        raise invalid([Problem(f"refs.{place}", sentence) for place, sentence in missing.items()])


def _filtered_refs(asked: Asked, wish: JSON, kinds: Sequence[Kind]) -> Sequence[str]:
    if not kinds or wish.get("refs") is not None:
        raise invalid([Problem("filter", "goes with a kind, and without refs")])
    wrong = [Problem(f"filter.{name}", "must be text") for name, value in wish["filter"].items() if not is_text(value)]
    if wrong:
        raise invalid(wrong)
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


def show_batch(asked: Asked) -> Answer:
    asked.parameters()
    return Answer(_batch(asked, asked.path["id"]))


def _batch(asked: Asked, batch: str) -> JSON:
    with asked.host.database.read() as session:
        found = asked.engine.batch(session, batch)
    if found is None:
        raise not_found(f"there is no batch {batch!r}")
    return found


# -------------------------------------------------------------------------------------------------------- connections


def list_connections(asked: Asked) -> Answer:
    asked.parameters()
    return Answer({"items": list(_connections(asked).values())})


def _connections(asked: Asked) -> Mapping[str, JSON]:
    with asked.host.database.read() as session:
        return {one["key"]: dict(one) for one in asked.engine.show_connections(session)}


def get_connection(asked: Asked) -> Answer:
    asked.parameters()
    return Answer(_connection(asked))


def _connection(asked: Asked) -> JSON:
    connections, key = _connections(asked), asked.path["key"]
    if key in connections:
        return connections[key]
    raise not_found(f"there is no connection {key!r}: there are {', '.join(connections) or 'none yet'}")


def rename_connection(asked: Asked) -> Answer:
    """The shown name alone can be changed: key and organisation are fixed for life."""
    key, change = _connection(asked)["key"], asked.json()
    fields(change, required={"name": str})
    name = change["name"].strip()
    if not 1 <= len(name) <= 255 or not name.isprintable():
        raise invalid([Problem("name", "must be 1 to 255 characters on one line")])
    asked.engine.rename(key, name)
    return Answer(_connection(asked))


def import_reference(asked: Asked) -> Answer:
    """Import the connection's reference data now; answers what each list brought."""
    key, wish = _connection(asked)["key"], asked.json()
    fields(wish, required={"kind": str})
    _require_importable(asked, wish["kind"])
    taken = asked.engine.import_reference(wish["kind"], key)
    asked.host.wake()
    return Answer({"connection": key, "taken": {name: asdict(one) for name, one in taken.items()}})


def _require_importable(asked: Asked, kind: str) -> None:
    importable = ("all", *asked.engine.provider(_connection(asked)["provider"]).importable)
    if kind not in importable:
        raise invalid([Problem("kind", f"{kind!r} cannot be imported: there are {', '.join(importable)}")])


# ------------------------------------------------------------------------------------------ what happened, and with whom


def list_requests(asked: Asked) -> Answer:
    given = asked.parameters("connection", "page", "page_size")
    page = whole_number(given, "page", default=1)
    page_size = whole_number(given, "page_size", default=PAGE_SIZE, most=LARGEST_PAGE)
    connection = _named_connection(asked, given)
    with asked.host.database.read() as session:
        items, total = asked.engine.requests(session, connection=connection, page=page, page_size=page_size)
    return Answer({"items": list(items), "page": page, "page_size": page_size, "total": total})


def _named_connection(asked: Asked, given: Mapping[str, str]) -> str | None:
    key = given.get("connection")
    if key is not None and key not in _connections(asked):
        raise bad_request(
            f"connection: there is no connection {key!r}: there are {', '.join(_connections(asked)) or 'none yet'}"
        )
    return key


def get_request(asked: Asked) -> Answer:
    asked.parameters()
    with asked.host.database.read() as session:
        found = asked.engine.request(session, asked.path["id"])
    if found is None:
        raise not_found(f"there is no request {asked.path['id']!r}")
    return Answer(found)


def list_errors(asked: Asked) -> Answer:
    connection = _named_connection(asked, asked.parameters("connection"))
    with asked.host.database.read() as session:
        return Answer({"items": list(asked.engine.errors(session, connection=connection))})


def list_plugins(asked: Asked) -> Answer:
    asked.parameters()
    return Answer({"items": describe(asked.host.plugins, asked.host.database)})
