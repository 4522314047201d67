"""The description of the API: for programs, and as a page for people.

The page is our own and brings everything along. Swagger UI's bundle on PyPI ends before the version that reads OpenAPI 3.1, is two megabytes, and wants
the document without a token; a page that is rendered here is read with any browser, by a screen reader, and with ``curl``.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from host.web.exchange import Answer
from host.web.operations import operation
from host.web.pages import HTML, policy, rendered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from host.web.exchange import Asked
    from host.web.resource import Desk
    from host.web.served import Served

_METHODS: Final = ("get", "put", "patch", "post", "delete")


def _page(description: str) -> Mapping[str, Any]:
    return {"content": {HTML: {"schema": {"type": "string"}}}, "description": description}


class Reference:
    """The document is made when it is first asked for: kinds do not change while a host runs."""

    def __init__(self, host: Served, desks: Iterable[Desk]) -> None:
        self._host = host
        self._desks = desks
        self._lock = Lock()
        self._made: Mapping[str, Any] = {}

    @operation({"content": {"application/json": {"schema": {"type": "object"}}}})
    def get_document(self, asked: Asked) -> Answer:
        """The description of this API, as OpenAPI 3.1."""
        asked.parameters()
        return Answer(self._document())

    @operation(_page("the reference"))
    def get_content(self, asked: Asked) -> Answer:
        """The reference of this API for people: what its page shows."""
        asked.parameters()
        return Answer(rendered("reference.html", paths=list(_sections(self._document()))), media_type=HTML)

    @operation(_page("the page"))
    def get_page(self, asked: Asked) -> Answer:
        """The page that shows the reference; it asks for a token where one is needed."""
        asked.parameters()
        page = rendered("page.html")
        return Answer(page, media_type=HTML, headers={"Content-Security-Policy": policy(page.decode())})

    def _document(self) -> Mapping[str, Any]:
        from importlib.metadata import version

        from host.web.openapi import describe_api

        url = self._host.config.host.public_url
        with self._lock:
            if not self._made:
                resources = [resource for desk in self._desks for resource in desk.resources]
                self._made = describe_api(resources, self._host.kinds, version=version("counterfoil"), url=url)
        return self._made


# -------------------------------------------------------------------------------------------- what the template is given


def _sections(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _section(document, path, method, item[method])


def _section(document: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    answers = {status: _followed(document, answer) for status, answer in said["responses"].items()}
    bodies = [
        (media, _fields(document, content["schema"]))
        for media, content in said.get("requestBody", {}).get("content", {}).items()
    ]
    return {
        "method": method.upper(),
        "path": path,
        "id": said["operationId"],
        "tag": said["tags"][0],
        "summary": said["summary"],
        "description": said.get("description", ""),
        "open": not said["security"],
        # What is the same everywhere is told once, above.
        "parameters": [
            {**one, "type": _type(document, one["schema"])} for one in said["parameters"] if "$ref" not in one
        ],
        "bodies": bodies,
        "answers": [
            {
                "status": status,
                "description": answer["description"],
                "fields": [one for media, one in _contents(document, answer) if "problem" not in media],
            }
            for status, answer in answers.items()
        ],
    }


def _contents(document: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for media, content in answer.get("content", {}).items():
        yield media, _fields(document, content["schema"])


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """An object's fields, those of a page's items instead of the page's own."""
    schema = _followed(document, schema)
    properties = schema.get("properties", {})
    if "items" in properties and "page" in properties:
        return _fields(document, properties["items"]["items"])
    required = schema.get("required", ())
    return [
        {"name": name, "type": _type(document, one), "required": name in required, "about": one.get("description", "")}
        for name, one in properties.items()
    ]


def _followed(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        place: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        schema = place
    return schema


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "enum" in schema:
        return " | ".join("null" if one is None else str(one) for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(filter(None, (_type(document, one) for one in schema["anyOf"])))
    if "$ref" in schema:
        inner = ", ".join(_followed(document, schema).get("properties", {}))
        return f"object: {inner}" if inner else "object"
    if "items" in schema:
        return f"list of {_type(document, schema['items'])}"
    if "const" in schema:
        return '""' if schema["const"] == "" else str(schema["const"])
    types = schema.get("type", "anything")
    named = " or ".join(types) if isinstance(types, list) else str(types)
    return f"{named} ({schema['format']})" if "format" in schema else named
