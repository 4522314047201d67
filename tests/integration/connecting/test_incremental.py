"""An import after the first reads what changed there since, and loses nothing by that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from host.sync.imports.tables import bookmarks
from tests.integration.connecting.test_daily_imports import DAY_AFTER, EVENING, NEXT, outcome, reopened, run_due

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.testing import Clock
    from tests.integration.connecting.conftest import Office

KINDS = ("tax-rates", "accounts", "currencies", "branding-themes", "customers", "suppliers", "products")
Element = dict[str, Any]


@pytest.fixture
def acme(office: Office) -> Office:
    assert office.place.host.engine is not None
    office.place.host.engine.connect("acme", provider="xero", auth="custom")
    return office


def imported(office: Office, kind: str = "customers", **more: Any) -> Element:
    """How an import ended that is carried out at once."""
    engine = office.place.host.engine
    assert engine is not None
    batch = office.api.post("/connections/acme/import", {"kind": kind, **more})["batch"]
    engine.imports.see_through("acme", batch)
    return shown(office, batch)


def shown(office: Office, batch: str) -> Element:
    answer = office.api.get(f"/batches/{batch}")
    records = office.api.get(f"/batches/{batch}/records", page_size="500")["items"]
    return {**answer["imported"], "records": {one["name"]: one for one in records}}


def actions(ended: Element) -> dict[str, str]:
    assert ended["stage"] == "done", ended["reason"]
    return {name: one["action"] for name, one in ended["records"].items()}


def fill(office: Office, **what: Any) -> None:
    office.sandbox.control("POST", "fill", {**what, "tenant_id": office.tenant(1)})


def a_day_passes(office: Office, clock: Clock, by: timedelta = timedelta(days=1)) -> None:
    office.sandbox.advance(by.total_seconds())
    office.sandbox.bearer = None
    clock.advance(by)


def names(office: Office, kind: str = "customers") -> set[str]:
    return {one["name"] for one in office.api.get(f"/{kind}", page_size="500")["items"]}


def test_a_daily_run_with_nothing_changed_takes_a_call_for_each_kind_and_hardly_a_byte(
    acme: Office, clock: Clock
) -> None:
    fill(acme, contacts=1200, items=300, is_customer=True)
    reopened(acme, *KINDS)
    run_due(acme, clock, EVENING)
    run_due(acme, clock, NEXT)
    assert len(acme.logged("GET", "Contacts")) == 2, "all of them, in two pages"
    assert acme.api.get("/customers")["total"] == 1200
    assert acme.api.get("/products")["total"] == 300

    before = len(acme.sandbox.logged())
    run_due(acme, clock, DAY_AFTER)
    assert outcome(acme) == ("done", "")
    calls = acme.sandbox.logged()[before:]
    read = [one["path"].removeprefix("/api.xro/2.0/") for one in calls if one["method"] == "GET"]
    assert sorted(read) == ["Accounts", "BrandingThemes", "Contacts", "Currencies", "Items", "TaxRates"]
    assert sum(one["bytes_in"] + one["bytes_out"] for one in calls) < 20_000, "the token's answer among them"
    assert [one["method"] for one in calls if one["method"] != "GET"] == ["POST"], "the token"


def test_what_changed_there_comes_and_nothing_else_is_read(acme: Office, clock: Clock) -> None:
    user = acme.sandbox
    made = {one["Name"]: one["ContactID"] for one in user.put("Contacts", *({"Name": name} for name in "ABCDE"))}
    [pen] = user.put("Items", {"Code": "PEN", "Name": "Pen"})
    a_day_passes(acme, clock)
    imported(acme, "all")
    assert names(acme) == set("ABCDE")

    a_day_passes(acme, clock)
    user.post("Contacts", {"ContactID": made["A"], "Name": "Anew"})
    user.put("Contacts", {"Name": "F"})
    tenant = {"tenant_id": acme.tenant(1)}
    user.control("POST", "contacts/archive", {"contact_id": made["B"], **tenant})
    user.control("POST", "contacts/merge", {"contact_id": made["C"], "into": made["D"], **tenant})
    ended = imported(acme, "customers")
    assert ended["since"] is not None
    assert actions(ended) == {"Anew": "update", "F": "create", "B": "skip", "C": "conflict", "D": "unchanged"}
    assert ended["records"]["B"]["reason"] == "it is archived at Xero; acme:B is linked with it"
    assert names(acme) == {"Anew", "B", "C", "D", "E", "F"}

    a_day_passes(acme, clock)
    user.post("Items", {"ItemID": pen["ItemID"], "Code": "PEN", "Name": "Pencil"})
    assert actions(imported(acme, "products")) == {"Pencil": "update"}


def test_it_goes_by_xeros_clock(acme: Office, clock: Clock) -> None:
    """Ours is two hours ahead: by it, what was changed an hour after the last import would be older than that."""
    clock.advance(timedelta(hours=2))
    [made] = acme.sandbox.put("Contacts", {"Name": "Slow"})
    imported(acme)
    a_day_passes(acme, clock, timedelta(hours=1))
    acme.sandbox.post("Contacts", {"ContactID": made["ContactID"], "Name": "Slower"})
    a_day_passes(acme, clock, timedelta(hours=1))
    assert actions(imported(acme)) == {"Slower": "update"}
    a_day_passes(acme, clock, timedelta(minutes=4))
    assert actions(imported(acme)) == {}, "changed more than five minutes before the last import began"


def test_what_was_written_within_the_overlap_is_read_again_and_changes_nothing(acme: Office) -> None:
    acme.sandbox.put("Contacts", {"Name": "Now"})
    imported(acme)
    again = imported(acme)
    assert actions(again) == {"Now": "unchanged"}
    assert again["since"] is not None


@pytest.mark.parametrize("trouble", ["fails", "dies"])
def test_only_an_import_that_came_to_its_end_moves_the_bookmark(
    acme: Office, clock: Clock, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [made] = acme.sandbox.put("Contacts", {"Name": "One"})
    imported(acme)
    a_day_passes(acme, clock)
    acme.sandbox.post("Contacts", {"ContactID": made["ContactID"], "Name": "Other"})
    a_day_passes(acme, clock, timedelta(hours=1))
    if trouble == "fails":
        acme.sandbox.fault(method="GET", path="Contacts", kind="truncate", times=1)
        assert imported(acme)["stage"] == "failed"
    else:
        with monkeypatch.context() as patched:
            patched.setattr("host.sync.imports.importer.Importer._decide_all", _killed)
            with pytest.raises(KeyboardInterrupt):
                imported(acme)
        a_day_passes(acme, clock, timedelta(hours=1))
        acme.place.open()
        assert acme.place.host.engine is not None
        assert acme.place.host.engine.imports.go_on("acme")
        assert names(acme) == {"Other"}
        a_day_passes(acme, clock, timedelta(hours=1))
        assert actions(imported(acme)) == {}
        return
    a_day_passes(acme, clock, timedelta(hours=1))
    assert actions(imported(acme)) == {"Other": "update"}


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_chosen_records_and_previews_say_nothing_of_the_others(acme: Office, clock: Clock) -> None:
    one, _ = acme.sandbox.put("Contacts", {"Name": "One"}, {"Name": "Two"})
    assert actions(imported(acme, choose=[one["ContactID"]])) == {"One": "create"}
    assert actions(imported(acme, preview=True)) == {"One": "unchanged", "Two": "create"}
    a_day_passes(acme, clock)
    first = imported(acme)
    assert (first["since"], actions(first)) == (None, {"One": "unchanged", "Two": "create"})
    a_day_passes(acme, clock)
    assert actions(imported(acme, preview=True)) == {"One": "unchanged", "Two": "unchanged"}, "all, to choose from"


def test_what_was_left_open_is_looked_at_again_though_nothing_changed_there(acme: Office, clock: Clock) -> None:
    acme.save_customer("twin1", name="Twin")
    acme.save_customer("twin2", name="Twin")
    acme.sandbox.put("Contacts", {"Name": "Twin"}, {"Name": "Other"})
    a_day_passes(acme, clock)
    assert actions(imported(acme)) == {"Twin": "conflict", "Other": "create"}
    a_day_passes(acme, clock)
    assert actions(imported(acme)) == {"Twin": "conflict"}
    a_day_passes(acme, clock)
    acme.save_customer("twin2", name="Somebody else")
    ended = imported(acme)
    assert (actions(ended), ended["records"]["Twin"]["ref"]) == ({"Twin": "link"}, "twin1")
    a_day_passes(acme, clock)
    assert actions(imported(acme)) == {}


def test_everything_is_read_where_what_an_import_goes_by_has_changed(acme: Office, clock: Clock) -> None:
    acme.sandbox.put("Contacts", {"Name": "Never invoiced"})
    config = acme.place.config
    text = config.read_text()
    config.write_text(text.replace("[plugins.xero]\n", "[plugins.xero]\nonly_invoiced_customers = true\n"))
    acme.place.open()
    assert actions(imported(acme)) == {"Never invoiced": "skip"}
    a_day_passes(acme, clock)
    config.write_text(text)
    acme.place.open()
    assert actions(imported(acme)) == {"Never invoiced": "create"}


def test_a_link_that_was_undone_is_found_again(acme: Office, clock: Clock) -> None:
    acme.sandbox.put("Contacts", {"Name": "One"}, {"Name": "Two"})
    imported(acme)
    a_day_passes(acme, clock)
    acme.api.delete("/connections/acme/links/customers/acme:One")
    assert actions(imported(acme)) == {"One": "link", "Two": "unchanged"}
    assert len(acme.api.get("/customers")["items"]) == 2


def test_everything_is_read_once_a_week_and_tells_what_is_gone(acme: Office, clock: Clock) -> None:
    made = acme.sandbox.put("Items", {"Code": "A", "Name": "A"}, {"Code": "B", "Name": "B"})
    a_day_passes(acme, clock)
    imported(acme, "products")
    a_day_passes(acme, clock)
    acme.sandbox.call("DELETE", f"Items/{made[0]['ItemID']}")
    assert actions(imported(acme, "products")) == {}, "nobody reports what was deleted"
    gone = imported(acme, "products", whole=True)
    assert gone["records"]["A"]["reason"] == "the remote does not list it any more; acme:A is linked with it"
    assert actions(gone) == {"A": "skip", "B": "unchanged"}
    for _ in range(6):
        a_day_passes(acme, clock)
        assert actions(imported(acme, "products")) == {}
    a_day_passes(acme, clock)
    assert actions(imported(acme, "products")) == {"A": "skip", "B": "unchanged"}
    assert names(acme, "products") == {"A", "B"}


@pytest.mark.parametrize("switch", [{"if_modified_since_304": True}, {"if_modified_since": "next_second"}])
def test_whatever_xero_answers_where_nothing_changed(acme: Office, clock: Clock, switch: Element) -> None:
    acme.sandbox.switch(**switch)
    acme.sandbox.put("Contacts", {"Name": "One"})
    acme.sandbox.put("Items", {"Code": "A", "Name": "A"})
    a_day_passes(acme, clock)
    imported(acme, "all")
    a_day_passes(acme, clock)
    assert actions(imported(acme, "all")) == {}


# ------------------------------------------------------------------------------------------------------------- limits


def bookmarked(office: Office) -> Sequence[str]:
    with office.place.host.database.read() as session:
        return list(session.scalars(select(bookmarks.c.kind).order_by(bookmarks.c.kind)))


@pytest.mark.parametrize("whose", ["ours", "xero's"])
def test_an_import_that_uses_up_the_day_waits_and_goes_on(
    either_office: Office, clock: Clock, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = either_office
    assert office.place.host.engine is not None
    office.place.host.engine.connect("acme", provider="xero", auth="custom")
    monkeypatch.setattr("plugins.xero.looking.PAGE", 10)
    fill(office, contacts=35)
    if whose == "ours":  # three pages of four
        text = office.place.config.read_text()
        office.place.config.write_text(text.replace("day = 0", "day = 3"))
    reopened(office, "customers")
    run_due(office, clock, EVENING)
    if whose == "xero's":
        a_day_begins_there(office)
        office.sandbox.limit(day=3)
    run_due(office, clock, NEXT)
    assert outcome(office) == ("done", ""), "it is not failed: it goes on by itself"
    batch = the_import(office)
    assert (batch["stage"], batch["kinds"]["customers"]["left"]) == ("reading", 30)
    assert datetime.fromisoformat(batch["due_at"]) > clock.now
    assert "the limits of acme are used up until" in batch["reason"] or "calls a day is used up" in batch["reason"]
    assert office.place.host.engine.imports.waiting() == []
    said = office.place.run("import", "customers", "--connection", "acme")
    assert said.code == 1
    assert "it waits: " in said.err
    assert bookmarked(office) == []

    if whose == "ours":
        office.place.config.write_text(office.place.config.read_text().replace("day = 3", "day = 10"))
        office.place.open()
    else:
        office.sandbox.limit(day=10)
    a_day_passes(office, clock, timedelta(hours=25))
    engine = office.place.host.engine
    assert engine is not None
    assert engine.imports.waiting() == ["acme"]
    engine.imports.go_on("acme")
    assert the_import(office)["kinds"]["customers"]["create"] == 35
    records = office.api.get("/customers", page_size="100")["items"]
    assert len({one["sync"][0]["remote_id"] for one in records}) == len(records) == 35
    assert bookmarked(office) == ["customers"]


def test_an_import_waits_in_place_for_a_limit_that_is_over_within_a_minute(
    acme: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.xero.looking.PAGE", 10)
    fill(acme, contacts=35)
    a_day_begins_there(acme, in_seconds=5)
    acme.sandbox.limit(day=3)
    ended = imported(acme)
    assert (ended["stage"], ended["kinds"]["customers"]["create"]) == ("done", 35)
    pages = [
        one["status"] for one in acme.logged("GET", "Contacts") if one["status"] != 401
    ]  # the token ended meanwhile
    assert pages == [200, 200, 200, 429, 200]


def a_day_begins_there(office: Office, in_seconds: float = 0) -> None:
    """Xero's day of 24 hours begins when it likes, and an end that is less than a minute away is waited for."""
    office.sandbox.bearer = None
    office.sandbox.limit(day=1)
    while (answer := office.sandbox.call("GET", "Organisation")).status_code == 200:
        pass
    office.sandbox.advance(float(answer.headers["Retry-After"]) - in_seconds)
    office.sandbox.bearer = None


def the_import(office: Office) -> Element:
    """The first that was asked for."""
    from host.sync.imports.tables import imports

    with office.place.host.database.read() as session:
        batch = session.scalars(select(imports.c.batch).order_by(imports.c.asked_at)).first()
    return dict(office.api.get(f"/batches/{batch}")["imported"])
