"""Tracking categories, their options, and lines that are tracked: section 4.5 of the API facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xero_python.accounting import (
    Contact,
    Invoice,
    Invoices,
    LineItem,
    LineItemTracking,
    TrackingCategory,
    TrackingOption,
)

from tests.contract.running import line

if TYPE_CHECKING:
    from tests.contract.running import Official, Sandbox


def category(sandbox: Sandbox, name: str, *options: str) -> dict[str, Any]:
    made = sandbox.put("TrackingCategories", {"Name": name})[0]
    for option in options:
        sandbox.call("PUT", f"TrackingCategories/{made['TrackingCategoryID']}/Options", {"Name": option})
    return shown(sandbox, made)


def shown(sandbox: Sandbox, made: dict[str, Any]) -> dict[str, Any]:
    return sandbox.read("TrackingCategories", made["TrackingCategoryID"])


def option(made: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in made["Options"] if one["Name"] == name)


def tracked(**tracking: str) -> dict[str, Any]:
    return line(Tracking=[{"Name": name, "Option": chosen} for name, chosen in tracking.items()])


def change(sandbox: Sandbox, made: dict[str, Any], **more: str) -> Any:
    return sandbox.call("POST", f"TrackingCategories/{made['TrackingCategoryID']}", more)


def change_option(sandbox: Sandbox, made: dict[str, Any], name: str, **more: str) -> Any:
    option_id = option(made, name)["TrackingOptionID"]
    return sandbox.call("POST", f"TrackingCategories/{made['TrackingCategoryID']}/Options/{option_id}", more)


def messages(response: Any) -> list[str]:
    body = response.json()
    assert (response.status_code, body["ErrorNumber"]) == (400, 10), body
    return [error["Message"] for element in body["Elements"] for error in element["ValidationErrors"]]


def test_the_official_client_makes_changes_archives_and_deletes(xero: Official) -> None:
    api = xero.accounting
    (made,) = api.create_tracking_category("", TrackingCategory(name="Region")).tracking_categories
    key = made.tracking_category_id
    for name in ("North", "South"):
        (added,) = api.create_tracking_options("", key, TrackingOption(name=name)).options
        assert (added.name, added.status) == (name, "ACTIVE")
    (read,) = api.get_tracking_category("", key).tracking_categories
    assert [one.name for one in read.options] == ["North", "South"]
    south = read.options[1].tracking_option_id
    (renamed,) = api.update_tracking_options("", key, south, TrackingOption(name="Deep South")).options
    assert (renamed.tracking_option_id, renamed.name) == (south, "Deep South")
    (gone,) = api.delete_tracking_options("", key, south).options
    assert (gone.tracking_option_id, gone.status) == (south, "DELETED")
    (renamed,) = api.update_tracking_category("", key, TrackingCategory(name="Area")).tracking_categories
    assert (renamed.name, [one.name for one in renamed.options]) == ("Area", ["North"])
    api.update_tracking_category("", key, TrackingCategory(status="ARCHIVED"))
    assert api.get_tracking_categories("").tracking_categories == []
    listed = api.get_tracking_categories("", include_archived="true", where='Name=="area"').tracking_categories
    assert [(one.name, one.status) for one in listed] == [("Area", "ARCHIVED")]
    (deleted,) = api.delete_tracking_category("", key).tracking_categories
    assert deleted.status == "DELETED"
    assert api.get_tracking_categories("", include_archived="true").tracking_categories == []


def test_two_may_be_active_and_four_there(sandbox: Sandbox) -> None:
    made = [category(sandbox, name) for name in ("A", "B")]
    third = sandbox.call("PUT", "TrackingCategories", {"Name": "C"})
    assert messages(third) == ["An organisation can have no more than 2 active tracking categories."]
    for one in made:
        change(sandbox, one, Status="ARCHIVED")
    later = [category(sandbox, name) for name in ("C", "D")]
    assert "no more than 2 active" in messages(change(sandbox, made[0], Status="ACTIVE"))[0]
    change(sandbox, later[0], Status="ARCHIVED")
    fifth = sandbox.call("PUT", "TrackingCategories", {"Name": "E"})
    assert messages(fifth) == ["An organisation can have no more than 4 tracking categories."]
    sandbox.call("DELETE", f"TrackingCategories/{made[0]['TrackingCategoryID']}")
    assert category(sandbox, "E")["Status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("region", "A tracking category with the name region already exists."),
        ("", "The tracking category Name must be specified."),
        ("x" * 101, "The tracking category Name field cannot be longer than 100 characters."),
    ],
)
def test_names_of_categories_are_unique_and_short(sandbox: Sandbox, name: str, message: str) -> None:
    made = category(sandbox, "Region")
    assert messages(sandbox.call("PUT", "TrackingCategories", {"Name": name})) == [message]
    assert change(sandbox, made, Name="Region").status_code == 200
    assert category(sandbox, "Région")["Name"] == "Région"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NORTH", "A tracking option with the name NORTH already exists."),
        ("", "The tracking option Name must be specified."),
        ("x" * 101, "The tracking option Name field cannot be longer than 100 characters."),
    ],
)
def test_names_of_options_are_unique_within_their_category(sandbox: Sandbox, name: str, message: str) -> None:
    made = category(sandbox, "Region", "North", "South")
    address = f"TrackingCategories/{made['TrackingCategoryID']}/Options"
    assert messages(sandbox.call("PUT", address, {"Name": name})) == [message]
    assert option(category(sandbox, "Other", "North"), "North")["Name"] == "North"
    assert "already exists" in messages(change_option(sandbox, made, "South", Name="north"))[0]


def test_how_many_options_there_may_be_is_a_switch(sandbox: Sandbox) -> None:
    made = category(sandbox, "Region", *(f"Option {number}" for number in range(101)))
    assert len(made["Options"]) == 101
    sandbox.switch(tracking_options=101)
    refused = sandbox.call("PUT", f"TrackingCategories/{made['TrackingCategoryID']}/Options", {"Name": "One more"})
    assert messages(refused) == ["A tracking category can have no more than 101 options."]


def test_archived_options_are_hidden_unless_asked_for(sandbox: Sandbox) -> None:
    made = category(sandbox, "Region", "North", "South")
    change_option(sandbox, made, "South", Status="ARCHIVED")

    def names(**query: str) -> list[str]:
        return [one["Name"] for one in sandbox.listed("TrackingCategories", **query)[0]["Options"]]

    assert names() == ["North"]
    assert names(includeArchived="true") == ["North", "South"]


def test_a_category_that_is_not_there_is_404(sandbox: Sandbox) -> None:
    made = category(sandbox, "Region", "North")
    unknown = "6f0c3f0e-6a55-4b7e-9b53-8a7d4a1cffff"
    here = made["TrackingCategoryID"]
    for method, address in (
        ("GET", unknown),
        ("POST", unknown),
        ("DELETE", unknown),
        ("PUT", f"{unknown}/Options"),
        ("POST", f"{here}/Options/{unknown}"),
        ("DELETE", f"{here}/Options/{unknown}"),
        ("GET", f"{here}/Elsewhere"),
    ):
        body = {"Name": "X"} if method in ("PUT", "POST") else None
        assert sandbox.call(method, f"TrackingCategories/{address}", body).status_code == 404
    assert sandbox.call("GET", f"TrackingCategories/{here}/Options").status_code == 501


# ------------------------------------------------------------------------------------------------------------- lines


def test_the_official_client_tracks_lines_by_name_or_by_id(sandbox: Sandbox, xero: Official) -> None:
    region = category(sandbox, "Region", "North")
    team = category(sandbox, "Team", "Oak")
    oak = {"tracking_category_id": team["TrackingCategoryID"]}
    oak["tracking_option_id"] = option(team, "Oak")["TrackingOptionID"]
    tracking = [LineItemTracking(name="region", option="NORTH"), LineItemTracking(**oak)]
    lines = [LineItem(description="Shelf", quantity=1, unit_amount=5, account_code="200", tracking=tracking)]
    wanted = Invoice(type="ACCREC", contact=Contact(name="X"), line_items=lines)
    (saved,) = xero.accounting.create_invoices("", Invoices(invoices=[wanted])).invoices
    (read,) = xero.accounting.get_invoice("", saved.invoice_id).invoices
    for one in (saved, read):
        told = one.line_items[0].tracking
        assert [(entry.name, entry.option) for entry in told] == [("Region", "North"), ("Team", "Oak")]
        assert told[0].tracking_category_id == region["TrackingCategoryID"]
        assert told[1].tracking_option_id == oak["tracking_option_id"]


def test_a_line_reads_back_as_xero_writes_it(sandbox: Sandbox) -> None:
    region = category(sandbox, "Region", "North")
    invoice = sandbox.invoice(LineItems=[tracked(Region="North")])
    named = {"Name": "Region", "Option": "North", "TrackingCategoryID": region["TrackingCategoryID"], "Options": []}
    with_id = named | {"TrackingOptionID": option(region, "North")["TrackingOptionID"]}
    assert invoice["LineItems"][0]["Tracking"] == [with_id]
    assert sandbox.read("Invoices", invoice["InvoiceID"])["LineItems"][0]["Tracking"] == [with_id]
    assert sandbox.listed("Invoices", page="1")[0]["LineItems"][0]["Tracking"] == [named]
    sandbox.switch(tracking_option_ids_listed=True)
    assert sandbox.listed("Invoices", page="1")[0]["LineItems"][0]["Tracking"] == [with_id]


@pytest.mark.parametrize(
    ("tracking", "message"),
    [
        ([{"Name": "Area", "Option": "North"}], "The tracking category 'Area' does not exist."),
        ([{"Name": "Old", "Option": "X"}], "The tracking category 'Old' does not exist."),
        ([{"Option": "North"}], "The tracking category '' does not exist."),
        ([{"Name": "Region", "Option": "East"}], "The tracking option 'East' of the category 'Region' does not exist."),
        ([{"Name": "Region", "Option": "Gone"}], "The tracking option 'Gone' of the category 'Region' does not exist."),
        ([{"Name": "Region"}], "The tracking option '' of the category 'Region' does not exist."),
        (
            [{"Name": "Region", "Option": "North"}, {"Name": "Region", "Option": "South"}],
            "A line item can have each tracking category only once.",
        ),
        ([{"Name": "Region", "Option": "North"}] * 3, "A line item can have no more than 2 tracking categories."),
    ],
)
def test_tracking_that_is_refused(sandbox: Sandbox, tracking: list[dict[str, str]], message: str) -> None:
    region = category(sandbox, "Region", "North", "South", "Gone")
    change_option(sandbox, region, "Gone", Status="ARCHIVED")
    change(sandbox, category(sandbox, "Old", "X"), Status="ARCHIVED")
    draft = {"Type": "ACCREC", "Contact": {"Name": "X"}, "LineItems": [line(Tracking=tracking)]}
    assert sandbox.refusals("PUT", "Invoices", draft) == [message]
    assert len(sandbox.listed("TrackingCategories", includeArchived="true")) == 2  # naming makes none


def test_what_a_line_is_tracked_by_stays_until_it_is_said(sandbox: Sandbox) -> None:
    region = category(sandbox, "Region", "North", "South")
    invoice = sandbox.invoice(LineItems=[tracked(Region="North")])
    kept = invoice["LineItems"][0]["LineItemID"]

    def edited(**more: Any) -> list[str]:
        lines = [{"LineItemID": kept} | more]
        saved = sandbox.post("Invoices", {"InvoiceID": invoice["InvoiceID"], "LineItems": lines})[0]
        return [entry["Option"] for entry in saved["LineItems"][0]["Tracking"]]

    assert edited(Description="Other") == ["North"]
    change_option(sandbox, region, "North", Status="ARCHIVED")
    assert edited(UnitAmount=12) == ["North"]  # archived since, but it was there
    assert edited(Tracking=[{"Name": "Region", "Option": "South"}]) == ["South"]
    assert edited(Tracking=[]) == []


def test_tracking_stays_editable_once_money_is_applied(sandbox: Sandbox) -> None:
    category(sandbox, "Region", "North", "South")
    invoice = sandbox.invoice(LineItems=[tracked(Region="North")])
    sandbox.payment(invoice, "5")
    lines = [{"LineItemID": invoice["LineItems"][0]["LineItemID"], "Tracking": [{"Name": "Region", "Option": "South"}]}]
    paid = sandbox.read("Invoices", invoice["InvoiceID"])
    change = {"InvoiceID": invoice["InvoiceID"], "DueDate": "2026-03-01"}
    assert sandbox.post("Invoices", change)[0]["UpdatedDateUTC"] == paid["UpdatedDateUTC"]  # a due date alone is silent
    saved = sandbox.post("Invoices", change | {"DueDate": "2026-04-01", "LineItems": lines})[0]
    assert saved["LineItems"][0]["Tracking"][0]["Option"] == "South"
    assert saved["UpdatedDateUTC"] != paid["UpdatedDateUTC"]


def test_a_renamed_option_is_read_by_its_new_name(sandbox: Sandbox) -> None:
    region = category(sandbox, "Region", "North")
    invoice = sandbox.invoice(LineItems=[tracked(Region="North")])
    change_option(sandbox, region, "North", Name="Far North")
    change(sandbox, region, Name="Area")
    (entry,) = sandbox.read("Invoices", invoice["InvoiceID"])["LineItems"][0]["Tracking"]
    assert (entry["Name"], entry["Option"]) == ("Area", "Far North")


def test_what_is_used_is_archived_and_not_deleted(sandbox: Sandbox) -> None:
    region = category(sandbox, "Region", "North", "South")
    sandbox.invoice(LineItems=[tracked(Region="North")])
    address = f"TrackingCategories/{region['TrackingCategoryID']}"
    north, south = (option(region, name)["TrackingOptionID"] for name in ("North", "South"))
    assert sandbox.call("DELETE", address).status_code == 400
    assert sandbox.call("DELETE", f"{address}/Options/{north}").status_code == 400
    assert sandbox.call("DELETE", f"{address}/Options/{south}").status_code == 200
    assert change(sandbox, region, Status="ARCHIVED").status_code == 200
    assert len(sandbox.listed("Invoices", page="1")[0]["LineItems"][0]["Tracking"]) == 1


# ---------------------------------------------------------------------------------------------------------- contacts


def test_contacts_have_tracking_of_their_own(sandbox: Sandbox) -> None:
    category(sandbox, "Region", "North")
    entry = {"TrackingCategoryName": "Region", "TrackingOptionName": "North"}
    contact = sandbox.contact(SalesTrackingCategories=[entry])
    assert (contact["SalesTrackingCategories"], contact["PurchasesTrackingCategories"]) == ([entry], [])
    assert sandbox.listed("Contacts", page="1")[0]["SalesTrackingCategories"] == [entry]
    unknown = {"ContactID": contact["ContactID"], "PurchasesTrackingCategories": [entry | {"TrackingOptionName": "X"}]}
    assert sandbox.refusals("POST", "Contacts", unknown) == [
        "The tracking option 'X' of the category 'Region' does not exist."
    ]
