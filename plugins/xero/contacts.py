"""Customers and suppliers as Xero's contacts (API facts 4.2).

A new one is looked for first: by accounts code, then by name, never one that is linked to another (FEATURES, choice 10). One that is there is adopted, and
then updated where it differs; else it is created, marked by its ``ContactNumber``. An update sends only fields of ours that changed since Xero last had them
from us: what people keep in other fields at Xero stays.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Party
from host.sync.provider import (
    NOT_LOOKED,
    Adopt,
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
from plugins.xero.catalogue import Books, Missing
from plugins.xero.doubt import in_doubt
from plugins.xero.links import contact_url
from plugins.xero.marks import contact_mark
from plugins.xero.repairs import (
    NAME_OF_CONTACT,
    Workshop,
    country,
    email,
    fit_or_leave_out,
    without_angles,
)
from plugins.xero.wire.contact import AddressSchema, ContactSchema, PhoneSchema
from plugins.xero.wire.fields import keys_of
from plugins.xero.wire.numbers import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hookspecs import Address
    from host.sync.provider import JSON, Desk, Response, Step, Wish
    from plugins.xero.settings import Settings

KEY: Final = "Contacts"
PATH: Final = "/api.xro/2.0/Contacts"
BILLING: Final = "POBOX"  # the address that Xero prints on documents
MAIN: Final = "DEFAULT"
LONGEST_CODE: Final = 50
THEIR_CODE: Final = "their_code"
MARKS_IN_A_CALL: Final = 20  # as many as an address takes by name: a listing would read every contact for them

_KEYS: Final = keys_of(ContactSchema())
_PARTS: Final = {"addresses": keys_of(AddressSchema()), "phones": keys_of(PhoneSchema())}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactData:
    """A contact ready to go: every field of ours that has a value, as Xero takes it."""

    element: JSON
    mark: str
    short_code: str
    archiving: Archiving = Archiving.NOTHING
    made_up: bool = False
    """The accounts code was generated: whoever bears it at Xero is somebody else."""


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
        return [
            not_before(held_by[wish.record_id])
            if wish.record_id in held_by
            else self._prepare_one(desk, books, wish, means.get(wish.row_id, Archiving.NOTHING))
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
            return _look_for_marks([_value(one) for one in planned])
        return _look_for_matches([_data(one).element for one in planned])

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
                "fields": {
                    name: found[name] for name in sent if name not in NOT_FIELDS and _comparable(found.get(name))
                }
            },
        )


# ------------------------------------------------------------------------------------------------------------ mapping


def why_not(party: Party, *, details: bool) -> str:
    """Why a customer or supplier can't go, in a sentence; empty where it can."""
    if not party.name.strip():
        return "it has no name, which Xero needs"
    if len(party.accounts_code.strip()) > LONGEST_CODE:
        return f"its accounts code is longer than Xero's {LONGEST_CODE} characters"
    if not details:
        return ""
    missing = [
        name
        for name, value in (("first name", party.first_name), ("last name", party.last_name), ("email", party.email))
        if not value.strip()
    ]
    return f"{', '.join(missing)} missing, and require_contact_details = true" if missing else ""


def inputs_of(party: Party, *, suppliers: bool) -> dict[str, Any]:
    """What equality of a contact is about, in our own terms: a change of how it is mapped does not make it differ."""
    address = party.billing_address
    return {
        "name": party.name,
        "first_name": party.first_name,
        "last_name": party.last_name,
        "email": party.email,
        "phone": party.phone,
        "tax_number": party.tax_number,
        "accounts_code": party.accounts_code,
        "currency": party.currency,
        "billing_address": [
            address.line1, address.line2, address.city, address.region, address.postal_code, address.country
        ],
        "tax": party.purchase_tax if suppliers else party.sales_tax,
        "active": party.active,
    }  # fmt: skip


def element_of(party: Party, books: Books, *, suppliers: bool) -> tuple[JSON, list[str]]:
    """The contact in Xero's terms, with only the fields that have a value, and the warnings."""
    shop = Workshop()
    tax_code, tax_name = (party.purchase_tax, "purchase_tax") if suppliers else (party.sales_tax, "sales_tax")
    tax = _if_known(shop, books.tax_type, tax_code, tax_name)
    fields: dict[str, Any] = {
        "name": _name(shop, party.name, "name"),
        "first_name": _name(shop, party.first_name, "first_name"),
        "last_name": _name(shop, party.last_name, "last_name"),
        "email": shop.do(email, party.email, "email"),
        "tax_number": shop.do(_fit_50, party.tax_number, "tax_number"),
        "account_number": shop.line(party.accounts_code, "accounts_code", LONGEST_CODE),
        "currency": _if_known(shop, books.currency, party.currency, "currency"),
        ("purchase_tax" if suppliers else "sales_tax"): tax,
    }
    fields = {name: value for name, value in fields.items() if value}
    address = _address(shop, party.billing_address)
    if address:
        fields["addresses"] = [{"type": BILLING, **address}]
    phone = shop.do(_fit_50, party.phone, "phone")
    if phone:
        fields["phones"] = [{"type": MAIN, "number": phone}]
    return _written(fields, _KEYS), shop.warnings


def _written(fields: Mapping[str, Any], keys: Mapping[str, str]) -> JSON:
    """In Xero's names. By hand: every value is a text already, and the schema takes a third of a millisecond for each of ten thousand."""
    return {
        keys[name]: [_written(one, _PARTS[name]) for one in value] if name in _PARTS else value
        for name, value in fields.items()
    }


def _name(shop: Workshop, value: str, name: str) -> str:
    return shop.do(without_angles, shop.line(value, name, NAME_OF_CONTACT), name)


def _fit_50(value: str, name: str) -> tuple[str, str | None]:
    return fit_or_leave_out(value, name, 50)


def _if_known(shop: Workshop, look_up: Callable[[str], str], code: str, name: str) -> str:
    """A default that the contact can do without: documents carry their own. Unknown to the organisation, it is left out."""
    if not code:
        return ""
    try:
        return look_up(code)
    except Missing as missing:
        shop.warnings.append(f"{name} left out: {missing}")
        return ""


def _address(shop: Workshop, address: Address) -> dict[str, str]:
    def line(value: str, name: str, longest: int) -> str:
        return shop.line(value, f"billing_address.{name}", longest)

    fields = {
        "line1": line(address.line1, "line1", 500),
        "line2": line(address.line2, "line2", 500),
        "city": line(address.city, "city", 255),
        "region": line(address.region, "region", 255),
        "postal_code": shop.do(_fit_50, address.postal_code, "billing_address.postal_code"),
        "country": shop.do(
            country, shop.line(address.country, "billing_address.country", 255), "billing_address.country"
        ),
    }
    return {name: value for name, value in fields.items() if value}


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


def plan_new(data: ContactData, remote: JSON | None, owner: Callable[[str], str | None]) -> Step:
    """Adopt the contact that bears our accounts code or else our name; where there is none, make one."""
    by_code: Sequence[JSON] = (remote or {}).get("by_code", ())
    by_name: Sequence[JSON] = (remote or {}).get("by_name", ())
    code = data.element.get("AccountNumber", "")
    if by_code and data.made_up:
        strangers, by_code = by_code, [one for one in by_code if _is_of_our_name(one, data)]
        if not by_code:
            return Refuse(
                reason=f"Xero's contact {strangers[0].get('Name', '')} has the accounts code {code}, which was generated here: "
                "have another generated, or give it the one that is meant",
                conflict=True,
            )
    if by_code:
        return _adopt(data, by_code, owner, f"accounts code {code}")
    if by_name:
        return _adopt(data, by_name, owner, f"name {data.element['Name']}")
    return Send(lane="create", verb=Verb.CREATE, body={"ContactNumber": data.mark, **data.element})


def _adopt(data: ContactData, candidates: Sequence[JSON], owner: Callable[[str], str | None], by: str) -> Step:
    owners = {candidate["ContactID"]: owner(candidate["ContactID"]) for candidate in candidates}
    free = [candidate for candidate in candidates if not owners[candidate["ContactID"]]]
    if not free:
        holder = next(iter(owners.values()))
        return Refuse(
            reason=f"Xero's contact with {by} is linked to {holder} already: give one of the two another", conflict=True
        )
    if len(free) > 1:
        free = [one for one in free if _is_of_our_name(one, data)] or free
    if len(free) > 1:
        return Refuse(
            reason=f"Xero has {len(free)} contacts with {by}: make it one, or give this record another", conflict=True
        )
    (found,) = free
    known = {name: found[name] for name in data.element if _comparable(found.get(name))}
    differs = known.get("AccountNumber") not in {None, data.element.get("AccountNumber")}
    theirs = {THEIR_CODE: known.pop("AccountNumber")} if data.made_up and differs else {}
    return Adopt(
        remote_id=found["ContactID"],
        remote_number=found.get("AccountNumber", ""),
        remote_url=contact_url(data.short_code, found["ContactID"]),
        answered={"fields": known, **theirs},
    )


def _is_of_our_name(found: JSON, data: ContactData) -> bool:
    return _folded(found.get("Name", "")) == _folded(data.element["Name"])


def their_code(wish: Wish) -> str:
    """The accounts code that the contact had at Xero when it was linked; one that was only generated here does not take its place."""
    return str(wish.agreed.answered.get(THEIR_CODE, "")) if wish.remote_id else ""


def _comparable(value: Any) -> bool:
    return isinstance(value, str) and value != ""


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


# ------------------------------------------------------------------------------------------------------------ looking


@dataclass(frozen=True, slots=True)
class MatchIndex:
    """Active contacts by what they are matched by. Xero compares without regard to case and accents (API facts 3.7), so we do."""

    by_code: dict[str, list[JSON]]
    by_name: dict[str, list[JSON]]

    @classmethod
    def of(cls, listed: Sequence[JSON]) -> MatchIndex:
        index = cls({}, {})
        for element in listed:
            if element.get("ContactStatus", "ACTIVE") != "ACTIVE":
                continue
            index.by_name.setdefault(_folded(element.get("Name", "")), []).append(element)
            if element.get("AccountNumber"):
                index.by_code.setdefault(_folded(element["AccountNumber"]), []).append(element)
        return index

    def candidates(self, element: JSON) -> JSON | None:
        code = element.get("AccountNumber", "")
        by_code = self.by_code.get(_folded(code), []) if code else []
        by_name = self.by_name.get(_folded(element["Name"]), [])
        return {"by_code": by_code, "by_name": by_name} if by_code or by_name else None


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(one for one in decomposed if not unicodedata.combining(one)).casefold().strip()


def _look_for_matches(elements: Sequence[JSON]) -> Request:
    conditions = [
        (field, element[field])
        for element in elements
        for field in ("AccountNumber", "Name")
        if element.get(field)
    ]  # fmt: skip
    where = looking.any_of(conditions)
    return _listing(("where", where)) if where else _listing()


def _look_for_marks(marks: Sequence[str]) -> Request:
    where = looking.any_of(("ContactNumber", mark) for mark in marks)
    # A mark is unique over archived contacts, too.
    return _listing(*([("where", where)] if where else []), ("includeArchived", "true"))


def _listing(*more: tuple[str, str]) -> Request:
    # The summary leaves out addresses and balances: a thousand contacts are a third of the size, and egress is paid for (API facts 2.3).
    return looking.get(PATH, *more, ("summaryOnly", "true"), ("page", "1"), ("pageSize", str(looking.PAGE)))


def _value(planned: Planned) -> str:
    assert isinstance(planned.step, Look)
    return planned.step.value


def _data(planned: Planned) -> ContactData:
    assert planned.prepared is not None
    data: ContactData = planned.prepared.data
    return data
