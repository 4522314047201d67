"""Customers and suppliers as Xero's contacts (API facts 4.2).

A new one is looked for first: by accounts code, then by name, never one that is linked to another (FEATURES, choice 10). One that is there is adopted, and
then updated where it differs; else it is created, marked by its ``ContactNumber``. An update sends only fields of ours that changed since Xero last had them
from us: what people keep in other fields at Xero stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Party
from host.sync.provider import (
    NOT_LOOKED,
    Answer,
    Blocked,
    Done,
    Finish,
    Look,
    Looked,
    Planned,
    Prepared,
    Refuse,
    Request,
    Send,
    Verb,
    Wanted,
)
from plugins.xero import looking, replies
from plugins.xero.archiving import (
    ACTIVE,
    ARCHIVED,
    KEPT_HERE,
    STATUS,
    Archiving,
    archivings,
    not_before,
    of_archived,
    status_sent,
    unfinished,
)
from plugins.xero.catalogue import Books
from plugins.xero.contact_mapping import element_of, inputs_of, why_not
from plugins.xero.contact_matching import (
    PATH,
    THEIR_CODE,
    ContactData,
    MatchIndex,
    comparable,
    look_for_marks,
    look_for_matches,
    plan_new,
    their_code,
)
from plugins.xero.doubt import in_doubt
from plugins.xero.links import contact_url
from plugins.xero.marks import contact_mark
from plugins.xero.same_codes import behind_another
from plugins.xero.wire.numbers import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from host.sync.provider import JSON, Desk, Response, Step, Wish
    from plugins.xero.settings import Settings

KEY: Final = "Contacts"
MARKS_IN_A_CALL: Final = 20  # as many as an address takes by name: a listing would read every contact for them


@dataclass(frozen=True, slots=True)
class Contacts:
    """One of the two kinds that are contacts at Xero. Each owns the tax of its side; the other fields follow the last save."""

    settings: Settings
    kind: str

    # ---------------------------------------------------------------------------------------------------- preparing

    def prepare(self, desk: Desk, wishes: Sequence[Wish]) -> Sequence[Prepared | Blocked]:
        books = Books.of(desk.store.catalogue(desk.session, desk.connection.key), desk.connection)
        means = archivings(desk, self.kind, wishes, wanted=self.settings.archive_inactive)
        to_archive = [
            wish.record_id
            for wish in wishes
            if means.get(wish.row_id) is Archiving.ARCHIVE and wish.wanted is Wanted.SEND
        ]
        held_by = unfinished(desk, self.kind, to_archive)
        later = {wish.row_id: not_before(held_by[wish.record_id]) for wish in wishes if wish.record_id in held_by}
        later |= behind_another(desk, wishes)
        return [
            later.get(wish.row_id) or self._prepare_one(desk, books, wish, means.get(wish.row_id, Archiving.NOTHING))
            for wish in wishes
        ]

    def _prepare_one(self, desk: Desk, books: Books, wish: Wish, archiving: Archiving) -> Prepared | Blocked:
        party = wish.record
        assert isinstance(party, Party)
        if wish.wanted is Wanted.DELETE:
            return Prepared(inputs={})
        lacking = why_not(party, details=self.settings.require_contact_details)
        if lacking and archiving not in {Archiving.ARCHIVE, Archiving.FROZEN}:
            return Blocked(reason=lacking)
        element, warnings = element_of(party, books, suppliers=self.kind == "suppliers")
        made_up = "accounts_code" in party.generated
        if made_up and (theirs := their_code(wish)):
            ours = element.pop("AccountNumber")
            warnings.append(f"accounts code {ours} left out: Xero's contact has {theirs}, which an import brings here")
        return Prepared(
            inputs=inputs_of(party, suppliers=self.kind == "suppliers"),
            data=ContactData(
                element=element,
                mark=contact_mark(desk.prefix, party.id),
                short_code=desk.connection.details.get("short_code", ""),
                archiving=archiving,
                made_up=made_up,
            ),
            warnings=tuple(warnings),
            differs=archiving is Archiving.ARCHIVE
            or (archiving is Archiving.RESTORE and wish.agreed.answered.get("status") == ARCHIVED),
        )

    # ----------------------------------------------------------------------------------------------------- planning

    def plan(self, wish: Wish, prepared: Prepared | None, remote: Any, owner: Callable[[str], str | None]) -> Step:
        if wish.wanted is Wanted.DELETE or prepared is None:
            # Xero has no way to delete a contact; what was linked is let go of.
            return Finish()
        data: ContactData = prepared.data
        if wish.remote_id:
            return plan_update(wish, data)
        if remote is NOT_LOOKED:
            return Look(lane="match", value=data.element.get("AccountNumber") or data.element["Name"], most=10_000)
        return plan_new(data, remote, owner)

    # ------------------------------------------------------------------------------------------------------ sending

    def request(self, planned: Sequence[Planned]) -> Request:
        creating = isinstance(planned[0].step, Send) and planned[0].step.verb is Verb.CREATE
        return Request(
            method="PUT" if creating else "POST",
            path=PATH,
            query=(("summarizeErrors", "false"),),
            body=dumps({KEY: [replies.body_of(one) for one in planned]}),
        )

    def answers(self, planned: Sequence[Planned], response: Response) -> Sequence[Answer]:
        read = replies.read_answers(planned, response, KEY, ("ContactID", "ContactNumber"), _saved)
        return [
            of_archived(answer, one.wish, replies.body_of(one), url=_url(one, one.wish.remote_id))
            for one, answer in zip(planned, read, strict=True)
        ]

    # ------------------------------------------------------------------------------------------------------ looking

    def look_request(self, planned: Sequence[Planned]) -> Request:
        if planned[0].step.lane == "mark":
            return look_for_marks([_value(one) for one in planned])
        return look_for_matches([_data(one).element for one in planned])

    def look_answer(self, planned: Sequence[Planned], responses: Sequence[Response]) -> Looked:
        more = looking.next_page(self.look_request(planned), responses)
        if more:
            return Looked(found=[None] * len(planned), more=more)
        listed = looking.pages(responses, KEY)
        if planned[0].step.lane == "mark":
            by_mark = {element.get("ContactNumber"): element for element in listed}
            return Looked(found=[by_mark.get(_value(one)) for one in planned])
        index = MatchIndex.of(listed)
        return Looked(found=[index.candidates(_data(one).element) for one in planned])

    # ----------------------------------------------------------------------------------------------------- settling

    def mark(self, wish: Wish, sent: JSON, prefix: str) -> Look:
        return Look(lane="mark", value=contact_mark(prefix, wish.record_id), most=MARKS_IN_A_CALL)

    def recognise(self, wish: Wish, sent: JSON, found: JSON | None, prefix: str) -> Done | Refuse | None:
        if found is None or found.get("ContactNumber") != contact_mark(prefix, wish.record_id):
            return None
        return Done(
            remote_id=found["ContactID"],
            remote_number=found.get("AccountNumber", ""),
            remote_url=contact_url("", found["ContactID"]),
            # What a listing leaves out (addresses, phones) is taken as unknown there, and sent again with the next change.
            answered={
                "fields": {name: found[name] for name in sent if name not in NOT_FIELDS and comparable(found.get(name))}
            },
        )


# ----------------------------------------------------------------------------------------------------------- planning


def plan_update(wish: Wish, data: ContactData) -> Step:
    """Only what changed since Xero last had it from us; a field that we had filled and that is empty now is emptied there."""
    known: dict[str, Any] = wish.agreed.answered.get("fields", {})
    all_of_it = in_doubt(wish.agreed)
    changed = {name: value for name, value in data.element.items() if all_of_it or known.get(name) != value}
    emptied = {name: _empty(known[name]) for name in known if name not in data.element}
    body = {**changed, **emptied, **_status_for(data.archiving)}
    if not body or data.archiving is Archiving.FROZEN:
        return Done(
            remote_id=wish.remote_id,
            remote_number=known.get("AccountNumber", ""),
            remote_url=contact_url(data.short_code, wish.remote_id),
            answered=wish.agreed.answered,
            warnings=(KEPT_HERE,) if body else (),
        )
    return Send(lane="update", verb=Verb.UPDATE, body={"ContactID": wish.remote_id, **body})


def _status_for(archiving: Archiving) -> JSON:
    match archiving:
        case Archiving.ARCHIVE:
            return {STATUS: ARCHIVED}
        case Archiving.RESTORE:
            return {STATUS: ACTIVE}
        case _:
            return {}


def _empty(value: Any) -> Any:
    """The value that empties a field: addresses and phones are merged per type, so their parts are emptied (API facts 4.2)."""
    if isinstance(value, list):
        return [{name: one if name.endswith("Type") else "" for name, one in entry.items()} for entry in value]
    return ""


def _saved(planned: Planned, element: JSON) -> Answer:
    contact_id = element.get("ContactID", "")
    if replies.is_zero(contact_id):
        return replies.no_id()
    body = replies.body_of(planned)
    known = {
        **planned.wish.agreed.answered.get("fields", {}),
        **{name: body[name] for name in body if name not in NOT_FIELDS},
    }
    return Done(
        remote_id=contact_id,
        remote_number=element.get("AccountNumber", ""),
        remote_url=_url(planned, contact_id),
        answered={
            "fields": {name: value for name, value in known.items() if not _is_empty(value)},
            **status_sent(body),
            **({THEIR_CODE: theirs} if (theirs := their_code(planned.wish)) else {}),
        },
        warnings=replies.xero_warnings(element),
    )


def _url(planned: Planned, contact_id: str) -> str:
    data = planned.prepared.data if planned.prepared else None
    return contact_url(data.short_code if data else "", contact_id)


NOT_FIELDS: Final = frozenset({"ContactID", "ContactNumber", STATUS})


def _is_empty(value: Any) -> bool:
    return value == "" or (isinstance(value, list) and value == _empty(value))


def _value(planned: Planned) -> str:
    assert isinstance(planned.step, Look)
    return planned.step.value


def _data(planned: Planned) -> ContactData:
    assert planned.prepared is not None
    data: ContactData = planned.prepared.data
    return data
