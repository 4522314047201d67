"""Xero as ``host.sync`` sees it: each question goes to the kind that it is about, or to the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Product
from host.sync.provider import JSON, Excluded, KindRule, Limits, Look, Wanted
from plugins.xero import auth, changes, consents, importing, imports, readiness
from plugins.xero import judge as judging
from plugins.xero.contacts import Contacts
from plugins.xero.invoices import Invoices
from plugins.xero.items import Items
from plugins.xero.settings import LISTS, RECORDS, TRACKING
from plugins.xero.wire.numbers import loads_as_text

if TYPE_CHECKING:
    from datetime import datetime

    from hookspecs import Catalogue, Defaults, Record, ReferenceData
    from host.sync.provider import (
        Adopt,
        Answer,
        Ask,
        Blocked,
        Connection,
        Consent,
        Desk,
        Done,
        Granted,
        Looked,
        Mirrored,
        Organisation,
        Planned,
        Point,
        Prepared,
        Reading,
        Refuse,
        RemoteRecord,
        Request,
        Response,
        Step,
        Token,
        Trouble,
        Verdict,
        Wish,
    )
    from plugins.xero.settings import Settings

KINDS: Final = (
    KindRule(kind="customers", rank=0),
    KindRule(kind="suppliers", rank=0),
    KindRule(kind="products", rank=0),
    KindRule(kind="invoices", rank=1),
)
CONTACT_KINDS: Final = frozenset({"customers", "suppliers"})


class XeroProvider:
    """The provider of one host. Holds nothing but its settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._contacts = {kind: Contacts(settings, kind) for kind in CONTACT_KINDS}
        self._items = Items(settings)
        self._invoices = Invoices(settings)

    @property
    def name(self) -> str:
        return "xero"

    @property
    def kinds(self) -> Sequence[KindRule]:
        return KINDS

    @property
    def default_connection(self) -> str | None:
        return self.settings.default_connection

    @property
    def named_connections(self) -> Sequence[str]:
        return list(self.settings.connections)

    @property
    def correlation_header(self) -> str:
        return "xero-correlation-id"

    def limits(self, connection: Connection) -> Limits:
        limits = self.settings.limits
        return Limits(minute=limits.minute, concurrent=limits.concurrent, day=limits.day, patience=limits.patience)

    def defaults(self, connection: Connection) -> Defaults:
        return imports.defaults(self.settings, connection)

    def excluded(self, kind: str, record: Record) -> str | None:
        if kind not in self.settings.entities_to_sync:
            return f"entities_to_sync in [plugins.xero] does not name {kind}"
        return _not_meant_to_go(record)

    # One record's way ------------------------------------------------------------------------------------------

    def prepare(self, desk: Desk, kind: str, wishes: Sequence[Wish]) -> Sequence[Prepared | Blocked | Excluded]:
        excluded = {wish.row_id: reason for wish in wishes if (reason := self._excluded_now(kind, wish))}
        meant = [wish for wish in wishes if wish.row_id not in excluded]
        prepared = dict(zip([wish.row_id for wish in meant], self._kind(kind).prepare(desk, meant), strict=True))
        return [
            Excluded(excluded[wish.row_id]) if wish.row_id in excluded else prepared[wish.row_id] for wish in wishes
        ]

    def _excluded_now(self, kind: str, wish: Wish) -> str | None:
        """Settings and groups may have changed since the record was saved. A customer that an invoice brings along goes although its kind does not."""
        if wish.wanted is Wanted.DELETE or wish.record is None:
            return None
        if kind in CONTACT_KINDS and self.settings.create_missing_contacts:
            return None
        return self.excluded(kind, wish.record)

    def plan(self, wish: Wish, prepared: Prepared | None, remote: Any, owner: Callable[[str], str | None]) -> Step:
        return self._kind(wish.kind).plan(wish, prepared, remote, owner)

    def request(self, planned: Sequence[Planned]) -> Request:
        return self._kind_of(planned).request(planned)

    def answers(self, planned: Sequence[Planned], response: Response) -> Sequence[Answer]:
        return self._kind_of(planned).answers(planned, response)

    def judge(self, outcome: Response | Trouble) -> Verdict:
        return judging.judge(outcome, auth.scopes(self.settings))

    def look_request(self, planned: Sequence[Planned]) -> Request:
        return self._kind_of(planned).look_request(planned)

    def look_answer(self, planned: Sequence[Planned], responses: Sequence[Response]) -> Looked:
        return self._kind_of(planned).look_answer(planned, responses)

    # Settling --------------------------------------------------------------------------------------------------

    def mark(self, wish: Wish, sent: JSON, desk_prefix: str) -> Look:
        return self._kind(wish.kind).mark(wish, sent, desk_prefix)

    def recognise(self, wish: Wish, sent: JSON, found: JSON | None, desk_prefix: str) -> Done | Adopt | Refuse | None:
        return self._kind(wish.kind).recognise(wish, sent, found, desk_prefix)

    def elements(self, body: bytes) -> Sequence[JSON]:
        (elements,) = loads_as_text(body).values()
        return list(elements)

    # The connection --------------------------------------------------------------------------------------------

    def base_url(self, connection: Connection) -> str:
        return self.settings.endpoints.api

    def token_request(self, connection: Connection, token: Token | None) -> tuple[str, Request]:
        if connection.auth == auth.CUSTOM:
            return auth.token_request(self.settings, connection)
        return consents.refresh_request(self.settings, connection, token)

    def read_token(self, connection: Connection, response: Response, now: datetime) -> Token:
        return auth.read_token(self.settings, connection, response, now)

    def serves(self, token: Token) -> bool:
        return auth.serves(self.settings, token)

    def headers(self, connection: Connection, token: Token, key: str | None) -> Mapping[str, str]:
        return auth.headers(connection, token, key)

    def calls_left(self, response: Response) -> tuple[int | None, int | None]:
        return judging.calls_left(response)

    def organisation(self, ask: Ask, connection: Connection) -> Organisation:
        by_credentials = connection.auth == auth.CUSTOM
        app = self.settings.custom_of(connection.key) if by_credentials else self.settings.app
        return imports.organisation(ask, made_with=app.client_id)

    # ... that a person lets in ----------------------------------------------------------------------------------

    def consent_address(self, connection: Connection, consent: Consent) -> str:
        return consents.consent_address(self.settings, connection, consent)

    def code_request(self, connection: Connection, consent: Consent, code: str) -> tuple[str, Request]:
        return consents.code_request(self.settings, connection, consent, code)

    def read_granted(self, connection: Connection, response: Response, now: datetime) -> Granted:
        return consents.read_granted(self.settings, connection, response, now)

    def organisations(self, ask: Ask, granted: Granted) -> Sequence[Organisation]:
        return consents.organisations(self.settings, ask, granted)

    def leave_request(self, connection: Connection) -> Request | None:
        return consents.leave_request(connection)

    # -----------------------------------------------------------------------------------------------------------

    def requirements(self, connection: Connection, catalogue: Catalogue) -> Sequence[Point]:
        return list(readiness.requirements(self.settings, connection, catalogue))

    def try_out(self, ask: Ask, connection: Connection) -> Sequence[Point]:
        return list(readiness.try_out(self.settings, ask, connection))

    def import_reference(self, kind: str, ask: Ask, connection: Connection) -> ReferenceData:
        return imports.import_reference(kind, ask, connection, self.settings)

    @property
    def importable(self) -> Sequence[str]:
        return LISTS if self.settings.tracking else [one for one in LISTS if one != TRACKING]

    @property
    def importable_records(self) -> Sequence[str]:
        return RECORDS

    def remote_records(self, reading: Reading, ask: Ask) -> Iterator[Sequence[RemoteRecord]]:
        return importing.remote_records(self.settings, reading, ask)

    def import_basis(self, reading: Reading) -> str:
        return importing.import_basis(self.settings, reading)

    def answered_at(self, response: Response) -> datetime | None:
        return changes.answered_at(response)

    def list_changed(self, kind: str, ask: Ask, connection: Connection, since: datetime) -> bool:
        return imports.list_changed(kind, ask, since)

    def mirror(
        self, desk: Desk, kind: str, records: Sequence[Record], answered: Mapping[str, JSON]
    ) -> Mapping[str, Mirrored]:
        return importing.mirror(self.settings, desk, kind, records, answered)

    # -----------------------------------------------------------------------------------------------------------

    def _kind(self, kind: str) -> Contacts | Items | Invoices:
        match kind:
            case "products":
                return self._items
            case "invoices":
                return self._invoices
            case _:
                return self._contacts[kind]

    def _kind_of(self, planned: Sequence[Planned]) -> Contacts | Items | Invoices:
        return self._kind(planned[0].wish.kind)


def _not_meant_to_go(record: Record) -> str | None:
    if not isinstance(record, Product):
        return None
    if record.parent:
        return "it has a parent product, whose item stands for it"
    if record.excluded:
        return "its product group keeps its items out of accounting"
    return None
