"""Updating an invoice: three versions compared, and Xero's rules on what may still change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from host.sync.provider import NOT_LOOKED, Agreed, Done, Look, Refuse, Send, Verb
from plugins.xero.lines import line_ids
from tests.unit.xero.making import answer, invoice, line, nobody, planned, prepared, provider, wish
from tests.unit.xero.test_invoices import REPLY, creating

if TYPE_CHECKING:
    from hookspecs import Line

OTHER = line(id="l2", description="Oil", quantity=Decimal(1), unit_price=Decimal("3.3333"), item="", product="")
BOTH = invoice(line(), OTHER, reference="PO 7")

FIRST_THERE: dict[str, Any] = dict(REPLY["LineItems"][0])  # type: ignore[index]
SECOND_THERE: dict[str, Any] = {
    "LineItemID": "line-2",
    "Description": "Oil",
    "Quantity": Decimal(1),
    "UnitAmount": Decimal("3.3333"),
    "AccountCode": "200",
    "TaxType": "OUTPUT2",
}
THERE: dict[str, Any] = {**REPLY, "Reference": "PO 7", "LineItems": [FIRST_THERE, SECOND_THERE]}


def agreed() -> Any:
    """What was agreed when ``BOTH`` was created and answered with ``THERE``."""
    [done] = provider().answers([creating(BOTH)], answer({"Invoices": [THERE]}))
    assert isinstance(done, Done)
    return done.answered


def update(ours: Any, there: Any = THERE, *, answered: Any = None) -> Any:
    of = wish("invoices", ours, remote_id="x", answered=agreed() if answered is None else answered)
    return provider().plan(of, prepared("invoices", ours), there, nobody)


def changed(step: Any) -> Any:
    """What is sent besides the id."""
    assert isinstance(step, Send), step
    assert (step.verb, step.body["InvoiceID"]) == (Verb.UPDATE, "x")
    assert "InvoiceNumber" not in step.body
    return {name: value for name, value in step.body.items() if name != "InvoiceID"}


def test_what_xero_has_is_read_first() -> None:
    assert update(BOTH, NOT_LOOKED) == Look(lane="id", value="x", most=40)


# ------------------------------------------------------------------------------------------------------ three versions


def test_a_field_that_we_changed_is_sent_alone() -> None:
    assert changed(update(replace(BOTH, reference="PO 8"))) == {"Reference": "PO 8"}
    assert changed(update(replace(BOTH, due_date=date(2027, 1, 1)))) == {"DueDate": "2027-01-01"}


def test_what_people_changed_at_xero_and_we_did_not_stays() -> None:
    there = {**THERE, "Reference": "theirs", "LineItems": [{**FIRST_THERE, "Description": "theirs"}, SECOND_THERE]}

    step = update(replace(BOTH, due_date=date(2027, 1, 1)), there)

    assert changed(step) == {"DueDate": "2027-01-01"}
    assert step.warnings == ()


def test_where_both_changed_a_field_ours_is_sent_and_theirs_is_named() -> None:
    step = update(replace(BOTH, reference="PO 8"), {**THERE, "Reference": "theirs"})

    assert changed(step) == {"Reference": "PO 8"}
    assert step.warnings == ("Reference was changed in Xero to theirs; ours, PO 8, was sent",)


def test_where_both_changed_it_to_the_same_nothing_is_sent() -> None:
    assert isinstance(update(replace(BOTH, reference="PO 8"), {**THERE, "Reference": "PO 8"}), Done)


def test_a_reference_can_be_emptied_and_a_date_can_not() -> None:
    assert changed(update(replace(BOTH, reference=""))) == {"Reference": ""}
    step = update(replace(BOTH, due_date=None))
    assert isinstance(step, Done)
    assert step.warnings[0] == "DueDate stays 2026-12-20 in Xero, where it can't be emptied"


def test_what_xero_adds_or_writes_otherwise_is_nobodys_change() -> None:
    """A default theme and a rate of exchange came back that were never sent; a second look shows them again."""
    answered = agreed()

    assert answered["got"]["BrandingThemeID"] == "theme-0"
    assert isinstance(update(BOTH, answered=answered), Done)


def test_a_changed_line_goes_with_all_lines_and_their_ids() -> None:
    step = update(replace(BOTH, lines=(line(quantity=Decimal(3)), OTHER)))

    assert [(one["LineItemID"], one["Quantity"]) for one in changed(step)["LineItems"]] == [
        ("line-1", "3"),
        ("line-2", "1"),
    ]
    assert set(changed(step)) == {"LineItems"}


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        ((line(), OTHER, line(id="l3")), ["line-1", "line-2", None]),
        ((OTHER,), ["line-2"]),
        ((OTHER, line()), ["line-2", "line-1"]),
        ((line(id="l9", quantity=Decimal(9)), OTHER), [None, "line-2"]),
    ],
)
def test_lines_keep_their_ids_when_others_come_go_or_move(lines: tuple[Line, ...], ids: list[str | None]) -> None:
    step = update(replace(BOTH, lines=lines))

    assert [one.get("LineItemID") for one in changed(step)["LineItems"]] == ids


def test_a_line_taken_out_and_put_in_again_as_it_was_is_the_line_that_xero_has() -> None:
    step = update(replace(BOTH, lines=(line(id="l9"), OTHER)))

    assert isinstance(step, Done)
    assert [(one["id"], one["LineItemID"]) for one in step.answered["lines"]] == [("l9", "line-1"), ("l2", "line-2")]


def test_a_line_added_at_xero_is_dropped_only_when_our_lines_go_and_is_named() -> None:
    there = {
        **THERE,
        "LineItems": [
            *THERE["LineItems"],
            {"LineItemID": "line-9", "Description": "Theirs", "Quantity": Decimal(1), "UnitAmount": Decimal(5)},
        ],
    }

    untouched = update(replace(BOTH, reference="PO 8"), there)
    resent = update(replace(BOTH, lines=(line(quantity=Decimal(3)), OTHER)), there)

    assert changed(untouched) == {"Reference": "PO 8"}
    assert [one["LineItemID"] for one in changed(resent)["LineItems"]] == ["line-1", "line-2"]
    assert resent.warnings == ("a line added in Xero was dropped: 'Theirs', 1 at 5",)


def test_a_line_changed_or_deleted_at_xero_is_overruled_by_ours_and_named() -> None:
    there = {**THERE, "LineItems": [{**SECOND_THERE, "Description": "Theirs"}]}

    step = update(replace(BOTH, lines=(line(quantity=Decimal(3)), OTHER)), there)

    assert [one.get("LineItemID") for one in changed(step)["LineItems"]] == [None, "line-2"]
    assert step.warnings == (
        "a line changed in Xero to 'Theirs', 1 at 3.3333 was overruled by ours",
        "a line deleted in Xero was sent again: 'Oak shelf', 2 at 10.5",
    )


def test_an_update_whose_answer_was_lost_is_found_to_have_arrived() -> None:
    ours = replace(BOTH, lines=(line(quantity=Decimal(3)), OTHER, line(id="l3")))
    new_there = {**FIRST_THERE, "LineItemID": "line-3"}
    there = {**THERE, "LineItems": [{**FIRST_THERE, "Quantity": Decimal(3)}, SECOND_THERE, new_there]}

    step = update(ours, there)

    assert isinstance(step, Done)
    assert [(one["id"], one["LineItemID"]) for one in step.answered["lines"]] == [
        ("l1", "line-1"),
        ("l2", "line-2"),
        ("l3", "line-3"),
    ]
    assert step.ledger is not None


def test_what_was_not_sent_stays_agreed_as_it_was() -> None:
    step = update(replace(BOTH, reference="PO 8"))
    of = wish("invoices", replace(BOTH, reference="PO 8"), remote_id="x", answered=agreed())

    [done] = provider().answers([planned(of, step)], answer({"Invoices": [{**THERE, "Reference": "PO 8"}]}))

    assert isinstance(done, Done)
    assert done.answered["sent"] == {**agreed()["sent"], "Reference": "PO 8"}
    assert done.answered["lines"] == agreed()["lines"]


def test_an_emptied_reference_is_agreed_as_empty() -> None:
    ours = replace(BOTH, reference="")
    of = wish("invoices", ours, remote_id="x", answered=agreed())

    [done] = provider().answers([planned(of, update(ours))], answer({"Invoices": [{**THERE, "Reference": ""}]}))

    assert isinstance(done, Done)
    assert "Reference" not in done.answered["sent"]
    assert changed(update(BOTH, {**THERE, "Reference": ""}, answered=done.answered)) == {"Reference": "PO 7"}


def test_a_number_is_given_once() -> None:
    step = update(replace(BOTH, number="INV-2"))

    assert isinstance(step, Done)
    assert step.warnings[0] == "its number in Xero stays INV-0101: a number is given once"


# -------------------------------------------------------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("there", "wanted", "sent"),
    [
        ("DRAFT", "submitted", "SUBMITTED"),
        ("DRAFT", "authorised", "AUTHORISED"),
        ("SUBMITTED", "authorised", "AUTHORISED"),
        ("SUBMITTED", "draft", None),  # never back
        ("AUTHORISED", "draft", None),
        ("PAID", "authorised", None),
    ],
)
def test_status_only_moves_forward(there: str, wanted: str, sent: str | None) -> None:
    step = update(replace(BOTH, accounting_status=wanted, reference="PO 8"), {**THERE, "Status": there})

    assert changed(step).get("Status") == sent


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (None, "Xero does not have the invoice any more"),
        ({**THERE, "Status": "VOIDED"}, "the invoice is voided in Xero, and can't be changed there any more"),
        ({**THERE, "Status": "DELETED"}, "the invoice is deleted in Xero, and can't be changed there any more"),
    ],
)
def test_what_is_gone_cannot_be_changed(there: Any, reason: str) -> None:
    assert update(replace(BOTH, reference="PO 8"), there) == Refuse(reason=reason)


# ------------------------------------------------------------------------------------------------- once money is on it

PART_PAID = {**THERE, "Status": "AUTHORISED", "AmountPaid": Decimal(5)}
PAID = {**THERE, "Status": "PAID", "AmountPaid": Decimal("25.2")}
CREDITED = {**THERE, "Status": "AUTHORISED", "AmountCredited": Decimal(5)}


@pytest.mark.parametrize("there", [PART_PAID, PAID, CREDITED])
@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"reference": "PO 8"}, {"Reference"}),
        ({"due_date": date(2027, 1, 1)}, {"DueDate"}),
        ({"branding_theme": "Standard"}, {"BrandingThemeID"}),
        ({"lines": (line(description="Oiled oak shelf"), OTHER)}, {"LineItems"}),
        ({"lines": (line(effective_account="260"), OTHER)}, {"LineItems"}),
    ],
)
def test_some_fields_still_change(there: Any, changes: Any, sent: set[str]) -> None:
    step = update(replace(BOTH, **changes), there)

    assert set(changed(step)) == sent
    assert all(one["LineItemID"] for one in changed(step).get("LineItems", []))


@pytest.mark.parametrize("there", [PART_PAID, PAID, CREDITED])
@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"issue_date": date(2026, 11, 21)}, "Date"),
        ({"currency": "USD"}, "CurrencyCode"),
        ({"line_amounts": "inclusive"}, "LineAmountTypes"),
        ({"lines": (line(quantity=Decimal(3)), OTHER)}, "a line's Quantity"),
        ({"lines": (line(effective_tax_rate="NONE"), OTHER)}, "a line's TaxType"),
        ({"lines": (line(),)}, "which lines there are"),
        ({"lines": (line(), OTHER, line(id="l3"))}, "which lines there are"),
        # One that may and one that may not: nothing goes, rather than half.
        ({"reference": "PO 8", "issue_date": date(2026, 11, 21)}, "Date"),
    ],
)
def test_the_others_are_refused_with_the_reason(there: Any, changes: Any, what: str) -> None:
    assert update(replace(BOTH, **changes), there) == Refuse(
        reason=f"Xero does not let {what} change once payments or credits are on the invoice: remove them in Xero, or undo the change here"
    )


# --------------------------------------------------------------------------------------------------- which line is which


def sent_line(description: str, quantity: str = "2", price: str = "10.5") -> dict[str, str]:
    return {"Description": description, "Quantity": quantity, "UnitAmount": price}


A, B, C = (line(id=id, description=id) for id in ("a", "b", "c"))


@pytest.mark.parametrize(
    ("sent", "now", "ids"),
    [
        (["a", "b"], (A, B), ["a", "b"]),
        (["a", "b"], (B, A), ["a", "b"]),  # moved since
        (["a", "b"], (B,), ["", "b"]),  # one deleted since: it is none of today's
        (["a", "x"], (A, B), ["a", "b"]),  # edited since: by its place
        (["a", "a"], (replace(A, id="1"), replace(A, id="2")), ["1", "2"]),  # twins: in their order
        ([], (A,), []),
    ],
)
def test_lines_are_told_apart_by_content_first_and_then_by_place(
    sent: list[str], now: tuple[Line, ...], ids: list[str]
) -> None:
    assert line_ids([sent_line(description) for description in sent], now) == ids


# ------------------------------------------------------------------------------------------------- after a lost update


def test_after_a_lost_update_whatever_differs_is_ours_to_send_again() -> None:
    """Saved back to the agreed version while the update was out: Xero may have the update, and none of it is anybody's change there."""
    updated = {**THERE, "Reference": "PO 8", "LineItems": [FIRST_THERE, {**SECOND_THERE, "Quantity": Decimal(9)}]}
    doubted = replace(
        wish("invoices", BOTH, remote_id="x", answered=agreed()),
        agreed=Agreed(inputs={}, sent={"Status": "DRAFT"}, answered=agreed()),
    )
    step = provider().plan(doubted, prepared("invoices", BOTH), updated, nobody)

    assert isinstance(step, Send)
    sent = changed(step)
    assert sent["Reference"] == "PO 7"
    assert [line["LineItemID"] for line in sent["LineItems"]] == [FIRST_THERE["LineItemID"], SECOND_THERE["LineItemID"]]
    assert step.warnings == ()


def test_after_a_lost_update_that_never_arrived_nothing_is_sent() -> None:
    doubted = replace(
        wish("invoices", BOTH, remote_id="x"), agreed=Agreed(inputs={}, sent={"Status": "DRAFT"}, answered=agreed())
    )
    assert isinstance(provider().plan(doubted, prepared("invoices", BOTH), THERE, nobody), Done)
