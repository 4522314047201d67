"""Tracking categories, from the organisation's own to the lines of its invoices, over the API of a host beside the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.official import Official

if TYPE_CHECKING:
    import httpx

    from tests.integration.connecting.conftest import Office

ON = 'tracking = ["Region", "Team"]'
SHELF = {"description": "A shelf", "unit_price": "10.00", "account": "200", "tax_rate": "NONE"}
KIND = "tracking-categories"


def reopened(office: Office, *settings: str, tables: str = "") -> None:
    """Restart the host with these lines in ``[plugins.xero]``, and with further tables."""
    config = office.place.config
    kept = [line for line in config.read_text().splitlines() if not line.startswith(("tracking =", "import_daily ="))]
    text = "\n".join(kept).replace("[plugins.xero]\n", "\n".join(["[plugins.xero]", *settings, ""]))
    config.write_text(f"{text}\n{tables}\n")
    engine = office.place.open().engine
    assert engine is not None
    engine.put_defaults()  # as a server does when it starts


def made(office: Office, name: str, *options: str) -> dict[str, Any]:
    """What the organisation's own people do in Xero."""
    [category] = office.sandbox.put("TrackingCategories", {"Name": name})
    for option in options:
        office.sandbox.call("PUT", f"TrackingCategories/{category['TrackingCategoryID']}/Options", {"Name": option})
    return office.sandbox.read("TrackingCategories", category["TrackingCategoryID"])


def changed(office: Office, category: dict[str, Any], option: str, **more: str) -> None:
    option_id = next(one["TrackingOptionID"] for one in category["Options"] if one["Name"] == option)
    path = f"TrackingCategories/{category['TrackingCategoryID']}/Options/{option_id}"
    assert office.sandbox.call("POST", path, more).status_code == 200


def imported(office: Office, kind: str = KIND) -> Any:
    return office.api.post("/connections/acme/import", {"kind": kind})["taken"]


def categories(office: Office) -> dict[str, Any]:
    return {one["name"]: one for one in office.api.get(f"/{KIND}")["items"]}


def tracking_on(office: Office) -> dict[str, Any]:
    """A connected office where tracking is on, its lists are imported, and a product belongs to a group that is tracked; answers the category Region."""
    office.connected("acme")
    region = made(office, "Region", "North", "South")
    made(office, "Team", "Oak")
    reopened(office, ON)
    for kind in ("accounts", "tax-rates", KIND):
        imported(office, kind)
    office.api.put("/product-groups/wood", {"name": "Wood", "tracking": {"Region": "North"}})
    office.api.put("/products/shelf", {"name": "Shelf", "code": "SHELF", "group": "wood", "connection": "acme"})
    office.save_customer("ada", connection="acme")
    office.drain("acme")
    return region


def put_invoice(office: Office, *lines: dict[str, Any], ref: str = "i", **more: Any) -> Any:
    invoice = {"number": ref.upper(), "customer": "ada", "issue_date": "2026-11-22", "lines": list(lines), **more}
    return office.api.put(f"/invoices/{ref}", invoice)


def drained(office: Office, ref: str = "i") -> Any:
    office.drain("acme")
    [sync] = office.api.get(f"/invoices/{ref}")["sync"]
    return sync


def ours(office: Office, ref: str = "i") -> list[dict[str, str]]:
    return [one["tracking"] for one in office.api.get(f"/invoices/{ref}")["lines"]]


def at_xero(office: Office, ref: str = "i") -> list[dict[str, str]]:
    """What the official client reads of the invoice's lines."""
    lines = Official(office.sandbox.url).invoice(ref.upper()).line_items
    return [{one.name: one.option for one in line.tracking} for line in lines]


def writes(office: Office) -> int:
    return sum(one["method"] in {"PUT", "POST"} and "/Invoices" in one["path"] for one in office.sandbox.logged())


def readiness(office: Office) -> dict[str, tuple[str, str]]:
    points = office.api.get("/connections/acme/readiness")["points"]
    return {one["name"]: (one["standing"], one["says"]) for one in points if one["name"].startswith("tracked by")}


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    return f"{error['field']}: {error['message']}"


# ---------------------------------------------------------------------------------------------- the switch and the names


@pytest.mark.row("H-48", part="api")
@pytest.mark.row("H-50", part="api")
def test_nothing_of_it_is_there_until_it_is_switched_on(office: Office) -> None:
    office.connected("acme")
    made(office, "Region", "North")
    group = {"name": "Wood", "tracking": {"Region": "North"}}
    said = "tracking: is off: `tracking` in the settings of the accounting plugin switches it on, once an organisation is connected"
    assert refused(office.api.ask("PUT", "/product-groups/wood", json=group)) == said
    told = office.api.ask("POST", "/connections/acme/import", json={"kind": KIND}).json()["detail"]
    assert told.startswith("kind: 'tracking-categories' cannot be imported: there are all, tax-rates, ")
    assert "tracking" not in imported(office, "all")
    assert categories(office) == {}
    assert office.logged("GET", "/TrackingCategories") == office.logged("GET", "/TrackingCategories/")

    reopened(office, ON)
    assert office.api.put("/product-groups/wood", group)["tracking"] == {"Region": "North"}
    assert imported(office, "all")["tracking"]["created"] == 1
    assert list(categories(office)) == ["Region"]

    office.api.post("/connections/acme/disconnect", {})
    reopened(office)  # settings hold for a connection that is not let in just now, too
    assert refused(office.api.ask("PUT", "/product-groups/stone", json=group)) == said


@pytest.mark.row("H-51")
@pytest.mark.row("H-49", part="api")
@pytest.mark.row("H-52", part="api")
def test_categories_come_with_their_options_and_are_assigned_to_the_names(office: Office) -> None:
    office.connected("acme")
    region = made(office, "Region", "North", "South")
    made(office, "Department", "Oak", "Elm")
    reopened(office, ON, tables='[plugins.xero.connections.acme.tracking]\nTeam = "Department"')
    assert imported(office)["tracking"] == {"created": 2, "updated": 0, "unchanged": 0, "removed": 0}
    offered = {one["stands_for"]: (one["name"], one["options"]) for one in categories(office).values()}
    assert offered == {"Region": ("Region", ["North", "South"]), "Team": ("Department", ["Oak", "Elm"])}
    assert imported(office)["tracking"]["unchanged"] == 2
    [there] = office.api.get(f"/connections/acme/remote/{KIND}", q="reg")["items"]
    assert (there["name"], there["values"], there["linked_with"]) == (
        "Region",
        {"options": "North, South"},
        "acme:Region",
    )
    for tracking, said in (
        ({"Team": "North"}, "tracking: Team has no option 'North': accepted are Oak, Elm"),
        ({"Department": "Oak"}, "tracking: has no 'Department': accepted are Region, Team"),
    ):
        group = {"name": "Wood", "tracking": tracking}
        assert refused(office.api.ask("PUT", "/product-groups/wood", json=group)) == said
    before = categories(office)["Region"]
    changed(office, region, "North", Name="North East")
    changed(office, region, "South", Status="ARCHIVED")
    imported(office)
    assert categories(office)["Region"] == before | {"options": ["North East"]}


def test_a_command_imports_them_too(office: Office) -> None:
    office.connected("acme")
    made(office, "Region", "North")
    refusal = office.place.run("import", KIND, "--connection", "acme")
    assert (refusal.code, refusal.err.count("\n")) == (1, 1)
    assert "'tracking-categories' can't be imported" in refusal.err
    reopened(office, ON)
    assert "tracking: 1 new" in office.place.run("import", KIND, "--connection", "acme").out


def test_a_name_whose_category_is_not_there_is_told_on_the_record(office: Office) -> None:
    tracking_on(office)
    reopened(office, 'tracking = ["Region", "Project"]')
    put_invoice(office, SHELF | {"tracking": {"Project": "Bridge"}})
    sync = drained(office)
    assert (sync["state"], sync["reason"]) == (
        "blocked",
        "line 1: Project means the tracking category Project, which Acme Ltd does not have: correct tracking in [plugins.xero], "
        "or make it in Xero and run counterfoil import tracking-categories --connection acme",
    )
    assert readiness(office) == {
        "tracked by Region": ("ready", "category Region: North, South"),
        "tracked by Project": (
            "missing",
            "Project means the tracking category Project, which Acme Ltd does not have",
        ),
    }
    assert "tracked by Project: Project means the tracking category" in office.place.run("check").out
    [team] = [one for one in office.sandbox.listed("TrackingCategories") if one["Name"] == "Team"]
    office.sandbox.call("DELETE", f"TrackingCategories/{team['TrackingCategoryID']}")
    project = made(office, "Project", "Bridge")
    imported(office)
    assert readiness(office)["tracked by Project"] == ("ready", "category Project: Bridge")
    assert drained(office)["state"] == "synced"
    assert at_xero(office) == [{"Project": "Bridge"}]
    changed(office, project, "Bridge", Status="ARCHIVED")
    imported(office)
    assert readiness(office)["tracked by Project"] == ("missing", "category Project has no options in use")


# ------------------------------------------------------------------------------------------------------- groups and lines


@pytest.mark.row("H-53")
@pytest.mark.row("H-56")
def test_a_new_line_carries_what_its_products_group_says_at_that_moment(office: Office) -> None:
    tracking_on(office)
    line = SHELF | {"product": "shelf"}
    put_invoice(office, line)
    assert drained(office)["state"] == "synced"
    assert (ours(office), at_xero(office)) == ([{"Region": "North"}], [{"Region": "North"}])

    office.api.patch("/product-groups/wood", {"tracking": {"Region": "South"}})
    put_invoice(office, line, line | {"description": "Another"})
    assert drained(office)["state"] == "synced"
    assert ours(office) == at_xero(office) == [{"Region": "North"}, {"Region": "South"}]


@pytest.mark.row("H-54")
@pytest.mark.row("H-55")
def test_every_sync_carries_what_the_lines_say_and_ends(office: Office) -> None:
    tracking_on(office)
    line = SHELF | {"product": "shelf"}
    lines: list[dict[str, Any]] = [line, line | {"description": "Two", "tracking": {"Region": "South", "Team": "Oak"}}]
    put_invoice(office, *lines)
    drained(office)
    assert at_xero(office) == ours(office) == [{"Region": "North"}, {"Region": "South", "Team": "Oak"}]

    changes: tuple[dict[str, Any], ...] = (
        {"quantity": "3"},
        {"tracking": {"Team": "Oak"}},
        {"tracking": {}},
        {"tracking": {"Region": "South"}},
    )
    for times, change in enumerate(changes, start=2):
        lines[0] = lines[0] | change
        put_invoice(office, *lines)
        assert drained(office)["state"] == "synced"
        assert at_xero(office) == ours(office)
        assert writes(office) == times, change
    office.api.post("/sync", {"kind": "invoices"})
    assert drained(office)["state"] == "synced"
    assert writes(office) == 1 + len(changes), "nothing changed"
    assert drained(office)["warnings"] == []


def test_a_renamed_option_is_renamed_here_and_nothing_is_sent(office: Office) -> None:
    region = tracking_on(office)
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}})
    drained(office)
    changed(office, region, "North", Name="North East")
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}}, ref="j")
    assert drained(office, "j")["state"] == "synced", "renamed since the last import: the id leads to it all the same"
    before = writes(office)
    imported(office)
    office.api.post("/sync", {"kind": "invoices"})
    assert [drained(office, ref)["state"] for ref in "ij"] == ["synced", "synced"]
    for ref in "ij":
        assert ours(office, ref) == at_xero(office, ref) == [{"Region": "North East"}]
    assert office.api.get("/product-groups/wood")["tracking"] == {"Region": "North East"}
    assert writes(office) == before


def test_an_archived_option_stays_where_it_is_and_is_taken_by_no_other_line(office: Office) -> None:
    region = tracking_on(office)
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}})
    drained(office)
    changed(office, region, "North", Status="ARCHIVED")
    imported(office)
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}, "quantity": "3"}, reference="PO 7")
    assert drained(office)["state"] == "synced"
    assert at_xero(office) == [{"Region": "North"}]
    assert Official(office.sandbox.url).invoice("I").line_items[0].quantity == 3
    new = {"number": "K", "customer": "ada", "issue_date": "2026-11-22"}
    answer = office.api.ask("PUT", "/invoices/k", json={**new, "lines": [SHELF | {"tracking": {"Region": "North"}}]})
    assert refused(answer) == "lines.0.tracking: Region has no option 'North': accepted are South"
    put_invoice(office, SHELF | {"product": "shelf"}, ref="k")  # the group still says it
    assert (sync := drained(office, "k"))["state"] == "blocked"
    assert sync["reason"] == "line 1: North of Region is archived in Xero: choose another option"


def test_switched_off_again_xero_keeps_what_it_has(office: Office) -> None:
    tracking_on(office)
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}})
    drained(office)
    reopened(office)
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}, "quantity": "3"})
    put_invoice(office, SHELF | {"product": "shelf"}, ref="j")
    assert [drained(office, ref)["state"] for ref in "ij"] == ["synced", "synced"]
    assert (at_xero(office, "i"), at_xero(office, "j")) == ([{"Region": "North"}], [{}])
    before = writes(office)
    reopened(office, ON)
    office.api.post("/sync", {"kind": "invoices"})
    drained(office)
    assert writes(office) == before
    assert at_xero(office) == ours(office) == [{"Region": "North"}]


def test_two_organisations_have_options_of_their_own(office: Office) -> None:
    tracking_on(office)
    office.connected("other", 2)
    for kind in ("accounts", "tax-rates"):
        office.api.post("/connections/other/import", {"kind": kind})
    assert office.api.post("/connections/other/import", {"kind": KIND})["taken"]["tracking"]["created"] == 0
    assert {one["connection"] for one in categories(office).values()} == {"acme"}
    office.save_customer("bea", connection="other")
    put_invoice(office, SHELF | {"tracking": {"Region": "North"}}, ref="o", customer="bea")
    office.drain("other")
    sync = office.api.get("/invoices/o")["sync"][0]
    assert (sync["connection"], sync["state"]) == ("other", "blocked")
    assert "which Other Ltd does not have" in sync["reason"]
