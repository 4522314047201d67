"""Sales invoices (API facts 4.8, 4.9).

Created by PUT under our own number, which Xero keeps unique, with an address that says whose it is; updated by POST with ids, after reading what Xero has, 40
a call, and never with the number; deleted while draft or submitted, voided once approved, refused when money is on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Document, Party, Product
from host.sync.provider import (
    NOT_LOOKED,
    Answer,
    Blocked,
    Done,
    Finish,
    Gone,
    Look,
    Looked,
    Outdated,
    Planned,
    Prepared,
    Refuse,
    Rejected,
    Request,
    Send,
    Verb,
    Wanted,
)
from plugins.xero import items, looking, replies
from plugins.xero.catalogue import Books, Missing
from plugins.xero.doubt import in_doubt, lines_only
from plugins.xero.editing import NotEditable, agree, compare, same_lines
from plugins.xero.items import FOUR_DECIMALS
from plugins.xero.ledger import GONE, PLAIN, Standing, ledger_state, total_warnings
from plugins.xero.lines import LineDesk, NotYet, ReadyLine, is_linked, line_ids, ready_lines, require_in_use
from plugins.xero.links import invoice_url
from plugins.xero.marks import bears_our_url, document_url
from plugins.xero.repairs import Workshop
from plugins.xero.wire.invoice import InvoiceSchema
from plugins.xero.wire.numbers import dumps, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from host.sync.provider import JSON, Desk, Link, Response, Step, Wish
    from plugins.xero.settings import Preset, Settings

KEY: Final = "Invoices"
PATH: Final = "/api.xro/2.0/Invoices"
LONGEST: Final = 255
LONGEST_LISTED: Final = 36
IDS_IN_A_CALL: Final = 40  # limited by the address's length (API facts 2.2)
NO_SUCH_ITEM: Final = re.compile(r"\bItem code '.*' is not valid")
LINE_AMOUNTS: Final = {"exclusive": "Exclusive", "inclusive": "Inclusive", "no_tax": "NoTax"}

_schema: Final = InvoiceSchema()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceData:
    """An invoice ready to go."""

    element: JSON
    lines: Sequence[ReadyLine]
    status: str
    short_code: str


@dataclass(frozen=True, slots=True)
class Invoices:
    settings: Settings
    kind: str = "invoices"

    # ---------------------------------------------------------------------------------------------------- preparing

    def prepare(self, desk: Desk, wishes: Sequence[Wish]) -> Sequence[Prepared | Blocked]:
        documents = [wish.record for wish in wishes if isinstance(wish.record, Document) and wish.wanted is Wanted.SEND]
        office = Office.of(desk, self.settings, documents)
        return [office.prepare(wish) if wish.wanted is Wanted.SEND else Prepared(inputs={}) for wish in wishes]

    # ----------------------------------------------------------------------------------------------------- planning

    def plan(self, wish: Wish, prepared: Prepared | None, remote: Any, owner: Callable[[str], str | None]) -> Step:
        if not wish.remote_id:
            if wish.wanted is Wanted.DELETE or prepared is None:
                return Finish()
            data: InvoiceData = prepared.data
            return Send(lane="create", verb=Verb.CREATE, body={**data.element, "Status": data.status})
        if remote is NOT_LOOKED:
            return Look(lane="id", value=wish.remote_id, most=IDS_IN_A_CALL)
        if wish.wanted is Wanted.DELETE or prepared is None:
            return plan_deletion(wish.remote_id, remote)
        return plan_update(wish, prepared.data, remote)

    # ------------------------------------------------------------------------------------------------------ sending

    def request(self, planned: Sequence[Planned]) -> Request:
        creating = isinstance(planned[0].step, Send) and planned[0].step.verb is Verb.CREATE
        return Request(
            method="PUT" if creating else "POST",
            path=PATH,
            query=(("summarizeErrors", "false"), FOUR_DECIMALS),
            body=dumps({KEY: [replies.body_of(one) for one in planned]}),
        )

    def answers(self, planned: Sequence[Planned], response: Response) -> Sequence[Answer]:
        read = replies.read_answers(planned, response, KEY, ("InvoiceID", "InvoiceNumber"), _saved)
        return [stale_or(answer, one) for one, answer in zip(planned, read, strict=True)]

    # ------------------------------------------------------------------------------------------------------ looking

    def look_request(self, planned: Sequence[Planned]) -> Request:
        values = [_value(one) for one in planned]
        paged = (("page", "1"), ("pageSize", "1000"), FOUR_DECIMALS)  # unpaged lists come without lines (API facts 3.7)
        match planned[0].step.lane:
            case "items":
                return items.by_ids([id for value in values for id in value.split(",")])
            case "id":
                return looking.get(PATH, ("IDs", ",".join(values)), *paged)
            case "number":
                return looking.get(PATH, ("InvoiceNumbers", ",".join(values)), *paged)
            case _:
                return looking.get(PATH, ("searchTerm", values[0]), *paged)

    def look_answer(self, planned: Sequence[Planned], responses: Sequence[Response]) -> Looked:
        if planned[0].step.lane == "items":
            return Looked(found=[None] * len(planned), numbers=items.numbers(responses))
        more = looking.next_page(self.look_request(planned), responses)
        if more:
            return Looked(found=[None] * len(planned), more=more)
        listed = looking.pages(responses, KEY)
        if planned[0].step.lane == "id":
            by_id = {element.get("InvoiceID"): element for element in listed}
            return Looked(found=[by_id.get(_value(one)) for one in planned])
        return Looked(found=[_numbered(listed, _value(one)) for one in planned])

    # ----------------------------------------------------------------------------------------------------- settling

    def mark(self, wish: Wish, sent: JSON, prefix: str) -> Look:
        sent_number = sent["InvoiceNumber"]
        # A comma would read as two in a list of numbers, and forty long ones do not fit an address.
        if "," in sent_number or len(sent_number) > LONGEST_LISTED:
            return Look(lane="search", value=sent_number, most=1)
        return Look(lane="number", value=sent_number, most=IDS_IN_A_CALL)

    def recognise(self, wish: Wish, sent: JSON, found: JSON | None, prefix: str) -> Done | Refuse | None:
        """Ours bears our address. Any other live invoice of that number stands in the way, whatever else agrees."""
        bearing: Sequence[JSON] = (found or {}).get("numbered", ())
        for element in bearing:
            if bears_our_url(element.get("Url", ""), prefix, self.kind, wish.record_id):
                return done(wish, sent, element, short_code="")
        live = [element for element in bearing if element.get("Status") not in GONE]
        if not live:
            return None
        return Refuse(
            reason=f"Xero has an invoice {sent['InvoiceNumber']} that is not from here: give this one another number, or remove that one in Xero",
            conflict=True,
        )


# ---------------------------------------------------------------------------------------------------------- preparing


@dataclass(frozen=True, slots=True)
class Office:
    """What many invoices are prepared with, read once for all of them."""

    desk: Desk
    settings: Settings
    preset: Preset
    books: Books
    contacts: Mapping[tuple[str, str], Link]
    parties: Mapping[tuple[str, str], Party]
    line_desk: LineDesk

    @classmethod
    def of(cls, desk: Desk, settings: Settings, documents: Sequence[Document]) -> Office:
        connection = desk.connection
        books = Books.of(desk.store.catalogue(desk.session, connection.key), connection)
        preset = settings.preset_of(connection.key)
        lines = [line for document in documents for line in document.lines]
        contacts: dict[tuple[str, str], Link] = {}
        parties: dict[tuple[str, str], Party] = {}
        for kind in {document.contact_kind for document in documents}:
            ids = {document.contact for document in documents if document.contact_kind == kind}
            contacts |= {(kind, id): link for id, link in desk.links(kind, ids).items()}
            read = desk.store.read(desk.session, kind, ids)
            parties |= {(kind, id): party for id, party in read.items() if isinstance(party, Party)}
        item_links = _links(desk, {line.item for line in lines if line.item})
        textless = {line.product for line in lines if line.product and not line.description.strip()}
        unlinked = {
            line.item for line in lines if line.item and not is_linked(item_links.get(line.item), connection.key)
        }
        line_desk = LineDesk(
            books=books,
            preset=preset,
            tracking=settings.tracking_of(connection.key),
            connection=connection.key,
            links=item_links,
            products=_products(desk, textless | unlinked),
        )
        return cls(desk, settings, preset, books, contacts, parties, line_desk)

    def prepare(self, wish: Wish) -> Prepared | Blocked:
        document = wish.record
        assert isinstance(document, Document)
        lacking = why_not(document)
        if lacking:
            return Blocked(reason=lacking)
        try:
            return self._prepared(document, new=not wish.remote_id)
        except NotYet as not_yet:
            return not_yet.blocked
        except Missing as missing:
            return Blocked(reason=str(missing), waits_for=(document.contact_kind, document.contact))

    def _prepared(self, document: Document, *, new: bool) -> Prepared:
        shop = Workshop()
        contact_id = self._contact(document)
        lines = ready_lines(document, self.line_desk, shop)
        if new:
            require_in_use(lines)
        header = self._header(document, contact_id, shop)
        element: JSON = _schema.dump(header)
        element["LineItems"] = [line.element for line in lines]
        data = InvoiceData(
            element=element,
            lines=lines,
            status=document.accounting_status.upper(),
            short_code=self.desk.connection.details.get("short_code", ""),
        )
        return Prepared(inputs=self._inputs(document, header, lines), data=data, warnings=tuple(shop.warnings))

    def _header(self, document: Document, contact_id: str, shop: Workshop) -> dict[str, Any]:
        theme = self._theme(document)
        currency = self.books.currency(document.currency) if document.currency else self.books.base_currency
        foreign = currency != self.books.base_currency
        return {
            "type": "ACCREC",
            "number": document.number,
            "contact": {"contact_id": contact_id},
            "date": document.issue_date,
            "due_date": self._due_date(document, shop),
            "line_amounts": LINE_AMOUNTS[document.line_amounts],
            "reference": shop.line(document.reference, "reference", LONGEST) or None,
            "branding_theme": self.books.theme(theme) if theme else None,
            "url": document_url(self.settings.document_link, self.desk.prefix, document.kind, document.id),
            "currency": currency or None,
            "currency_rate": document.currency_rate if foreign else None,
        }

    def _inputs(self, document: Document, header: Mapping[str, Any], lines: Sequence[ReadyLine]) -> dict[str, Any]:
        """What equality of an invoice is about. The link back is no part of it: a new address does not send every invoice again."""
        rate = header["currency_rate"]
        return {
            "number": document.number,
            "contact": header["contact"]["contact_id"],
            "issue_date": document.issue_date.isoformat(),
            "due_date": document.due_date.isoformat() if document.due_date else "",
            "line_amounts": document.line_amounts,
            "reference": document.reference,
            "branding_theme": header["branding_theme"] or "",
            "currency": header["currency"] or "",
            "currency_rate": "" if rate is None else str(number(rate)),
            "accounting_status": document.accounting_status,
            "lines": [line.inputs for line in lines],
        }

    def _contact(self, document: Document) -> str:
        """The contact's id at Xero. Raises ``NotYet`` where the customer is not there (FEATURES, choice 4)."""
        who = (document.contact_kind, document.contact)
        link = self.contacts.get(who)
        here = link is not None and link.connection == self.desk.connection.key
        if link and here and link.remote_id:
            return link.remote_id
        raise NotYet(self._no_contact(document, link, here=here))

    def _no_contact(self, document: Document, link: Link | None, *, here: bool) -> Blocked:
        party = self.parties.get((document.contact_kind, document.contact))
        name = f"its customer {party.ref if party else document.contact}"
        who = (document.contact_kind, document.contact)
        if link and here and link.on_its_way:
            said = (
                f"is on its way to Xero{_because(link)}" if link.state != "blocked" else _not_known(party, link.reason)
            )
            return Blocked(reason=f"{name} {said}", waits_for=who)
        if link and link.connection and not here:
            return Blocked(
                reason=f"{name} belongs to connection {link.connection}, the document to {self.desk.connection.key}",
                waits_for=who,
            )
        stuck = link is not None and link.state in {"failed", "conflict", "parked"}
        if self.settings.create_missing_contacts and not stuck:
            return Blocked(reason=f"{name} is sent to Xero first", waits_for=who, bring=True)
        why = (link.reason or link.state) if link else "it was never sent"
        return Blocked(
            reason=f"{name} {_not_known(party, why)}" + ("" if stuck else ", or set create_missing_contacts = true"),
            waits_for=who,
        )

    def _theme(self, document: Document) -> str:
        """The document's own, then its customer's, then the settings' (FEATURES, choice 8)."""
        party = self.parties.get((document.contact_kind, document.contact))
        return document.branding_theme or (party.branding_theme if party else "") or self.preset.default_branding_theme

    def _due_date(self, document: Document, shop: Workshop) -> Any:
        if document.due_date is None and document.accounting_status == "authorised":
            shop.warnings.append(
                "it has no due date, which Xero needs to approve it: sent as due on the day of its issue"
            )
            return document.issue_date
        return document.due_date


def _links(desk: Desk, ids: Iterable[str]) -> Mapping[str, Link]:
    wanted = set(ids)
    return desk.links("products", wanted) if wanted else {}


def _products(desk: Desk, ids: Iterable[str]) -> Mapping[str, Product]:
    wanted = set(ids)
    read = desk.store.read(desk.session, "products", wanted) if wanted else {}
    return {id: product for id, product in read.items() if isinstance(product, Product)}


def _because(link: Link) -> str:
    return f" ({link.reason})" if link.reason else ""


def _not_known(party: Party | None, why: str) -> str:
    """With what Xero may know a contact by, and what of it is missing here."""
    known = {
        "first name": party and party.first_name,
        "last name": party and party.last_name,
        "email": party and party.email,
        "accounts code": party and party.accounts_code,
        "Xero contact id": "",  # it is not linked
    }
    *all_but_last, last = [name if value else f"{name} (missing)" for name, value in known.items()]
    return f"is not in Xero ({why}): check its {', '.join(all_but_last)} and {last}, and sync it"


def why_not(document: Document) -> str:
    """Why a document can't go whatever is linked, in a sentence; empty where it can."""
    if not document.number:
        return "it has no number"
    if len(document.number) > LONGEST or not (document.number.isascii() and document.number.isprintable()):
        return f"Xero takes numbers of up to {LONGEST} printable ASCII characters, and {document.number} is not one"
    if not document.lines:
        return "it has no lines, and Xero needs at least one"
    return ""


# ----------------------------------------------------------------------------------------------------------- planning


def plan_update(wish: Wish, data: InvoiceData, remote: JSON | None) -> Step:
    if remote is None:
        return Refuse(reason="Xero does not have the invoice any more")
    standing = Standing.of(remote)
    if standing.gone:
        return Refuse(reason=f"the invoice is {PLAIN[standing.status]} in Xero, and can't be changed there any more")
    agreed = lines_only(wish.agreed.answered) if in_doubt(wish.agreed) else wish.agreed.answered
    try:
        edit = compare(data.element, data.lines, agreed, remote, standing, wanted_status=data.status)
    except NotEditable as not_editable:
        return Refuse(reason=str(not_editable))
    if not edit.changes:
        known = done(wish, as_known(data, remote), remote, short_code=data.short_code)
        return replace(known, warnings=(*edit.warnings, *known.warnings))
    return Send(
        lane="update",
        verb=Verb.UPDATE,
        body={"InvoiceID": wish.remote_id, **edit.changes},
        warnings=edit.warnings,
    )


def as_known(data: InvoiceData, remote: JSON) -> JSON:
    """The part of ours that Xero turned out to have already: its lines stand for ours, in their order, where all of them are alike."""
    if same_lines(data.lines, remote.get("LineItems", [])):
        return data.element
    return {name: value for name, value in data.element.items() if name != "LineItems"}


def plan_deletion(remote_id: str, remote: JSON | None) -> Step:
    """Draft and submitted ones are deleted, approved ones voided, those with money on them kept (FEATURES, choice 6)."""
    if remote is None:
        return Finish()
    standing = Standing.of(remote)
    if standing.gone:
        return Finish(status=PLAIN[standing.status])
    if standing.settled_in_part:
        return Refuse(reason="the invoice has payments or credits in Xero: remove them there first")
    status = "VOIDED" if standing.status == "AUTHORISED" else "DELETED"
    return Send(lane="update", verb=Verb.DELETE, body={"InvoiceID": remote_id, "Status": status})


# ------------------------------------------------------------------------------------------------------------ answers


def _saved(planned: Planned, element: JSON) -> Answer:
    if replies.is_zero(element.get("InvoiceID", "")):
        return replies.no_id()
    body = replies.body_of(planned)
    if body.get("Status") in GONE:
        return Gone(status=PLAIN[body["Status"]])
    data = planned.prepared.data if planned.prepared else None
    return done(planned.wish, body, element, short_code=data.short_code if data else "")


def stale_or(answer: Answer, planned: Planned) -> Answer:
    """An item that people gave another code at Xero is still the same item: a refusal of its old code asks for the new one (A-15)."""
    if not isinstance(answer, Rejected) or not NO_SUCH_ITEM.search(answer.reason) or planned.prepared is None:
        return answer
    data: InvoiceData = planned.prepared.data
    linked = sorted({line.item_id for line in data.lines if line.item_id})
    if not linked:
        return answer
    return Outdated(reason=answer.reason, look=Look(lane="items", value=",".join(linked), most=1))


def done(wish: Wish, sent: JSON, element: JSON, *, short_code: str) -> Done:
    """``sent`` is what Xero answers to or was found to have; ``element`` is what it says."""
    record = wish.record if isinstance(wish.record, Document) else None
    standing = Standing.of(element)
    ids = line_ids(sent.get("LineItems", []), record.lines if record else ())
    return Done(
        remote_id=element["InvoiceID"],
        remote_number=element.get("InvoiceNumber", ""),
        remote_url=invoice_url(short_code, element["InvoiceID"]),
        answered=agree(wish.agreed.answered, sent, element, ids),
        ledger=ledger_state(wish.record_id, standing),
        warnings=(*_differences(record, element, standing), *replies.xero_warnings(element)),
    )


def _differences(record: Document | None, element: JSON, standing: Standing) -> tuple[str, ...]:
    """What Xero has otherwise than we do, and keeps so."""
    if record is None:
        return ()
    number_there = element.get("InvoiceNumber", "")
    if number_there in {"", record.number}:
        return total_warnings(record, standing)
    return (f"its number in Xero stays {number_there}: a number is given once", *total_warnings(record, standing))


def _numbered(listed: Sequence[JSON], wanted: str) -> JSON | None:
    """Every invoice of ours-to-be number: a number may be held by voided ones besides. Bills share the list and not the numbers."""
    numbered = [
        element
        for element in listed
        if element.get("InvoiceNumber", "").casefold() == wanted.casefold()
        and element.get("Type", "ACCREC") == "ACCREC"
    ]
    return {"numbered": numbered} if numbered else None


def _value(planned: Planned) -> str:
    assert isinstance(planned.step, Look)
    return planned.step.value
