"""The billing store: the records as a provider sees them, and what it tells about them."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import (
    Account,
    BrandingTheme,
    Currency,
    Customer,
    Defaults,
    Document,
    Incoming,
    LedgerState,
    ReferenceData,
    Taken,
    TaxRate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hookspecs import Saved
    from tests.integration.core_billing.conftest import House


def invoice(ref: str, **more: Any) -> dict[str, Any]:
    lines = [{"description": "A shelf", "unit_price": "10"}]
    return {"ref": ref, "number": ref.upper(), "customer": "acme", "issue_date": "2026-11-22", "lines": lines, **more}


@pytest.fixture
def shop(house: House) -> House:
    house.saved("customers", {"ref": "acme", "name": "Acme", "sales_tax": "STD"})
    house.told()
    return house


def document(house: House, ref: str) -> Document:
    with house.database.read() as session:
        [found] = house.billing.store.stream(session, "invoices", refs=[ref])
    assert isinstance(found, Document)
    return found


# ----------------------------------------------------------------------------------------------------- reading


def test_read_answers_those_that_there_are(shop: House) -> None:
    id = shop.id("customers", "acme")
    with shop.database.read() as session:
        found = shop.billing.store.read(session, "customers", [id, "unknown"])
        assert list(found) == [id]
        assert isinstance(found[id], Customer)
        with pytest.raises(LookupError, match="core_billing keeps no tickets: it keeps customers, "):
            shop.billing.store.read(session, "tickets", [])


def test_find_is_of_one_connection_or_of_none(shop: House) -> None:
    keys = ("", "uk", "nz")
    shop.saved("customers", *({"ref": f"c{key}", "name": "Same", "connection": key} for key in keys))
    shop.saved("invoices", *(invoice(f"i{key}", customer=f"c{key}") for key in keys))
    with shop.database.read() as session:
        found = shop.billing.store.find(session, "customers", "uk", "name", ["Same", "Other"])
        assert found == {"Same": [shop.id("customers", "c"), shop.id("customers", "cuk")]}
        found = shop.billing.store.find(session, "invoices", "uk", "number", ["I", "IUK", "INZ"])
        assert found == {"I": [shop.id("invoices", "i")], "IUK": [shop.id("invoices", "iuk")]}


def test_stream_is_in_the_order_of_ids(shop: House) -> None:
    shop.saved("invoices", *(invoice(ref) for ref in "cab"))
    with shop.database.read() as session:
        assert [one.ref for one in shop.billing.store.stream(session, "invoices")] == ["c", "a", "b"]
        assert [one.ref for one in shop.billing.store.stream(session, "invoices", refs=["b", "x", "c"])] == ["c", "b"]


def test_streaming_more_needs_no_more_memory(sqlite_house: House) -> None:
    house = sqlite_house
    house.saved("customers", {"ref": "acme", "name": "Acme"})
    for start in range(0, 6000, 500):
        house.saved("invoices", *(invoice(f"i{number}") for number in range(start, start + 500)))
    house.events.clear()

    def peak(most: int) -> int:
        tracemalloc.start()
        with house.database.read() as session:
            for count, _ in enumerate(house.billing.store.stream(session, "invoices"), start=1):
                if count == most:
                    break
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(500)
    assert peak(6000) < 1.5 * peak(1000)


# ---------------------------------------------------------------------------------------------- reference data


def rate(code: str, percent: str = "20", **more: Any) -> TaxRate:
    return TaxRate(id="", ref="", code=code, name=f"Rate {code}", rate=Decimal(percent), **more)


def account(code: str, **more: Any) -> Account:
    return Account(id="", ref="", code=code, name=f"Account {code}", **more)


def put(house: House, data: ReferenceData, connection: str = "uk") -> Mapping[str, Taken]:
    with house.saver(origin=connection) as work:
        return house.billing.store.put_reference(work, connection, data)


@pytest.mark.row("H-26", part="api")
@pytest.mark.row("H-31", part="api")
def test_an_import_brings_changes_and_removes(shop: House) -> None:
    assert put(shop, ReferenceData(rates=[rate("A"), rate("B"), rate("C")])) == {"rates": Taken(created=3)}
    ids = {ref: shop.id("tax-rates", f"uk:{ref}") for ref in "AB"}
    shop.told()
    assert put(shop, ReferenceData(rates=[rate("A"), rate("B", "5"), rate("D")])) == {
        "rates": Taken(created=1, updated=1, unchanged=1, removed=1)
    }
    assert shop.told() == [
        ("tax-rates", "uk:D", "created"),
        ("tax-rates", "uk:B", "updated"),
        ("tax-rates", "uk:C", "deleted"),
    ]
    assert {ref: shop.id("tax-rates", f"uk:{ref}") for ref in "AB"} == ids
    assert shop.get("tax-rates", "uk:B")["rate"] == "5"


def test_each_connection_has_its_own_lists(shop: House) -> None:
    for key, percent in (("uk", "20"), ("nz", "15")):
        theme = BrandingTheme(id="", ref="", code=f"theme-{key}", name="Standard")
        currency = Currency(id="", ref="", code=f"{key.upper()}D")
        put(
            shop,
            ReferenceData(
                rates=[rate("OUT", percent)],
                accounts=[account("200")],
                themes=[theme],
                currencies=[currency],
                defaults=Defaults(sales_tax=key),
            ),
            key,
        )
    put(shop, ReferenceData(rates=[]), "nz")
    shop.saved("accounts", {"ref": "own", "code": "999", "name": "Own"})
    with shop.database.read() as session:
        uk, nz = (shop.billing.store.catalogue(session, key) for key in ("uk", "nz"))
    assert [(one.code, one.rate, one.connection) for one in uk.rates] == [("OUT", Decimal(20), "uk")]
    assert nz.rates == []
    assert [one.code for one in nz.accounts] == ["200", "999"]
    assert [one.code for one in nz.themes] == ["theme-nz"]
    assert [one.code for one in nz.currencies] == ["NZD"]
    assert (uk.defaults.sales_tax, nz.defaults.sales_tax) == ("uk", "nz")


@pytest.mark.row("H-27", part="api")
@pytest.mark.row("H-28", part="api")
def test_rates_of_no_connection_go_with_the_import_but_not_a_zero_rate(shop: House) -> None:
    shop.saved(
        "tax-rates",
        {"ref": "old", "code": "OLD", "name": "Old", "rate": "17.5"},
        {"ref": "zero", "code": "Z", "name": "Zero", "rate": "0"},
        {"ref": "theirs", "code": "T", "name": "Theirs", "rate": "10", "connection": "nz"},
    )
    assert put(shop, ReferenceData(rates=[rate("A")])) == {"rates": Taken(created=1, removed=1)}
    assert [item["ref"] for item in shop.page("tax-rates").items] == ["zero", "theirs", "uk:A"]


def test_entries_are_known_again_by_the_remotes_id(shop: House) -> None:
    put(shop, ReferenceData(accounts=[account("200", remote_id="r1")]))
    id = shop.id("accounts", "uk:200")
    moved = account("201", remote_id="r1")
    put(shop, ReferenceData(accounts=[moved, account("200", remote_id="r2")]))
    assert shop.get("accounts", "uk:200")["code"] == "201"
    assert shop.id("accounts", "uk:200") == id
    assert sorted(item["code"] for item in shop.page("accounts").items) == ["200", "201"]


def test_codes_that_are_no_refs_get_refs(shop: House) -> None:
    put(shop, ReferenceData(accounts=[account("4 000/é"), account("4-000-é"), account("")]))
    refs = [item["ref"] for item in shop.page("accounts").items]
    assert refs[0] == "uk:4-000--"
    assert len(set(refs)) == 3


def test_an_imported_entry_stays_its_connections(shop: House) -> None:
    put(shop, ReferenceData(accounts=[account("200", remote_id="r1")]))
    given = {"ref": "uk:200", "code": "200", "name": "Sales"}
    shop.saved("accounts", given)
    assert shop.get("accounts", "uk:200")["connection"] == "uk"
    assert shop.problems("accounts", {**given, "connection": "nz"}) == [
        "connection: cannot change: this account came from uk"
    ]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (ReferenceData(), ReferenceData(rates=[rate("STD")])),
        (ReferenceData(rates=[rate("DEF")]), ReferenceData(defaults=Defaults(sales_tax="DEF"))),
    ],
    ids=["the rate", "the default"],
)
def test_totals_are_computed_when_what_was_missing_comes(
    shop: House, first: ReferenceData, then: ReferenceData
) -> None:
    customer = "acme" if then.rates else "plain"
    shop.saved("customers", {"ref": "plain", "name": "Without a rate"})
    put(shop, first)
    shop.saved("invoices", *(invoice(f"i{number}", customer=customer) for number in range(3)))
    assert not document(shop, "i0").totals_known
    shop.events.clear()
    put(shop, then)
    found = document(shop, "i1")
    assert (found.total, found.amount_due, found.totals_known) == (Decimal(12), Decimal(12), True)
    events = [event for _, event in shop.events if event.kind == "invoices"]
    assert [event.record.ref for event in events] == ["i0", "i1", "i2"]
    assert {event.origin for event in events} == {"uk"}
    shop.events.clear()
    put(shop, then)
    assert shop.events == []


# ----------------------------------------------------------------------------------------------- ledger states


def take(house: House, *states: LedgerState) -> None:
    with house.saver(origin="uk") as work:
        house.billing.store.take_ledger_states(work, "invoices", states)


def test_what_the_ledger_says_is_written_and_told_once(shop: House) -> None:
    put(shop, ReferenceData(rates=[rate("STD")]))
    shop.saved("invoices", invoice("a"), invoice("b"))
    shop.events.clear()
    paid = LedgerState(
        id=document(shop, "a").id,
        status="part_paid",
        total=Decimal(12),
        amount_paid=Decimal("5.5"),
        amount_due=Decimal("6.5"),
    )
    same = LedgerState(id=document(shop, "b").id, status="draft", amount_paid=Decimal(0), amount_due=Decimal(12))
    take(shop, paid, same, replace(paid, id="unknown"))
    [(_, event)] = shop.events
    assert set(event.changed) == {"status", "accounting_status", "amount_paid", "amount_due"}
    assert (event.record.ref, event.origin) == ("a", "uk")
    got = shop.get("invoices", "a")
    assert (got["status"], got["accounting_status"]) == ("part_paid", "authorised")
    assert (got["amount_paid"], got["amount_due"], got["total"]) == ("5.50", "6.50", "12.00")
    shop.events.clear()
    take(shop, paid, same)
    assert shop.events == []


def test_a_ledgers_other_total_does_not_become_ours(shop: House) -> None:
    shop.saved("invoices", invoice("a", line_amounts="no_tax"))
    id = document(shop, "a").id
    take(shop, LedgerState(id=id, status="authorised", total=Decimal("10.01"), amount_due=Decimal("10.01")))
    got = shop.get("invoices", "a")
    assert (got["total"], got["amount_due"], got["status"]) == ("10.00", "10.01", "authorised")


def test_nothing_is_due_of_a_voided_one_and_it_is_locked(shop: House) -> None:
    shop.saved("invoices", invoice("a", line_amounts="no_tax"))
    take(shop, LedgerState(id=document(shop, "a").id, status="voided", amount_due=Decimal(10)))
    assert shop.get("invoices", "a")["amount_due"] == "0.00"
    assert shop.problems("invoices", invoice("a", line_amounts="no_tax", reference="x")) == [
        "this invoice is voided: it cannot be changed"
    ]


def test_an_edit_of_a_paid_one_keeps_what_was_paid(shop: House) -> None:
    shop.saved("invoices", invoice("a", line_amounts="no_tax"))
    paid = {"amount_paid": Decimal(4), "amount_due": Decimal(6)}
    take(shop, LedgerState(id=document(shop, "a").id, status="part_paid", **paid))
    lines = [{"description": "A shelf", "unit_price": "12"}]
    shop.saved("invoices", invoice("a", line_amounts="no_tax", lines=lines))
    got = shop.get("invoices", "a")
    assert (got["status"], got["total"], got["amount_paid"], got["amount_due"]) == (
        "part_paid",
        "12.00",
        "4.00",
        "8.00",
    )


# ----------------------------------------------------------------------------------------------------- what imports bring


def bring(house: House, kind: str, *incoming: Incoming, connection: str = "uk") -> Sequence[Saved]:
    with house.saver(origin=connection) as work:
        return house.billing.store.take_records(work, kind, incoming)


def test_names_and_codes_are_found_as_people_compare_them(shop: House) -> None:
    shop.saved("customers", {"ref": "w", "name": "  Bank  WEST Ltd ", "accounts_code": "c100"})
    shop.saved("suppliers", {"ref": "s", "name": "bank west ltd"})
    shop.saved("products", {"ref": "p", "name": "Crème Brûlée", "code": "Book"})
    with shop.database.read() as session:
        find = shop.billing.store.find
        assert find(session, "customers", "uk", "name", ["Bank West ltd"]) == {
            "Bank West ltd": [shop.id("customers", "w")]
        }
        assert find(session, "customers", "uk", "accounts_code", ["C100", "c1"]) == {
            "C100": [shop.id("customers", "w")]
        }
        assert find(session, "products", "uk", "name", ["creme brulee"]) == {"creme brulee": [shop.id("products", "p")]}
        assert find(session, "products", "uk", "code", ["BOOK"]) == {"BOOK": [shop.id("products", "p")]}
        assert find(session, "customers", "uk", "id", [shop.id("suppliers", "s")]) == {}


def test_a_name_is_found_by_what_it_is_now_called(shop: House) -> None:
    shop.saved("customers", {"ref": "acme", "name": "Other"})
    with shop.database.read() as session:
        assert shop.billing.store.find(session, "customers", "uk", "name", ["acme"]) == {}


def test_what_is_brought_is_changed_or_made(shop: House) -> None:
    id = shop.id("customers", "acme")
    shop.events.clear()
    saved = bring(
        shop,
        "customers",
        Incoming(fields={"name": "Bank West Ltd", "connection": "uk"}),
        Incoming(id=id, fields={"email": "new@example.com"}),
        Incoming(fields={"name": "Bank West Ltd", "connection": "uk"}),
        Incoming(fields={"name": "", "connection": "uk"}),
    )
    assert [(one.created, bool(one.problems)) for one in saved] == [
        (True, False),
        (False, False),
        (True, False),
        (False, True),
    ]
    assert saved[0].ref == "uk:Bank-West-Ltd"
    assert saved[2].ref.startswith("uk:Bank-West-Ltd-")
    with shop.database.read() as session:
        found = shop.billing.store.read(session, "customers", [id])[id]
    assert isinstance(found, Customer)
    assert (found.name, found.email, found.sales_tax) == ("Acme", "new@example.com", "STD")
    assert len(shop.told()) == 3


def test_a_new_record_is_called_by_its_code_where_it_has_one(shop: House) -> None:
    fields = {"name": "A book", "code": "BOOK 1/é", "connection": "uk"}
    assert [one.ref for one in bring(shop, "products", Incoming(fields=fields))] == ["uk:BOOK-1-e"]
