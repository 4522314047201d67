"""Importing from a connection, and linking records by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from hookspecs import JSON, Problem
from host.known import no_such_refs
from host.sync.imports.deciding import Action
from host.web import answers
from host.web.connections import connection_of
from host.web.exchange import Answer, Asked
from host.web.operations import operation, text_parameter
from host.web.problems import bad_request, invalid, not_found
from host.web.syncing import PAGES, page_of, whole_batch
from host.web.wire import ImportWish, LinkWish, read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS: Final = "product-groups"
NO_GROUP: Final = "no product group was named: new products are in none, and have only the accounts of their own"
ACTIONS: Final = (*(action.value for action in Action), "left")


@operation(answers.Imported, takes=ImportWish, otherwise={202: answers.Imported}, refuses=(409,))
def import_from(asked: Asked) -> Answer:
    """Import from the connection: lists at once, 200; records (customers, suppliers, products) in a batch, 202 with its id."""
    asked.parameters()
    key, wish = connection_of(asked)["key"], read_body(ImportWish, asked.json())
    reference, records = asked.engine.importable(key, wish["kind"])
    _check(asked, wish, reference, records)
    taken = asked.engine.import_reference(wish["kind"], key) if reference and not wish.get("preview") else {}
    batch = _ask(asked, key, wish, records) if records else None
    asked.host.wake()
    answer = {
        "connection": key,
        "taken": {name: asdict(one) for name, one in taken.items()},
        "batch": batch,
        "warnings": [NO_GROUP] if "products" in records and not wish.get("group") else [],
    }
    return Answer(answer, 202, {"Location": f"/api/v1/batches/{batch}"}) if batch else Answer(answer)


def _ask(asked: Asked, key: str, wish: JSON, records: Sequence[str]) -> str:
    return asked.engine.imports.ask(
        key,
        records,
        chosen=wish.get("choose") or (),
        fields={"products": {"group": wish["group"]}} if wish.get("group") else {},
        preview=wish.get("preview", False),
        whole=wish.get("whole", False),
    )


def _check(asked: Asked, wish: JSON, reference: Sequence[str], records: Sequence[str]) -> None:
    """Raises ``Refusal``."""
    if not reference and not records:
        known = ", ".join(asked.engine.all_importable(asked.path["key"]))
        raise invalid([Problem("kind", f"{wish['kind']!r} cannot be imported: there are {known}")])
    if wish.get("choose") is not None and (len(records) != 1 or not wish["choose"]):
        raise invalid([Problem("choose", "goes with one kind of records, and names at least one remote_id")])
    if wish.get("preview") and not records:
        raise invalid(
            [Problem("preview", "goes with records (customers, suppliers, products): lists are taken as they are")]
        )
    if wish.get("whole") and not records:
        raise invalid([Problem("whole", "goes with records (customers, suppliers, products): lists are read whole")])
    if wish.get("group"):
        _check_group(asked, wish["group"], records)


def _check_group(asked: Asked, group: str, records: Sequence[str]) -> None:
    if "products" not in records:
        raise invalid([Problem("group", "goes with products")])
    with asked.host.database.read() as session:
        kinds = [asked.host.kinds[GROUPS]] if GROUPS in asked.host.kinds else []
        missing = no_such_refs(session, kinds, [group])
    if missing:
        raise invalid([Problem("group", sentence) for sentence in missing.values()])


@operation(
    answers.page(answers.ImportedRecord),
    parameters=(
        text_parameter("kind", "only records of this kind"),
        text_parameter("action", "only what came to this", enum=list(ACTIONS)),
        *PAGES,
    ),
)
def list_imported(asked: Asked) -> Answer:
    """What an import did, or a preview would do, with each record, and why."""
    given = asked.parameters("kind", "action", "page", "page_size")
    page, page_size = page_of(given)
    if given.get("action") not in {None, *ACTIONS}:
        raise bad_request(f"action: {given['action']!r} is none: there are {', '.join(ACTIONS)}")
    whole_batch(asked, asked.path["id"])
    with asked.host.database.read() as session:
        items, total = asked.engine.imports.show_records(
            session,
            asked.path["id"],
            kind=given.get("kind"),
            action=given.get("action"),
            page=page,
            page_size=page_size,
        )
    return Answer({"items": list(items), "page": page, "page_size": page_size, "total": total})


# ---------------------------------------------------------------------------------------------------- linking by hand


@operation(
    answers.whole_list(answers.RemoteRecord),
    parameters=(text_parameter("q", "what its name, number or e-mail contains"),),
    refuses=(409,),
)
def search_remote(asked: Asked) -> Answer:
    """Search the connection's organisation for what one of ours may be linked with: records (the first hundred), or entries of a list such as tax rates."""
    text = asked.parameters("q").get("q", "").strip()
    key, kind = connection_of(asked)["key"], asked.path["kind"]
    lists, records = asked.engine.importable(key, "all")
    if kind in lists:
        return Answer({"items": list(asked.engine.search_list(key, kind, text))})
    if kind not in records:
        raise not_found(f"{kind!r} cannot be searched there: there are {', '.join([*lists, *records])}")
    return Answer({"items": list(asked.engine.imports.search(key, kind, text))})


@operation(answers.SyncState, takes=LinkWish, refuses=(409,))
def put_link(asked: Asked) -> Answer:
    """Link a record with the remote one that a person chose; what it is linked with already is replaced only where the body says so."""
    asked.parameters()
    key, kind, ref = connection_of(asked)["key"], _record_kind(asked), asked.path["ref"]
    wish = read_body(LinkWish, asked.json())
    try:
        asked.engine.imports.link(key, kind, ref, wish["remote_id"], replace=wish.get("replace", False))
    except LookupError as error:
        raise not_found(str(error.args[0])) from None
    asked.host.wake()
    return Answer(_state(asked, key, kind, ref))


@operation(answers.SyncState, refuses=(409,))
def delete_link(asked: Asked) -> Answer:
    """Undo a record's link. Nothing is sent by that; both records stay as they are."""
    asked.parameters()
    key, kind, ref = connection_of(asked)["key"], _record_kind(asked), asked.path["ref"]
    try:
        asked.engine.imports.unlink(key, kind, ref)
    except LookupError as error:
        raise not_found(str(error.args[0])) from None
    return Answer(_state(asked, key, kind, ref))


def _record_kind(asked: Asked) -> str:
    """Raises ``Refusal`` where no record of this kind is linked by hand."""
    kind, kinds = asked.path["kind"], asked.engine.imports.kinds(asked.path["key"])
    if kind not in kinds or kind not in asked.host.kinds:
        raise not_found(f"{kind!r} cannot be linked by hand: there are {', '.join(kinds) or 'none'}")
    return kind


def _state(asked: Asked, key: str, kind: str, ref: str) -> JSON:
    with asked.host.database.read() as session:
        id = asked.host.kinds[kind].service.ids(session, [ref])[ref]
        [state] = [one for one in asked.engine.states(session, kind, [id])[id] if one["connection"] == key]
    return state
