"""Invoices and bills: sections 4.8 and 4.9 of the API facts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from xero_python.accounting import Contact, CurrencyCode, Invoice, Invoices, LineAmountTypes, LineItem

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox

NOT_FOR_CHANGE = "Invoice not of valid status for modification"
SETTLED = "This document cannot be edited as it has a payment or credit note allocated to it."
LINE_ID_NEEDED = "To update fields on a paid invoice line item, you must supply a LineItemID"


def applied(status: str) -> str:
    return (
        f"The status {status} cannot be applied to the invoice because it has payments or credit notes allocated to it."
    )


def named(invoice: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"InvoiceID": invoice["InvoiceID"]} | changes


def approved(**changes: Any) -> dict[str, Any]:
    """What an approved sales invoice is made from."""
    wanted: dict[str, Any] = {"Type": "ACCREC", "Contact": {"Name": "Harbour"}, "Status": "AUTHORISED"}
    return wanted | {"Date": "2026-01-10", "DueDate": "2026-02-10", "LineItems": [line()]} | changes


# --------------------------------------------------------------------------------------------- the main job, officially


def test_the_official_client_creates_reads_and_changes(sandbox: Sandbox, xero: Official) -> None:
    contact = sandbox.contact()
    wanted = Invoice(
        type="ACCREC",
        contact=Contact(contact_id=contact["ContactID"]),
        invoice_number="CHK-1",
        reference="PO 7741",
        date=date(2026, 1, 10),
        due_date=date(2026, 2, 10),
        currency_code=CurrencyCode.USD,
        line_amount_types=LineAmountTypes.EXCLUSIVE,
        status="AUTHORISED",
        url="https://billing.example/invoices/1",
        line_items=[
            LineItem(description="Oak shelf", quantity=2, unit_amount=10.5, account_code="200", tax_type="OUTPUT2"),
            LineItem(description="Thank you"),
        ],
    )
    created = xero.accounting.create_invoices("", Invoices(invoices=[wanted]), summarize_errors=False).invoices[0]
    read = xero.accounting.get_invoice("", created.invoice_id).invoices[0]
    assert (read.invoice_number, read.reference, read.status) == ("CHK-1", "PO 7741", "AUTHORISED")
    assert (read.date, read.due_date, read.currency_code.value) == (date(2026, 1, 10), date(2026, 2, 10), "USD")
    assert [float(amount) for amount in (read.sub_total, read.total_tax, read.total)] == [21.0, 4.2, 25.2]
    assert (float(read.amount_due), read.url) == (25.2, "https://billing.example/invoices/1")
    first, text = read.line_items
    assert (float(first.quantity), float(first.unit_amount), float(first.line_amount)) == (2.0, 10.5, 21.0)
    assert (first.account_code, first.tax_type, float(first.tax_amount)) == ("200", "OUTPUT2", 4.2)
    assert (text.description, text.quantity, text.account_code) == ("Thank you", None, None)
    change = Invoices(invoices=[Invoice(reference="PO 7742")])
    changed = xero.accounting.update_invoice("", created.invoice_id, change).invoices[0]
    assert (changed.reference, len(changed.line_items)) == ("PO 7742", 2)
    assert changed.line_items[0].line_item_id == first.line_item_id


def test_the_reply_to_a_write_is_as_on_the_wire(sandbox: Sandbox) -> None:
    reply = sandbox.invoice(Reference="PO 7741")
    assert " ".join(reply) == (
        "Type InvoiceID InvoiceNumber Reference Prepayments Overpayments AmountDue AmountPaid SentToContact CurrencyRate"
        " IsDiscounted HasErrors InvoicePaymentServices UpdatedDateUTCString Contact DateString Date DueDateString DueDate"
        " BrandingThemeID Status LineAmountTypes LineItems SubTotal TotalTax Total UpdatedDateUTC CurrencyCode"
    )
    assert " ".join(reply["LineItems"][0]) == (
        "Description UnitAmount TaxType TaxAmount LineAmount AccountCode Tracking Quantity LineItemID AccountID"
        " ValidationErrors"
    )
    read = sandbox.listed("Invoices", page="1")[0]
    added = {"Payments", "CreditNotes", "AmountCredited", "HasAttachments", "InvoiceAddresses"}
    assert set(read) - set(reply) == added
    assert "ValidationErrors" not in read["LineItems"][0]


# ------------------------------------------------------------------------------------------------------------- lines


def test_an_account_and_a_tax_type_come_from_item_and_account(sandbox: Sandbox) -> None:
    sandbox.put("Items", {"Code": "OAK", "Description": "Oak", "SalesDetails": {"UnitPrice": 7, "AccountCode": "260"}})
    (from_item, told, from_account) = sandbox.invoice(
        LineItems=[
            {"ItemCode": "oak", "Quantity": 3},
            {
                "ItemCode": "OAK",
                "Description": "Ash",
                "Quantity": 1,
                "UnitAmount": 9,
                "AccountCode": "200",
                "TaxType": "NONE",
            },
            {"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "270"},
        ]
    )["LineItems"]
    assert (from_item["Description"], from_item["UnitAmount"], from_item["LineAmount"]) == ("Oak", 7.0, 21.0)
    assert (from_item["AccountCode"], from_item["TaxType"]) == ("260", "OUTPUT2")
    assert from_item["Item"]["Code"] == "OAK"
    assert (told["Description"], told["UnitAmount"], told["AccountCode"], told["TaxType"]) == (
        "Ash",
        9.0,
        "200",
        "NONE",
    )
    assert from_account["TaxType"] == "NONE"
    accounts = {account["Code"]: account["AccountID"] for account in sandbox.listed("Accounts")}
    assert [one["AccountID"] for one in (from_item, told, from_account)] == [
        accounts[code] for code in ("260", "200", "270")
    ]
    by_id = {"Description": "x", "UnitAmount": 1, "AccountID": accounts["200"]}
    assert sandbox.invoice(LineItems=[by_id])["LineItems"][0]["AccountCode"] == "200"


@pytest.mark.parametrize(
    ("given", "quantity", "unit", "amount"),
    [
        ({"Quantity": 3, "UnitAmount": 1.5}, 3.0, 1.5, 4.5),
        ({"Quantity": 3, "LineAmount": 100}, 3.0, 33.33, 100.0),
        ({"UnitAmount": 2.5, "LineAmount": 10}, 4.0, 2.5, 10.0),
        ({"UnitAmount": 2.5}, 1.0, 2.5, 2.5),
        ({"LineAmount": 7}, 1.0, 7.0, 7.0),
        ({"Quantity": 3, "UnitAmount": 1.5, "LineAmount": 4.5}, 3.0, 1.5, 4.5),
        ({"Quantity": 1.23456, "UnitAmount": 10}, 1.2346, 10.0, 12.35),
        ({"Quantity": 10, "UnitAmount": 1.005}, 10.0, 1.01, 10.1),
        ({"Quantity": 4, "UnitAmount": 10, "DiscountRate": 12.5}, 4.0, 10.0, 35.0),
        ({"Quantity": 4, "UnitAmount": 10, "DiscountAmount": 7}, 4.0, 10.0, 33.0),
        ({"Quantity": "2", "UnitAmount": "10.00"}, 2.0, 10.0, 20.0),
        ({"Quantity": -1, "UnitAmount": 10}, -1.0, 10.0, -10.0),
    ],
)
def test_the_third_amount_follows_from_two(
    sandbox: Sandbox, given: dict[str, Any], quantity: float, unit: float, amount: float
) -> None:
    wanted = {"Description": "x", "AccountCode": "200"} | given
    kept = sandbox.invoice(Status="DRAFT", LineItems=[wanted])["LineItems"][0]
    assert (kept["Quantity"], kept["UnitAmount"], kept["LineAmount"]) == (quantity, unit, amount)


def test_four_decimals_on_reading_and_writing(sandbox: Sandbox) -> None:
    wanted = approved(LineItems=[line(UnitAmount=0.33333, Quantity=3)])
    (written,) = sandbox.put("Invoices", wanted, unitdp="4")
    assert (written["LineItems"][0]["UnitAmount"], written["SubTotal"]) == (0.3333, 1.0)
    assert sandbox.read("Invoices", written["InvoiceID"])["LineItems"][0]["UnitAmount"] == 0.33
    four = sandbox.get(f"Invoices/{written['InvoiceID']}", unitdp="4")["Invoices"][0]
    assert four["LineItems"][0]["UnitAmount"] == 0.3333


@pytest.mark.parametrize(
    ("types", "rate", "lines", "subtotal", "tax", "total"),
    [
        # The vectors of API facts 4.8, at New Zealand's 15 %.
        ("Inclusive", "NZ", ["541.25"], 470.65, 70.60, 541.25),
        ("Inclusive", "NZ", ["500.00"], 434.78, 65.22, 500.00),
        ("Inclusive", "NZ", ["97.00"], 84.35, 12.65, 97.00),
        ("Inclusive", "NZ", ["89.00"], 77.39, 11.61, 89.00),
        ("Inclusive", "NZ", ["34.90", "34.90"], 60.70, 9.10, 69.80),
        ("Exclusive", "NZ", ["21.00"], 21.00, 3.15, 24.15),
        # Rounded on each line, then summed: 20 % of 0.02 is nothing, three times.
        ("Exclusive", "GB", ["0.02", "0.02", "0.02"], 0.06, 0.00, 0.06),
        ("Exclusive", "GB", ["0.03", "0.03", "0.03"], 0.09, 0.03, 0.12),
        ("NoTax", "GB", ["10.00"], 10.00, 0.00, 10.00),
    ],
)
def test_tax_is_rounded_on_each_line(
    sandbox: Sandbox, types: str, rate: str, lines: list[str], subtotal: float, tax: float, total: float
) -> None:
    added = sandbox.control("POST", "organisations", {"name": "There", "country": rate, "currency": "GBP"})
    token = sandbox.ask_token((added["client_id"], added["client_secret"])).json()["access_token"]
    given = [line(Quantity=1, UnitAmount=amount, TaxType="OUTPUT2") for amount in lines]
    answer = sandbox.call("PUT", "Invoices", approved(LineAmountTypes=types, LineItems=given), token=token)
    invoice = answer.json()["Invoices"][0]
    assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == (subtotal, tax, total)


@pytest.mark.parametrize(("mode", "tax"), [("half_up", 0.03), ("half_even", 0.02)])
def test_rounding_at_the_half_cent_is_a_switch(sandbox: Sandbox, mode: str, tax: float) -> None:
    sandbox.switch(rounding_mode=mode)
    part = {"Name": "VAT", "Rate": 5}
    sandbox.put("TaxRates", {"Name": "Five", "ReportTaxType": "OUTPUT", "TaxComponents": [part]})
    invoice = sandbox.invoice(LineItems=[line(Quantity=1, UnitAmount="0.50", TaxType="TAX001")])
    assert invoice["TotalTax"] == tax


@pytest.mark.parametrize(
    ("lines", "taxes"),
    [
        # Live: overrides that were accepted (API facts 4.8).
        ([("1.00", "0.04"), ("1.00", "0.03"), ("1.00", "0.03")], [0.04, 0.03, 0.03]),
        ([("100.00", "100.00"), ("-99.99", "-99.99")], [100.0, -99.99]),
        ([("5.00", "1.00")], [1.0]),
    ],
)
def test_a_tax_amount_can_be_told(sandbox: Sandbox, lines: list[tuple[str, str]], taxes: list[float]) -> None:
    given = [line(Quantity=1, UnitAmount=amount, TaxAmount=tax) for amount, tax in lines]
    assert [kept["TaxAmount"] for kept in sandbox.invoice(LineItems=given)["LineItems"]] == taxes


def test_discounts_are_added_up(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice(LineItems=[line(DiscountRate=10), line(DiscountAmount=1), line()])
    assert (invoice["IsDiscounted"], invoice["TotalDiscount"], invoice["SubTotal"]) == (True, 3.0, 57.0)
    assert "TotalDiscount" not in sandbox.invoice()


def test_a_total_that_is_sent_is_ignored(sandbox: Sandbox) -> None:
    assert sandbox.invoice(Total=1, SubTotal=1, TotalTax=0, AmountDue=0)["Total"] == 24.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (line(LineAmount=1), "The line total 1.00 does not match the expected line total 20.00"),
        (line(AccountCode="999"), "Account code '999' is not a valid code for this document."),
        (line(AccountCode="610"), "Account code '610' is not a valid code for this document."),
        (line(AccountCode="090"), "Account code '090' is not a valid code for this document."),
        (line(AccountCode="461"), "Account code '461' has been archived, or has been deleted. Each line item must"),
        (line(AccountCode=None), "Account code or ID must be specified for each line item."),
        (line(ItemCode="none"), "Item code 'none' is not valid"),
        (line(TaxType="WRONG"), "The TaxType code 'WRONG' does not exist or is not active."),
        (line(Description=""), "Description must be specified for each line item."),
        (line(Description="x" * 4001), "The line item Description field cannot be longer than 4000 characters."),
        (line(DiscountRate=101), "The discount rate must be between 0 and 100."),
        (line(Tracking=[{"Name": "Region", "Option": "North"}]), "The tracking category 'Region' does not exist."),
        (line(Quantity=1, UnitAmount=10_000_000_000), "The line amount cannot be greater than 9,999,999,999.99."),
    ],
)
def test_lines_that_are_refused(sandbox: Sandbox, change: dict[str, Any], message: str) -> None:
    archived = next(account for account in sandbox.listed("Accounts") if account["Code"] == "461")
    sandbox.post("Accounts", {"AccountID": archived["AccountID"], "Status": "ARCHIVED"})
    told = sandbox.refusals("PUT", "Invoices", approved(LineItems=[change]))
    assert [one for one in told if one.startswith(message)] == told


def test_a_draft_may_lack_accounts_until_it_is_approved(sandbox: Sandbox) -> None:
    draft = sandbox.invoice(Status="DRAFT", LineItems=[line(AccountCode=None)])
    assert "TaxType" not in draft["LineItems"][0]
    for status in ("SUBMITTED", "AUTHORISED"):
        refused = sandbox.refusals("POST", "Invoices", named(draft, Status=status))
        assert refused == ["Account code or ID must be specified for each line item."]


def test_bills_take_no_discounts(sandbox: Sandbox) -> None:
    bill = approved(Type="ACCPAY", LineItems=[line(AccountCode="300", DiscountRate=5)])
    assert sandbox.refusals("PUT", "Invoices", bill) == ["Discounts can only be applied to ACCREC invoices and quotes."]


# ------------------------------------------------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"Type": None}, ["Invoice Type must be specified"]),
        ({"Type": "SALE"}, ["Invoice not of valid type for creation"]),
        ({"Status": "PAID"}, ["Invoice not of valid status for creation"]),
        ({"Status": "VOIDED"}, ["Invoice not of valid status for creation"]),
        ({"Contact": None}, ["A Contact must be specified for this type of transaction"]),
        ({"LineItems": []}, ["One or more line items must be specified"]),
        ({"LineItems": None, "Contact": None}, None),
        ({"InvoiceNumber": "Ä-1"}, ["InvoiceNumber must only contain printable ASCII characters."]),
        ({"Url": "invoices/1"}, ["Url must be an absolute address and must not contain 'xero'."]),
        ({"Url": "https://my.XERO.example/1"}, ["Url must be an absolute address and must not contain 'xero'."]),
        ({"Reference": "x" * 256}, ["The Reference field cannot be longer than 255 characters."]),
        ({"DueDate": None}, ["A due date must be specified to approve this document."]),
        ({"BrandingThemeID": "4b4ca19a-8f6b-411c-bb85-0a6bdf966305"}, ["The branding theme with the specified"]),
    ],
)
def test_invoices_that_are_refused(sandbox: Sandbox, change: dict[str, Any], messages: list[str] | None) -> None:
    wanted = {name: value for name, value in (approved() | change).items() if value is not None}
    told = sandbox.refusals("PUT", "Invoices", wanted)
    if messages is None:
        assert len(told) == 2  # both come together
        return
    assert [one.startswith(message) for one, message in zip(told, messages, strict=True)] == [True]


def test_the_message_for_a_missing_due_date_is_a_switch(sandbox: Sandbox) -> None:
    sandbox.switch(due_date_missing_message="No due date")
    wanted = {name: value for name, value in approved().items() if name != "DueDate"}
    assert sandbox.refusals("PUT", "Invoices", wanted) == ["No due date"]
    assert len(sandbox.put("Invoices", wanted | {"Status": "SUBMITTED"})) == 1


def test_sent_to_contact_needs_approval(sandbox: Sandbox) -> None:
    (draft,) = sandbox.put("Invoices", approved(Status="DRAFT", SentToContact=True), summarizeErrors="false")
    assert (draft["StatusAttributeString"], draft["SentToContact"]) == ("WARNING", False)
    assert draft["Warnings"] == [{"Message": "Only AUTHORISED invoices may have SentToContact updated."}]
    assert sandbox.invoice(SentToContact=True)["SentToContact"] is True


def test_a_bill(sandbox: Sandbox) -> None:
    contact, wanted = {"Name": "Timber Ltd"}, {"Type": "ACCPAY", "InvoiceNumber": "T-77", "Reference": "ignored"}
    bills = [sandbox.invoice(Contact=contact, LineItems=[line(AccountCode="300")], **wanted) for _ in range(2)]
    assert [bill["InvoiceNumber"] for bill in bills] == ["T-77", "T-77"]  # a supplier's number is not unique
    assert bills[0]["Reference"] == ""
    assert "SentToContact" not in bills[0]
    assert bills[0]["LineItems"][0]["TaxType"] == "INPUT2"


# ----------------------------------------------------------------------------------------------------------- numbers


def test_numbers_go_on_though_drafts_are_deleted(sandbox: Sandbox) -> None:
    drafts = [sandbox.invoice(Status="DRAFT") for _ in range(3)]
    assert [draft["InvoiceNumber"] for draft in drafts] == ["INV-0001", "INV-0002", "INV-0003"]
    sandbox.post("Invoices", named(drafts[2], Status="DELETED"))
    assert sandbox.invoice()["InvoiceNumber"] == "INV-0004"
    sandbox.invoice(InvoiceNumber="inv-0005")
    assert sandbox.invoice()["InvoiceNumber"] == "INV-0006"
    # Bills take none of them.
    assert sandbox.invoice(Type="ACCPAY", LineItems=[line(AccountCode="300")])["InvoiceNumber"] == ""


def test_a_sales_number_is_unique(sandbox: Sandbox) -> None:
    sandbox.invoice(InvoiceNumber="A-1")
    assert sandbox.refusals("PUT", "Invoices", approved(InvoiceNumber="a-1")) == ["Invoice # must be unique."]
    other = sandbox.invoice()
    change = named(other, InvoiceNumber="A-1")
    assert sandbox.refusals("POST", "Invoices", change) == ["Invoice # must be unique."]
    both = {"Invoices": [approved(InvoiceNumber="B-1"), approved(InvoiceNumber="B-1")]}
    answer = sandbox.call("PUT", "Invoices", both, query={"summarizeErrors": "false"}).json()["Invoices"]
    assert [one["HasErrors"] for one in answer] == [False, True]


@pytest.mark.parametrize(
    ("reuse", "after_delete", "after_void"),
    [("voided_and_deleted", 200, 200), ("deleted", 200, 400), ("none", 400, 400)],
)
def test_whose_numbers_are_free_again_is_a_switch(
    sandbox: Sandbox, reuse: str, after_delete: int, after_void: int
) -> None:
    sandbox.switch(invoice_number_reuse=reuse)
    sandbox.post("Invoices", named(sandbox.invoice(InvoiceNumber="D-1", Status="DRAFT"), Status="DELETED"))
    sandbox.post("Invoices", named(sandbox.invoice(InvoiceNumber="V-1"), Status="VOIDED"))
    answers = [sandbox.call("PUT", "Invoices", approved(InvoiceNumber=number)) for number in ("D-1", "V-1")]
    assert [answer.status_code for answer in answers] == [after_delete, after_void]


def test_a_post_with_a_known_number_edits(sandbox: Sandbox) -> None:
    first = sandbox.invoice(InvoiceNumber="A-1")
    edited = sandbox.post("Invoices", approved(InvoiceNumber="A-1", Reference="new"))[0]
    assert (edited["InvoiceID"], edited["Reference"]) == (first["InvoiceID"], "new")
    by_address = sandbox.post("Invoices/A-1", {"InvoiceNumber": "A-1", "Reference": "newer"})[0]
    assert (by_address["InvoiceID"], by_address["Reference"]) == (first["InvoiceID"], "newer")
    assert sandbox.get("Invoices/a-1")["Invoices"][0]["Reference"] == "newer"
    sandbox.switch(post_known_invoice_number="refuse")
    refused = sandbox.refusals("POST", "Invoices", approved(InvoiceNumber="A-1"))
    assert refused == ["Invoice # must be unique."]


def test_a_put_never_edits(sandbox: Sandbox) -> None:
    first = sandbox.invoice(InvoiceNumber="A-1")
    refused = sandbox.refusals("PUT", "Invoices", approved(**named(first)))
    assert refused == ["Invoice not of valid status for creation"]


# ----------------------------------------------------------------------------------------------------------- editing


def test_lines_sent_with_ids_are_changed_added_and_removed(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice(LineItems=[line("one"), line("two"), line("three")])
    one, two, three = (kept["LineItemID"] for kept in invoice["LineItems"])
    changed = [{"LineItemID": one, "Description": "first"}, {"LineItemID": three, "Quantity": 3}, line("four")]
    after = sandbox.post("Invoices", named(invoice, LineItems=changed))[0]["LineItems"]
    assert [kept["Description"] for kept in after] == ["first", "three", "four"]
    assert [kept["LineItemID"] for kept in after[:2]] == [one, three]
    assert after[2]["LineItemID"] not in {one, two, three}
    assert (after[0]["LineAmount"], after[1]["LineAmount"], after[1]["TaxAmount"]) == (20.0, 30.0, 6.0)


def test_lines_without_ids_replace_all_of_them(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice(LineItems=[line("one"), line("two")])
    before = {kept["LineItemID"] for kept in invoice["LineItems"]}
    after = sandbox.post("Invoices", named(invoice, LineItems=[line("one"), line("two")]))[0]["LineItems"]
    assert len(after) == 2
    assert before.isdisjoint(kept["LineItemID"] for kept in after)


def test_lines_that_are_not_sent_stay(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice(LineItems=[line("one"), line("two")])
    after = sandbox.post("Invoices", named(invoice, Reference="x"))[0]
    assert [kept["LineItemID"] for kept in after["LineItems"]] == [kept["LineItemID"] for kept in invoice["LineItems"]]
    assert (after["Total"], after["DueDateString"]) == (invoice["Total"], invoice["DueDateString"])


def test_a_line_changed_in_its_text_keeps_its_amounts_to_the_digit(sandbox: Sandbox) -> None:
    (invoice,) = sandbox.put(
        "Invoices", approved(LineItems=[line(UnitAmount=0.3333, Quantity=3, TaxAmount=0.5)]), unitdp="4"
    )
    kept = invoice["LineItems"][0]
    sandbox.post("Invoices", named(invoice, LineItems=[{"LineItemID": kept["LineItemID"], "Description": "other"}]))
    after = sandbox.get(f"Invoices/{invoice['InvoiceID']}", unitdp="4")["Invoices"][0]["LineItems"][0]
    assert (after["Description"], after["UnitAmount"], after["TaxAmount"]) == ("other", 0.3333, 0.5)


def test_other_line_amount_types_tax_the_lines_anew(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    totals = {}
    for types in ("Inclusive", "NoTax", "Exclusive"):
        after = sandbox.post("Invoices", named(invoice, LineAmountTypes=types))[0]
        totals[types] = (after["SubTotal"], after["TotalTax"], after["Total"])
    assert totals == {"Inclusive": (16.67, 3.33, 20.0), "NoTax": (20.0, 0.0, 20.0), "Exclusive": (20.0, 4.0, 24.0)}


# ---------------------------------------------------------------------------------------------------- status machine

ALLOWED = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"SUBMITTED", "DRAFT", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
    "PAID": {"PAID"},
    "VOIDED": set[str](),
    "DELETED": set[str](),
}


def in_status(sandbox: Sandbox, status: str) -> dict[str, Any]:
    if status in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        return sandbox.invoice(Status=status)
    if status == "PAID":
        invoice = sandbox.invoice()
        sandbox.payment(invoice, "24")
        return invoice
    before = sandbox.invoice(Status="AUTHORISED" if status == "VOIDED" else "DRAFT")
    return sandbox.post("Invoices", named(before, Status=status))[0]


@pytest.mark.parametrize("current", sorted(ALLOWED))
@pytest.mark.parametrize("wanted", sorted(ALLOWED))
def test_status_machine(sandbox: Sandbox, current: str, wanted: str) -> None:
    invoice = in_status(sandbox, current)
    assert sandbox.read("Invoices", invoice["InvoiceID"])["Status"] == current
    if wanted in ALLOWED[current]:
        assert sandbox.post("Invoices", named(invoice, Status=wanted))[0]["Status"] == wanted
        return
    settled = current == "PAID" and wanted in ("VOIDED", "DRAFT", "SUBMITTED", "AUTHORISED")
    refused = sandbox.refusals("POST", "Invoices", named(invoice, Status=wanted))
    assert refused == [applied(wanted) if settled else NOT_FOR_CHANGE]
    assert sandbox.read("Invoices", invoice["InvoiceID"])["Status"] == current


def test_a_refused_deletion_is_echoed(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    batch = {"Invoices": [named(invoice, Status="DELETED")]}
    (echo,) = sandbox.call("POST", "Invoices", batch, query={"summarizeErrors": "false"}).json()["Invoices"]
    assert (echo["StatusAttributeString"], echo["Status"], echo["HasErrors"]) == ("ERROR", "DELETED", True)
    assert (echo["InvoiceID"], echo["ValidationErrors"]) == (invoice["InvoiceID"], [{"Message": NOT_FOR_CHANGE}])
    assert not {"InvoiceNumber", "AmountDue"} & set(echo)


def test_a_voided_invoice_keeps_its_figures(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice(InvoiceNumber="V-1")
    reply = sandbox.post("Invoices", named(invoice, Status="VOIDED"))[0]
    assert (reply["InvoiceNumber"], reply["Total"], reply["AmountDue"], len(reply["LineItems"])) == (
        "V-1",
        24.0,
        24.0,
        1,
    )
    assert sandbox.listed("Invoices", page="1")[0]["AmountDue"] == 0.0


def test_voiding_again_is_a_switch(sandbox: Sandbox) -> None:
    voided = in_status(sandbox, "VOIDED")
    sandbox.switch(void_again="accept")
    assert sandbox.post("Invoices", named(voided, Status="VOIDED"))[0]["Status"] == "VOIDED"


def test_nothing_left_to_pay_is_paid(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice(LineItems=[line(UnitAmount=0)])
    assert (invoice["Status"], invoice["Total"]) == ("PAID", 0.0)


# ------------------------------------------------------------------------------------------- editing what is settled


@pytest.mark.parametrize("paid", ["4", "24"])
@pytest.mark.parametrize("kind", ["ACCREC", "ACCPAY"])
@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"DueDate": "2026-03-01"}, True),
        ({"InvoiceNumber": "NEW-1"}, True),
        ({"Url": "https://billing.example/1"}, True),
        ({"Contact": {"Name": "Somebody else"}}, True),
        ({"Date": "2026-01-11"}, False),
        ({"CurrencyCode": "USD"}, False),
        ({"LineAmountTypes": "Inclusive"}, False),
        ({"line": {"Description": "other"}}, True),
        ({"line": {"AccountCode": "860"}}, True),
        ({"line": {"Quantity": 3}}, False),
        ({"line": {"UnitAmount": 11}}, False),
        ({"line": {"TaxType": "EXEMPTOUTPUT"}}, False),
        ({"LineItems": [line("new")]}, None),
    ],
)
def test_what_may_change_once_money_is_applied(
    sandbox: Sandbox, paid: str, kind: str, change: dict[str, Any], allowed: bool | None
) -> None:
    # A liability account, which takes the tax types of sales and purchases alike.
    invoice = sandbox.invoice(Type=kind, LineItems=[line(AccountCode="877", TaxType="NONE", UnitAmount=12)])
    sandbox.payment(invoice, paid)
    sent = dict(change)
    if "line" in sent:
        sent["LineItems"] = [sent.pop("line") | {"LineItemID": invoice["LineItems"][0]["LineItemID"]}]
    if allowed:
        assert len(sandbox.post("Invoices", named(invoice, **sent))) == 1
        return
    message = LINE_ID_NEEDED if allowed is None else SETTLED
    assert sandbox.refusals("POST", "Invoices", named(invoice, **sent)) == [message]


def test_references_and_planned_dates_of_settled_documents(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    bill = sandbox.invoice(Type="ACCPAY", LineItems=[line(AccountCode="300")])
    for document in (invoice, bill):
        sandbox.payment(document, "1")
    assert sandbox.post("Invoices", named(invoice, Reference="new"))[0]["Reference"] == "new"
    planned = {"PlannedPaymentDate": "2026-03-01"}
    assert len(sandbox.post("Invoices", named(bill, **planned))) == 1
    assert sandbox.refusals("POST", "Invoices", named(invoice, **planned)) == [SETTLED]


def test_sending_a_settled_document_as_it_is_changes_nothing(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    sandbox.payment(invoice, "4")
    same = {name: invoice[name] for name in ("Date", "DueDate", "LineAmountTypes", "CurrencyCode", "InvoiceNumber")}
    kept = {
        name: invoice["LineItems"][0][name]
        for name in ("LineItemID", "Quantity", "UnitAmount", "TaxType", "AccountCode")
    }
    assert len(sandbox.post("Invoices", named(invoice, **same, LineItems=[kept]))) == 1


def test_some_changes_of_settled_documents_do_not_show_in_the_stamp(sandbox: Sandbox) -> None:
    invoice = sandbox.invoice()
    sandbox.payment(invoice, "4")
    before = sandbox.read("Invoices", invoice["InvoiceID"])["UpdatedDateUTC"]
    for change in ({"DueDate": "2026-03-01"}, {"SentToContact": True}):
        sandbox.post("Invoices", named(invoice, **change))
        assert sandbox.read("Invoices", invoice["InvoiceID"])["UpdatedDateUTC"] == before
    sandbox.post("Invoices", named(invoice, Reference="x"))
    assert sandbox.read("Invoices", invoice["InvoiceID"])["UpdatedDateUTC"] > before


# -------------------------------------------------------------------------------------------------------- lock dates


def test_nothing_is_written_on_or_before_a_lock_date(sandbox: Sandbox) -> None:
    old = sandbox.invoice(Date="2026-01-31")
    sandbox.organisation(period_lock_date="2026-01-31")
    message = "The document date cannot be before the period lock date, currently set at 2026-01-31"
    assert sandbox.refusals("PUT", "Invoices", approved(Date="2026-01-31")) == [message]
    for change in ({"Reference": "x"}, {"Status": "VOIDED"}, {"Date": "2026-02-01"}):
        assert sandbox.refusals("POST", "Invoices", named(old, **change)) == [message]
    fresh = sandbox.invoice(Date="2026-02-01")
    assert sandbox.refusals("POST", "Invoices", named(fresh, Date="2026-01-01")) == [message]
    paid = {"Invoice": {"InvoiceID": fresh["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1, "Date": "2026-01-31"}
    assert sandbox.refusals("PUT", "Payments", paid) == [message]
    sandbox.organisation(actions={"ApproveTransactionsBeforePeriodLockDate": True})
    assert len(sandbox.post("Invoices", named(old, Reference="x"))) == 1
    sandbox.organisation(end_of_year_lock_date="2026-01-31")
    (told,) = sandbox.refusals("POST", "Invoices", named(old, Reference="y"))
    assert told.startswith("The document date cannot be before the end of year lock date")
