"""The provider itself, and what it says of its kinds, its limits and its credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from host.sync.provider.http import Request, Response

if TYPE_CHECKING:
    from datetime import datetime

    from hookspecs import JSON, Defaults, Record, ReferenceData
    from host.sync.provider.answers import Answer, Done, Looked
    from host.sync.provider.http import Trouble, Verdict
    from host.sync.provider.steps import Adopt, Blocked, Excluded, Look, Planned, Prepared, Refuse, Step
    from host.sync.provider.wishes import Connection, Desk, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A credential for calls. ``refresh`` is empty where a new one is simply asked for."""

    access: str
    expires_at: datetime
    refresh: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """What a connection turned out to lead to."""

    id: str
    name: str
    details: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[[Request], Response]
"""Sends one reading call of a connection within its limits, logged. Raises ``Retry``, ``Wait`` or ``AskPerson`` instead of answering other than 2xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """How the engine treats one kind. Bulk goes in the order of ``rank``: a kind starts when no bulk of a lower rank waits or is out. What others need
    (contacts, items) has the lower rank. People's own saves go at once, whatever their rank."""

    kind: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Per organisation. ``minute`` and ``day``: 0 is none. ``reserve``: calls of a minute kept back for people's own saves until its last seconds.
    ``patience``: the seconds that an answer may take."""

    minute: int = 60
    concurrent: int = 5
    day: int = 5000
    reserve: int = 6
    patience: float = 30.0


class Provider(Protocol):
    """An accounting provider. ``prepare`` reads the database, ``organisation`` and ``import_reference`` ask the remote; everything else is pure, and answers
    the same however often it is asked: the engine plans a record anew whenever something may have changed.

    What is wrong with one record is answered (``Blocked``, ``Refuse``, ``Rejected``), never raised. What is raised all the same is taken for a bug: it fails
    that record, in words that say so, and no other.
    """

    @property
    def name(self) -> str:
        """The plugin's name: it marks the provider's rows."""

    @property
    def kinds(self) -> Sequence[KindRule]:
        """The kinds that this provider can send. A record of any other kind gets no sync row."""

    @property
    def default_connection(self) -> str | None:
        """A key, ``"none"``, or ``None``: then the only connected one."""

    @property
    def correlation_header(self) -> str:
        """The name, in lower case, of the header in which the remote says what it calls a call, for its support to find it; empty where there is none."""

    def limits(self, connection: Connection) -> Limits: ...

    def defaults(self, connection: Connection) -> Defaults:
        """The codes that the settings fill in for this connection's records; the engine gives them to the store when it starts and when it connects."""

    def excluded(self, kind: str, record: Record) -> str | None:
        """Why a record of this kind is not meant to go, from settings and the record alone; ``None`` when it is. Called while saving: no queries."""

    # One record's way ------------------------------------------------------------------------------------------

    def prepare(self, desk: Desk, kind: str, wishes: Sequence[Wish]) -> Sequence[Prepared | Blocked | Excluded]:
        """Resolve these records (``wish.record`` is not ``None``), a few queries for all. Aligned with ``wishes``. For a wish to delete only what that
        needs."""

    def plan(self, wish: Wish, prepared: Prepared | None, remote: Any, owner: Callable[[str], str | None]) -> Step:
        """The next step. ``remote`` is ``NOT_LOOKED`` or what ``look_answer`` found for it. ``owner(remote_id)`` names the ``ref`` of another record of
        this kind that is linked with that remote record. ``prepared`` is ``None`` where the record is gone and deletion is wanted."""

    def request(self, planned: Sequence[Planned]) -> Request:
        """One call for these sends of one kind and lane, in this order."""

    def answers(self, planned: Sequence[Planned], response: Response) -> Sequence[Answer]:
        """What a 2xx reply says of each. Raises ``Unreadable``."""

    def judge(self, outcome: Response | Trouble) -> Verdict:
        """What the answer means for the call as a whole; ``judge_by_status`` where nothing more particular is known."""

    def look_request(self, planned: Sequence[Planned]) -> Request: ...

    def look_answer(self, planned: Sequence[Planned], responses: Sequence[Response]) -> Looked: ...

    # Settling --------------------------------------------------------------------------------------------------

    def mark(self, wish: Wish, sent: JSON, desk_prefix: str) -> Look:
        """How to find what a create with this element made, if it was made."""

    def recognise(self, wish: Wish, sent: JSON, found: JSON | None, desk_prefix: str) -> Done | Adopt | Refuse | None:
        """Whether what was found is what we sent: linked like an answer, linked and planned anew (the mark is also the match key, and it differs), a conflict
        with something not ours, or ``None``: nothing is there. ``wish.record`` is today's, which may have been saved since; ``sent`` is what went out."""

    def elements(self, body: bytes) -> Sequence[JSON]:
        """The elements of a call's body, as ``request`` put them there."""

    # The connection --------------------------------------------------------------------------------------------

    def base_url(self, connection: Connection) -> str: ...

    def token_request(self, connection: Connection, token: Token | None) -> tuple[str, Request]:
        """The address (scheme and host) and the call that gets a new token; ``token`` is the one to refresh, where there is one."""

    def read_token(self, connection: Connection, response: Response, now: datetime) -> Token:
        """Raises ``AskPerson`` where the remote refuses, with what to do; ``Retry`` where it failed in passing."""

    def serves(self, token: Token) -> bool:
        """Whether a token that still lives does for what today's settings send. One that does not is renewed before it is used."""

    def headers(self, connection: Connection, token: Token, key: str | None) -> Mapping[str, str]:
        """What every call carries: credentials, organisation, and the idempotency key of a write."""

    def calls_left(self, response: Response) -> tuple[int | None, int | None]:
        """What the answer's headers say is left: of the minute, of the day."""

    def organisation(self, ask: Ask, connection: Connection) -> Organisation:
        """Which organisation a fresh connection leads to."""

    def import_reference(self, kind: str, ask: Ask, connection: Connection) -> ReferenceData:
        """The reference data of one importable kind."""

    @property
    def importable(self) -> Sequence[str]:
        """The kinds that ``import`` knows, in the order in which ``import all`` takes them."""
