"""What the addresses of records take and answer, for any kind. ``None``: a kind does not have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hookspecs import GeneratesCodes
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


_TAGS: Final = r'^(\*|(W/)?"[0-9a-z.]*"(, (W/)?"[0-9a-z.]*")*)$'


def _header(name: str, description: str, **schema: Any) -> Parameter:
    return Parameter(name=name, description=description, place="header", schema={"type": "string", **schema})


IF_MATCH: Final = _header(
    "If-Match", "only if the record is still in this version: its ETag as read, or *", pattern=_TAGS
)
MAKE_ONLY: Final = _header("If-None-Match", "*: only if there is none yet", enum=["*"])
IF_NEW: Final = _header(
    "If-None-Match",
    "answer 304 if the record is still in this version",
    pattern=_TAGS,
    examples=['"5f0c3b7a91d2e84f60.18e5b4d3c2a1f09687"'],
)


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
    filters = [
        Parameter(name=name, description=f"only those with this {name.replace('_', ' ')}", schema=schema)
        for name, schema in of.kind.filters.items()
    ]
    one = f"-?({'|'.join(of.kind.sorts)})"
    order = {"pattern": f"^({one}(,{one})*)?$"} if of.kind.sorts else {}
    sort = text_parameter("sort", "fields with a comma between them, each with - before it for descending", **order)
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
        takes={"type": "string", "pattern": r"\S", "description": lines},
        media_type=JSON_LINES_TYPE,
        answers={200: {"content": {JSON_LINES_TYPE: answers}, "headers": batch}},
        refuses=(415,),
    )


def _generate_code(of: KindSchemas) -> Operation | None:
    if not isinstance(of.kind.service, GeneratesCodes):
        return None
    return Operation(answers={200: of.versioned}, refuses=(409, 412), parameters=(IF_MATCH,))


RECORDS_OPERATIONS: Final[Mapping[Handler, Callable[[KindSchemas], Operation | None]]] = {
    records.list_records: _list,
    records.get_record: _get,
    records.put_record: _put,
    records.patch_record: _patch,
    records.delete_record: _delete,
    records.put_many: _bulk,
    records.generate_code: _generate_code,
}
