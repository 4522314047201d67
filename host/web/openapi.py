"""The description of the API (OpenAPI 3.1), made from the routes, from what is said beside their handlers, and from the schemas of the kinds."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from host.correlation import WELL_FORMED
from host.web.answers import Problem
from host.web.correlating import CORRELATION
from host.web.described_kinds import RECORDS_OPERATIONS, KindSchemas
from host.web.operations import ALWAYS, PROBLEMS, operation_of
from host.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from hookspecs import Kind
    from host.web.operations import Handler, Operation, Parameter
    from host.web.resource import Resource

JSONObject = dict[str, Any]
KIND: Final = "{kind}"
_NAME: Final = "CorrelationId"
_NAMED: Final = {CORRELATION: _NAME}
_ABOUT: Final = """\
Every answer that is not a success is a problem document (RFC 9457) that says what is wrong, where, and what is accepted.
Money and quantities are text ("12.50"); numbers are taken as well, exactly as they are written. Every answer bears an X-Correlation-Id,
by which the log knows the request. HEAD is GET without the body; a method that an address does not have is answered by 405 with Allow."""


def describe_api(resources: Iterable[Resource], kinds: Mapping[str, Kind], *, version: str, url: str) -> JSONObject:
    """The whole document."""
    return _Description(kinds, version=version, url=url).of(resources)


class _Description:
    def __init__(self, kinds: Mapping[str, Kind], *, version: str, url: str) -> None:
        plugin = MarshmallowPlugin(schema_name_resolver=_name_of)
        self._spec = APISpec(
            "Counterfoil",
            version,
            "3.1.0",
            plugins=[plugin],
            info={"description": _ABOUT},
            servers=[{"url": url}],
        )
        self._converter: Any = plugin.converter  # its methods have no types
        self._kinds = kinds

    def of(self, resources: Iterable[Resource]) -> JSONObject:
        self._spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
        name = {"type": "string", "pattern": f"^{WELL_FORMED.pattern}$"}
        about = "names the request in the log, on the record that it saves, and with the calls that carry it"
        self._spec.components.header(_NAME, {"description": about, "required": True, "schema": name})
        given = {
            "name": CORRELATION,
            "description": f"{about}; 1 to 64 of A-Z a-z 0-9 . _ : @ -, anything else is replaced",
        }
        self._spec.components.parameter(_NAME, "header", {**given, "schema": {"type": "string"}})
        for status, meaning in PROBLEMS.items():
            problem = {"description": meaning, "content": {MEDIA_TYPE: {"schema": Problem}}, "headers": {**_NAMED}}
            self._spec.components.response(f"Problem{status}", problem)
        for resource in resources:
            if resource.path.startswith(f"/api/v1/{KIND}"):
                for kind in self._kinds.values():
                    self._add_kind(resource, kind)
            else:
                self._add(resource.path, resource, {m: operation_of(h) for m, h in resource.described.items()})
        return self._spec.to_dict()

    # Records --------------------------------------------------------------------------------------------------------

    def _add_kind(self, resource: Resource, kind: Kind) -> None:
        schemas = self._schemas_of(kind)
        asked = {method: RECORDS_OPERATIONS[handler](schemas) for method, handler in resource.described.items()}
        operations = {method: said for method, said in asked.items() if said}
        if operations:
            self._add(resource.path.replace(KIND, kind.name), resource, operations, kind.name)

    def _schemas_of(self, kind: Kind) -> KindSchemas:
        name = "".join(part.title() for part in kind.name.split("-"))
        made = {f"{name}Input": self._input(kind), f"{name}Patch": self._patch(kind), name: self._shown(kind)}
        made[f"{name}Page"] = _page_of(name)
        for component, schema in made.items():
            if component not in self._spec.components.schemas:
                self._spec.components.schema(component, schema)
        return KindSchemas(kind, name)

    def _input(self, kind: Kind) -> JSONObject:
        """A ref may be left out: the address has it."""
        made = self._of_schema(kind.schema, partial=False)
        made["required"] = [name for name in made.get("required", ()) if name != "ref"]
        return _with_description(
            made, "What a PUT leaves out becomes empty or its default. Fields that only read back are ignored."
        )

    def _patch(self, kind: Kind) -> JSONObject:
        return _with_description(
            self._of_schema(kind.schema, partial=True), "Only what is named changes; lists are replaced whole."
        )

    def _of_schema(self, schema: type[Any], *, partial: bool) -> JSONObject:
        from marshmallow import Schema

        if not issubclass(schema, Schema):
            return {"type": "object"}  # a plugin that says nothing of its fields
        made: JSONObject = self._converter.schema2jsonschema(schema(partial=partial))
        return made

    def _shown(self, kind: Kind) -> JSONObject:
        from host.web.answers import SyncState, items

        made: JSONObject = {"type": "object", "additionalProperties": True}
        if kind.shown is not None:
            made = self._converter.schema2jsonschema(kind.shown())
        sync = self._converter.field2property(items(SyncState))
        properties = {**made.get("properties", {}), "sync": sync}
        required = sorted({*made.get("required", ()), "sync"})
        return {**made, "properties": properties, "required": required}

    # Operations -----------------------------------------------------------------------------------------------------

    def _add(self, path: str, resource: Resource, said: Mapping[str, Operation], kind: str = "") -> None:
        handlers = resource.described
        operations = {m.lower(): self._operation(m, path, resource, handlers[m], one, kind) for m, one in said.items()}
        self._spec.path(path, operations=operations)

    def _operation(
        self, method: str, path: str, resource: Resource, handler: Handler, said: Operation, kind: str
    ) -> JSONObject:
        summary, _, more = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        made: JSONObject = {
            "operationId": "_".join([handler.__name__, *kind.split("-")]).rstrip("_"),
            "summary": summary,
            "tags": [kind or _tag(path)],
            "security": [] if resource.is_open else [{"token": []}],
            "parameters": [*_path_parameters(path), *map(_parameter, said.parameters), _NAME],
            "responses": {**_refusals(said, path, resource), **_answers(said)},
        }
        if more.strip():
            made["description"] = more.strip()
        if said.takes is not None:
            content = {said.media_type: {"schema": said.takes}}
            made["requestBody"] = {"required": not said.may_be_empty, "content": content}
        return made


def _name_of(schema: Any) -> str:
    """What a schema is called among the components; one without a name of its own is described where it stands."""
    name = (schema if isinstance(schema, type) else type(schema)).__name__
    return "" if name == "GeneratedSchema" else name


def _page_of(name: str) -> JSONObject:
    number = {"type": "integer"}
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    properties = {"items": items, "page": number, "page_size": number, "total": number}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _with_description(schema: JSONObject, text: str) -> JSONObject:
    return {**schema, "description": text}


def _tag(path: str) -> str:
    """What stands beside the API is for the machines that look after the server."""
    return path.split("/")[3] if path.startswith("/api/") else "operation"


def _path_parameters(path: str) -> list[JSONObject]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, _ID)} for name in names]


_ID: Final = {"type": "string", "pattern": "^[^/]+$"}
_PATH_SCHEMAS: Final[Mapping[str, JSONObject]] = {"ref": {"type": "string", "pattern": "^[A-Za-z0-9._:@-]{1,100}$"}}


def _parameter(one: Parameter) -> JSONObject:
    return {"name": one.name, "in": one.place, "description": one.description, "schema": dict(one.schema)}


def _answers(said: Operation) -> JSONObject:
    return {str(status): _answer(status, answer) for status, answer in said.answers.items()}


def _answer(status: int, answer: Any) -> JSONObject:
    """An answer is a schema, nothing, or written out."""
    described: JSONObject = {"description": HTTPStatus(status).phrase}
    if isinstance(answer, dict):
        described |= answer
    elif answer is not None:
        described["content"] = {"application/json": {"schema": answer}}
    return described | {"headers": {**described.get("headers", {}), **_NAMED}}


def _refusals(said: Operation, path: str, resource: Resource) -> JSONObject:
    from host.roles import Role

    statuses = {*ALWAYS, *said.refuses}
    if resource.role is Role.ADMIN:
        statuses.add(403)
    if resource.is_open:
        statuses.discard(401)
    if "{" in path:
        statuses.add(404)
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}
