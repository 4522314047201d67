"""The records: list, read, put, patch, delete, and many at once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hookspecs import JSON, BadQuery, Deletion, GeneratesCodes, Kind, ListQuery, LocksRecords, Problem, Refused, Saved
from host.db.anew import made_anew
from host.known import no_such_kind
from host.loading import Interrupted, Loader, as_json, lines
from host.web.exchange import JSON_LINES_TYPE, LARGEST_PAGE, Answer, Asked, json_lines, whole_number
from host.web.problems import Refusal, bad_request, conflict, invalid, not_found
from host.web.versions import changed_meanwhile, etag, not_there, there_already, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from host.sync.engine import Engine
    from host.unit_of_work import Saving
    from host.web.served import Served

T = TypeVar("T")

PAGE_SIZE: Final = 50
LARGEST_BULK: Final = 32 * 1024 * 1024
_STATUSES: Final = {Deletion.ASKED: 202, Deletion.INACTIVE: 200}


def kind_of(host: Served, name: str) -> Kind:
    """The kind of this name. Raises ``Refusal`` naming those that there are."""
    if name in host.kinds:
        return host.kinds[name]
    raise not_found(no_such_kind(name, host.kinds))


def _kind(asked: Asked) -> Kind:
    return kind_of(asked.host, asked.path["kind"])


def _ref(asked: Asked) -> str:
    # "bulk" is a ref like any other, for every method but POST.
    return asked.path.get("ref", "bulk")


def list_records(asked: Asked) -> Answer:
    """A page of records, each with how its sync stands."""
    kind, query = _kind(asked), _list_query(asked.any_parameters())
    with asked.host.database.read() as session:
        try:
            page = kind.service.list(session, query)
        except BadQuery as error:
            raise bad_request(str(error)) from None
        items = _with_states(asked.engine, session, kind, page.items)
    return Answer({"items": items, "page": query.page, "page_size": query.page_size, "total": page.total})


def _list_query(given: dict[str, str]) -> ListQuery:
    return ListQuery(
        q=given.pop("q", ""),
        sort=given.pop("sort", ""),
        page=whole_number(given, "page", default=1),
        page_size=whole_number(given, "page_size", default=PAGE_SIZE, most=LARGEST_PAGE),
        filters=given,
    )


def _with_states(engine: Engine, session: Session, kind: Kind, records: Sequence[JSON]) -> Sequence[JSON]:
    states = engine.states(session, kind.name, [record["id"] for record in records])
    return [{**record, "sync": states.get(record["id"], [])} for record in records]


def get_record(asked: Asked) -> Answer:
    """One record, with how its sync stands."""
    asked.parameters()
    kind, known = _kind(asked), versions("If-None-Match", asked.if_none_match)
    with asked.host.database.read() as session:
        record = _shown(asked, session, kind)
    if known and known.match_exactly(record):
        return Answer(status=304, headers={"ETag": etag(record)})
    return _versioned(record)


def _shown(asked: Asked, session: Session, kind: Kind) -> JSON:
    record = kind.service.get(session, _ref(asked))
    if record is None:
        raise _no_such(kind, _ref(asked))
    return _with_states(asked.engine, session, kind, [record])[0]


def _versioned(record: JSON, status: int = 200) -> Answer:
    return Answer(record, status, {"ETag": etag(record)})


def _no_such(kind: Kind, ref: str) -> Refusal:
    return not_found(f"there is nothing with the ref {ref!r} among the {kind.name}")


def put_record(asked: Asked) -> Answer:
    """Make a record, or replace it whole."""
    record, saved = _save(asked, partial=False)
    return _versioned(record, 201 if saved.created else 200)


def patch_record(asked: Asked) -> Answer:
    """Change what is named."""
    record, _ = _save(asked, partial=True)
    return _versioned(record)


def _save(asked: Asked, *, partial: bool) -> tuple[JSON, Saved]:
    asked.parameters()
    kind, ref = _kind(asked), _ref(asked)
    given = _named_by_address(asked.json(), ref)

    def put(work: Saving) -> Saved:
        if partial:
            _require_known(work, kind, ref)
        _check_version(asked, work.session, kind, ref)
        [saved] = kind.service.put(work, [given], partial=partial)
        if saved.problems:
            raise invalid(saved.problems)
        if asked.if_none_match and not saved.created:
            raise there_already(ref)  # another made it since we looked
        return saved

    return _in_transaction(asked, kind, put)


def _check_version(asked: Asked, session: Session, kind: Kind, ref: str) -> None:
    """Raises ``Refusal`` unless the record is as the request's conditions want it. From here on others cannot change it."""
    wanted, unwanted = versions("If-Match", asked.if_match), versions("If-None-Match", asked.if_none_match)
    if unwanted and not unwanted.any:
        raise bad_request("If-None-Match takes only * here: it makes a record where there is none")
    if unwanted and ref in kind.service.ids(session, [ref]):
        raise there_already(ref)
    if wanted is None:
        return
    if isinstance(kind.service, LocksRecords):
        kind.service.lock(session, ref)
    record = kind.service.get(session, ref)
    if not wanted.match(record):
        raise changed_meanwhile(ref) if record else not_there(ref)


@made_anew
def _in_transaction(asked: Asked, kind: Kind, change: Callable[[Saving], T]) -> tuple[JSON, T]:
    """The record as this change leaves it, read before anybody else can change it again; empty where it is gone."""
    shown: JSON = {}

    def show() -> None:
        record = kind.service.get(work.session, _ref(asked))
        if record is not None:
            shown.update(_with_states(asked.engine, work.session, kind, [record])[0])

    with asked.host.saver(correlation_id=asked.correlation_id) as work:
        outcome = change(work)
        work.calls_before_commit.append(show)
    return shown, outcome


def _require_known(work: Saving, kind: Kind, ref: str) -> None:
    if ref not in kind.service.ids(work.session, [ref]):
        raise _no_such(kind, ref)


def _named_by_address(record: JSON, ref: str) -> JSON:
    if record.setdefault("ref", ref) != ref:
        raise invalid([Problem("ref", f"must be {ref} as in the address, or be left out")])
    return record


def delete_record(asked: Asked) -> Answer:
    """Delete a record, ask for its deletion, or make it inactive."""
    asked.parameters()
    kind, ref = _kind(asked), _ref(asked)

    def delete(work: Saving) -> Deletion:
        _require_known(work, kind, ref)
        _check_version(asked, work.session, kind, ref)
        return kind.service.delete(work, ref)

    try:
        record, outcome = _in_transaction(asked, kind, delete)
    except Refused as error:
        raise conflict(str(error)) from None
    if outcome is Deletion.GONE:
        return Answer(status=204)
    return _versioned(record, _STATUSES[outcome])


def generate_code(asked: Asked) -> Answer:
    """Give a record a code of our own making, where nobody gave it one; another one, where it has such a one."""
    asked.parameters()
    kind, ref = _kind(asked), _ref(asked)
    service = kind.service
    if not isinstance(service, GeneratesCodes):
        raise not_found(f"{kind.name} have no codes that are made here")

    def generate(work: Saving) -> Saved:
        _require_known(work, kind, ref)
        _check_version(asked, work.session, kind, ref)
        return service.generate_code(work, ref)

    try:
        record, _ = _in_transaction(asked, kind, generate)
    except Refused as error:
        raise conflict(str(error)) from None
    return _versioned(record)


def put_many(asked: Asked) -> Answer:
    """Make or replace many: JSON Lines in, one answer for each line out.

    Each line stands for itself: bad ones are answered and the others saved.
    """
    asked.parameters()
    kind, body = _kind(asked), asked.json_lines()
    loader = Loader(
        kind=kind, saver=asked.host.saver, sync=asked.engine, purpose="bulk", correlation_id=asked.correlation_id
    )
    outcomes: list[dict[str, Any]] = []
    try:
        outcomes.extend(as_json(outcome) for outcome in loader.load(lines(io.BytesIO(body))))
    except Interrupted as error:
        if not outcomes:
            raise Refusal(503, str(error), headers={"Retry-After": "5"}) from error
        outcomes.append(
            {"line": error.line, "ref": "", "result": "stopped", "errors": [{"field": "", "message": str(error)}]}
        )
    asked.host.wake()
    if not outcomes:
        raise bad_request("the body is empty: it takes one JSON object per line")
    headers = {"Location": f"/api/v1/batches/{loader.batch}"}
    return Answer(json_lines(outcomes), 200, headers, JSON_LINES_TYPE)
