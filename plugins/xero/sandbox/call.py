"""One call to the Accounting API: what a resource needs to know, how it reads the body and how it replies."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import xml
from plugins.xero.sandbox.apps import App
from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.errors import ApiException, Unavailable
from plugins.xero.sandbox.messages import JSON, Answer, Incoming
from plugins.xero.sandbox.names import canonical
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.switches import Switches
from plugins.xero.sandbox.wire import Doc, dumps, stamp_without_offset

XML = "text/xml; charset=utf-8"


@dataclass
class Call:
    incoming: Incoming
    segments: tuple[str, ...]  # below the resource
    app: App
    org: int
    role: str  # the user's, users.ROLES
    store: Store
    clock: Clock
    switches: Switches
    breaks_after: int | None = None  # a fault: the application fails after this many elements
    contacts: dict[str, Doc] = field(default_factory=dict)  # read once per call, by id
    items: dict[str, Doc | None] = field(default_factory=dict)  # likewise, by code as it was sent

    @cached_property
    def query(self) -> dict[str, str]:
        return self.incoming.query

    @cached_property
    def now(self) -> int:
        return self.clock.milliseconds()

    @cached_property
    def places(self) -> int:
        """Decimals of unit prices: 2 unless the call asks for 4, on reading and writing alike (API facts 3.5)."""
        return 4 if self.query.get("unitdp") == "4" else 2

    @cached_property
    def summarize(self) -> bool:
        """Xero's documents say the default is false; in practice it is true (API facts 3.4)."""
        return self.query.get("summarizeerrors", "true").strip().lower() != "false"

    @property
    def wants_json(self) -> bool:
        return wants_json(self.incoming)

    @property
    def organisation(self) -> Doc:
        return self.store.organisation(self.org)

    @property
    def rounding(self) -> str:
        return str(self.switches["rounding_mode"])

    def flag(self, name: str) -> bool:
        return self.query.get(name.lower(), "").strip().lower() == "true"

    def stamp(self) -> int:
        return self.store.next_stamp(self.org, self.now)

    # --------------------------------------------------------------------------------------------------- the body

    def elements(self, plural: str) -> list[Doc]:
        """The submitted objects: a single one, or a list under the resource's name (API facts 3.2)."""
        body = read_json(self.incoming)
        if isinstance(body, dict) and plural in body:
            body = body[plural]
        given = body if isinstance(body, list) else [body]
        if not given or not all(isinstance(element, dict) for element in given):
            raise ApiException.bad_body(f"The posted data holds no {plural}.")
        return given

    # -------------------------------------------------------------------------------------------------- the reply

    def reply(self, plural: str, documents: Iterable[Doc], pagination: Doc | None = None) -> Answer:
        envelope: Doc = {
            "Id": str(uuid4()),
            "Status": "OK",
            "ProviderName": self.app.name,
            "DateTimeUTC": stamp_without_offset(self.now),
        }
        if pagination is not None:
            envelope["pagination"] = pagination
        envelope[plural] = list(documents)
        return rendered(self.incoming, 200, "Response", envelope)


def wants_json(incoming: Incoming) -> bool:
    return "json" in incoming.headers.get("accept", "").lower()


def rendered(incoming: Incoming, status: int, root: str, document: Doc) -> Answer:
    if wants_json(incoming):
        return Answer(status, dumps(document).encode(), JSON)
    return Answer(status, xml.render(root, document), XML)


def exception_answer(incoming: Incoming, refused: ApiException, elements: list[Doc] | None = None) -> Answer:
    document: Doc = {"ErrorNumber": refused.number, "Type": refused.kind, "Message": refused.message}
    if elements is not None:
        document["Elements"] = elements
    return rendered(incoming, refused.status, "ApiException", document)


def read_json(incoming: Incoming) -> Any:
    media_type = incoming.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type not in ("application/json", "text/json"):
        raise Unavailable(415, f"Unsupported media type {media_type}: this sandbox reads application/json")
    try:
        return json.loads(
            incoming.body.decode(),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_members,
        )
    except (ValueError, RecursionError) as error:
        raise ApiException.bad_body(f"JSON for post data was invalid, {error}") from None


def _members(pairs: list[tuple[str, Any]]) -> Doc:
    return {canonical(name): value for name, value in pairs}


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")
