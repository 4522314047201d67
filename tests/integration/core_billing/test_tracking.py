"""What product groups and lines are tracked by: what is accepted, what a line takes over and keeps, and what becomes of it when the ledger renames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Defaults, ProductGroup, ReferenceData, TrackingCategory, TrackingOption
from plugins.core_billing.tracking import OFF

if TYPE_CHECKING:
    from tests.integration.core_billing.conftest import House

DAY = "2026-11-22"


def category(name: str, *options: str, id: str = "", **more: Any) -> TrackingCategory:
    """Options are ``name`` or ``name=remote id``."""
    named = [(one.partition("=")[0], one.rpartition("=")[2]) for one in options]
    made = tuple(TrackingOption(name=name, remote_id=remote_id) for name, remote_id in named)
    return TrackingCategory(id="", ref="", name=name, remote_id=id or f"id of {name}", options=made, **more)


def archived(one: TrackingCategory, *names: str) -> TrackingCategory:
    return replace(one, options=tuple(replace(each, active=each.name not in names) for each in one.options))


REGION = category("Region", "North", "South")
TEAM = category("Team", "Oak", "Elm")


@pytest.fixture
def shop(sqlite_house: House) -> House:
    return opened(sqlite_house)


def opened(house: House) -> House:
    house.tracks(REGION, TEAM, Region="Region", Department="Team")
    house.saved("customers", {"ref": "acme", "name": "Acme", "connection": "uk"})
    house.saved("product-groups", {"ref": "wood", "name": "Wood", "tracking": {"Region": "North"}})
    house.saved(
        "products",
        {"ref": "shelf", "name": "Shelf", "group": "wood"},
        {"ref": "small-shelf", "name": "Small shelf", "parent": "shelf"},
        {"ref": "book", "name": "Book"},
    )
    house.told()
    return house


def invoice(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ref": "i", "customer": "acme", "issue_date": DAY, "lines": list(lines), **more}


def line(text: str = "A shelf", **more: Any) -> dict[str, Any]:
    return {"description": text, "unit_price": "10", **more}


def tracked(house: House, ref: str = "i") -> list[dict[str, str]]:
    return [one["tracking"] for one in house.get("invoices", ref)["lines"]]


def wrong(house: House, tracking: Any, **more: Any) -> list[str]:
    return house.problems("invoices", invoice(line(tracking=tracking), ref="other", **more))


# -------------------------------------------------------------------------------------------------------- what is accepted


def test_nothing_is_tracked_while_it_is_off(sqlite_house: House) -> None:
    house = sqlite_house
    house.saved("customers", {"ref": "acme", "name": "Acme"})
    assert wrong(house, {"Region": "North"}) == [f"lines.0.tracking: {OFF}"]
    named = {"ref": "g", "name": "G", "tracking": {"Region": "North"}}
    assert house.problems("product-groups", named) == [f"tracking: {OFF}"]
    house.saved("product-groups", {"ref": "g", "name": "G", "tracking": {}})
    house.saved("invoices", invoice(line(), line(tracking={}), line(tracking={"Region": ""})))
    assert tracked(house) == [{}, {}, {}]
    house.tracks(REGION, Region="Region")
    house.saved("product-groups", named)
    assert wrong(house, {"Region": "North"}) == []


def test_what_is_not_there_is_refused_and_what_is_there_named(shop: House) -> None:
    for tracking, problem in (
        ({"Regoin": "North"}, "has no 'Regoin': accepted are Department, Region"),
        ({"Team": "Oak"}, "has no 'Team': accepted are Department, Region"),
        ({"Region": "Nroth"}, "Region has no option 'Nroth': accepted are North, South"),
        ({"Department": "North"}, "Department has no option 'North': accepted are Oak, Elm"),
    ):
        assert wrong(shop, tracking) == [f"lines.0.tracking: {problem}"]
        group = {"ref": "g", "name": "G", "tracking": tracking}
        assert shop.problems("product-groups", group) == [f"tracking: {problem}"]
    both = {"Region": "Nroth", "Colour": "Red"}
    assert len(wrong(shop, both)) == 2, "all that is wrong is said at once"


def test_many_options_are_not_all_named(shop: House) -> None:
    shop.tracks(category("Region", *(f"R{number}" for number in range(120))))
    [problem] = wrong(shop, {"Region": "x"})
    assert problem.endswith("accepted are " + ", ".join(f"R{number}" for number in range(20)) + " and 100 more")


def test_what_is_archived_is_not_offered_and_stays_where_it_is(shop: House) -> None:
    shop.saved("invoices", invoice(line(tracking={"Region": "North", "Department": "Oak"})))
    shop.tracks(archived(REGION, "North"), category("Team", "Oak", "Elm", active=False))
    assert [one["name"] for one in shop.page("tracking-categories").items] == ["Region"]
    assert shop.get("tracking-categories", "uk:Region")["options"] == ["South"]
    assert wrong(shop, {"Region": "North"}) == ["lines.0.tracking: Region has no option 'North': accepted are South"]
    assert wrong(shop, {"Department": "Oak"}) == [
        "lines.0.tracking: Department has no option 'Oak': accepted are nothing"
    ]
    shop.saved("invoices", shop.get("invoices", "i") | {"reference": "PO 7"})
    shop.saved("invoices", {"ref": "i", "lines": shop.get("invoices", "i")["lines"]}, partial=True)
    assert tracked(shop) == [{"Region": "North", "Department": "Oak"}]


def test_what_is_not_imported_yet_is_taken_as_it_is_said(sqlite_house: House) -> None:
    house = sqlite_house
    house.tracks(Region="Region")
    house.saved("customers", {"ref": "acme", "name": "Acme", "connection": "uk"})
    house.saved("invoices", invoice(line(tracking={"Region": "Anything"})))
    assert tracked(house) == [{"Region": "Anything"}]
    house.tracks(category("Other", "A"))
    assert wrong(house, {"Region": "Something"}) == [], "the organisation has no such category: the document says so"


def test_each_connection_has_options_of_its_own(shop: House) -> None:
    shop.tracks(category("Zone", "East", "North"), connection="nz", Region="Zone")
    shop.saved("customers", {"ref": "kiwi", "name": "Kiwi", "connection": "nz"}, {"ref": "open", "name": "Open"})
    assert wrong(shop, {"Region": "South"}, customer="kiwi") == [
        "lines.0.tracking: Region has no option 'South': accepted are East, North"
    ]
    assert wrong(shop, {"Department": "Oak"}, customer="kiwi") == [
        "lines.0.tracking: has no 'Department': accepted are Region"
    ]
    assert wrong(shop, {"Region": "East"}, customer="kiwi") == []
    for option in ("East", "South"):  # a group serves all; whose this customer is is open
        assert wrong(shop, {"Region": option}, customer="open") == []
        shop.saved("product-groups", {"ref": "g", "name": "G", "tracking": {"Region": option}})
    assert wrong(shop, {"Region": "West"}, customer="open") == [
        "lines.0.tracking: Region has no option 'West': accepted are North, South, East"
    ]


# ---------------------------------------------------------------------------------------------- what a line takes over


def test_a_line_takes_what_its_products_group_says_at_that_moment(shop: House) -> None:
    lines = (line(product="shelf"), line("Small", product="small-shelf"), line("Book", product="book"), line("Text"))
    shop.saved("invoices", invoice(*lines))
    north: dict[str, str] = {"Region": "North"}
    assert tracked(shop) == [north, north, {}, {}]
    shop.saved("product-groups", {"ref": "wood", "name": "Wood", "tracking": {"Region": "South"}})
    [answer] = shop.saved("invoices", invoice(*lines))
    assert (answer.changed, tracked(shop)) == (False, [north, north, {}, {}]), "saved again as it was"
    shop.saved("invoices", invoice(*lines, line("New", product="shelf")))
    assert tracked(shop)[-1] == {"Region": "South"}
    assert tracked(shop)[:2] == [north, north]


def test_a_line_that_gets_another_product_takes_that_ones(shop: House) -> None:
    shop.saved("product-groups", {"ref": "paper", "name": "Paper", "tracking": {"Department": "Elm"}})
    shop.saved("products", {"ref": "book", "name": "Book", "group": "paper"})
    shop.saved("invoices", invoice(line(product="shelf"), line("Two", product="shelf")))
    [first, second] = shop.get("invoices", "i")["lines"]
    changed = {name: value for name, value in first.items() if name != "tracking"} | {"product": "book"}
    shop.saved("invoices", {"ref": "i", "lines": [changed, second | {"quantity": "3"}]}, partial=True)
    assert tracked(shop) == [{"Department": "Elm"}, {"Region": "North"}]


def test_a_line_may_say_it_itself_and_may_say_that_it_is_tracked_by_nothing(shop: House) -> None:
    said = [line(product="shelf", tracking=one) for one in ({"Region": "South"}, {}, None)]
    shop.saved("invoices", invoice(*said))
    assert tracked(shop) == [{"Region": "South"}, {}, {"Region": "North"}]
    [answer] = shop.saved("invoices", shop.get("invoices", "i"))
    assert not answer.changed
    shop.saved("invoices", invoice(*said[:2], line("other", product="shelf")))
    assert tracked(shop) == [{"Region": "South"}, {}, {"Region": "North"}]


def test_equal_lines_that_differ_in_tracking_keep_their_identity(shop: House) -> None:
    shop.saved("invoices", invoice(*(line(product="shelf", tracking={"Region": one}) for one in ("South", "North"))))
    before = [(one["id"], one["tracking"]["Region"]) for one in shop.get("invoices", "i")["lines"]]
    shop.saved("invoices", invoice(line(product="shelf"), line(product="shelf", tracking={"Region": "South"})))
    after = [(one["id"], one["tracking"]["Region"]) for one in shop.get("invoices", "i")["lines"]]
    assert after == before[::-1], "the one that says South is South; what is left open is the other"


def test_a_name_that_the_settings_gave_up_is_not_taken_over(shop: House) -> None:
    shop.tracks(Department="Team")
    shop.saved("invoices", invoice(line(product="shelf")))
    assert tracked(shop) == [{}]
    assert shop.get("product-groups", "wood")["tracking"] == {"Region": "North"}
    shop.saved("product-groups", {"ref": "wood", "name": "Timber", "tracking": {"Region": "North"}})


# --------------------------------------------------------------------------------------------------------- renaming


def test_an_option_that_is_renamed_is_renamed_wherever_it_is_named(house: House) -> None:
    shop = opened(house)
    odd = 'Far "N%_\\" é'
    shop.tracks(category("Region", "North=1", "South=2"), TEAM)
    shop.saved("invoices", invoice(line(tracking={"Region": "North", "Department": "Oak"}), line("B", product="shelf")))
    for before, after in (("North", odd), (odd, "North East")):
        shop.events.clear()
        shop.tracks(category("Region", f"{after}=1", "South=2"), TEAM)
        assert tracked(shop) == [{"Region": after, "Department": "Oak"}, {"Region": after}]
        assert shop.get("product-groups", "wood")["tracking"] == {"Region": after}
        changed = {event.kind: event.changed for _, event in shop.events}
        assert changed["product-groups"] == {"tracking"}
        assert "invoices" not in changed
        assert wrong(shop, {"Region": before}), "the old name is free"


def test_names_that_are_exchanged_are_exchanged(shop: House) -> None:
    shop.tracks(category("Region", "North=1", "South=2"), TEAM)
    shop.saved("invoices", invoice(line(tracking={"Region": "North"}), line(tracking={"Region": "South"})))
    shop.tracks(category("Region", "South=1", "North=2"), TEAM)
    assert tracked(shop) == [{"Region": "South"}, {"Region": "North"}]


def test_an_option_of_an_old_name_is_another_one(shop: House) -> None:
    shop.tracks(category("Region", "North=1"), TEAM)
    shop.saved("invoices", invoice(line(tracking={"Region": "North"})))
    shop.tracks(category("Region", "North East=1", "North=3"), TEAM)
    assert tracked(shop) == [{"Region": "North East"}]


def test_what_another_connection_names_so_stays(shop: House) -> None:
    shop.tracks(category("Region", "North=1"), TEAM)
    shop.tracks(category("Region", "North=9"), connection="nz", Region="Region")
    shop.saved("customers", {"ref": "kiwi", "name": "Kiwi", "connection": "nz"})
    for ref, customer in (("i", "acme"), ("j", "kiwi")):
        shop.saved("invoices", invoice(line(tracking={"Region": "North"}), ref=ref, customer=customer))
    shop.tracks(category("Region", "Up=1"), TEAM)
    assert (tracked(shop, "i"), tracked(shop, "j")) == ([{"Region": "Up"}], [{"Region": "North"}])
    assert shop.get("product-groups", "wood")["tracking"] == {"Region": "North"}
    shop.tracks(category("Region", "Up=9"), connection="nz")
    assert tracked(shop, "j") == [{"Region": "Up"}]
    assert shop.get("product-groups", "wood")["tracking"] == {"Region": "Up"}


def test_a_category_that_is_renamed_stays_what_the_settings_mean(shop: House) -> None:
    stands_for = {one["name"]: one["stands_for"] for one in shop.page("tracking-categories").items}
    assert stands_for == {"Region": "Region", "Team": "Department"}
    before = shop.get("tracking-categories", "uk:Region")
    shop.tracks(category("Area", "North", "South", id="id of Region"), TEAM)
    after = shop.get("tracking-categories", "uk:Region")
    assert after == before | {"name": "Area"}
    assert wrong(shop, {"Region": "South"}) == []
    shop.tracks(Region="Zone")
    assert shop.get("tracking-categories", "uk:Region")["stands_for"] == "", "the settings say otherwise now"
    shop.tracks(category("Area", "North", id="id of Region"), category("Zone", "Deep", id="z"))
    assert shop.get("tracking-categories", "uk:Zone")["stands_for"] == "Region"


def test_two_names_never_mean_one_category(shop: House) -> None:
    shop.tracks(Region="Region", Department="Area")
    shop.tracks(category("Area", "North", id="id of Region"))
    shown = shop.get("tracking-categories", "uk:Region")
    assert (shown["name"], shown["stands_for"]) == ("Area", "Department"), "what is called so now comes first"


# ------------------------------------------------------------------------------------------------------ the records


def test_categories_are_imported_and_made_by_nobody(sqlite_house: House) -> None:
    house = sqlite_house
    with house.saver(origin="uk") as work:
        taken = house.billing.store.put_reference(work, "uk", ReferenceData(tracking=[REGION, TEAM]))["tracking"]
    assert (taken.created, taken.updated, taken.unchanged, taken.removed) == (2, 0, 0, 0)
    shown = house.get("tracking-categories", "uk:Region")
    assert {name: value for name, value in shown.items() if name != "id"} == {
        "ref": "uk:Region",
        "name": "Region",
        "options": ["North", "South"],
        "connection": "uk",
        "active": True,
        "stands_for": "",
    }
    assert [one["ref"] for one in house.page("tracking-categories", filters={"connection": "nz"}).items] == []
    assert [one["ref"] for one in house.page("tracking-categories", q="tea").items] == ["uk:Team"]
    said = "tracking categories are made and changed in the ledger, and come with an import"
    assert house.problems("tracking-categories", {"ref": "uk:Region", "name": "Mine"}) == [said]
    assert house.problems("tracking-categories", shown) == [said]
    with pytest.raises(Exception, match=said):
        house.delete("tracking-categories", "uk:Region")
    with house.saver(origin="uk") as work:
        taken = house.billing.store.put_reference(work, "uk", ReferenceData(tracking=[REGION]))["tracking"]
    assert (taken.created, taken.updated, taken.unchanged, taken.removed) == (0, 0, 1, 1)


def test_a_provider_sees_them_with_what_stands_for_them(shop: House) -> None:
    with shop.database.read() as session:
        catalogue = shop.billing.store.catalogue(session, "uk")
        [group] = shop.billing.store.stream(session, "product-groups", refs=["wood"])
        [region] = shop.billing.store.stream(session, "tracking-categories", refs=["uk:Region"])
    assert [(one.name, one.stands_for) for one in catalogue.tracking] == [("Region", "Region"), ("Team", "Department")]
    assert catalogue.tracking[0] == region
    assert catalogue.defaults == Defaults(tracking={"Region": "Region", "Department": "Team"})
    assert isinstance(group, ProductGroup)
    assert group.tracking == {"Region": "North"}
