"""What is in Xero comes into the billing records: made, linked or updated, and never doubled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from host.testing import Place, Sandbox
from tests.e2e import believed
from tests.e2e.importing import ACCOUNT, Importing, Organisation, links
from tests.e2e.official import Official
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.e2e.conftest import MakeHost
    from tests.e2e.processes import Host

Element = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox("xero", tmp_path_factory.mktemp("sandbox"), ["--no-limits"]) as sandbox:
        yield sandbox


@pytest.fixture
def organisation(sandbox: Sandbox) -> Organisation:
    found = Organisation(sandbox.url)
    found.control("POST", "reset")
    return found


def connected(place: Place, sandbox: Sandbox) -> Importing:
    place.open("core_billing", "xero", tables=sandbox.table)
    world = Importing(place, Organisation(sandbox.url))
    for command in sandbox.connecting:
        world.run(*command)
    return world


@pytest.fixture
def world(place: Place, sandbox: Sandbox, organisation: Organisation) -> Importing:
    """On SQLite and on PostgreSQL."""
    return connected(place, sandbox)


@pytest.fixture
def sqlite_world(sqlite_place: Place, sandbox: Sandbox, organisation: Organisation) -> Importing:
    return connected(sqlite_place, sandbox)


def contact(name: str, **more: Any) -> Element:
    return {"Name": name, **more}


def item(code: str, **more: Any) -> Element:
    return {"Code": code, "Name": f"Item {code}", **more}


WHOLE = contact(
    "Bank West Ltd",
    FirstName="Ada",
    LastName="Lovelace",
    EmailAddress="ada@example.com",
    AccountNumber="C100",
    TaxNumber="GB 123",
    DefaultCurrency="USD",
    AccountsReceivableTaxType="OUTPUT2",
    AccountsPayableTaxType="INPUT2",
    Addresses=[
        {
            "AddressType": "POBOX",
            "AddressLine1": "1 High Street",
            "AddressLine2": "Floor 2",
            "AddressLine3": "Left",
            "City": "Oakville",
            "PostalCode": "AB1 2CD",
            "Country": "New Zealand",
        }
    ],
    Phones=[{"PhoneType": "DEFAULT", "PhoneNumber": "7946 0000", "PhoneAreaCode": "020", "PhoneCountryCode": "44"}],
)


# ---------------------------------------------------------------------------------------------------------- customers


@pytest.mark.row("H-43", part="api")
@pytest.mark.row("H-44", part="api")
@pytest.mark.row("H-45")
@pytest.mark.row("T-33", part="api")
def test_a_customer_comes_with_everything_that_is_there_and_nothing_goes_back(world: Importing) -> None:
    made = world.organisation.user().put("Contacts", WHOLE)
    before = world.organisation.last_call
    assert world.imported("customers") == {"create": 1}

    customer = world.named("customers", "Bank West Ltd")
    assert customer["ref"] == "demo:C100"
    assert customer["connection"] == "demo"
    assert (customer["first_name"], customer["last_name"], customer["email"]) == ("Ada", "Lovelace", "ada@example.com")
    assert (customer["phone"], customer["tax_number"], customer["currency"]) == ("44 020 7946 0000", "GB 123", "USD")
    assert (customer["sales_tax"], customer["purchase_tax"]) == ("OUTPUT2", "INPUT2")
    assert customer["billing_address"] == {
        "line1": "1 High Street",
        "line2": "Floor 2, Left",
        "city": "Oakville",
        "region": "",
        "postal_code": "AB1 2CD",
        "country": "New Zealand",
    }
    [state] = customer["sync"]
    assert (state["state"], state["remote_id"], state["remote_number"]) == ("synced", made["ContactID"], "C100")
    assert made["ContactID"] in state["remote_url"]
    assert world.place.api.get(f"/connections/{state['connection']}")["organisation_name"]

    # It is of this connection for ever.
    refused = world.place.api.ask("PATCH", f"/customers/{customer['ref']}", json={"connection": "other"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "connection")

    # What came from there is not sent back, whatever is asked for.
    world.place.api.post("/sync", {"kind": "customers"})
    world.drain()
    assert world.organisation.writes(before) == []


def test_a_second_import_changes_nothing_and_says_so(world: Importing) -> None:
    user = world.organisation.user()
    user.put("Contacts", WHOLE)
    user.put("Contacts", contact("Plain"))
    user.put("Items", item("BOOK", SalesDetails={"UnitPrice": 12.5, "AccountCode": ACCOUNT}))
    first = world.import_("all")
    assert world.counts("customers", first) == {"create": 2}
    assert world.counts("products", first) == {"create": 1}
    records = [world.all(kind) for kind in ("customers", "suppliers", "products")]
    before = world.organisation.last_call

    second = world.import_("all")
    assert world.counts("customers", second) == {"unchanged": 2}
    assert world.counts("products", second) == {"unchanged": 1}
    assert [world.all(kind) for kind in ("customers", "suppliers", "products")] == records
    world.place.api.post("/sync", {})
    world.drain()
    assert world.organisation.writes(before) == []


@pytest.mark.row("H-38")
@pytest.mark.row("H-39")
@pytest.mark.row("H-40")
def test_a_customer_that_is_here_already_is_linked_and_updated(world: Importing) -> None:
    user = world.organisation.user()
    by_name = user.put("Contacts", contact("Bank West Ltd", EmailAddress="new@example.com"))
    by_code = user.put("Contacts", contact("Another Name", AccountNumber="C100"))
    world.put("/customers/w", {"name": "BANK  west ltd", "email": "old@example.com", "phone": "1"})
    world.put("/customers/c", {"name": "Name of Ours", "accounts_code": "c100"})
    assert world.imported("customers") == {"link": 2}

    west, coded = world.place.api.get("/customers/w"), world.place.api.get("/customers/c")
    assert (west["name"], west["email"], west["phone"]) == ("Bank West Ltd", "new@example.com", "1")
    assert (coded["name"], coded["accounts_code"]) == ("Another Name", "C100")
    assert links(west) == [("demo", by_name["ContactID"])]
    assert links(coded) == [("demo", by_code["ContactID"])]

    user.post(f"Contacts/{by_code['ContactID']}", {"Name": "Renamed"})
    batch = world.import_("customers")
    assert world.counts("customers", batch) == {"update": 1, "unchanged": 1}
    [changed] = world.records(batch, action="update")
    assert (changed["ref"], changed["changes"]) == ("c", {"name": "Renamed"})
    assert [one["name"] for one in world.all("customers", sort="ref")] == ["Renamed", "Bank West Ltd"]


@pytest.mark.row("H-42", part="api")
@pytest.mark.row("H-70", part="api")
@pytest.mark.row("H-80", part="api")
def test_what_is_there_is_listed_and_some_of_it_chosen(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    ids = {name: user.put("Contacts", contact(name))["ContactID"] for name in ("One", "Two", "Three")}
    items = {code: user.put("Items", item(code))["ItemID"] for code in ("A", "B", "C")}
    for name in ("One", "Two"):
        bill(user, ids[name])
    world.put("/customers/2", {"name": "Two", "email": "two@example.com"})

    preview = world.import_("customers", preview=True)
    shown = {one["name"]: (one["action"], one["reason"]) for one in world.records(preview)}
    assert shown["Three"] == ("create", "")
    assert shown["Two"][0] == "skip"
    assert preview["imported"]["preview"]
    assert len(world.all("customers")) == 1
    assert world.imported("customers", choose=[ids["Two"], ids["Three"]]) == {"create": 1, "link": 1}
    assert sorted(one["name"] for one in world.all("customers")) == ["Three", "Two"]

    listed = [one["name"] for one in world.records(world.import_("products", preview=True))]
    assert listed == ["Item A", "Item B", "Item C"]
    assert world.imported("products", choose=[items["C"]]) == {"create": 1}
    assert [one["code"] for one in world.all("products")] == ["C"]

    suppliers = {one["name"]: one["action"] for one in world.records(world.import_("suppliers", preview=True))}
    assert suppliers == {"One": "create", "Two": "create", "Three": "skip"}
    assert world.imported("suppliers", choose=[ids["One"]]) == {"create": 1}
    assert [one["name"] for one in world.all("suppliers")] == ["One"]


def bill(user: Any, contact_id: str) -> None:
    user.put(
        "Invoices",
        {
            "Type": "ACCPAY",
            "Contact": {"ContactID": contact_id},
            "Status": "AUTHORISED",
            "Date": "2026-11-01",
            "DueDate": "2026-11-30",
            "LineItems": [{"Description": "Work", "Quantity": 1, "UnitAmount": 10, "AccountCode": "400"}],
        },
    )


@pytest.mark.row("H-41")
@pytest.mark.row("H-68")
@pytest.mark.row("H-79")
@pytest.mark.row("H-71", part="api")
@pytest.mark.row("H-81", part="api")
def test_who_is_of_another_organisation_is_somebody_else(
    sqlite_place: Place, sandbox: Sandbox, organisation: Organisation
) -> None:
    other = organisation.control("POST", "organisations", name="Kiwi Ltd", country="NZ", currency="NZD")
    table = f"""{sandbox.table}
[plugins.xero.connections.kiwi]
client_id = "{other["client_id"]}"
client_secret = "{other["client_secret"]}"
"""
    sqlite_place.open("core_billing", "xero", tables=table)
    world = Importing(sqlite_place, organisation)
    for command in (*sandbox.connecting, ("xero", "connect", "kiwi"), ("import", "all", "--connection", "kiwi")):
        world.run(*command)
    first = organisation.control("GET", "organisations")[0]["tenant_id"]
    ids: dict[str, dict[str, Element]] = {}
    for key, tenant in (("demo", first), ("kiwi", other["tenant_id"])):
        user = organisation.user(tenant)
        acme = user.put("Contacts", contact("Acme", AccountNumber="A1"))
        bill(user, acme["ContactID"])
        ids[key] = {"contact": acme, "item": user.put("Items", item("BOOK"))}
    for key in ("demo", "kiwi"):
        batch = world.import_("all", connection=key)
        assert world.counts("suppliers", batch) == world.counts("products", batch) == {"create": 1}

        # Only a supplier there: a customer where somebody chooses it.
        assert world.counts("customers", batch) == {"skip": 1}
        chosen = [ids[key]["contact"]["ContactID"]]
        assert world.imported("customers", connection=key, choose=chosen) == {"create": 1}

    for kind, name in (("customers", "Acme"), ("suppliers", "Acme"), ("products", "Item BOOK")):
        found = world.all(kind, name=name, sort="ref")
        assert [one["connection"] for one in found] == ["demo", "kiwi"]
        there = "item" if kind == "products" else "contact"
        remote_ids = [ids[key][there]["ItemID" if kind == "products" else "ContactID"] for key in ("demo", "kiwi")]
        assert [links(one) for one in found] == [[("demo", remote_ids[0])], [("kiwi", remote_ids[1])]]

    # Again, and nothing of one has come to the other.
    for key in ("demo", "kiwi"):
        batch = world.import_("all", connection=key)
        assert [world.counts(kind, batch) for kind in ("customers", "suppliers", "products")] == [{"unchanged": 1}] * 3


@pytest.mark.row("H-77")
@pytest.mark.row("H-78")
def test_a_supplier_that_is_here_already_is_linked(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    named, coded = (user.put("Contacts", one) for one in (contact("Mill Ltd"), contact("Other", AccountNumber="S1")))
    for one in (named, coded):
        bill(user, one["ContactID"])
    world.put("/suppliers/n", {"name": "mill ltd"})
    world.put("/suppliers/c", {"name": "Ours", "accounts_code": "S1"})
    assert world.imported("suppliers") == {"link": 2}
    assert [one["name"] for one in world.all("suppliers", sort="ref")] == ["Other", "Mill Ltd"]

    user.post(f"Contacts/{named['ContactID']}", {"Name": "New Mill Ltd"})
    assert world.imported("suppliers") == {"update": 1, "unchanged": 1}
    assert [one["name"] for one in world.all("suppliers", sort="ref")] == ["Other", "New Mill Ltd"]
    assert links(world.place.api.get("/suppliers/n")) == [("demo", named["ContactID"])]


def test_one_contact_may_be_a_customer_and_a_supplier(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    both = user.put("Contacts", contact("Both"))
    bill(user, both["ContactID"])
    world.imported("suppliers")
    world.imported("customers", choose=[both["ContactID"]])
    [customer], [supplier] = world.all("customers"), world.all("suppliers")
    assert links(customer) == links(supplier) == [("demo", both["ContactID"])]


# ----------------------------------------------------------------------------------------------------------- products


@pytest.mark.row("H-66")
@pytest.mark.row("H-67")
@pytest.mark.row("H-69")
@pytest.mark.row("H-72")
def test_products_come_with_their_codes_into_a_group(sqlite_world: Importing) -> None:
    world = sqlite_world
    user = world.organisation.user()
    made = user.put(
        "Items",
        item(
            "BOOK",
            Description="A book",
            PurchaseDescription="A book bought",
            SalesDetails={"UnitPrice": 12.5, "AccountCode": "200", "TaxType": "OUTPUT2"},
            PurchaseDetails={"UnitPrice": 7, "AccountCode": "300", "TaxType": "INPUT2"},
        ),
    )
    user.put("Items", item("PEN"))
    warned = world.place.api.post("/connections/demo/import", {"kind": "products", "preview": True})
    assert warned["warnings"] == [
        "no product group was named: new products are in none, and have only the accounts of their own"
    ]
    refused = world.place.api.ask("POST", "/connections/demo/import", json={"kind": "products", "group": "no"})
    assert refused.json()["errors"] == [
        {"field": "group", "message": "there is nothing with the ref 'no' among the product-groups"}
    ]

    world.put("/product-groups/stock", {"name": "Stock"})
    world.put("/products/here", {"name": "item book"})
    world.put("/products/other", {"name": "Item PEN", "code": "PENCIL"})
    assert world.imported("products", group="stock") == {"link": 1, "create": 1}
    book = world.place.api.get("/products/here")
    expected = {
        "code": "BOOK",
        "name": "Item BOOK",
        "description": "A book",
        "purchase_description": "A book bought",
        "sales_price": "12.50",
        "sales_account": "200",
        "sales_tax": "OUTPUT2",
        "purchase_price": "7.00",
        "purchase_account": "300",
        "purchase_tax": "INPUT2",
        "group": "stock",
        "connection": "demo",
    }
    assert {name: book[name] for name in expected} == expected
    assert links(book) == [("demo", made["ItemID"])]
    assert world.place.api.get("/products/demo:PEN")["group"] == "stock"
    assert links(world.place.api.get("/products/other")) == []

    user.post(f"Items/{made['ItemID']}", {"Code": "BOOK", "Name": "Renamed"})
    assert world.imported("products", group="stock") == {"update": 1, "unchanged": 1}
    assert world.place.api.get("/products/here")["name"] == "Renamed"
    assert len(world.all("products")) == 3


# ------------------------------------------------------------------------------------- not everything is to be taken


def test_who_is_archived_merged_or_to_be_forgotten_is_not_brought(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    ids = {
        name: user.put("Contacts", contact(name))["ContactID"] for name in ("Gone", "Hidden", "Loser", "Winner", "Kept")
    }
    world.imported("customers", choose=[ids["Loser"], ids["Kept"]])
    loser = world.named("customers", "Loser")["ref"]
    control = world.organisation.control
    control("POST", "contacts/archive", contact_id=ids["Gone"])
    control("POST", "contacts/archive", contact_id=ids["Kept"])
    control("POST", "contacts/gdpr", contact_id=ids["Hidden"])
    control("POST", "contacts/merge", contact_id=ids["Loser"], into=ids["Winner"])

    preview = {one["name"]: one["action"] for one in world.records(world.import_("customers", preview=True))}
    batch = world.import_("customers")
    told = {one["name"]: (one["action"], one["ref"], one["reason"]) for one in world.records(batch)}
    assert preview == {name: action for name, (action, _, _) in told.items()}
    assert told["Gone"] == ("skip", "", "it is archived at Xero")
    assert told["Hidden"] == ("skip", "", "it is under a request to be forgotten, at Xero")
    assert told["Kept"] == ("skip", "demo:Kept", "it is archived at Xero; demo:Kept is linked with it")
    assert told["Loser"] == ("link", loser, "it was merged: linked with what took its place")
    assert told["Winner"][:2] == ("update", loser)
    assert sorted(one["name"] for one in world.all("customers")) == ["Kept", "Winner"]
    assert links(world.place.api.get(f"/customers/{loser}")) == [("demo", ids["Winner"])]
    assert world.imported("customers") == {"unchanged": 1, "skip": 4}


def test_two_of_ours_that_became_one_there_are_a_conflict_that_names_both(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    ids = [user.put("Contacts", contact(name))["ContactID"] for name in ("One", "Two")]
    assert world.imported("customers") == {"create": 2}
    world.organisation.control("POST", "contacts/merge", contact_id=ids[0], into=ids[1])
    batch = world.import_("customers")
    [conflict] = world.records(batch, action="conflict")
    merged = "it was merged at the remote: demo:One and demo:Two are one there now"
    assert conflict["reason"] == f"{merged}; let what names demo:One here name demo:Two, and make demo:One inactive"
    # Done as it says, it is no conflict any more.
    world.place.api.patch("/customers/demo:One", {"active": False})
    assert world.imported("customers") == {"unchanged": 1, "skip": 1}


def test_many_of_one_name(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    world.organisation.control("POST", "fill", contacts=300, name="Same Ltd", status="ARCHIVED")
    made = user.put("Contacts", contact("Same Ltd"))
    assert world.imported("customers") == {"skip": 300, "create": 1}

    for number in range(3):
        world.put(f"/customers/same{number}", {"name": "Twin Ltd"})
    twin = user.put("Contacts", contact("Twin Ltd"))
    batch = world.import_("customers")
    assert world.counts("customers", batch) == {"skip": 300, "unchanged": 1, "conflict": 1}
    [conflict] = world.records(batch, action="conflict")
    assert conflict["reason"] == "3 records here have this name (same0, same1, same2): link it with one of them by hand"
    world.place.api.put("/connections/demo/links/customers/same1", {"remote_id": twin["ContactID"]})
    assert world.imported("customers") == {"skip": 300, "unchanged": 2}
    assert made["ContactID"] != twin["ContactID"]


@pytest.mark.row("H-47", part="api")
def test_only_who_was_invoiced_where_that_is_wished(
    sqlite_place: Place, sandbox: Sandbox, organisation: Organisation
) -> None:
    table = sandbox.table.replace("[plugins.xero]\n", "[plugins.xero]\nonly_invoiced_customers = true\n")
    assert table != sandbox.table
    sqlite_place.open("core_billing", "xero", tables=table)
    world = Importing(sqlite_place, organisation)
    for command in sandbox.connecting:
        world.run(*command)
    organisation.control("POST", "fill", contacts=1, name="Invoiced", is_customer=True)
    organisation.user().put("Contacts", contact("Never"))
    assert world.imported("customers") == {"create": 1, "skip": 1}
    assert [one["name"] for one in world.all("customers")] == ["Invoiced"]


# -------------------------------------------------------------------------------------------------- who changed what


def test_what_was_changed_here_since_stays_and_the_rest_comes(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    made = user.put("Contacts", contact("Acme", EmailAddress="a@example.com", AccountNumber="A1"))
    world.imported("customers")
    world.place.api.patch("/customers/demo:A1", {"email": "ours@example.com"})
    user.post(f"Contacts/{made['ContactID']}", {"EmailAddress": "theirs@example.com", "FirstName": "Ada"})
    batch = world.import_("customers")
    [record] = world.records(batch)
    assert (record["action"], record["changes"]) == ("update", {"first_name": "Ada"})
    assert record["reason"] == "changed here since, and kept: email"
    world.drain()
    [there] = Official(world.organisation.url).contacts()
    assert (there.email_address, there.first_name) == ("ours@example.com", "Ada")
    assert world.imported("customers") == {"unchanged": 1}


def test_what_was_emptied_there_is_emptied_here(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    made = user.put("Contacts", contact("Acme", EmailAddress="a@example.com"))
    world.imported("customers")
    user.post(f"Contacts/{made['ContactID']}", {"EmailAddress": ""})
    assert world.imported("customers") == {"update": 1}
    assert world.named("customers", "Acme")["email"] == ""


def test_a_repair_made_on_the_way_out_is_not_copied_back(sqlite_world: Importing) -> None:
    """FEATURES, choice 16."""
    world = sqlite_world
    long = "A track with a name that Xero cuts because it has more than fifty characters"
    world.put("/customers/c", {"name": "Bank  West <UK> ", "email": "frantiska@müller.example", "phone": "1"})
    world.put("/products/p", {"name": long, "code": "P1", "sales_price": "1.00"})
    world.drain()
    assert world.place.api.get("/customers/c")["sync"][0]["state"] == "synced"
    batch = world.import_("all")
    assert world.counts("customers", batch) == world.counts("products", batch) == {"unchanged": 1}
    customer, product = world.place.api.get("/customers/c"), world.place.api.get("/products/p")
    assert (customer["name"], customer["email"]) == ("Bank  West <UK> ", "frantiska@müller.example")
    assert (product["name"], product["description"]) == (long, "")


@pytest.mark.row("A-9")
def test_what_was_imported_is_updated_there_and_not_made_again(sqlite_world: Importing) -> None:
    world = sqlite_world
    user = world.organisation.user()
    made = [user.put("Contacts", contact(name, AccountNumber=name)) for name in ("Customer", "Supplier")]
    bill(user, made[1]["ContactID"])
    thing = user.put("Items", item("BOOK", SalesDetails={"UnitPrice": 1, "AccountCode": "200"}))
    world.import_("all")
    before = world.organisation.last_call
    world.place.api.patch("/customers/demo:Customer", {"phone": "123"})
    world.place.api.patch("/suppliers/demo:Supplier", {"email": "s@example.com"})
    world.place.api.patch("/products/demo:BOOK", {"sales_price": "2.00"})
    world.drain()
    assert {one["method"] for one in world.organisation.writes(before)} == {"POST"}
    official = Official(world.organisation.url)
    contacts = {one.contact_id: one for one in official.contacts()}
    assert sorted(contacts) == sorted(one["ContactID"] for one in made)
    assert contacts[made[1]["ContactID"]].email_address == "s@example.com"
    assert [(one.item_id, one.sales_details.unit_price) for one in official.items()] == [(thing["ItemID"], 2)]


# ------------------------------------------------------------------------------------ what invoices make of what came


def invoice(customer: str, *lines: Element, **more: Any) -> Element:
    return {"customer": customer, "issue_date": "2026-11-02", "due_date": "2026-12-02", "lines": list(lines), **more}


def stand(world: Importing, ref: str) -> Element:
    """How the invoice stands at Xero after a drain."""
    world.drain()
    [state] = world.place.api.get(f"/invoices/{ref}")["sync"]
    return dict(state)


@pytest.mark.row("H-37")
def test_an_invoice_waits_until_its_customer_is_imported(
    sqlite_place: Place, sandbox: Sandbox, organisation: Organisation
) -> None:
    table = sandbox.table.replace('"customers", ', "")
    assert table != sandbox.table
    sqlite_place.open("core_billing", "xero", tables=table)
    world = Importing(sqlite_place, organisation)
    for command in sandbox.connecting:
        world.run(*command)
    organisation.user().put("Contacts", contact("Acme"))
    before = organisation.last_call
    world.put("/customers/acme", {"name": "Acme"})
    line = {"description": "Work", "unit_price": "10", "account": ACCOUNT, "tax_rate": "NONE"}
    world.put("/invoices/1", invoice("acme", line, number="W-1"))
    assert stand(world, "1")["state"] == "blocked"
    assert organisation.writes(before) == []

    assert world.imported("customers") == {"link": 1}
    assert stand(world, "1")["state"] == "synced"
    [made] = Official(organisation.url).contacts()
    assert Official(organisation.url).invoice("W-1").contact.contact_id == made.contact_id


@pytest.mark.row("H-46", part="api")
@pytest.mark.row("H-64")
def test_a_customers_tax_and_theme_go_onto_its_invoices(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    user.put("Contacts", contact("Acme", AccountsReceivableTaxType="OUTPUT2"))
    [theme] = user.listed("BrandingThemes", "")[:1]
    world.import_("all")
    world.place.api.patch("/customers/demo:Acme", {"branding_theme": theme["Name"]})
    world.put(
        "/invoices/1", invoice("demo:Acme", {"description": "W", "unit_price": "1", "account": ACCOUNT}, number="T1")
    )
    [line] = world.place.api.get("/invoices/1")["lines"]
    assert line["effective"]["tax_rate"] == "OUTPUT2"
    assert line["effective"]["tax_rate_from"] == "customer"
    assert stand(world, "1")["state"] == "synced"
    there = Official(world.organisation.url).invoice("T1")
    assert (there.line_items[0].tax_type, str(there.branding_theme_id)) == ("OUTPUT2", theme["BrandingThemeID"])


@pytest.mark.row("H-62")
def test_a_line_whose_product_is_not_there_is_named(sqlite_world: Importing) -> None:
    world = sqlite_world
    world.put("/product-groups/kept", {"name": "Kept", "exclude_from_accounting": True, "use_for_items": True})
    world.put("/products/p", {"name": "P", "code": "P", "group": "kept", "sales_account": ACCOUNT, "sales_tax": "NONE"})
    world.put("/customers/acme", {"name": "Acme"})
    work = {"description": "Work", "unit_price": "1", "account": ACCOUNT, "tax_rate": "NONE"}
    world.put("/invoices/1", invoice("acme", work, {"product": "p"}, number="N1"))
    state = stand(world, "1")
    assert state["state"] == "blocked"
    assert state["reason"].startswith("line 2: its product p is not in Xero (its product group keeps"), state
    assert not world.organisation.user().listed("Invoices", "")


@pytest.mark.row("H-63")
@pytest.mark.row("H-65")
def test_a_line_has_the_codes_of_its_product_or_of_its_group(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    user.put("Contacts", contact("Acme"))
    user.put("Items", item("OWN", SalesDetails={"UnitPrice": 1, "AccountCode": "200", "TaxType": "OUTPUT2"}))
    user.put("Items", item("GROUPED", SalesDetails={"UnitPrice": 1, "TaxType": "OUTPUT2"}))
    world.put("/product-groups/g", {"name": "G", "sales_account": "260"})
    world.import_("all", group="g")
    # What the ledger fills in by itself is not what is shown here.
    world.place.api.patch("/products/demo:GROUPED", {"sales_account": "", "sales_tax": "OUTPUT2"})
    world.put("/invoices/1", invoice("demo:Acme", {"product": "demo:OWN"}, {"product": "demo:GROUPED"}, number="G1"))
    assert stand(world, "1")["state"] == "synced"
    lines = Official(world.organisation.url).invoice("G1").line_items
    assert [(one.item_code, one.account_code) for one in lines] == [("OWN", "200"), ("GROUPED", "260")]

    # Without either code it says which is missing, and goes once it is there.
    for missing, given in (("sales_account", "260"), ("sales_tax", "OUTPUT2")):
        world.put("/product-groups/g", {"name": "G"})
        world.place.api.patch("/products/demo:GROUPED", {"sales_account": "260", "sales_tax": "OUTPUT2", missing: ""})
        number = f"M-{missing}"
        world.put(f"/invoices/{missing}", invoice("demo:Acme", {"product": "demo:GROUPED"}, number=number))
        blocked = stand(world, missing)
        assert (blocked["state"], missing.removeprefix("sales_") in blocked["reason"]) == ("blocked", True)
        world.place.api.patch("/products/demo:GROUPED", {missing: given})
        world.place.api.post("/sync", {"kind": "invoices", "refs": [missing]})
        assert stand(world, missing)["state"] == "synced"


# -------------------------------------------------------------------------------------------------------------- links


@pytest.mark.row("T-35")
@pytest.mark.row("T-36", part="api")
def test_a_person_searches_and_links(sqlite_world: Importing) -> None:
    world = sqlite_world
    user, api = world.organisation.user(), world.place.api
    ids = {name: user.put("Contacts", contact(name))["ContactID"] for name in ("Bank West", "Bank East", "Shop")}
    world.put("/customers/w", {"name": "West Banking", "phone": "123"})
    found = api.get("/connections/demo/remote/customers", q="bank")["items"]
    assert sorted(one["name"] for one in found) == ["Bank East", "Bank West"]
    state = api.put("/connections/demo/links/customers/w", {"remote_id": ids["Bank West"]})
    assert (state["remote_id"], state["state"]) == (ids["Bank West"], "waiting")
    world.drain()
    [west] = [one for one in Official(world.organisation.url).contacts() if one.contact_id == ids["Bank West"]]
    assert west.name == "West Banking"

    # What is linked already is replaced only where somebody says so, and nothing is linked twice.
    path = "/connections/demo/links/customers/w"
    asked = api.ask("PUT", path, json={"remote_id": ids["Bank East"]})
    assert (asked.status_code, "say replace" in asked.json()["detail"]) == (409, True)
    assert api.put(path, {"remote_id": ids["Bank East"], "replace": True})["remote_id"] == ids["Bank East"]
    world.put("/customers/v", {"name": "Vale"})
    refused = api.ask("PUT", "/connections/demo/links/customers/v", json={"remote_id": ids["Bank East"]})
    assert refused.json()["detail"] == "Bank East is linked with w already: unlink that one first"
    unknown = api.ask("PUT", path, json={"remote_id": "nobody", "replace": True})
    assert unknown.status_code == 409
    assert api.ask("PUT", "/connections/demo/links/customers/x", json={"remote_id": "1"}).status_code in {404, 409}


def test_a_link_that_was_undone_is_made_again_and_nothing_doubled(sqlite_world: Importing) -> None:
    world = sqlite_world
    user = world.organisation.user()
    made = user.put("Contacts", WHOLE)
    world.imported("customers")
    before = world.organisation.last_call
    state = world.place.api.delete("/connections/demo/links/customers/demo:C100")
    assert (state["state"], state["remote_id"]) == ("not_sent", "")
    world.drain()
    assert world.imported("customers") == {"link": 1}
    [customer] = world.all("customers")
    assert links(customer) == [("demo", made["ContactID"])]
    assert world.organisation.writes(before) == []
    assert world.place.api.ask("DELETE", "/connections/demo/links/customers/nobody").status_code == 404


# ---------------------------------------------------------------------------------------------------- many, and trouble


@pytest.mark.row("A-8")
def test_one_pass_brings_everything_that_is_there(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    world.organisation.control("POST", "fill", contacts=3, is_customer=True)
    world.organisation.control("POST", "fill", contacts=2, is_supplier=True)
    world.organisation.control("POST", "fill", items=4)
    said = world.run("import", "all", "--connection", "demo")
    rates = [one for one in user.listed("TaxRates", "") if one["Status"] == "ACTIVE"]
    accounts = [one for one in user.listed("Accounts", "") if one["Status"] == "ACTIVE" and one.get("Code")]
    assert f"rates: 0 new, 0 updated, {len(rates)} unchanged" in said
    assert f"accounts: 0 new, 0 updated, {len(accounts)} unchanged" in said
    assert "customers: 3 new, 2 skipped\nsuppliers: 2 new, 3 skipped\nproducts: 4 new\n" in said
    counts = [len(world.all(kind)) for kind in ("tax-rates", "accounts", "customers", "suppliers", "products")]
    assert counts == [len(rates), len(accounts), 3, 2, 4]


def test_ten_thousand_contacts_take_ten_calls_and_are_believed_as_they_are(sqlite_world: Importing) -> None:
    world = sqlite_world
    world.organisation.control("POST", "fill", contacts=10_000)
    before = world.organisation.last_call
    assert world.imported("customers") == {"create": 10_000}
    assert len(world.organisation.calls_of_import("Contacts", before)) == 10
    believed.assert_contacts(Official(world.organisation.url).contacts(), pages(world))


def pages(world: Importing) -> list[Element]:
    found: list[Element] = []
    while True:
        page = world.place.api.get("/customers", page_size="500", page=str(len(found) // 500 + 1))
        found += page["items"]
        if len(found) >= page["total"]:
            return found


def test_xero_that_fails_meanwhile_is_said_with_what_to_do(sqlite_world: Importing) -> None:
    world = sqlite_world
    world.organisation.user().put("Contacts", contact("Acme"))
    world.organisation.control("POST", "faults", method="GET", path="Contacts", kind="truncate", times=1)
    batch = world.import_("customers")
    assert (batch["imported"]["stage"], "try again later" in batch["imported"]["reason"]) == ("failed", True)
    assert world.imported("customers") == {"create": 1}


def test_the_command_says_what_would_be_and_what_a_person_has_to_look_at(sqlite_world: Importing) -> None:
    world, user = sqlite_world, sqlite_world.organisation.user()
    user.put("Contacts", contact("Acme", EmailAddress="a@example.com"))
    user.put("Contacts", contact("Twin"))
    for ref in ("one", "two"):
        world.put(f"/customers/{ref}", {"name": "Twin"})
    world.put("/customers/acme", {"name": "acme"})
    said = world.run("import", "customers", "--connection", "demo", "--preview", code=1)
    assert sorted(said.splitlines()) == [
        "customers Acme: link acme (email, name): same name",
        "customers Twin: conflict: 2 records here have this name (one, two): link it with one of them by hand",
        "customers: 1 linked, 1 conflicts if it were imported; nothing was changed",
    ]
    assert links(world.place.api.get("/customers/acme")) == []
    done = world.place.run("import", "customers", "--connection", "demo", "--json")
    assert done.code == 1
    assert done.json["imported"]["kinds"]["customers"]["link"] == 1
    wrong = {
        ("import", "all", "--choose", "1"): "--choose goes with one kind of records: customers, suppliers or products",
        ("import", "accounts", "--preview"): "--preview goes with records: lists are taken as they are",
        ("import", "customers", "--group", "g"): "--group goes with products",
    }
    for arguments, message in wrong.items():
        ran = world.place.run(*arguments, "--connection", "demo")
        assert (ran.code, ran.err) == (1, f"error: {message}\n")


def test_a_killed_import_goes_on_without_doubles(make_connected: MakeHost) -> None:
    """Killed at any moment, which is mostly within a transaction, and then between two."""
    host = make_connected()
    host.sandbox.control("POST", "fill", contacts=1500)
    server = host.serve()
    asked = server.api.post("/connections/demo/import", json={"kind": "customers"})
    assert asked.status_code == 202, asked.text
    path = f"/batches/{asked.json()['batch']}"

    def counts() -> Element:
        return dict(server.get(path)["imported"]["kinds"]["customers"])

    wait_until(lambda: decided(host), what="the first records", pause=0.002)
    server.kill()
    before = decided(host)
    assert 0 < before < 1500
    server = host.serve(wait=False)
    wait_until(lambda: decided(host) > before, what="more records", pause=0.002)
    with nobody_writing(host):
        server.kill()
    assert before < decided(host) < 1500
    server = host.serve()
    wait_until(lambda: server.get(path)["imported"]["stage"] == "done", what="the end of the import", seconds=60)
    assert counts() == {**dict.fromkeys(counts(), 0), "create": 1500}
    records = server.all("customers")
    assert len({one["sync"][0]["remote_id"] for one in records}) == len(records) == 1500
    assert {one["sync"][0]["state"] for one in records} == {"synced"}
    assert host.sandbox.writes() == []


def decided(host: Host) -> int:
    """Of how many records it is decided, and done, what becomes of them."""
    with closing_connection(host) as connection:
        return int(
            connection.exec_driver_sql("SELECT count(*) FROM sync_import_records WHERE action <> ''").scalar_one()
        )


@contextmanager
def nobody_writing(host: Host) -> Iterator[None]:
    """Begins between two transactions of the import: the next one has to wait."""
    with closing_connection(host) as connection:
        if connection.dialect.name == "sqlite":
            wait_until(lambda: begun(connection), what="a moment in which nobody writes", pause=0.0005)
        else:
            connection.exec_driver_sql("LOCK TABLE sync_batches IN EXCLUSIVE MODE")
        yield


def begun(connection: Connection) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError:
        return False
    return True


@contextmanager
def closing_connection(host: Host) -> Iterator[Connection]:
    engine = create_engine(host.database_url, connect_args={"timeout": 0} if "sqlite" in host.database_url else {})
    with engine.connect() as connection:
        yield connection
    engine.dispose()
