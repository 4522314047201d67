"""Sales invoices: what is sent, what is planned, what the answers mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import LedgerState
from host.sync.provider import (
    NOT_LOOKED,
    Blocked,
    Done,
    Finish,
    Gone,
    Look,
    Outdated,
    Prepared,
    Refuse,
    Rejected,
    Send,
    Taken,
    Verb,
    Wanted,
)
from plugins.xero.settings import Preset
from plugins.xero.wire.numbers import loads
from tests.unit.xero.making import (
    LINKS,
    answer,
    customer,
    desk,
    invoice,
    line,
    link,
    nobody,
    planned,
    product,
    provider,
    wish,
)

if TYPE_CHECKING:
    from hookspecs import Document
    from host.sync.provider import Planned

CHECK = (
    "check its first name (missing), last name (missing), email (missing), accounts code (missing) "
    "and Xero contact id (missing), and sync it"
)
LINE = {
    "Description": "Oak shelf",
    "Quantity": "2",
    "UnitAmount": "10.5",
    "ItemCode": "SHELF",
    "AccountCode": "200",
    "TaxType": "OUTPUT2",
}
ELEMENT = {
    "Type": "ACCREC",
    "InvoiceNumber": "INV-0101",
    "Contact": {"ContactID": "contact-1"},
    "Date": "2026-11-20",
    "DueDate": "2026-12-20",
    "LineAmountTypes": "Exclusive",
    "Url": "https://counterfoil.invalid/ab12cd/invoices/i1",
    "CurrencyCode": "GBP",
    "LineItems": [LINE],
}
REPLY = {
    "Type": "ACCREC",
    "InvoiceID": "x",
    "InvoiceNumber": "INV-0101",
    "AmountDue": Decimal("25.20"),
    "AmountPaid": Decimal("0.0"),
    "HasErrors": False,
    "Contact": {"ContactID": "contact-1", "Name": "Harbour Joinery Ltd"},
    "DateString": "2026-11-20T00:00:00",
    "Date": "/Date(1795132800000+0000)/",
    "DueDate": "/Date(1797724800000+0000)/",
    "BrandingThemeID": "theme-0",
    "Url": "https://counterfoil.invalid/ab12cd/invoices/i1",
    "Status": "DRAFT",
    "LineAmountTypes": "Exclusive",
    "LineItems": [
        {
            "Description": "Oak shelf",
            "UnitAmount": Decimal("10.50"),
            "TaxType": "OUTPUT2",
            "TaxAmount": Decimal("4.2"),
            "LineAmount": Decimal("21.0"),
            "ItemCode": "SHELF",
            "AccountCode": "200",
            "Tracking": [],
            "Quantity": Decimal("2.0"),
            "LineItemID": "line-1",
            "ValidationErrors": [],
        }
    ],
    "SubTotal": Decimal("21.0"),
    "TotalTax": Decimal("4.2"),
    "Total": Decimal("25.2"),
    "CurrencyCode": "GBP",
    "CurrencyRate": Decimal("1.0"),
    "StatusAttributeString": "OK",
}


def prepare_one(document: Document, at: Any = None, **of_settings: Any) -> Any:
    [answered] = provider(**of_settings).prepare(at or desk(), "invoices", [wish("invoices", document)])
    return answered


def body_for(document: Document, at: Any = None, **of_settings: Any) -> dict[str, Any]:
    ready = prepare_one(document, at, **of_settings)
    assert isinstance(ready, Prepared), ready
    step = provider(**of_settings).plan(wish("invoices", document), ready, NOT_LOOKED, nobody)
    assert isinstance(step, Send)
    return step.body


def creating(document: Document, at: Any = None) -> Planned:
    ready, of = prepare_one(document, at), wish("invoices", document)
    step = provider().plan(of, ready, NOT_LOOKED, nobody)
    assert isinstance(step, Send)
    return planned(of, step, ready)


# ---------------------------------------------------------------------------------------------------------- preparing


def test_a_new_invoice_is_sent_at_once_under_our_number_with_our_address() -> None:
    assert body_for(invoice()) == {**ELEMENT, "Status": "DRAFT"}


def test_creates_are_put_with_four_decimals_and_judged_each_on_its_own() -> None:
    request = provider().request(
        [creating(invoice(line(unit_price=Decimal("0.3333"), discount_percent=Decimal("12.5"))))]
    )

    assert (request.method, request.path) == ("PUT", "/api.xro/2.0/Invoices")
    assert dict(request.query) == {"summarizeErrors": "false", "unitdp": "4"}
    [sent] = loads(request.body)["Invoices"]
    assert sent["LineItems"][0]["UnitAmount"] == Decimal("0.3333")
    assert sent["LineItems"][0]["DiscountRate"] == Decimal("12.5")


@pytest.mark.parametrize(
    ("ours", "xeros"), [("exclusive", "Exclusive"), ("inclusive", "Inclusive"), ("no_tax", "NoTax")]
)
def test_line_amounts_are_spelled_as_xero_does(ours: str, xeros: str) -> None:
    assert body_for(invoice(line_amounts=ours))["LineAmountTypes"] == xeros


def test_a_document_without_tax_needs_no_rate() -> None:
    sent = body_for(invoice(line(effective_tax_rate=""), line_amounts="no_tax"))

    assert "TaxType" not in sent["LineItems"][0]


@pytest.mark.parametrize("status", ["draft", "submitted", "authorised"])
def test_the_wanted_status_is_sent(status: str) -> None:
    assert body_for(invoice(accounting_status=status))["Status"] == status.upper()


def test_an_approved_one_without_due_date_is_due_at_once_and_says_so() -> None:
    without = invoice(due_date=None)

    assert "DueDate" not in body_for(without)
    approved = prepare_one(replace(without, accounting_status="authorised"))
    assert approved.data.element["DueDate"] == "2026-11-20"
    assert approved.warnings == (
        "it has no due date, which Xero needs to approve it: sent as due on the day of its issue",
    )


@pytest.mark.parametrize(
    ("document", "party", "of_settings", "theme"),
    [
        (invoice(branding_theme="Standard"), customer(), {}, "theme-1"),
        (invoice(), customer(branding_theme="theme-1"), {}, "theme-1"),
        (invoice(), customer(), {"preset": Preset(default_branding_theme="Standard")}, "theme-1"),
        (invoice(), customer(), {}, None),  # Xero takes its own default
    ],
)
def test_the_theme_is_the_documents_then_the_customers_then_the_settings(
    document: Any, party: Any, of_settings: Any, theme: Any
) -> None:
    assert body_for(document, desk(records=[("customers", party)]), **of_settings).get("BrandingThemeID") == theme


def test_a_rate_of_exchange_goes_only_with_a_foreign_currency() -> None:
    assert body_for(invoice(currency="USD", currency_rate=Decimal("1.254300")))["CurrencyRate"] == "1.2543"
    assert "CurrencyRate" not in body_for(invoice(currency="GBP", currency_rate=Decimal(1)))
    assert body_for(invoice(currency=""))["CurrencyCode"] == "GBP"


def test_a_line_names_the_item_by_the_code_that_xero_has_now() -> None:
    renamed = (LINKS[0], link("products", "p1", "item-1", remote_number="SHELF-OAK"))

    assert body_for(invoice(), desk(links=renamed))["LineItems"][0]["ItemCode"] == "SHELF-OAK"
    # It is the same item: the document does not differ from what was agreed.
    assert prepare_one(invoice(), desk(links=renamed)).inputs == prepare_one(invoice()).inputs


def test_a_code_that_was_typed_on_the_line_goes() -> None:
    assert body_for(invoice(line(item_code="BOOK", item="", product="")))["LineItems"][0]["ItemCode"] == "BOOK"


def test_a_line_without_product_goes_as_it_is() -> None:
    sent = body_for(invoice(line(item="", product="")), preset=Preset(default_invoice_item="MISC"))

    assert "ItemCode" not in sent["LineItems"][0]


@pytest.mark.parametrize(
    "links",
    [
        LINKS[:1],  # never sent
        (LINKS[0], link("products", "p1", state="excluded", reason="entities_to_sync does not name products")),
        (LINKS[0], link("products", "p1", "item-9", connection="other")),
    ],
)
def test_a_line_whose_product_is_not_linked_takes_the_default_item(links: Any) -> None:
    at = desk(links=links)

    assert body_for(invoice(), at, preset=Preset(default_invoice_item="MISC"))["LineItems"][0]["ItemCode"] == "MISC"
    blocked = prepare_one(invoice(), at)
    assert isinstance(blocked, Blocked)
    assert blocked.reason.startswith("line 1: ")
    assert blocked.reason.endswith("set default_invoice_item in [plugins.xero]")
    assert blocked.waits_for == ("products", "p1"), "which may be saved with what it lacks"


def test_a_line_whose_product_is_on_its_way_waits_for_it() -> None:
    at = desk(links=(LINKS[0], link("products", "p1", state="sending")))

    assert prepare_one(invoice(), at, preset=Preset(default_invoice_item="MISC")) == Blocked(
        reason="line 1: its product is on its way to Xero", waits_for=("products", "p1")
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"effective_account": ""}, "line 2: it has no account: give one to the line"),
        (
            {"effective_account": "999"},
            "line 2: account 999 is not among the accounts of Acme UK: correct it, or, if it is new in Xero, run counterfoil import accounts",
        ),
        ({"effective_tax_rate": ""}, "line 2: it has no tax rate: give one to the line"),
        (
            {"effective_tax_rate": "OUTPUT"},
            "line 2: tax rate OUTPUT is not among the tax rates of Acme UK: correct it, or, if it is new in Xero, run counterfoil import tax-rates",
        ),
        ({"description": " ", "product": ""}, "line 2: it has no description"),
    ],
)
def test_account_and_tax_are_never_left_to_xero(changes: Any, reason: str) -> None:
    blocked = prepare_one(invoice(line(), replace(line(id="l2"), **changes)))

    assert isinstance(blocked, Blocked)
    assert blocked.reason.startswith(reason)


def test_the_settings_fill_in_account_and_tax() -> None:
    preset = Preset(default_sales_account="260", default_sales_tax="NONE")
    sent = body_for(invoice(line(effective_account="", effective_tax_rate="")), preset=preset)

    assert (sent["LineItems"][0]["AccountCode"], sent["LineItems"][0]["TaxType"]) == ("260", "NONE")


@pytest.mark.parametrize(("of", "text"), [(product(), "Oak shelf"), (product(description="Oiled oak"), "Oiled oak")])
def test_a_line_without_text_shows_its_products(of: Any, text: str) -> None:
    at = desk(records=[("products", of)])

    assert body_for(invoice(line(description="")), at)["LineItems"][0]["Description"] == text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": ""}, "it has no number"),
        ({"number": "INV–7"}, "Xero takes numbers of up to 255 printable ASCII characters, and INV–7 is not one"),
        ({"number": "9" * 256}, "Xero takes numbers of up to 255"),
        ({"lines": ()}, "it has no lines"),
        ({"currency": "JPY"}, "currency JPY is not among the currencies of Acme UK: add it in Xero"),
        ({"branding_theme": "Gone"}, "branding theme Gone is not among the branding themes of Acme UK"),
    ],
)
def test_what_cannot_go_says_why(changes: Any, reason: str) -> None:
    blocked = prepare_one(invoice(**changes))

    assert isinstance(blocked, Blocked)
    assert blocked.reason.startswith(reason)


@pytest.mark.parametrize(
    ("contact", "of_settings", "blocked"),
    [
        (
            link("customers", "c1", state="sending"),
            {},
            Blocked(reason="its customer customer-1 is on its way to Xero", waits_for=("customers", "c1")),
        ),
        (
            link("customers", "c1", state="blocked", reason="email missing"),
            {},
            Blocked(
                reason=f"its customer customer-1 is not in Xero (email missing): {CHECK}", waits_for=("customers", "c1")
            ),
        ),
        (
            link("customers", "c1", "x", connection="other"),
            {"create_missing_contacts": True},
            Blocked(
                reason="its customer customer-1 belongs to connection other, the document to acme",
                waits_for=("customers", "c1"),
            ),
        ),
        (
            None,
            {"create_missing_contacts": True},
            Blocked(reason="its customer customer-1 is sent to Xero first", waits_for=("customers", "c1"), bring=True),
        ),
        (
            link("customers", "c1", state="excluded", reason="not named"),
            {"create_missing_contacts": True},
            Blocked(reason="its customer customer-1 is sent to Xero first", waits_for=("customers", "c1"), bring=True),
        ),
    ],
)
def test_an_invoice_waits_for_its_customer(contact: Any, of_settings: Any, blocked: Blocked) -> None:
    at = desk(links=[one for one in (contact, LINKS[1]) if one], records=[("customers", customer())])

    assert prepare_one(invoice(), at, **of_settings) == blocked


@pytest.mark.parametrize(
    ("contact", "of_settings", "why", "or_else"),
    [
        (None, {}, "it was never sent", ", or set create_missing_contacts = true"),
        (
            link("customers", "c1", state="excluded", reason="entities_to_sync does not name customers"),
            {},
            "entities_to_sync does not name customers",
            ", or set create_missing_contacts = true",
        ),
        (
            link("customers", "c1", state="failed", reason="Email address must be valid."),
            {"create_missing_contacts": True},
            "Email address must be valid.",
            "",
        ),
        (
            link("customers", "c1", state="conflict", reason="another has its name"),
            {},
            "another has its name",
            "",
        ),
    ],
)
def test_an_invoice_of_a_customer_that_is_not_there_says_what_to_check(
    contact: Any, of_settings: Any, why: str, or_else: str
) -> None:
    at = desk(links=[one for one in (contact, LINKS[1]) if one], records=[("customers", customer())])

    blocked = prepare_one(invoice(), at, **of_settings)

    assert blocked == Blocked(
        reason=f"its customer customer-1 is not in Xero ({why}): check its first name (missing), last name (missing), email (missing), "
        "accounts code (missing) and Xero contact id (missing), and sync it" + or_else,
        waits_for=("customers", "c1"),
    )


def test_many_invoices_are_prepared_with_a_few_queries() -> None:
    at = desk()
    provider().prepare(at, "invoices", [wish("invoices", invoice(id=f"i{number}")) for number in range(50)])

    assert at.store.reads == ["catalogue", "customers"]


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"number": "INV-2"}, "number"),
        ({"issue_date": date(2026, 11, 21)}, "issue_date"),
        ({"due_date": None}, "due_date"),
        ({"reference": "PO 7"}, "reference"),
        ({"currency": "USD"}, "currency"),
        ({"line_amounts": "inclusive"}, "line_amounts"),
        ({"accounting_status": "authorised"}, "accounting_status"),
        ({"branding_theme": "Standard"}, "branding_theme"),
        ({"lines": (line(quantity=Decimal(3)),)}, "lines"),
        ({"lines": (line(), line(id="l2"))}, "lines"),
        ({"lines": (line(effective_account="260"),)}, "lines"),
        ({"lines": (line(quantity=Decimal(2)),)}, None),  # 2 and 2.0000 are one number
        ({"status": "part_paid", "amount_paid": Decimal(5)}, None),  # news from Xero is not sent back
    ],
)
def test_equality_notices_every_field_that_is_ours(changes: Any, differs: str | None) -> None:
    before, after = prepare_one(invoice()).inputs, prepare_one(invoice(**changes)).inputs

    assert {name for name in before if before[name] != after[name]} == ({differs} if differs else set())


# ------------------------------------------------------------------------------------------------------------ answers


def test_a_saved_invoice_is_linked_with_its_lines_and_what_the_ledger_says() -> None:
    [done] = provider().answers([creating(invoice())], answer({"Invoices": [REPLY]}))

    assert isinstance(done, Done)
    assert (done.remote_id, done.remote_number) == ("x", "INV-0101")
    assert done.remote_url == "https://go.xero.com/app/!Qj35V/invoicing/view/x"
    assert done.answered["lines"] == [{"id": "l1", "LineItemID": "line-1", "sent": LINE, "got": LINE}]
    assert done.answered["sent"] == {
        name: value for name, value in ELEMENT.items() if name not in {"Type", "InvoiceNumber", "LineItems"}
    }
    assert done.answered["got"]["BrandingThemeID"] == "theme-0"
    assert done.ledger == LedgerState(
        id="i1",
        status="draft",
        total=Decimal("25.2"),
        tax_total=Decimal("4.2"),
        amount_paid=Decimal(0),
        amount_due=Decimal("25.20"),
    )
    assert done.warnings == ()


def test_a_total_that_differs_is_reported_with_both_figures() -> None:
    other = {**REPLY, "Total": Decimal("25.21"), "Warnings": [{"Message": "The currency rate is odd."}]}

    [done] = provider().answers([creating(invoice())], answer({"Invoices": [other]}))
    [unknown] = provider().answers([creating(invoice(totals_known=False))], answer({"Invoices": [other]}))

    assert isinstance(done, Done)
    assert isinstance(unknown, Done)
    assert done.warnings == ("Xero's total is 25.21, ours is 25.20", "Xero: The currency rate is odd.")
    assert unknown.warnings == ("Xero: The currency rate is odd.",)


@pytest.mark.parametrize(
    ("status", "paid", "credited", "ours"),
    [
        ("DRAFT", "0", "0", "draft"),
        ("SUBMITTED", "0", "0", "submitted"),
        ("AUTHORISED", "0", "0", "authorised"),
        ("AUTHORISED", "5", "0", "part_paid"),
        ("AUTHORISED", "0", "5", "part_paid"),
        ("PAID", "25.2", "0", "paid"),
        ("VOIDED", "0", "0", "voided"),
        ("DELETED", "0", "0", "deleted"),
    ],
)
def test_where_it_stands(status: str, paid: str, credited: str, ours: str) -> None:
    reply = {**REPLY, "Status": status, "AmountPaid": Decimal(paid), "AmountCredited": Decimal(credited)}

    [done] = provider().answers([creating(invoice())], answer({"Invoices": [reply]}))

    assert isinstance(done, Done)
    assert done.ledger is not None
    assert done.ledger.status == ours
    assert done.ledger.amount_paid == Decimal(paid) + Decimal(credited)
    assert done.ledger.amount_due == (0 if ours in {"voided", "deleted"} else Decimal("25.20"))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Invoice # must be unique.", Taken),
        ("Organisation is not subscribed to currency USD", Rejected),
        ("Item code 'SHELF' is not valid", Outdated),
    ],
)
def test_refusals(message: str, expected: type) -> None:
    refused = {"InvoiceNumber": "INV-0101", "HasErrors": True, "ValidationErrors": [{"Message": message}]}

    [answered] = provider().answers([creating(invoice())], answer({"Invoices": [refused]}))

    assert type(answered) is expected
    assert isinstance(answered, Rejected | Taken)
    assert answered.reason == message


def test_an_item_that_was_renamed_is_asked_for_by_its_id() -> None:
    create = creating(invoice())
    refused = {
        "InvoiceNumber": "INV-0101",
        "HasErrors": True,
        "ValidationErrors": [{"Message": "Item code 'SHELF' is not valid"}],
    }
    [stale] = provider().answers([create], answer({"Invoices": [refused]}))
    assert isinstance(stale, Outdated)
    look = planned(create.wish, stale.look, create.prepared)

    request = provider().look_request([look])
    looked = provider().look_answer([look], [answer({"Items": [{"ItemID": "item-1", "Code": "SHELF-OAK"}]})])

    assert request.path == "/api.xro/2.0/Items"
    assert dict(request.query)["where"] == 'ItemID==guid("item-1")'
    assert looked.numbers == {("products", "item-1"): "SHELF-OAK"}


def test_a_code_that_nobody_linked_is_simply_wrong() -> None:
    create = creating(invoice(line(item="", item_code="NOPE")))
    refused = {"InvoiceNumber": "INV-0101", "ValidationErrors": [{"Message": "Item code 'NOPE' is not valid"}]}

    [answered] = provider().answers([create], answer({"Invoices": [refused]}))

    assert type(answered) is Rejected


# ----------------------------------------------------------------------------------------------------------- deleting


def deletion(remote: Any, *, record: Any = None) -> Any:
    of = wish("invoices", record, remote_id="x", wanted=Wanted.DELETE)
    return provider().plan(of, Prepared(inputs={}) if record else None, remote, nobody)


def test_deleting_looks_first() -> None:
    assert deletion(NOT_LOOKED) == Look(lane="id", value="x", most=40)


@pytest.mark.parametrize(
    ("remote", "step"),
    [
        ({"Status": "DRAFT"}, Send(lane="update", verb=Verb.DELETE, body={"InvoiceID": "x", "Status": "DELETED"})),
        ({"Status": "SUBMITTED"}, Send(lane="update", verb=Verb.DELETE, body={"InvoiceID": "x", "Status": "DELETED"})),
        (
            {"Status": "AUTHORISED", "AmountPaid": Decimal(0)},
            Send(lane="update", verb=Verb.DELETE, body={"InvoiceID": "x", "Status": "VOIDED"}),
        ),
        ({"Status": "VOIDED"}, Finish(status="voided")),
        ({"Status": "DELETED"}, Finish(status="deleted")),
        (None, Finish(status="deleted")),
        ({"Status": "PAID"}, Refuse(reason="the invoice has payments or credits in Xero: remove them there first")),
        (
            {"Status": "AUTHORISED", "AmountPaid": Decimal(1)},
            Refuse(reason="the invoice has payments or credits in Xero: remove them there first"),
        ),
        (
            {"Status": "AUTHORISED", "AmountCredited": Decimal(1)},
            Refuse(reason="the invoice has payments or credits in Xero: remove them there first"),
        ),
    ],
)
def test_deleting_does_what_the_status_allows(remote: Any, step: Any) -> None:
    assert deletion(remote) == step
    assert deletion(remote, record=invoice()) == step


def test_what_was_never_sent_is_gone_at_once() -> None:
    assert (
        provider().plan(wish("invoices", invoice(), wanted=Wanted.DELETE), Prepared(inputs={}), NOT_LOOKED, nobody)
        == Finish()
    )


def test_deleting_needs_nothing_resolved() -> None:
    of = wish("invoices", invoice(currency="JPY", lines=()), remote_id="x", wanted=Wanted.DELETE)

    assert provider().prepare(desk(), "invoices", [of]) == [Prepared(inputs={})]


@pytest.mark.parametrize(
    ("status", "reply", "expected"),
    [
        ("DELETED", {"InvoiceID": "x", "Status": "DELETED", "StatusAttributeString": "OK"}, Gone(status="deleted")),
        ("VOIDED", {"InvoiceID": "x", "Status": "VOIDED", "AmountDue": Decimal(25)}, Gone(status="voided")),
        (
            "VOIDED",
            {
                "InvoiceID": "x",
                "HasErrors": True,
                "ValidationErrors": [
                    {"Message": "The status VOIDED cannot be applied to the invoice because it has payments"}
                ],
            },
            Rejected(reason="The status VOIDED cannot be applied to the invoice because it has payments"),
        ),
    ],
)
def test_answers_to_deleting(status: str, reply: Any, expected: Any) -> None:
    step = Send(lane="update", verb=Verb.DELETE, body={"InvoiceID": "x", "Status": status})
    of = wish("invoices", invoice(), remote_id="x", wanted=Wanted.DELETE)

    assert provider().answers([planned(of, step)], answer({"Invoices": [reply]})) == [expected]


# ----------------------------------------------------------------------------------------------------------- settling


def test_what_a_lost_create_made_is_found_by_number_and_known_by_its_address() -> None:
    of, sent = wish("invoices", invoice()), {**ELEMENT, "Status": "DRAFT"}
    look = planned(of, provider().mark(of, sent, "ab12cd"))

    request = provider().look_request([look])
    looked = provider().look_answer([look], [answer({"Invoices": [REPLY], "pagination": {"pageCount": 1}})])
    known = provider().recognise(of, sent, looked.found[0], "ab12cd")

    assert dict(request.query)["InvoiceNumbers"] == "INV-0101"
    assert dict(request.query)["page"] == "1"  # without it there are no lines in the answer
    assert isinstance(known, Done)
    assert known.remote_id == "x"
    assert known.answered["lines"][0]["LineItemID"] == "line-1"
    assert known.ledger is not None


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], None),
        ([{**REPLY, "Url": "https://someone.example.com/1"}], Refuse),
        ([{key: value for key, value in REPLY.items() if key != "Url"}], Refuse),  # even where everything else agrees
        ([{**REPLY, "Url": "", "Status": "VOIDED"}], None),  # its number may be free again
        ([{**REPLY, "InvoiceID": "old", "Url": "", "Status": "VOIDED"}, REPLY], Done),
        ([{**REPLY, "Type": "ACCPAY", "Url": ""}], None),  # a bill's number is its own affair
        ([{**REPLY, "InvoiceNumber": "INV-01012"}], None),
    ],
)
def test_only_our_address_makes_it_ours(there: list[Any], expected: type | None) -> None:
    of, sent = wish("invoices", invoice()), {**ELEMENT, "Status": "DRAFT"}
    look = planned(of, provider().mark(of, sent, "ab12cd"))
    looked = provider().look_answer([look], [answer({"Invoices": there})])

    known = provider().recognise(of, sent, looked.found[0], "ab12cd")

    assert (type(known) if known else None) is expected
    assert not isinstance(known, Refuse) or known.conflict


@pytest.mark.parametrize("number", ["7,8", "9" * 255])
def test_a_number_that_does_not_fit_a_list_is_searched_for_by_itself(number: str) -> None:
    of = wish("invoices", invoice(number=number))
    look = provider().mark(of, {**ELEMENT, "InvoiceNumber": number}, "ab12cd")

    assert look == Look(lane="search", value=number, most=1)
    assert dict(provider().look_request([planned(of, look)]).query)["searchTerm"] == number


def test_invoices_are_read_by_ids() -> None:
    looks = [
        planned(wish("invoices", invoice(), remote_id=remote_id), Look(lane="id", value=remote_id))
        for remote_id in ("x", "y")
    ]

    request = provider().look_request(looks)
    looked = provider().look_answer(looks, [answer({"Invoices": [{"InvoiceID": "y"}], "pagination": {"pageCount": 1}})])

    assert dict(request.query)["IDs"] == "x,y"
    assert looked.found == [None, {"InvoiceID": "y"}]
