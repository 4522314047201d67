"""What the host's own addresses answer, as schemas: the description of the API is made from them, and tests hold every answer against it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields


def text(description: str = "", **more: Any) -> fields.Field[Any]:
    return fields.String(required=True, metadata=_about(description, more))


def time(description: str = "") -> fields.Field[Any]:
    return fields.DateTime(required=True, metadata=_about(description, {}))


def time_or_null(description: str = "") -> fields.Field[Any]:
    return fields.DateTime(required=True, allow_none=True, metadata=_about(description, {}))


def count(description: str = "") -> fields.Field[Any]:
    return fields.Integer(required=True, metadata=_about(description, {"minimum": 0}))


def number_or_null(description: str = "") -> fields.Field[Any]:
    return fields.Integer(required=True, allow_none=True, metadata=_about(description, {}))


def texts(description: str = "") -> fields.Field[Any]:
    return fields.List(fields.String(), required=True, metadata=_about(description, {}))


def anything(description: str = "") -> fields.Field[Any]:
    return fields.Raw(required=True, metadata=_about(description, {}))


def table(values: fields.Field[Any] | None = None, description: str = "") -> fields.Field[Any]:
    return fields.Dict(keys=fields.String(), values=values, required=True, metadata=_about(description, {}))


def items(schema: type[Schema], description: str = "") -> fields.Field[Any]:
    return fields.List(fields.Nested(schema), required=True, metadata=_about(description, {}))


def _about(description: str, more: dict[str, Any]) -> dict[str, Any]:
    return {**({"description": description} if description else {}), **more}


def page(schema: type[Schema]) -> type[Schema]:
    """A page of a list."""
    named = {"items": items(schema), "page": count(), "page_size": count(), "total": count("on all pages")}
    return Schema.from_dict(named, name=f"{schema.__name__}Page")


def whole_list(schema: type[Schema]) -> type[Schema]:
    """A list without pages."""
    return Schema.from_dict({"items": items(schema)}, name=f"{schema.__name__}List")


class FieldProblem(Schema):
    field = text("the field as the caller wrote it, such as lines.2.quantity; empty for the whole record")
    message = text("what is wrong, and what is accepted")


class Problem(Schema):
    """RFC 9457."""

    type = text()
    title = text()
    status = fields.Integer(required=True)
    detail = text("what is wrong, in one sentence")
    errors = fields.List(fields.Nested(FieldProblem), metadata={"description": "one for each field that is wrong"})
    line = fields.Integer(metadata={"description": "where the body stops being JSON"})
    column = fields.Integer()


class Health(Schema):
    status = text(enum=["ok"])


class Check(Schema):
    what = text()
    state = text("ok, or what is the matter")
    needed = fields.Boolean(
        required=True, metadata={"description": "whether the server is not ready while it is not ok"}
    )


class Readiness(Schema):
    """Names and states only: nobody has to show a token for it."""

    ready = fields.Boolean(required=True)
    checks = items(Check)


class SyncState(Schema):
    """How a record stands with one connection."""

    connection = text()
    connection_name = text("as people call it; empty where the record is of none")
    state = text("not_sent waiting blocked sending synced failed parked excluded conflict deleting unknown")
    until = time_or_null("until when it waits")
    remote_id = text()
    remote_number = text()
    remote_url = text()
    synced_at = time_or_null()
    reason = text("why it stands so")
    error = text("the remote's own words")
    warnings = texts("every repair made on the way out")


class OutboxRow(SyncState):
    """One record that waits or is stuck."""

    kind = text()
    ref = text()
    wanted = text("send or delete")
    attempts = count()
    since = time()
    correlation_id = text("names the request that saved the record last")


class LeftRow(Schema):
    kind = text()
    ref = text()
    state = text()
    why = text()


class Steered(Schema):
    """How many records follow, and which of those that were chosen by ref do not."""

    count = count()
    left = items(LeftRow)


class ErrorRow(Schema):
    """What does not go on by itself."""

    connection = text()
    kind = text()
    ref = text()
    state = text()
    error = text()
    attempts = count()
    since = time()
    correlation_id = text("names the request that saved the record last")


class ImportedKind(Schema):
    """How many records of a kind came to what."""

    create = count("made here")
    update = count("fields of ours were changed")
    link = count("a record of ours was linked with it; fields may have changed with that")
    unchanged = count()
    skip = count("left alone; each says why")
    conflict = count("a person has to decide")
    failed = count("could not be taken over; each says why")
    left = count("still to be decided")


class Import(Schema):
    """How far an import is."""

    connection = text()
    preview = fields.Boolean(required=True, metadata={"description": "nothing is changed by it"})
    stage = text(enum=["reading", "deciding", "done", "failed"])
    reason = text("why it failed, or waits, and what to do")
    since = time_or_null("only what changed there since was read; null where everything was")
    due_at = time_or_null("it waits until then, because the limits of calls are used up")
    kinds = table(fields.Nested(ImportedKind))


class ImportedRecord(Schema):
    """What became of one record of the remote, or would."""

    kind = text()
    remote_id = text()
    name = text()
    number = text("what people know it by there")
    action = text(enum=["create", "update", "link", "unchanged", "skip", "conflict", "failed", "left"])
    ref = text("the record of ours; empty where there is none")
    changes = anything("the fields of ours that change, with their new values")
    reason = text("why")


class RemoteRecord(Schema):
    """A record of the remote."""

    remote_id = text()
    name = text()
    number = text()
    remote_url = text()
    values = anything("what an import would take over, by our fields")
    why_not = text("why nobody should be linked with it, or why it comes only where it is chosen")
    linked_with = text("the ref of the record of ours that is linked with it")


class ReadinessPoint(Schema):
    """One thing that syncing needs."""

    name = text()
    standing = text(
        "missing: some things cannot go; blocking: nothing that needs it can", enum=["ready", "missing", "blocking"]
    )
    says = text("how it stands")
    to_do = text("what to do; empty where it is ready")


class ConnectionReadiness(Schema):
    """What there is, and what is missing, before syncing with an organisation can work."""

    connection = text()
    ready = fields.Boolean(required=True, metadata={"description": "nothing is blocking"})
    points = items(ReadinessPoint)


class Batch(Schema):
    """One load, bulk send or import."""

    id = text()
    purpose = text()
    kind = text()
    opened_at = time()
    closed_at = time_or_null()
    records = table(fields.Integer(), "how many records are in each state")
    total = count()
    imported = fields.Nested(
        Import, required=True, allow_none=True, metadata={"description": "of an import; null for any other batch"}
    )


class OpenedOrganisation(Schema):
    id = text()
    name = text()


class Authorisation(Schema):
    """A consent that was asked for and is not saved yet."""

    begun_at = time()
    answered_at = time_or_null()
    error = text()
    person = text()
    organisations = fields.List(fields.Nested(OpenedOrganisation))
    organisation = text()


class Connection(Schema):
    """Our link to one organisation."""

    key = text()
    provider = text()
    name = text()
    auth = text()
    organisation = text()
    organisation_name = text()
    status = text()
    reason = text()
    held_until = time_or_null("no call leaves before then")
    held_because = text()
    connected_at = time_or_null()
    details = anything("what the provider knows of the organisation")
    authorisation = fields.Nested(Authorisation, allow_none=True)


class ConsentAddress(Schema):
    """Where a person consents."""

    address = text()


class Ended(Schema):
    """A connection that was ended, and what there is still to do where the remote could not be told."""

    connection = text()
    still_to_do = text()


class Taken(Schema):
    created = count()
    updated = count()
    unchanged = count()
    removed = count()


class Imported(Schema):
    connection = text()
    taken = table(fields.Nested(Taken), "what each list brought")
    batch = fields.String(
        required=True, allow_none=True, metadata={"description": "the batch that brings the records; null without any"}
    )
    warnings = texts()


class Request(Schema):
    """One call to a remote."""

    id = text()
    connection = text()
    purpose = text()
    kind = text()
    method = text()
    address = text()
    idempotency_key = text()
    sent_at = time()
    closed_at = time_or_null()
    status = number_or_null("the answer's, if there was one")
    fate = fields.String(
        required=True, allow_none=True, metadata={"description": "what the answer, or its lack, means"}
    )
    reason = text()
    correlation_id = text("of our request or run that made the call, where it is one's alone")
    remote_correlation_id = text("by which the remote's own support finds the call")
    bodies_gone_since = time_or_null("since when what was sent and answered is not kept any more")


class CarriedRecord(Schema):
    kind = text()
    ref = text()
    number = text()
    action = text()
    outcome = text()
    reason = text()
    correlation_id = text("names the request that saved the record")


class WholeRequest(Request):
    """One call with both bodies, and what it carried; secrets masked. The bodies are empty where they are not kept any more."""

    request_body = text()
    response_headers = anything()
    response_body = text()
    records = items(CarriedRecord)


class FailedHook(Schema):
    plugin = text()
    hook = text()
    kind = text()
    record_id = text()
    ref = text()
    error = text()
    attempts = count()
    correlation_id = text("names the request that saved the record")
    first_failed_at = time()
    last_failed_at = time()


class Plugin(Schema):
    name = text()
    version = text()
    place = text()
    state = text("available: installed, and not named by [host] plugins", enum=["active", "failed", "available"])
    reason = text()
    hooks = texts()
    offers = texts()
    contract_version = anything("the version of the contract that it was written for; null where it says none")
    failed_hooks = count("hooks that it owes")
    failures = items(FailedHook, "the newest of them")


class Settings(Schema):
    """The configuration in force; secrets read ***."""

    file = text()
    host = table()
    plugins = table(fields.Dict(keys=fields.String()))
    notes = texts("what is set and has no effect yet, and why")


class BulkLine(Schema):
    """How one line went. Each line of the answer is one of these."""

    line = count()
    ref = text()
    result = text(enum=["created", "updated", "unchanged", "bad", "stopped"])
    errors = fields.List(fields.Nested(FieldProblem))
