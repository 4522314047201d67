"""The smallest honest provider: customers and invoices, which bear marks that the remote keeps unique, and payments, which bear none.

It speaks to ``TinyRemote``. Whoever keeps records tests with it what an accounting provider would ask of them; whoever writes a provider can begin with a
copy. ``PLUGIN`` is the source of a plugin that offers it, under the name ``tiny``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import host.sync as s
from hookspecs import Account, Defaults, Document, LedgerState, Payment, Record, ReferenceData
from host.errors import AskPerson

JSON = dict[str, Any]
PLUGIN = """
from host.sync import note, note_deletion
from host.testing import TinyProvider
from hookspecs import hookimpl

contract_version = 1
PROVIDER = TinyProvider(only={only!r})
PROVIDER.kinds = tuple(rule for rule in TinyProvider.kinds if rule.kind in PROVIDER.only)


@hookimpl
def register_provider():
    return PROVIDER


@hookimpl
def on_entity_saved(event, unit_of_work):
    note(PROVIDER, event, unit_of_work)


@hookimpl
def on_invoice_deleted(event, unit_of_work):
    note_deletion(PROVIDER, event, unit_of_work)
"""
RANKS = {"customers": 0, "invoices": 1, "payments": 2}


class TinyProvider:
    """One for each host. ``only`` are the kinds that are sent by themselves, ``kinds`` those that it can send."""

    name = "tiny"
    kinds = tuple(s.KindRule(kind=kind, rank=rank) for kind, rank in RANKS.items())
    importable = ("accounts",)
    importable_records = ("customers",)
    judge = staticmethod(s.judge_by_status)
    correlation_header = "tiny-correlation-id"

    def __init__(self, *, only: Sequence[str] = tuple(RANKS), limits: s.Limits | None = None) -> None:
        self.only, self.given_limits = only, limits or s.Limits(minute=0, day=0)
        self.default_connection: str | None = None
        self.scope = "some"

    def limits(self, connection: s.Connection) -> s.Limits:
        return self.given_limits

    def defaults(self, connection: s.Connection) -> Defaults:
        return Defaults()

    def excluded(self, kind: str, record: Record) -> str | None:
        return None if kind in self.only else f"{kind} are not synced"

    # One record's way ----------------------------------------------------------------------------------------------

    def prepare(
        self, desk: s.Desk, kind: str, wishes: Sequence[s.Wish]
    ) -> Sequence[s.Prepared | s.Blocked | s.Excluded]:
        needs = {wish.row_id: _need(wish.record) for wish in wishes}
        links: dict[tuple[str, str], s.Link] = {}
        for needed in {need[0] for need in needs.values() if need}:
            found = desk.links(needed, [need[1] for need in needs.values() if need and need[0] == needed])
            links |= {(needed, record_id): link for record_id, link in found.items()}
        return [self._prepared(desk.prefix, wish, needs[wish.row_id], links) for wish in wishes]

    def _prepared(
        self, prefix: str, wish: s.Wish, need: tuple[str, str] | None, links: Mapping[tuple[str, str], s.Link]
    ) -> s.Prepared | s.Blocked:
        link = links.get(need) if need else None
        if need and not (link and link.remote_id):
            why = link.reason if link and not link.on_its_way else "it is not there yet"
            return s.Blocked(reason=f"its {need[0]} {need[1]}: {why}", waits_for=need, bring=True)
        return s.Prepared(inputs=_element(prefix, wish.record, link.remote_id if link else ""))

    def plan(self, wish: s.Wish, prepared: s.Prepared | None, remote: Any, owner: Any) -> s.Step:
        if not wish.remote_id:
            assert prepared
            return s.Send(
                lane="create", verb=s.Verb.CREATE, body=dict(prepared.inputs), findable=wish.kind != "payments"
            )
        if remote is s.NOT_LOOKED and (wish.kind == "invoices" or wish.wanted is s.Wanted.DELETE):
            return s.Look(lane="ids", value=wish.remote_id)
        if wish.wanted is s.Wanted.SEND:
            assert prepared
            body = {"id": wish.remote_id, **prepared.inputs}
            return s.Send(lane="update", verb=s.Verb.UPDATE, body=body, findable=False)
        if remote is None or remote["status"] == "deleted":
            return s.Finish()
        body = {"id": wish.remote_id, "status": "deleted"}
        return s.Send(lane="delete", verb=s.Verb.DELETE, body=body, findable=False)

    def request(self, planned: Sequence[s.Planned]) -> s.Request:
        steps = [one.step for one in planned if isinstance(one.step, s.Send)]
        method = "PUT" if steps[0].verb is s.Verb.CREATE else "POST"
        body = json.dumps({"elements": [step.body for step in steps]}).encode()
        return s.Request(method=method, path=f"/{planned[0].wish.kind}", body=body)

    def answers(self, planned: Sequence[s.Planned], response: s.Response) -> Sequence[s.Answer]:
        elements = _read(response)
        if len(elements) != len(planned):
            raise s.Unreadable
        return [_answer(one, element) for one, element in zip(planned, elements, strict=True)]

    def look_request(self, planned: Sequence[s.Planned]) -> s.Request:
        looks = [one.step for one in planned if isinstance(one.step, s.Look)]
        values = ",".join(look.value for look in looks)
        return s.Request(method="GET", path=f"/{planned[0].wish.kind}", query=((looks[0].lane, values),))

    def look_answer(self, planned: Sequence[s.Planned], responses: Sequence[s.Response]) -> s.Looked:
        found: list[JSON | None] = []
        elements = _read(responses[-1])
        for one in planned:
            assert isinstance(one.step, s.Look)
            field = {"ids": "id", "marks": "mark", "documents": "document"}[one.step.lane]
            of_it = [element for element in elements if element[field] == one.step.value]
            found.append({"all": of_it} if one.step.lane == "documents" else next(iter(of_it), None))
        return s.Looked(found=found)

    # Settling ------------------------------------------------------------------------------------------------------

    def mark(self, wish: s.Wish, sent: JSON, desk_prefix: str) -> s.Look:
        if wish.kind == "payments":
            return s.Look(lane="documents", value=sent["document"])
        return s.Look(lane="marks", value=sent["mark"])

    def recognise(
        self, wish: s.Wish, sent: JSON, found: JSON | None, desk_prefix: str
    ) -> s.Done | s.Adopt | s.Refuse | None:
        if found and "all" in found:
            found = next((one for one in found["all"] if one["amount"] == sent["amount"]), None)
        if found is None:
            return None
        if found["ours"] != f"{desk_prefix}-{wish.record_id}":
            return s.Refuse(reason=f"{found['mark']} is taken by something that is not ours", conflict=True)
        return s.Done(remote_id=found["id"], answered=found)

    def elements(self, body: bytes) -> Sequence[JSON]:
        elements: Sequence[JSON] = json.loads(body)["elements"]
        return elements

    # The connection ------------------------------------------------------------------------------------------------

    def base_url(self, connection: s.Connection) -> str:
        return f"https://{connection.key}.test"

    def token_request(self, connection: s.Connection, token: s.Token | None) -> tuple[str, s.Request]:
        return f"https://{connection.key}.test", s.Request(method="POST", path="/token", body=b"secret=of-the-client")

    def read_token(self, connection: s.Connection, response: s.Response, now: datetime) -> s.Token:
        if response.status != 200:
            raise AskPerson(f"{connection.key}: the remote gave no token (status {response.status}): connect again")
        access = json.loads(response.body)["access"]
        return s.Token(access=access, expires_at=now + timedelta(minutes=30), scope=self.scope)

    def serves(self, token: s.Token) -> bool:
        return token.scope == self.scope

    def headers(self, connection: s.Connection, token: s.Token, key: str | None) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token.access}", **({"Idempotency-Key": key} if key else {})}

    def calls_left(self, response: s.Response) -> tuple[int | None, int | None]:
        left = response.headers.get("x-minute-left")
        return (int(left) if left else None), None

    def organisation(self, ask: s.Ask, connection: s.Connection) -> s.Organisation:
        found = json.loads(ask(s.Request(method="GET", path="/organisation")).body)
        return s.Organisation(id=found["id"], name=found["name"])

    def import_reference(self, kind: str, ask: s.Ask, connection: s.Connection) -> ReferenceData:
        found = _read(ask(s.Request(method="GET", path="/accounts")))
        return ReferenceData(accounts=[Account(id=one["id"], ref="", code=one["id"], name=one["id"]) for one in found])

    # What comes from there ---------------------------------------------------------------------------------------

    def remote_records(self, reading: s.Reading, ask: s.Ask) -> Iterator[Sequence[s.RemoteRecord]]:
        query = (("ids", ",".join(reading.ids)),) if reading.ids else ()
        found = _read(ask(s.Request(method="GET", path="/customers", query=query)))
        yield [_remote(one, reading.prefix) for one in found if reading.search.lower() in one["text"].lower()]

    def mirror(
        self, desk: s.Desk, kind: str, records: Sequence[Record], answered: Mapping[str, JSON]
    ) -> Mapping[str, s.Mirrored]:
        elements = {one.id: _element(desk.prefix, one, "") for one in records}
        return {id: s.Mirrored(inputs=one, fields={"name": one["text"]}, answered=one) for id, one in elements.items()}


def _remote(element: JSON, prefix: str) -> s.RemoteRecord:
    mark = s.Key(field="id", value=element.get("ours", "").removeprefix(f"{prefix}-"))
    return s.RemoteRecord(
        kind="customers",
        id=element["id"],
        name=element["text"],
        number=element.get("mark", ""),
        fields={"name": element["text"]},
        keys=(mark, s.Key(field="name", value=element["text"])),
        unusable="it is deleted there" if element["status"] == "deleted" else "",
        merged_into=element.get("merged_into", ""),
    )


def _need(record: Record | None) -> tuple[str, str] | None:
    if isinstance(record, Document):
        return record.contact_kind, record.contact
    return (record.document_kind, record.document) if isinstance(record, Payment) else None


def _element(prefix: str, record: Any, needed: str) -> JSON:
    ours = f"{prefix}-{record.id}"
    if isinstance(record, Document):
        return {"mark": record.number, "ours": ours, "contact": needed, "text": record.reference}
    if isinstance(record, Payment):
        return {"mark": "", "ours": ours, "document": needed, "amount": str(record.amount)}
    return {"mark": ours, "ours": ours, "text": record.name}


def _read(response: s.Response) -> list[JSON]:
    try:
        elements: list[JSON] = json.loads(response.body)["elements"]
    except ValueError as error:
        raise s.Unreadable from error
    return elements


def _answer(one: s.Planned, element: JSON) -> s.Answer:
    if element.get("taken"):
        return s.Taken(reason=element["error"])
    if "error" in element:
        return s.Rejected(reason=element["error"])
    if one.wish.wanted is s.Wanted.DELETE and element["status"] == "deleted":
        return s.Gone(status="deleted")
    ledger = LedgerState(id=one.wish.record_id, status=element["status"]) if one.wish.kind == "invoices" else None
    return s.Done(remote_id=element["id"], answered=element, ledger=ledger)
