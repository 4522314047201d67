"""Invoices: lines, totals, numbers, what is inherited, and what may not be."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from hookspecs import BadQuery, Defaults, Document, ListQuery, ReferenceData
from plugins.core_billing.assembly import Billing
from plugins.core_billing.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.core_billing.conftest import House

DAY = "2026-11-22"


@pytest.fixture
def shop(house: House) -> House:
    house.saved("customers", {"ref": "acme", "name": "Acme", "sales_tax": "STD", "currency": "GBP"})
    house.saved("product-groups", {"ref": "wood", "name": "Wood", "sales_account": "200"})
    house.saved(
        "products",
        {"ref": "shelf", "name": "Shelf", "group": "wood"},
        {"ref": "book", "name": "Book", "sales_tax": "ZERO", "sales_account": "260"},
        {"ref": "small-shelf", "name": "Small shelf", "parent": "shelf"},
    )
    house.saved(
        "tax-rates",
        {"ref": "std", "code": "STD", "name": "Standard", "rate": "20"},
        {"ref": "zero", "code": "ZERO", "name": "Zero", "rate": "0"},
    )
    house.told()
    return house


def invoice(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ref": "i", "customer": "acme", "issue_date": DAY, "lines": list(lines), **more}


def line(price: str = "10.50", **more: Any) -> dict[str, Any]:
    return {"description": "A shelf", "quantity": "2", "unit_price": price, **more}


def shown(house: House, *names: str, ref: str = "i") -> list[Any]:
    got = house.get("invoices", ref)
    return [got[name] for name in names]


def test_an_invoice_reads_back_whole(shop: House) -> None:
    shop.tracks(Region="Region")
    shop.saved(
        "invoices",
        invoice(
            line(product="shelf", discount_percent="10", tracking={"Region": "North"}),
            due_date="2026-12-22",
            currency_rate="1.25",
        ),
    )
    got = shop.get("invoices", "i")
    line_id = got["lines"][0].pop("id")
    assert len(line_id) == 32
    assert got == {
        "id": shop.id("invoices", "i"),
        "ref": "i",
        "number": "INV-00001",
        "customer": "acme",
        "issue_date": DAY,
        "due_date": "2026-12-22",
        "currency": "GBP",
        "currency_rate": "1.25",
        "reference": "",
        "line_amounts": "exclusive",
        "accounting_status": "draft",
        "branding_theme": "",
        "lines": [
            {
                "product": "shelf",
                "charge_rate": "",
                "item_code": "",
                "description": "A shelf",
                "quantity": "2",
                "unit_price": "10.50",
                "discount_percent": "10",
                "account": "",
                "tax_rate": "",
                "tracking": {"Region": "North"},
                "time_entries": [],
                "effective": {
                    "account": "200",
                    "account_from": "group",
                    "tax_rate": "STD",
                    "tax_rate_from": "customer",
                },
            }
        ],
        "status": "draft",
        "status_reason": "",
        "subtotal": "18.90",
        "tax_total": "3.78",
        "total": "22.68",
        "amount_paid": "0.00",
        "amount_due": "22.68",
        "totals_known": True,
    }


def test_what_reads_back_may_be_put_back(shop: House) -> None:
    shop.tracks(Region="Region")
    shop.saved("invoices", invoice(line(product="shelf"), line("1.375", tracking={"Region": "North"})))
    shop.told()
    [answer] = shop.saved("invoices", shop.get("invoices", "i"))
    assert (answer.changed, shop.told()) == (False, [])
    [answer] = shop.saved("invoices", invoice(line(product="shelf"), line("1.3750", tracking={"Region": "North"})))
    assert (answer.changed, shop.told()) == (False, [])


@pytest.mark.parametrize(
    ("mode", "totals"),
    [
        ("exclusive", ["21.00", "4.20", "25.20"]),
        ("inclusive", ["17.50", "3.50", "21.00"]),
        ("no_tax", ["21.00", "0.00", "21.00"]),
    ],
)
def test_totals(shop: House, mode: str, totals: list[str]) -> None:
    shop.saved("invoices", invoice(line(), line_amounts=mode))
    assert shown(shop, "subtotal", "tax_total", "total") == totals
    shop.saved("invoices", invoice(line(), line_amounts="no_tax"))
    assert shown(shop, "total", "amount_due") == ["21.00", "21.00"]


def test_where_rates_and_accounts_come_from(shop: House) -> None:
    with shop.saver(origin="uk") as work:
        shop.billing.store.put_reference(
            work, "uk", ReferenceData(defaults=Defaults(sales_account="990", sales_tax="STD"))
        )
    shop.saved("customers", {"ref": "other", "name": "Other"})
    shop.saved(
        "invoices",
        invoice(
            line(product="book", account="270", tax_rate="STD"),
            line(product="book"),
            line(product="shelf"),
            line(product="small-shelf"),
            line(),
        ),
        invoice(line(), ref="o", customer="other"),
    )
    found = [list(one["effective"].values()) for one in shop.get("invoices", "i")["lines"]]
    assert found == [
        ["270", "line", "STD", "line"],
        ["260", "product", "ZERO", "product"],
        ["200", "group", "STD", "customer"],
        ["200", "group", "STD", "customer"],
        ["990", "connection", "STD", "customer"],
    ]
    assert list(shop.get("invoices", "o")["lines"][0]["effective"].values()) == [
        "990",
        "connection",
        "STD",
        "connection",
    ]
    record = shop.events[-2][1].record
    assert isinstance(record, Document)
    assert [
        one.item == shop.id("products", ref)
        for one, ref in zip(record.lines[1:4], ("book", "shelf", "shelf"), strict=True)
    ] == [True] * 3
    assert record.lines[3].product == shop.id("products", "small-shelf")


def test_what_is_inherited_is_taken_when_it_is_read(shop: House) -> None:
    shop.saved("invoices", invoice(line(product="shelf")))
    shop.told()
    shop.saved("product-groups", {"ref": "wood", "name": "Wood", "sales_account": "205"})
    shop.saved("products", {"ref": "shelf", "sales_tax": "ZERO"}, partial=True)
    assert [ref for kind, ref, _ in shop.told() if kind == "invoices"] == []
    got = shop.get("invoices", "i")
    assert list(got["lines"][0]["effective"].values()) == ["205", "group", "ZERO", "product"]
    assert (got["tax_total"], got["total"], got["amount_due"]) == ("0.00", "21.00", "21.00")


def test_a_rate_that_changes_leaves_what_is_billed_as_it_is(shop: House) -> None:
    shop.saved("invoices", invoice(line()))
    shop.saved("tax-rates", {"ref": "std", "rate": "25"}, partial=True)
    assert shown(shop, "tax_total") == ["4.20"]
    shop.saved("invoices", invoice(line(), reference="edited"))
    assert shown(shop, "tax_total") == ["5.25"]


def test_an_unknown_rate_is_allowed_and_computed_once_it_is_known(shop: House) -> None:
    shop.saved("invoices", invoice(line(tax_rate="LATER"), line()))
    assert shown(shop, "subtotal", "tax_total", "total", "totals_known") == ["42.00", "4.20", "46.20", False]
    shop.told()
    shop.saved("tax-rates", {"ref": "later", "code": "LATER", "name": "L", "rate": "10"})
    assert shop.told() == [("tax-rates", "later", "created"), ("invoices", "i", "updated")]
    assert shown(shop, "subtotal", "tax_total", "total", "totals_known") == ["42.00", "6.30", "48.30", True]
    assert shop.page("invoices", filters={"totals_known": "true"}).total == 1


# ------------------------------------------------------------------------------------------------------- lines


def ids(house: House) -> list[str]:
    return [one["id"] for one in house.get("invoices", "i")["lines"]]


def test_lines_keep_who_they_are(shop: House) -> None:
    a, b, c = (line(description=text) for text in "abc")
    shop.saved("invoices", invoice(a, b, c))
    first, second, third = ids(shop)
    shop.saved("invoices", invoice(a, {**b, "quantity": "7"}, c))
    assert ids(shop) == [first, second, third]
    shop.saved("invoices", invoice(c, a))
    assert ids(shop) == [third, first]
    shop.saved("invoices", invoice({**a, "id": first, "description": "changed"}, b))
    assert ids(shop)[0] == first
    assert ids(shop)[1] not in {first, second, third}
    assert [one["description"] for one in shop.get("invoices", "i")["lines"]] == ["changed", "b"]


@contextmanager
def noted_writes(house: House) -> Iterator[Counter[str]]:
    """How many rows of each table are written."""
    written: Counter[str] = Counter()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            table = re.search(r"core_billing_\w+", statement)
            written[table.group() if table else statement] += len(parameters) if many else 1

    event.listen(house.database.engine, "before_cursor_execute", note)
    yield written
    event.remove(house.database.engine, "before_cursor_execute", note)


def test_one_changed_line_is_one_changed_row(shop: House) -> None:
    shop.saved("invoices", invoice(*(line(description=text) for text in "abc")))
    before = shop.get("invoices", "i")["lines"]
    shop.told()
    shop.events.clear()
    edited = [*before[:1], {**before[1], "unit_price": "11"}, *before[2:]]
    with noted_writes(shop) as written:
        shop.saved("invoices", {"ref": "i", "lines": edited}, partial=True)
    assert written == {"core_billing_documents": 1, "core_billing_lines": 1}
    [(_, told)] = shop.events
    assert told.changed == {"lines", "subtotal", "tax_total", "total", "amount_due"}
    after = shop.get("invoices", "i")["lines"]
    assert [one["unit_price"] for one in after] == ["10.50", "11.00", "10.50"]
    assert [one["id"] for one in after] == [one["id"] for one in before]


def test_a_patch_without_lines_keeps_them(shop: House) -> None:
    shop.saved("invoices", invoice(line(), line()))
    kept = ids(shop)
    shop.saved("invoices", {"ref": "i", "reference": "PO 1"}, partial=True)
    assert ids(shop) == kept
    shop.saved("invoices", {"ref": "i", "lines": []}, partial=True)
    assert shown(shop, "lines", "total") == [[], "0.00"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([{"product": "nil"}], "lines.0.product: there is no product with the ref nil"),
        ([{}, {"charge_rate": "x"}], "lines.1.charge_rate: there is no charge rate with the ref x"),
        ([{"time_entries": ["t"]}], "lines.0.time_entries.0: there is no time entry with the ref t"),
        (
            [{"quantity": "9999999999", "unit_price": "9999999999"}],
            "lines.0: its amount 99,999,999,980,000,000,001.00 is too large: accepted is up to 9,999,999,999.99",
        ),
        ([{"unit_price": "9999999999"}] * 11, "lines: their total is too large: accepted is up to 99,999,999,999.99"),
    ],
)
def test_lines_that_cannot_be_kept(shop: House, lines: list[dict[str, Any]], problem: str) -> None:
    assert shop.problems("invoices", invoice(*lines)) == [problem]
    assert (shop.page("invoices").total, shop.told()) == (0, [])


def test_a_line_of_another_document_is_refused(shop: House) -> None:
    shop.saved("invoices", invoice(line()), invoice(line(), ref="j"))
    [other] = shop.get("invoices", "j")["lines"]
    assert shop.problems("invoices", invoice({**line(), "id": other["id"]})) == [
        f"lines.0.id: this document has no line {other['id']}: leave the id out for a new line"
    ]


def test_ids_of_a_new_documents_lines_are_ours(shop: House) -> None:
    shop.saved("invoices", invoice(line(id="theirs")))
    assert ids(shop) != ["theirs"]


# ------------------------------------------------------------------------------------- connections and codes


@pytest.mark.row("H-134", part="api")
@pytest.mark.row("H-135", part="api")
def test_products_are_of_the_customers_connection_or_of_none(shop: House) -> None:
    shop.saved("customers", {"ref": "uk", "name": "U", "connection": "uk"})
    shop.saved(
        "products", {"ref": "nz", "name": "N", "connection": "nz"}, {"ref": "ours", "name": "O", "connection": "uk"}
    )
    assert shop.problems("invoices", invoice(line(product="nz"), customer="uk")) == [
        "lines.0.product: nz belongs to nz, the customer to uk"
    ]
    shop.saved("invoices", invoice(line(product="ours"), line(product="shelf"), customer="uk"))


def rates(house: House, *rows: tuple[str, str, str]) -> None:
    house.saved(
        "tax-rates",
        *(
            {"ref": f"{connection}-{code}-{rate}", "code": code, "name": code, "rate": rate, "connection": connection}
            for connection, code, rate in rows
        ),
    )


def test_codes_are_the_connections_own_first(shop: House) -> None:
    rates(shop, ("uk", "STD", "17.5"), ("nz", "STD", "15"))
    shop.saved(
        "customers", *({"ref": key, "name": key, "connection": key, "sales_tax": "STD"} for key in ("uk", "nz", "au"))
    )
    shop.saved("invoices", *(invoice(line("100"), ref=key, customer=key) for key in ("uk", "nz", "au")))
    assert [shown(shop, "tax_total", ref=key) for key in ("uk", "nz", "au")] == [["35.00"], ["30.00"], ["40.00"]]


def test_a_code_that_could_mean_two_is_refused(shop: House) -> None:
    rates(shop, ("", "TWICE", "1"), ("", "TWICE", "2"))
    shop.saved("accounts", *({"ref": ref, "code": "200", "name": ref} for ref in "ab"))
    assert shop.problems("invoices", invoice(line(product="shelf", tax_rate="TWICE"))) == [
        "lines.0.tax_rate: TWICE could be any of 2: their codes must differ",
        "lines.0.account: 200 (from the group) could be any of 2: their codes must differ",
    ]


def test_without_a_name_the_only_connection_is_the_one(shop: House) -> None:
    rates(shop, ("uk", "NEW", "10"), ("nz", "NEW", "15"))
    with shop.saver(origin="uk") as work:
        shop.billing.store.put_reference(work, "uk", ReferenceData(accounts=[]))
    shop.saved("invoices", invoice(line("100", tax_rate="NEW")))
    assert shown(shop, "tax_total") == ["20.00"]


def test_with_several_the_one_that_keeps_the_customer_is_the_one(shop: House) -> None:
    rates(shop, ("uk", "NEW", "10"), ("nz", "NEW", "15"))
    for key in ("uk", "nz"):
        with shop.saver(origin=key) as work:
            shop.billing.store.put_reference(work, key, ReferenceData(accounts=[]))
    shop.saved("invoices", invoice(line("100", tax_rate="NEW")))
    assert shown(shop, "totals_known") == [False]
    shop.held["acme"] = {"nz"}
    assert shown(shop, "totals_known", "tax_total") == [True, "30.00"]


def test_an_invoice_that_is_kept_cannot_go_to_a_customer_of_another_connection(shop: House) -> None:
    shop.saved("customers", *({"ref": key, "name": key, "connection": key} for key in ("uk", "nz")))
    shop.saved("invoices", invoice(line(), customer="uk"))
    shop.saved("invoices", invoice(line(), customer="nz"))
    shop.held["i"] = {"nz"}
    assert shop.problems("invoices", invoice(line(), customer="uk")) == [
        "customer: cannot change to one of another connection: already kept in nz"
    ]


# ------------------------------------------------------------------------------------------ numbers and status


def test_numbers_are_the_callers_or_counted(shop: House) -> None:
    shop.saved(
        "invoices",
        invoice(ref="a", number="INV-00002"),
        invoice(ref="b"),
        invoice(ref="c"),
        invoice(ref="d", number="X 1"),
    )
    assert [shown(shop, "number", ref=ref)[0] for ref in "abcd"] == ["INV-00002", "INV-00001", "INV-00003", "X 1"]
    shop.saved("invoices", invoice(ref="b", reference="edited"))
    assert shown(shop, "number", ref="b") == ["INV-00001"]


def test_a_number_is_given_once(shop: House) -> None:
    shop.saved("invoices", invoice(ref="a", number="N1"))
    assert shop.problems(
        "invoices", invoice(ref="b", number="N1"), invoice(ref="c", number="N2"), invoice(ref="d", number="N2")
    ) == [
        "number: N1 is already the number of invoice a",
        "number: N2 is already the number of invoice c",
    ]
    assert shop.page("invoices").total == 2


def test_numbers_count_on_after_what_was_rolled_back(shop: House) -> None:
    def save_and_fail() -> None:
        with shop.saver() as work:
            shop.billing.invoices.put(work, [invoice(ref="a"), invoice(ref="b")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        save_and_fail()
    shop.saved("invoices", invoice())
    assert shown(shop, "number") == ["INV-00001"]


@pytest.mark.row("H-95", part="api")
@pytest.mark.row("H-96", part="api")
def test_the_wanted_status_comes_from_the_settings_and_never_goes_back(shop: House) -> None:
    shop.billing = Billing(
        shop._holders, Settings(default_accounting_status="submitted", invoice_number_format="R{number}")
    )
    shop.saved("invoices", invoice())
    assert shown(shop, "accounting_status", "status", "number") == ["submitted", "submitted", "R1"]
    shop.saved("invoices", invoice(accounting_status="authorised"))
    assert shown(shop, "accounting_status", "status") == ["authorised", "authorised"]
    shop.saved("invoices", invoice(reference="put again without a status"))
    assert shown(shop, "accounting_status") == ["authorised"]
    assert shop.problems("invoices", invoice(accounting_status="draft")) == [
        "accounting_status: cannot go back from authorised to draft"
    ]


def test_the_currency_is_the_customers_unless_said(shop: House) -> None:
    shop.saved("invoices", invoice(ref="a"), invoice(ref="b", currency="EUR"))
    assert [shown(shop, "currency", ref=ref) for ref in "ab"] == [["GBP"], ["EUR"]]


# ----------------------------------------------------------------------------------------------------- listing


def test_lists_of_invoices(shop: House) -> None:
    shop.saved("customers", {"ref": "other", "name": "O"})
    shop.saved(
        "invoices",
        invoice(line("1"), ref="a", number="A", issue_date="2026-01-01", due_date="2026-02-01"),
        invoice(line("3"), ref="b", number="B", issue_date="2026-01-03", customer="other"),
        invoice(line("2"), ref="c", number="C", issue_date="2026-01-02", reference="PO 77"),
    )

    def refs(**query: Any) -> str:
        return "".join(item["ref"] for item in shop.page("invoices", **query).items)

    assert refs(sort="issue_date") == "acb"
    assert refs(sort="-total") == "bca"
    assert refs(filters={"customer": "acme"}, sort="-issue_date") == "ca"
    assert refs(filters={"issue_date_from": "2026-01-02", "issue_date_to": "2026-01-02"}) == "c"
    assert refs(filters={"due_date": "2026-02-01"}) == "a"
    assert refs(filters={"status": "paid"}) == ""
    assert refs(q="po 77") == "c"
    with pytest.raises(BadQuery, match="issue_date must be a date such as 2026-11-22, not 'soon'"):
        refs(filters={"issue_date": "soon"})


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sort": "issue_date"},
        {"sort": "-due_date"},
        {"sort": "-total"},
        {"sort": "number"},
        {"filters": {"status": "draft"}, "sort": "-issue_date"},
        {"filters": {"customer": "acme"}, "sort": "-issue_date"},
    ],
)
def test_no_page_sorts_all_invoices(
    sqlite_house: House, query: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page comes straight out of an index, so a hundred thousand invoices cost it nothing."""
    monkeypatch.setattr("plugins.core_billing.listing.FEW", 0)  # so that one invoice counts as many
    sqlite_house.saved("customers", {"ref": "acme", "name": "Acme"})
    sqlite_house.saved("invoices", invoice())
    plans: list[str] = []
    with sqlite_house.database.read() as session:
        connection = session.connection()

        def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            if statement.startswith("SELECT") and "LIMIT" in statement:
                plans.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

        event.listen(connection, "before_cursor_execute", explain)
        sqlite_house.billing.invoices.list(session, ListQuery(**query))
    assert plans
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN core_billing_documents ") for step in plans), plans
