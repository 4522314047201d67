"""Lines that are tracked: what goes out, why one can't go, and what an update says of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from host.sync.provider import Blocked, Done, Prepared, Send
from tests.unit.xero.making import (
    answer,
    catalogue,
    category,
    desk,
    invoice,
    line,
    nobody,
    planned,
    provider,
    wish,
)
from tests.unit.xero.test_invoices import REPLY

if TYPE_CHECKING:
    from hookspecs import Document

REGION = category("Region", "North", "South", "(West)")
TEAM = category("Department", "Oak", stands_for="Team")
OLD = category("Project", "Bridge", active=False)
BOTH = desk(catalogue_=catalogue(tracking=(REGION, TEAM, OLD)))
ON = ("Region", "Team")


def ready(document: Document, at: Any = BOTH, *, remote_id: str = "", tracking: tuple[str, ...] = ON) -> Any:
    own = {"acme": {"tracking": {"Team": "Department"}}}
    of = wish("invoices", document, remote_id=remote_id)
    [prepared] = provider(tracking=tracking, connections=own).prepare(at, "invoices", [of])
    return prepared


def sent(document: Document, **more: Any) -> Any:
    prepared = ready(document, **more)
    assert isinstance(prepared, Prepared), prepared
    return prepared.data.element["LineItems"][0].get("Tracking")


def ids(category: str, option: str) -> dict[str, str]:
    return {"TrackingCategoryID": f"id-of-{category}", "TrackingOptionID": f"id-of-{option}"}


NORTH, SOUTH, OAK = ids("Region", "North"), ids("Region", "South"), ids("Department", "Oak")


def tracked(**names: str) -> Document:
    return invoice(line(tracking=names))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"Region": "North"}, [NORTH]),
        ({"Team": "Oak", "Region": "South"}, [SOUTH, OAK]),  # in the order of the settings
        ({}, []),  # said, so that Xero has nothing either
    ],
)
def test_a_line_goes_with_what_it_is_tracked_by(names: dict[str, str], expected: Any) -> None:
    assert sent(tracked(**names)) == expected


def test_nothing_is_said_while_tracking_is_off() -> None:
    assert sent(tracked(Region="North"), tracking=()) is None


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (
            {"Region": "Nroth"},
            "line 1: Region has no option Nroth in Acme UK (options: North, South): "
            "choose another, or, if it is new in Xero, run counterfoil import tracking-categories --connection acme",
        ),
        (
            {"Colour": "Red"},
            "line 1: it is tracked by Colour, which tracking in [plugins.xero] does not name: "
            "name it again, or take it from the line",
        ),
        ({"Region": "West"}, "line 1: West of Region is archived in Xero: choose another option"),
        ({"Project": "Bridge"}, "line 1: Bridge of Project is archived in Xero: choose another option"),
    ],
)
def test_what_cannot_go_says_why(names: dict[str, str], reason: str) -> None:
    blocked = ready(tracked(**names), tracking=("Region", "Team", "Project"))
    assert isinstance(blocked, Blocked)
    assert blocked.reason == reason


def test_a_category_that_the_organisation_lacks_is_named() -> None:
    prepared = ready(tracked(Team="Oak"), desk(catalogue_=catalogue(tracking=(REGION,))))
    assert isinstance(prepared, Blocked)
    assert prepared.reason == (
        "line 1: Team means the tracking category Department, which Acme UK does not have: correct tracking in [plugins.xero], "
        "or make it in Xero and run counterfoil import tracking-categories --connection acme"
    )


def test_equality_is_about_ids() -> None:
    def inputs(*categories: Any, tracking: tuple[str, ...] = ON, **names: str) -> Any:
        at = desk(catalogue_=catalogue(tracking=categories))
        return ready(tracked(**names), at, tracking=tracking).inputs["lines"]

    renamed = replace(REGION, options=(replace(REGION.options[0], name="Up"),), name="Area")
    north = inputs(REGION, TEAM, Region="North")
    assert inputs(renamed, TEAM, Region="Up") == north
    assert inputs(REGION, TEAM, Region="South") != north
    assert inputs(REGION, TEAM, Region="North", Team="Oak") != north
    assert inputs(REGION, TEAM) == inputs(REGION, TEAM, tracking=()), "switching it on changes no other line"


# ------------------------------------------------------------------------------------------------------------ updates


def there(*options: str, **more: Any) -> dict[str, Any]:
    """The invoice as a list shows it: without the options' ids."""
    told = [{"Name": "?", "Option": one, "TrackingCategoryID": _owner(one), "Options": []} for one in options]
    shown: dict[str, Any] = REPLY["LineItems"][0]  # type: ignore[index]
    return {**REPLY, "LineItems": [{**shown, "Tracking": told}], **more}


def _owner(option: str) -> str:
    return "id-of-Department" if option == "Oak" else "id-of-Region"


def agreed(document: Document, *options: str) -> Any:
    """What was agreed when it was created."""
    prepared = ready(document)
    of = wish("invoices", document)
    step = provider().plan(of, prepared, None, nobody)
    assert isinstance(step, Send)
    [done] = provider().answers([planned(of, step, prepared)], answer({"Invoices": [there(*options)]}))
    assert isinstance(done, Done)
    return done.answered


def update(ours: Document, remote: Any, answered: Any, **more: Any) -> Any:
    of = wish("invoices", ours, remote_id="x", answered=answered)
    return provider().plan(of, ready(ours, remote_id="x", **more), remote, nobody)


def lines_of(step: Any) -> Any:
    assert isinstance(step, Send), step
    return [(one.get("LineItemID"), one.get("Tracking")) for one in step.body["LineItems"]]


NORTHERN = tracked(Region="North")
AGREED = agreed(NORTHERN, "North")


def test_a_change_of_tracking_alone_is_sent() -> None:
    assert lines_of(update(tracked(Region="South"), there("North"), AGREED)) == [("line-1", [SOUTH])]
    assert lines_of(update(tracked(), there("North"), AGREED)) == [("line-1", [])]


def test_what_did_not_change_is_not_sent_although_lists_leave_out_ids() -> None:
    assert isinstance(update(NORTHERN, there("North"), AGREED), Done)
    step = update(replace(NORTHERN, reference="PO 8"), there("North"), AGREED)
    assert isinstance(step, Send)
    assert set(step.body) == {"InvoiceID", "Reference"}
    assert isinstance(update(tracked(Region="South"), there("South"), AGREED), Done), "it is there already"


def test_every_line_that_goes_says_what_it_is_tracked_by() -> None:
    step = update(invoice(line(tracking={"Region": "North"}, quantity=Decimal(3))), there("North"), AGREED)
    assert lines_of(step) == [("line-1", [NORTH])]
    assert step.warnings == ()


def test_what_people_tracked_at_xero_is_overruled_only_when_our_lines_go_and_is_named() -> None:
    untouched = update(replace(NORTHERN, reference="PO 8"), there("South"), AGREED)
    assert "LineItems" not in untouched.body
    step = update(invoice(line(tracking={"Region": "North"}, quantity=Decimal(3))), there("South"), AGREED)
    assert lines_of(step) == [("line-1", [NORTH])]
    assert step.warnings == ("a line changed in Xero to 'Oak shelf', 2 at 10.5 was overruled by ours",)


def test_tracking_may_change_once_money_is_on_the_invoice() -> None:
    paid = there("North", Status="AUTHORISED", AmountPaid=Decimal(5), AmountDue=Decimal("20.20"))
    assert lines_of(update(tracked(Region="South"), paid, AGREED)) == [("line-1", [SOUTH])]


def test_what_was_archived_since_stays_where_it_is() -> None:
    since = replace(REGION, options=tuple(replace(one, active=False) for one in REGION.options))
    at = desk(catalogue_=catalogue(tracking=(since,)))
    more = invoice(line(tracking={"Region": "North"}, quantity=Decimal(3)))
    assert lines_of(update(more, there("North"), AGREED, at=at)) == [("line-1", None)]
    assert lines_of(update(tracked(Region="South"), there("North"), AGREED, at=at)) == [("line-1", [SOUTH])]


def test_while_tracking_is_off_xero_keeps_what_it_has() -> None:
    assert isinstance(update(NORTHERN, there("North"), AGREED, tracking=()), Done)
    more = invoice(line(tracking={"Region": "North"}, quantity=Decimal(3)))
    step = update(more, there("South"), AGREED, tracking=())
    assert lines_of(step) == [("line-1", None)]
    assert step.warnings == ()


def test_a_renamed_option_is_no_change_of_anybodys() -> None:
    renamed = replace(REGION, options=(replace(REGION.options[0], name="Up"), *REGION.options[1:]))
    at = desk(catalogue_=catalogue(tracking=(renamed, TEAM)))
    step = update(replace(tracked(Region="Up"), reference="PO 8"), there("Up"), AGREED, at=at)
    assert isinstance(step, Send)
    assert set(step.body) == {"InvoiceID", "Reference"}
