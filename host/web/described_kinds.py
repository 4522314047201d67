"""What the addresses of records take and answer, for any kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from host.web import records
from host.web.exchange import JSON_LINES_TYPE, LARGEST_PAGE
from host.web.operations import Operation, Parameter, page_parameters, text_parameter

if TYPE_CHECKING:
    from hookspecs import Kind
    from host.web.operations import Handler

_ETAG: Final = {
    "ETag": {
        "description": "the version: the record's, a dot, its sync's",
        "schema": {"type": "string", "pattern": '^"[0-9a-f]+\\.[0-9a-f]+"$'},
    }
}


def _header(name: str, description: str) -> Parameter:
    return Parameter(name=name, description=description, place="header", schema={"type": "string"})


IF_MATCH: Final = _header("If-Match", "only if the record is still in this version: its ETag as read, or *")
MAKE_ONLY: Final = _header("If-None-Match", "*: only if there is none yet")
IF_NEW: Final = _header("If-None-Match", "answer 304 if the record is still in this version")


@dataclass(frozen=True, slots=True)
class KindSchemas:
    """A kind, and the name of its components: ``Invoices`` is what reads back, ``InvoicesInput``, ``InvoicesPatch`` and ``InvoicesPage`` the others."""

    kind: Kind
    name: str

    def schema(self, suffix: str = "") -> Mapping[str, str]:
        return {"$ref": f"#/components/schemas/{self.name}{suffix}"}

    def answer(self, suffix: str = "", **more: Any) -> Mapping[str, Any]:
        return {"content": {"application/json": {"schema": self.schema(suffix)}}, **more}

    @property
    def versioned(self) -> Mapping[str, Any]:
        return self.answer(headers=_ETAG)


def _list(of: KindSchemas) -> Operation:
    filters = [text_parameter(name, f"only those with this {name.replace('_', ' ')}") for name in of.kind.filters]
    sorts = ", ".join(of.kind.sorts)
    sort = text_parameter("sort", f"fields with a comma between them, each with - before it for descending: {sorts}")
    search = text_parameter("q", "a part of a name, number or ref")
    return Operation(
        answers={200: of.answer("Page")},
        parameters=(search, *filters, sort, *page_parameters(LARGEST_PAGE, records.PAGE_SIZE)),
    )


def _get(of: KindSchemas) -> Operation:
    return Operation(answers={200: of.versioned, 304: {"headers": _ETAG}}, parameters=(IF_NEW,))


def _put(of: KindSchemas) -> Operation:
    return Operation(
        takes=of.schema("Input"),
        answers={200: of.versioned, 201: of.versioned},
        refuses=(412, 415, 422),
        parameters=(IF_MATCH, MAKE_ONLY),
    )


def _patch(of: KindSchemas) -> Operation:
    return Operation(
        takes=of.schema("Patch"), answers={200: of.versioned}, refuses=(412, 415, 422), parameters=(IF_MATCH,)
    )


def _delete(of: KindSchemas) -> Operation:
    return Operation(
        answers={
            200: {**of.versioned, "description": "It is in use, and was made inactive instead."},
            202: {**of.versioned, "description": "A connection keeps it: its deletion was asked for."},
            204: {"description": "It is gone."},
        },
        refuses=(409, 412),
        parameters=(IF_MATCH,),
    )


def _bulk(of: KindSchemas) -> Operation:
    lines = f"One JSON object a line, each what {of.name}Input takes, with its ref."
    answers = {"schema": {"type": "string", "description": "One BulkLine a line, in the order of the request's lines."}}
    batch = {"Location": {"description": "the batch", "schema": {"type": "string"}}}
    return Operation(
        takes={"type": "string", "description": lines},
        media_type=JSON_LINES_TYPE,
        answers={200: {"content": {JSON_LINES_TYPE: answers}, "headers": batch}},
        refuses=(415,),
    )


RECORDS_OPERATIONS: Final[Mapping[Handler, Callable[[KindSchemas], Operation]]] = {
    records.list_records: _list,
    records.get_record: _get,
    records.put_record: _put,
    records.patch_record: _patch,
    records.delete_record: _delete,
    records.put_many: _bulk,
}
