"""What an accounting provider tells the engine: small, mostly pure answers. The flow itself is the engine's.

For each record that waits, the engine asks in this order::

    prepare   inside a read transaction: resolve everything the record needs        -> Prepared | Blocked | Excluded
    plan      pure: what to do next, given what was agreed and what the remote says  -> Look | Send | Adopt | Done | Finish | Blocked | Refuse
    request   pure: one HTTP call for steps that may travel together                -> Request
    answers   pure: what the remote's reply says of each of them                     -> Done | Gone | Rejected | Taken | Unclear

``Look`` steps are read with ``look_request`` and ``look_answer``; then ``plan`` is asked again with what was found. A provider never opens a
transaction, sends a call, keeps a queue, counts limits or retries: the engine does, the same way for every provider. A provider that needs none of
the optional abilities is under two hundred lines long (``tests/integration/sync/tiny_provider.py`` is one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Defaults, LedgerState, Record, ReferenceData

JSON = dict[str, Any]


# ------------------------------------------------------------------------------------------------------------- HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP call, without credentials. ``path`` counts from the provider's base address; ``query`` is sent in this order."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, read to its end. ``headers`` have lower-case names."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Trouble(StrEnum):
    """Why there is no answer."""

    REFUSED = "connection refused"
    """Nothing was sent: certainly not done."""
    LOST = "no answer"
    """Timed out, reset or cut off: perhaps done, perhaps still running."""


class Fate(StrEnum):
    """What an answer, or its absence, means for a whole call."""

    ANSWERED = "answered"
    """2xx: ``answers`` tells of each record."""
    REFUSED = "refused"
    """Not done, and it would be refused again: the engine halves it until the guilty record stands alone."""
    THROTTLED = "throttled"
    """Not done: over a limit. Nobody's fault, and no attempt."""
    TOKEN_EXPIRED = "token expired"
    """Not done: get a new token and send it again, once."""
    DISCONNECTED = "disconnected"
    """Not done: the connection needs a person; its records wait."""
    NOT_DONE = "not done"
    """Certainly not done, in passing: try again later."""
    UNKNOWN_OVER = "unknown, over"
    """Perhaps done, surely not running any more; its key is never used again."""
    UNKNOWN = "unknown"
    """Perhaps done, perhaps still running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``reason`` is for people. ``wait_seconds``: how long the remote asked for. ``whole_day``: it is the day's limit that is used up."""

    fate: Fate
    reason: str = ""
    wait_seconds: float | None = None
    whole_day: bool = False


def judge_by_status(outcome: Response | Trouble) -> Verdict:
    """What a status code means where a provider knows nothing more particular (RFC 9110; DESIGN, "known outcome")."""
    if isinstance(outcome, Trouble):
        return Verdict(fate=Fate.NOT_DONE if outcome is Trouble.REFUSED else Fate.UNKNOWN, reason=outcome.value)
    status = outcome.status
    if 200 <= status < 300:
        return Verdict(fate=Fate.ANSWERED)
    if status == 429:
        return Verdict(fate=Fate.THROTTLED, reason="over the remote's limit", wait_seconds=retry_after(outcome))
    if status == 401:
        return Verdict(fate=Fate.TOKEN_EXPIRED, reason="the remote did not accept the token")
    if status == 403:
        return Verdict(fate=Fate.DISCONNECTED, reason="the remote refuses this connection")
    if 400 <= status < 500 or status == 501:
        return Verdict(fate=Fate.REFUSED, reason=f"the remote refused the call with status {status}")
    if status in {502, 503, 504}:
        return Verdict(fate=Fate.UNKNOWN, reason=f"the remote answered {status}", wait_seconds=retry_after(outcome))
    return Verdict(fate=Fate.UNKNOWN_OVER, reason=f"the remote answered {status}")


def retry_after(response: Response) -> float | None:
    """The seconds of a ``Retry-After`` header; ``None`` where it is absent or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


# ------------------------------------------------------------------------------------- what waits, and what is known


class Wanted(StrEnum):
    SEND = "send"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The version both sides last agreed on. ``inputs`` are digests by field; ``sent`` and ``answered`` are in the remote's own terms.

    Without ``inputs`` nothing is agreed, though a link and what was answered may be there: it was linked with what it found, the outcome of an update is not
    known, or somebody asked to send it whatever was agreed. Then ours goes wherever it differs from what the remote has.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    sent: JSON = field(default_factory=dict)
    answered: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One record that waits, as it stands now. ``record`` is ``None`` where billing does not have it any more."""

    row_id: int
    kind: str
    record_id: str
    record: Record | None
    wanted: Wanted
    generation: int
    remote_id: str
    agreed: Agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How another record stands with this connection: what a document asks about its contact and its items."""

    row_id: int
    kind: str
    record_id: str
    connection: str
    remote_id: str
    remote_number: str
    state: str
    reason: str

    @property
    def on_its_way(self) -> bool:
        """It will be linked, or will fail, without anybody doing anything."""
        return not self.remote_id and self.state in {"waiting", "sending", "blocked", "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Our link to one organisation. ``details`` are the provider's own notes on it (short code, base currency); ``organisation`` is the remote's id for it."""

    key: str
    provider: str
    name: str
    organisation: str
    auth: str
    status: str
    details: Mapping[str, str] = field(default_factory=dict)


class Desk(Protocol):
    """What ``prepare`` may ask while it resolves records: a read-only session, the billing records, and the links of this connection."""

    @property
    def session(self) -> Session: ...
    @property
    def store(self) -> BillingStore: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def prefix(self) -> str:
        """This installation's mark prefix: six letters and digits, different for every installation, never containing a provider's name."""

    def links(self, kind: str, record_ids: Iterable[str]) -> Mapping[str, Link]:
        """The links of these records, by record id; missing where there is no sync row. One query for all."""


# -------------------------------------------------------------------------------------------------------- the steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A record with everything resolved. ``inputs`` is what equality is about: JSON values by field; a record whose inputs equal the agreed ones is not sent.

    ``data`` is the provider's own, handed to ``plan``. ``warnings`` name the repairs made on the way out.
    """

    inputs: Mapping[str, Any]
    data: Any = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """It can't go now. With ``waits_for`` (kind, record id) it is looked at again as soon as that record is through or has failed; without, when
    something changes or somebody asks. ``reason`` tells a person what is missing and what to do. ``bring``: nobody asked for the record that it waits for
    (its kind is not sent by itself), so ask for it now."""

    reason: str
    waits_for: tuple[str, str] | None = None
    bring: bool = False


@dataclass(frozen=True, slots=True)
class Excluded:
    """It is not meant to go (settings, group). Not an error."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Read the remote before deciding. Looks of one ``lane`` travel together, at most ``most`` in a call."""

    lane: str
    value: str
    most: int = 40


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Write it. Sends of one ``lane`` travel together, at most ``most`` in a call. ``body`` is the element in the remote's terms.

    ``findable``: a second create could only be refused, because the remote keeps the mark unique; an unknown outcome is settled at once by reading.
    ``warnings`` name what this step overrules at the remote; they are kept beside those of ``Prepared``.
    """

    lane: str
    verb: Verb
    body: JSON
    most: int = 50
    findable: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """It is there already: link it, then go on (an update follows where it differs)."""

    remote_id: str
    remote_number: str = ""
    remote_url: str = ""
    answered: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A wish to delete is fulfilled without a call: the remote does not have it (any more). ``status`` is ``deleted`` or ``voided``."""

    status: str = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """It can't be done until a person changes something. ``conflict``: a remote record that is not ours stands in the way."""

    reason: str
    conflict: bool = False


NOT_LOOKED: Final = object()
"""What ``plan`` gets as ``remote`` before anything was read."""


# ------------------------------------------------------------------------------------------------------ the answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is there. ``answered`` is kept as the agreed version; ``ledger`` is where a document stands."""

    remote_id: str
    remote_number: str = ""
    remote_url: str = ""
    answered: JSON = field(default_factory=dict)
    ledger: LedgerState | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The remote let it go: ``status`` is ``deleted`` or ``voided``."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The remote said no to this record, with its own words. It waits for a person (or for the record to change)."""

    reason: str
    conflict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated(Rejected):
    """It names another record by a number that the remote does not know any more. Reading ``look`` brings today's numbers (``Looked.numbers``); then it is
    planned anew, once: said of the same generation again, it is an ordinary refusal."""

    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The mark is taken: it may be ours from a call whose answer was lost. The engine reads and looks."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """The reply does not say. Settled like a lost answer."""

    reason: str


Answer = Done | Gone | Rejected | Taken | Unclear

Step = Look | Send | Adopt | Done | Finish | Refuse | Blocked
"""``Done`` as a step: reading showed that the remote has it like this already; it is booked like an answer, without a call."""


class Unreadable(Exception):
    """A 2xx reply that is cut off, or does not have one element for each that was sent. The outcome is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A step with the wish it is for, as the engine hands it back to ``request``, ``answers`` and the look methods."""

    wish: Wish
    prepared: Prepared | None
    step: Send | Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What reading found, aligned with the looks: the remote record (or the candidates, as the provider likes it) or ``None``. ``more``: read this too,
    then ask again. ``numbers``: what records that are linked already are called at the remote now, by kind and remote id; their links take it over."""

    found: Sequence[JSON | None] = ()
    more: Request | None = None
    numbers: Mapping[tuple[str, str], str] = field(default_factory=dict)


# ----------------------------------------------------------------------------------------------------- credentials


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


# ---------------------------------------------------------------------------------------------------- the provider


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """How the engine treats one kind. Bulk goes in the order of ``rank``: a kind starts when no bulk of a lower rank waits. ``contact``: a document's
    record names its customer or supplier, and goes where that goes."""

    kind: str
    rank: int
    document: bool = False


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
    """An accounting provider. Everything but ``prepare`` and ``import_reference`` is pure."""

    @property
    def name(self) -> str:
        """The plugin's name: it marks the provider's rows."""

    @property
    def kinds(self) -> Sequence[KindRule]: ...

    @property
    def default_connection(self) -> str | None:
        """A key, ``"none"``, or ``None``: then the only connected one."""

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

    def headers(self, connection: Connection, token: Token, key: str | None) -> Mapping[str, str]:
        """What every call carries: credentials, organisation, and the idempotency key of a write."""

    def calls_left(self, response: Response) -> tuple[int | None, int | None]:
        """What the answer's headers say is left: of the minute, of the day."""

    def organisation(self, ask: Ask) -> Organisation:
        """Which organisation a fresh connection leads to."""

    def import_reference(self, kind: str, ask: Ask, connection: Connection) -> ReferenceData:
        """The reference data of one importable kind."""

    @property
    def importable(self) -> Sequence[str]:
        """The kinds that ``import`` knows, in the order in which ``import all`` takes them."""
