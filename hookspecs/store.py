"""``BillingStore``: what a provider needs of whoever keeps the billing records.

core_billing implements it; an existing ERP can take its place. Reading methods take a plain session and may run in a read-only transaction;
writing methods take a unit of work whose ``origin`` is the connection the news came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hookspecs.records import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from hookspecs.contributions import JSON, Saved
    from hookspecs.records import Account, BrandingTheme, Currency, Record, TaxRate, TrackingCategory
    from hookspecs.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """Where a document stands in the ledger, as the ledger says it. ``None`` means: not said."""

    id: str
    status: str
    total: Decimal | None = None
    tax_total: Decimal | None = None
    amount_paid: Decimal | None = None
    amount_due: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a connection's settings fill in where nothing else says: codes, each possibly empty.

    ``tracking`` are the names that product groups and lines are tracked by, each with the name of the category that it means in this connection
    (``{"Region": "Area"}``); empty where tracking is off. A category that is renamed in the ledger is known again by its ``remote_id``: the name goes on
    meaning it for as long as the settings say the same.
    """

    sales_account: str = ""
    purchase_account: str = ""
    sales_tax: str = ""
    purchase_tax: str = ""
    tracking: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceData:
    """A connection's own lists. ``None`` leaves a list as it is; an empty one empties it. The records' ``connection`` is set by the store.

    An entry is known again by its ``remote_id``, where it has one. An option of ``tracking`` that was renamed is renamed on the lines and product groups that
    name it, too.
    """

    rates: Sequence[TaxRate] | None = None
    accounts: Sequence[Account] | None = None
    themes: Sequence[BrandingTheme] | None = None
    currencies: Sequence[Currency] | None = None
    tracking: Sequence[TrackingCategory] | None = None
    defaults: Defaults | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Reference data as it is looked up: the connection's own lists and those without a connection."""

    rates: Sequence[TaxRate] = ()
    accounts: Sequence[Account] = ()
    themes: Sequence[BrandingTheme] = ()
    currencies: Sequence[Currency] = ()
    tracking: Sequence[TrackingCategory] = ()
    defaults: Defaults = field(default_factory=Defaults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many entries of a kind an import brought: new, changed, left as they were, and gone."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What an import brings for one record. ``id`` is the record's; empty for one that is to be made.

    ``fields`` are those that change, named and written as the kind's API takes them (``{"email": "ada@example.com", "sales_price": "12.50"}``; a reference
    is the other record's ref); what they do not name stays, or is empty in a new record.
    """

    id: str = ""
    fields: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How many records name one code of a list. ``list`` is a field of ``ReferenceData``; ``kind`` and ``ref`` are of one of those records."""

    list: str
    code: str
    kind: str
    ref: str
    count: int


@runtime_checkable
class TellsUse(Protocol):
    """What a ``BillingStore`` may offer besides: then it can be said before anything is sent which codes lead nowhere."""

    def uses(self, session: Session, connections: Sequence[str]) -> Sequence[Use]:
        """Every code that active customers, suppliers and products of these connections name, and product groups, those of most records first. ``""`` stands
        for the records that name no connection."""


class BillingStore(Protocol):
    """The records, seen from a provider. Kinds are the API's plural names."""

    def read(self, session: Session, kind: str, ids: Iterable[str]) -> Mapping[str, Record]:
        """The records with these ids, in one or few queries. An id that does not exist is missing from the answer."""

    def find(
        self, session: Session, kind: str, connection: str, field: str, values: Iterable[str]
    ) -> Mapping[str, Sequence[str]]:
        """The ids of the records of this connection (or of none) whose ``field`` has one of these values, by value.

        The names and codes of customers, suppliers and products are compared as people do: case, accents, and spaces at the ends or doubled do not count.
        """

    def stream(self, session: Session, kind: str, *, refs: Sequence[str] | None = None) -> Iterator[Record]:
        """Every record of a kind, or those named, in the order of their ids, with flat memory. Raises ``LookupError`` for a kind that is not kept."""

    def catalogue(self, session: Session, connection: str) -> Catalogue:
        """The connection's reference data as stored now."""

    def put_reference(self, unit_of_work: UnitOfWork, connection: str, data: ReferenceData) -> Mapping[str, Taken]:
        """Replace the named lists of a connection. The answer has one entry per list, by the names of the fields of ``ReferenceData``."""

    def take_records(self, unit_of_work: UnitOfWork, kind: str, incoming: Sequence[Incoming]) -> Sequence[Saved]:
        """Change these records, and make those that are new, giving each a ref of its own. Aligned with ``incoming``: one that the kind's rules refuse is
        answered with its problems, and the others are written. The unit of work is told of what changed, like of any other save."""

    def take_ledger_states(self, unit_of_work: UnitOfWork, kind: str, states: Sequence[LedgerState]) -> None:
        """Write down what the ledger says of these documents. One that does not exist here any more is passed over."""

    def confirm_deletion(self, unit_of_work: UnitOfWork, kind: str, id: str, *, status: str) -> None:
        """The ledger let the document go (``status`` is ``deleted`` or ``voided``): roll billing back and finish. Confirming twice does nothing."""

    def refuse_deletion(self, unit_of_work: UnitOfWork, kind: str, id: str, reason: str) -> None:
        """The ledger keeps the document: it gets its former status back, with the reason."""
