"""Factories for what the Xero plugin is given: records, wishes, a desk. A test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from hookspecs import (
    Account,
    BrandingTheme,
    Catalogue,
    Currency,
    Customer,
    Document,
    Line,
    Product,
    Record,
    Supplier,
    TaxRate,
    TrackingCategory,
    TrackingOption,
)
from host.config import Secret
from host.sync.provider import Agreed, Connection, Link, Linked, Look, Planned, Prepared, Response, Send, Wanted, Wish
from plugins.xero.provider import XeroProvider
from plugins.xero.settings import Custom, Settings
from plugins.xero.wire.numbers import dumps, number

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PREFIX = "ab12cd"
UK = Connection(
    key="acme",
    provider="xero",
    name="Acme UK",
    organisation="9b1c5f0a-0000-4000-8000-000000000001",
    auth="custom",
    status="connected",
    details={"short_code": "!Qj35V", "base_currency": "GBP"},
)
ALL = frozenset({"customers", "suppliers", "products", "invoices"})


def settings(**changes: Any) -> Settings:
    base = Settings(entities_to_sync=ALL, custom=Custom("an-app", Secret("a-secret")))
    return replace(base, **changes)


def provider(**changes: Any) -> XeroProvider:
    return XeroProvider(settings(**changes))


def rate(code: str, percent: str = "20", connection: str = "acme", remote_id: str | None = None) -> TaxRate:
    """As an import brings it, unless told otherwise."""
    return TaxRate(
        id=f"{connection}-{code}",
        ref=f"{connection}-{code}",
        code=code,
        name=code,
        rate=Decimal(percent),
        connection=connection,
        remote_id=code if remote_id is None else remote_id,
    )


def account(code: str, connection: str = "acme") -> Account:
    return Account(id=f"{connection}-{code}", ref=f"{connection}-{code}", code=code, name=code, connection=connection)


def catalogue(**changes: Any) -> Catalogue:
    base = Catalogue(
        rates=(rate("OUTPUT2"), rate("NONE", "0"), rate("INPUT2")),
        accounts=(account("200"), account("260"), account("300")),
        themes=(BrandingTheme(id="t1", ref="t1", code="theme-1", name="Standard", connection="acme"),),
        currencies=(
            Currency(id="gbp", ref="gbp", code="GBP", connection="acme"),
            Currency(id="usd", ref="usd", code="USD", connection="acme"),
        ),
    )
    return replace(base, **changes)


def category(name: str, *options: str, stands_for: str = "", **more: Any) -> TrackingCategory:
    """``Region`` with ``North`` has the id ``id-of-Region`` and its option ``id-of-North``; an option in brackets is archived."""
    made = tuple(
        TrackingOption(name=one.strip("()"), remote_id=f"id-of-{one.strip('()')}", active=not one.startswith("("))
        for one in options
    )
    return TrackingCategory(
        id=name, ref=name, name=name, remote_id=f"id-of-{name}", options=made, stands_for=stands_for or name, **more
    )


def customer(**changes: Any) -> Customer:
    return replace(Customer(id="c1", ref="customer-1", name="Harbour Joinery Ltd"), **changes)


def supplier(**changes: Any) -> Supplier:
    return replace(Supplier(id="s1", ref="supplier-1", name="Timber Supplies Ltd"), **changes)


def product(**changes: Any) -> Product:
    base = Product(
        id="p1",
        ref="product-1",
        name="Oak shelf",
        code="SHELF",
        sales_price=Decimal("10.5000"),
        sales_tax="OUTPUT2",
        effective_sales_account="200",
    )
    return replace(base, **changes)


def line(**changes: Any) -> Line:
    base = Line(
        id="l1",
        description="Oak shelf",
        quantity=Decimal("2.0000"),
        unit_price=Decimal("10.5000"),
        product="p1",
        item="p1",
        effective_account="200",
        effective_tax_rate="OUTPUT2",
    )
    return replace(base, **changes)


def invoice(*lines: Line, **changes: Any) -> Document:
    base = Document(
        id="i1",
        ref="invoice-1",
        kind="invoices",
        number="INV-0101",
        contact="c1",
        contact_kind="customers",
        issue_date=date(2026, 11, 20),
        due_date=date(2026, 12, 20),
        currency="GBP",
        lines=lines or (line(),),
        total=Decimal("25.20"),
    )
    return replace(base, **changes)


def link(kind: str, record_id: str, remote_id: str = "", **changes: Any) -> Link:
    base = Link(
        row_id=1,
        kind=kind,
        record_id=record_id,
        connection="acme",
        remote_id=remote_id,
        remote_number="",
        state="synced" if remote_id else "waiting",
        reason="",
    )
    return replace(base, **changes)


LINKS = (link("customers", "c1", "contact-1"), link("products", "p1", "item-1", remote_number="SHELF"))


@dataclass
class FakeStore:
    """A billing store that knows a catalogue and some records."""

    catalogue_: Catalogue
    records: Sequence[tuple[str, Record]] = ()
    reads: list[str] = field(default_factory=list)

    def catalogue(self, session: Session, connection: str) -> Catalogue:
        self.reads.append("catalogue")
        return self.catalogue_

    def read(self, session: Session, kind: str, ids: Iterable[str]) -> Mapping[str, Record]:
        self.reads.append(kind)
        wanted = set(ids)
        return {record.id: record for of, record in self.records if of == kind and record.id in wanted}

    def find(
        self, session: Session, kind: str, connection: str, field: str, values: Iterable[str]
    ) -> Mapping[str, Sequence[str]]:
        kept = [(getattr(record, field, "").casefold(), record.id) for of, record in self.records if of == kind]
        found = {value: [id for key, id in kept if key == value.casefold()] for value in values}
        return {value: ids for value, ids in found.items() if ids}


@dataclass
class FakeDesk:
    """What ``prepare`` asks, answered from memory."""

    store: Any
    known: Sequence[Link] = LINKS
    connection: Connection = UK
    prefix: str = PREFIX

    @property
    def session(self) -> Session:
        return cast("Session", None)

    def links(self, kind: str, record_ids: Iterable[str]) -> Mapping[str, Link]:
        wanted = set(record_ids)
        return {one.record_id: one for one in self.known if one.kind == kind and one.record_id in wanted}

    def linked(self, kind: str, remote_ids: Iterable[str]) -> Mapping[str, Linked]:
        wanted = set(remote_ids)
        return {
            one.remote_id: Linked(record_id=one.record_id, answered={})
            for one in self.known
            if one.kind == kind and one.remote_id in wanted
        }


def desk(
    *,
    links: Sequence[Link] = LINKS,
    catalogue_: Catalogue | None = None,
    records: Sequence[tuple[str, Record]] = (),
    **changes: Any,
) -> FakeDesk:
    store = FakeStore(catalogue_ or catalogue(), records)
    return replace(FakeDesk(store=store, known=links), **changes)


_rows = iter(range(1, 1_000_000))


def wish(
    kind: str, record: Record | None, *, remote_id: str = "", answered: Any = None, wanted: Wanted = Wanted.SEND
) -> Wish:
    return Wish(
        row_id=next(_rows),
        kind=kind,
        record_id=record.id if record else "gone",
        record=record,
        wanted=wanted,
        generation=1,
        remote_id=remote_id,
        agreed=Agreed(inputs={}, sent={}, answered=answered or {}),
    )


def prepared(kind: str, record: Record, at: FakeDesk | None = None, **of_settings: Any) -> Prepared:
    """``record`` prepared; the test is about something else than whether that works."""
    [answer] = provider(**of_settings).prepare(at or desk(), kind, [wish(kind, record)])
    assert isinstance(answer, Prepared), answer
    return answer


def planned(of: Wish, step: Send | Look, ready: Prepared | None = None) -> Planned:
    return Planned(wish=of, prepared=ready, step=step)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else dumps(_as_numbers(body))
    return Response(status=status, body=raw, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _as_numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, dict):
        return {name: _as_numbers(one) for name, one in value.items()}
    return [_as_numbers(one) for one in value] if isinstance(value, list) else value


def nobody(remote_id: str) -> str | None:
    return None
