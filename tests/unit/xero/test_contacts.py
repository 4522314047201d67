"""Customers and suppliers as contacts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Address
from host.sync.provider import (
    NOT_LOOKED,
    Adopt,
    Agreed,
    Blocked,
    Done,
    Finish,
    Look,
    Prepared,
    Refuse,
    Rejected,
    Send,
    Taken,
    Unclear,
    Unreadable,
    Verb,
    Wanted,
)
from plugins.xero.contacts import MARKS_IN_A_CALL
from plugins.xero.wire.numbers import loads
from tests.unit.xero.making import (
    answer,
    catalogue,
    customer,
    desk,
    nobody,
    planned,
    prepared,
    provider,
    supplier,
    wish,
)

if TYPE_CHECKING:
    from hookspecs import Party
    from host.sync.provider import Planned

ADDRESS = Address(line1="12 Quay St", city="Leeds", postal_code="LS1 1AA", country="United Kingdom")
FULL = customer(
    accounts_code="C100",
    first_name="Ann",
    last_name="Lee",
    email="ann@example.com",
    phone="+44 113 4960000",
    tax_number="GB123",
    currency="GBP",
    sales_tax="OUTPUT2",
    billing_address=ADDRESS,
)
FULL_ELEMENT = {
    "AccountNumber": "C100",
    "Name": "Harbour Joinery Ltd",
    "FirstName": "Ann",
    "LastName": "Lee",
    "EmailAddress": "ann@example.com",
    "TaxNumber": "GB123",
    "DefaultCurrency": "GBP",
    "AccountsReceivableTaxType": "OUTPUT2",
    "Addresses": [
        {
            "AddressType": "POBOX",
            "AddressLine1": "12 Quay St",
            "City": "Leeds",
            "PostalCode": "LS1 1AA",
            "Country": "United Kingdom",
        }
    ],
    "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "+44 113 4960000"}],
}


def element_of(party: Party, kind: str = "customers") -> dict[str, Any]:
    element: dict[str, Any] = prepared(kind, party).data.element
    return element


def plan(party: Party, remote: Any, owner: Any = nobody, kind: str = "customers", **of_wish: Any) -> Any:
    return provider().plan(wish(kind, party, **of_wish), prepared(kind, party), remote, owner)


def creating(party: Party) -> Planned:
    of, ready = wish("customers", party), prepared("customers", party)
    step = provider().plan(of, ready, None, nobody)
    assert isinstance(step, Send)
    return planned(of, step, ready)


# ---------------------------------------------------------------------------------------------------------- preparing


def test_every_field_has_its_place() -> None:
    assert element_of(FULL) == FULL_ELEMENT


def test_what_is_empty_is_left_out() -> None:
    assert element_of(customer()) == {"Name": "Harbour Joinery Ltd"}


def test_each_kind_owns_the_tax_of_its_side() -> None:
    both = {"sales_tax": "OUTPUT2", "purchase_tax": "INPUT2"}

    assert element_of(customer(**both)) == {"Name": "Harbour Joinery Ltd", "AccountsReceivableTaxType": "OUTPUT2"}
    assert element_of(supplier(**both), "suppliers") == {
        "Name": "Timber Supplies Ltd",
        "AccountsPayableTaxType": "INPUT2",
    }


@pytest.mark.parametrize(
    ("changes", "missing", "warning"),
    [
        (
            {"currency": "JPY"},
            "DefaultCurrency",
            "currency left out: currency JPY is not among the currencies of Acme UK",
        ),
        (
            {"sales_tax": "OLD"},
            "AccountsReceivableTaxType",
            "sales_tax left out: tax rate OLD is not among the tax rates of Acme UK",
        ),
        ({"email": "ü@example.com"}, "EmailAddress", "email ü@example.com left out"),
        ({"phone": "1" * 51}, "Phones", "phone left out"),
    ],
)
def test_what_a_contact_can_do_without_is_left_out_with_a_warning(changes: Any, missing: str, warning: str) -> None:
    ready = prepared("customers", customer(**changes))

    assert missing not in ready.data.element
    assert [text for text in ready.warnings if text.startswith(warning)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "  "}, "it has no name, which Xero needs"),
        ({"accounts_code": "9" * 51}, "its accounts code is longer than Xero's 50 characters"),
    ],
)
def test_what_cannot_go_says_why(changes: Any, reason: str) -> None:
    [answered] = provider().prepare(desk(), "customers", [wish("customers", customer(**changes))])

    assert answered == Blocked(reason=reason)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"first_name": ""}, "first name"),
        ({"last_name": " "}, "last name"),
        ({"email": ""}, "email"),
        ({"first_name": "", "last_name": "", "email": ""}, "first name, last name, email"),
    ],
)
def test_details_are_required_only_where_the_settings_say_so(changes: Any, missing: str) -> None:
    details = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"} | changes
    of = wish("customers", customer(**details))

    [strict] = provider(require_contact_details=True).prepare(desk(), "customers", [of])
    [lenient] = provider().prepare(desk(), "customers", [of])

    assert strict == Blocked(reason=f"{missing} missing, and require_contact_details = true")
    assert isinstance(lenient, Prepared)


def test_equality_is_about_our_own_values_and_not_about_how_they_are_mapped() -> None:
    party = customer(name=" A  <B> ", currency="JPY")

    assert prepared("customers", party).inputs["name"] == " A  <B> "
    # An import that brings the currency changes what is sent, and makes no record differ from what was agreed.
    assert (
        prepared("customers", party).inputs
        == prepared("customers", party, desk(catalogue_=catalogue(currencies=()))).inputs
    )


# ----------------------------------------------------------------------------------------------------------- planning


def test_a_new_one_is_looked_for_first() -> None:
    assert plan(FULL, NOT_LOOKED) == Look(lane="match", value="C100", most=10_000)
    assert plan(customer(), NOT_LOOKED) == Look(lane="match", value="Harbour Joinery Ltd", most=10_000)


def test_one_that_xero_does_not_have_is_created_with_its_mark() -> None:
    assert plan(FULL, None) == Send(
        lane="create", verb=Verb.CREATE, body={"ContactNumber": "ab12cd-c1", **FULL_ELEMENT}
    )


def test_one_that_bears_our_accounts_code_is_adopted_whatever_its_name() -> None:
    there = {"ContactID": "x", "Name": "Another name", "AccountNumber": "C100", "EmailAddress": "ann@example.com"}
    same_name = {"ContactID": "y", "Name": "Harbour Joinery Ltd"}

    step = plan(FULL, {"by_code": [there], "by_name": [same_name]})

    assert isinstance(step, Adopt)
    assert (step.remote_id, step.remote_number) == ("x", "C100")
    assert step.remote_url == "https://go.xero.com/app/!Qj35V/contacts/contact/x"
    assert step.answered == {
        "fields": {"Name": "Another name", "AccountNumber": "C100", "EmailAddress": "ann@example.com"}
    }


def test_one_that_bears_our_name_is_adopted() -> None:
    step = plan(customer(), {"by_code": [], "by_name": [{"ContactID": "y", "Name": "harbour joinery ltd"}]})

    assert isinstance(step, Adopt)
    assert step.remote_id == "y"


@pytest.mark.parametrize(("by", "shown"), [("by_code", "accounts code C100"), ("by_name", "name Harbour Joinery Ltd")])
def test_one_that_is_linked_to_another_is_a_conflict_that_names_it(by: str, shown: str) -> None:
    remote: dict[str, Any] = {"by_code": [], "by_name": []} | {by: [{"ContactID": "x", "Name": "Harbour Joinery Ltd"}]}

    step = plan(FULL, remote, owner=lambda remote_id: "customer-9" if remote_id == "x" else None)

    assert step == Refuse(
        reason=f"Xero's contact with {shown} is linked to customer-9 already: give one of the two another",
        conflict=True,
    )


def test_a_code_that_was_generated_here_is_nobodys_at_xero_but_of_the_same_name() -> None:
    made_up = replace(FULL, generated=("accounts_code",))
    stranger = {"ContactID": "x", "Name": "Another name", "AccountNumber": "C100"}
    namesake = {"ContactID": "y", "Name": "HARBOUR JOINERY LTD"}
    for by_name in ([], [namesake]):
        assert plan(made_up, {"by_code": [stranger], "by_name": by_name}) == Refuse(
            reason="Xero's contact Another name has the accounts code C100, which was generated here: "
            "have another generated, or give it the one that is meant",
            conflict=True,
        )
    adopted = plan(made_up, {"by_code": [stranger, {**namesake, "AccountNumber": "C100"}], "by_name": []})
    assert isinstance(adopted, Adopt)
    assert adopted.remote_id == "y"


def test_the_code_that_a_contact_has_is_not_replaced_by_a_generated_one() -> None:
    made_up = replace(FULL, generated=("accounts_code",))
    adopted = plan(
        made_up, {"by_code": [], "by_name": [{"ContactID": "y", "Name": FULL.name, "AccountNumber": "BANK-7"}]}
    )
    assert isinstance(adopted, Adopt)
    assert adopted.answered == {"fields": {"Name": FULL.name}, "their_code": "BANK-7"}
    linked = wish("customers", made_up, remote_id="y", answered=adopted.answered)
    [ready] = provider().prepare(desk(), "customers", [linked])
    assert isinstance(ready, Prepared)
    assert "AccountNumber" not in ready.data.element
    assert ready.warnings == ("accounts code C100 left out: Xero's contact has BANK-7, which an import brings here",)
    # One that has ours already keeps ours.
    alike = plan(made_up, {"by_code": [], "by_name": [{"ContactID": "y", "Name": FULL.name, "AccountNumber": "C100"}]})
    assert isinstance(alike, Adopt)
    assert alike.answered == {"fields": {"Name": FULL.name, "AccountNumber": "C100"}}
    # One that a person gave takes its place.
    [typed] = provider().prepare(desk(), "customers", [replace(linked, record=FULL)])
    assert isinstance(typed, Prepared)
    assert typed.data.element["AccountNumber"] == "C100"


def test_of_several_with_our_code_the_one_with_our_name_is_taken_and_else_none() -> None:
    twins = [
        {"ContactID": "x", "Name": "A"},
        {"ContactID": "y", "Name": "Harbour  Joinery Ltd"},
        {"ContactID": "z", "Name": "HARBOUR JOINERY LTD"},
    ]

    chosen = plan(FULL, {"by_code": twins, "by_name": []})
    unclear = plan(FULL, {"by_code": twins[:2], "by_name": []})

    assert isinstance(chosen, Adopt)
    assert chosen.remote_id == "z"
    assert isinstance(unclear, Refuse)
    assert unclear.conflict


def test_of_ten_thousand_with_our_code_few_are_asked_for() -> None:
    asked: list[str] = []

    def owner(remote_id: str) -> str | None:
        asked.append(remote_id)
        return "customer-9" if remote_id == "0" else None

    crowd = [{"ContactID": str(number), "Name": f"Branch {number}"} for number in range(10_000)]
    step = plan(FULL, {"by_code": crowd, "by_name": []}, owner=owner)
    assert step == Refuse(
        reason="Xero has 10000 contacts with accounts code C100: make it one, or give this record another",
        conflict=True,
    )
    assert asked == ["0", "1", "2"]
    crowd[5000]["Name"] = FULL.name
    found = plan(FULL, {"by_code": crowd, "by_name": []}, owner=owner)
    assert isinstance(found, Adopt)
    assert found.remote_id == "5000"


def test_an_update_sends_only_what_changed() -> None:
    known = {"fields": {**FULL_ELEMENT, "EmailAddress": "old@example.com"}}

    step = plan(FULL, NOT_LOOKED, remote_id="x", answered=known)

    assert step == Send(lane="update", verb=Verb.UPDATE, body={"ContactID": "x", "EmailAddress": "ann@example.com"})


def test_after_a_lost_update_all_of_it_is_sent_again() -> None:
    """Xero may have the update that was lost, although the record is what was agreed before it."""
    of = wish("customers", FULL, remote_id="x")
    doubted = replace(of, agreed=Agreed(inputs={}, sent={"Name": "x"}, answered={"fields": FULL_ELEMENT}))

    step = provider().plan(doubted, prepared("customers", FULL), NOT_LOOKED, nobody)

    assert step == Send(lane="update", verb=Verb.UPDATE, body={"ContactID": "x", **FULL_ELEMENT})


def test_what_we_had_filled_is_emptied_and_what_others_filled_is_not() -> None:
    step = plan(customer(), NOT_LOOKED, remote_id="x", answered={"fields": FULL_ELEMENT})

    assert isinstance(step, Send)
    assert step.body["EmailAddress"] == ""
    assert step.body["Phones"] == [{"PhoneType": "DEFAULT", "PhoneNumber": ""}]
    assert step.body["Addresses"][0] == {
        "AddressType": "POBOX",
        "AddressLine1": "",
        "City": "",
        "PostalCode": "",
        "Country": "",
    }
    assert "ContactNumber" not in step.body
    assert plan(
        customer(), NOT_LOOKED, remote_id="x", answered={"fields": {"Name": "Harbour Joinery Ltd"}}
    ).answered == {"fields": {"Name": "Harbour Joinery Ltd"}}


def test_one_that_has_everything_already_needs_no_call() -> None:
    assert isinstance(plan(FULL, NOT_LOOKED, remote_id="x", answered={"fields": FULL_ELEMENT}), Done)


def test_a_contact_is_never_deleted() -> None:
    assert (
        provider().plan(wish("customers", None, remote_id="x", wanted=Wanted.DELETE), None, NOT_LOOKED, nobody)
        == Finish()
    )


# ------------------------------------------------------------------------------------------------------------ sending


def test_creates_are_put_and_updates_are_posted_each_judged_on_its_own() -> None:
    create = creating(FULL)
    update = planned(
        create.wish, Send(lane="update", verb=Verb.UPDATE, body={"ContactID": "x", "Name": "A"}), create.prepared
    )

    put, post = provider().request([create]), provider().request([update])

    assert (put.method, put.path, put.query) == ("PUT", "/api.xro/2.0/Contacts", (("summarizeErrors", "false"),))
    assert post.method == "POST"
    assert loads(put.body)["Contacts"][0]["ContactNumber"] == "ab12cd-c1"
    assert provider().elements(put.body) == [{"ContactNumber": "ab12cd-c1", **FULL_ELEMENT}]


def test_a_saved_contact_is_linked() -> None:
    saved = {**FULL_ELEMENT, "ContactNumber": "ab12cd-c1", "ContactID": "x", "StatusAttributeString": "OK"}

    [done] = provider().answers([creating(FULL)], answer({"Contacts": [saved]}))

    assert isinstance(done, Done)
    assert (done.remote_id, done.remote_number) == ("x", "C100")
    assert done.answered == {"fields": FULL_ELEMENT}


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        (
            {
                "ValidationErrors": [
                    {
                        "Message": "The contact name X is already assigned to another contact. The contact name must be unique."
                    }
                ]
            },
            Taken,
        ),
        ({"ValidationErrors": [{"Message": "The contact number X is already assigned to another contact."}]}, Taken),
        (
            {
                "ValidationErrors": [
                    {"Message": "Another contact has this contact number. Please enter a different contact number."}
                ]
            },
            Taken,
        ),
        ({"ValidationErrors": [{"Message": "Email address must be valid."}]}, Rejected),
        # Both at once: it would be refused again whatever is found under the name.
        (
            {
                "ValidationErrors": [
                    {"Message": "The contact name X is already assigned to another contact."},
                    {"Message": "Email address must be valid."},
                ]
            },
            Rejected,
        ),
        ({"HasValidationErrors": True}, Rejected),
        (
            {"ContactID": "00000000-0000-0000-0000-000000000000", "ContactNumber": "ab12cd-c1"},
            Unclear,
        ),  # saved, and no id
        ({"ContactID": "x", "ContactNumber": "ab12cd-other"}, Unclear),  # another record's answer in this place
        ({"ContactID": "x"}, Unclear),
    ],
)
def test_other_answers(element: dict[str, Any], kind: type) -> None:
    [answered] = provider().answers([creating(FULL)], answer({"Contacts": [element]}))

    assert type(answered) is kind


def test_a_name_that_is_taken_refuses_an_update() -> None:
    update = planned(
        wish("customers", FULL, remote_id="x"),
        Send(lane="update", verb=Verb.UPDATE, body={"ContactID": "x", "Name": "X"}),
    )
    taken = {
        "ContactID": "x",
        "ValidationErrors": [{"Message": "The contact name X is already assigned to another contact."}],
    }

    [answered] = provider().answers([update], answer({"Contacts": [taken]}))

    assert isinstance(answered, Rejected)


@pytest.mark.parametrize(
    "body", [b"", b'{"Contacts":[{"Con', b"<html>", {"Contacts": []}, {"Contacts": [{}, {}]}, {"Items": [{}]}, [1]]
)
def test_an_answer_without_one_element_for_each_is_unreadable(body: Any) -> None:
    with pytest.raises(Unreadable):
        provider().answers([creating(FULL)], answer(body))


# ------------------------------------------------------------------------------------------------------------ looking


def looking(*parties: Party) -> list[Planned]:
    return [
        planned(wish("customers", party), Look(lane="match", value="", most=10_000), prepared("customers", party))
        for party in parties
    ]


def test_few_are_asked_for_by_code_and_name() -> None:
    request = provider().look_request(looking(FULL, customer(id="c2", name="Other")))

    assert request.method == "GET"
    assert dict(request.query)["where"] == 'AccountNumber=="C100" OR Name=="Harbour Joinery Ltd" OR Name=="Other"'


@pytest.mark.parametrize(
    "parties",
    [
        [customer(id=f"c{number}", name=f"Name {number}") for number in range(60)],
        [customer(name='The "Best" Ltd')],  # how a quote is written in a where is not documented
        [customer(name="Back\\slash")],
    ],
)
def test_many_or_odd_ones_are_found_in_a_listing(parties: list[Party]) -> None:
    request = provider().look_request(looking(*parties))

    assert dict(request.query) == {"summaryOnly": "true", "page": "1", "pageSize": "1000"}


def test_all_of_one_name_are_asked_for_by_it() -> None:
    request = provider().look_request(looking(*[customer(id=f"c{number}") for number in range(1000)]))

    assert dict(request.query)["where"] == 'Name=="Harbour Joinery Ltd"'


def test_a_listing_is_read_to_its_last_page() -> None:
    looks = looking(customer())
    pages = [
        answer(
            {
                "Contacts": [{"ContactID": "a", "Name": "A"}],
                "pagination": {"page": 1, "pageSize": 1000, "pageCount": 2, "itemCount": 1001},
            }
        ),
        answer(
            {"Contacts": [{"ContactID": "b", "Name": "Harbour Joinery LTD"}], "pagination": {"page": 2, "pageCount": 2}}
        ),
    ]

    first = provider().look_answer(looks, pages[:1])
    both = provider().look_answer(looks, pages)

    assert first.more is not None
    assert dict(first.more.query)["page"] == "2"
    assert both.more is None
    assert both.found == [{"by_code": [], "by_name": [{"ContactID": "b", "Name": "Harbour Joinery LTD"}]}]


def test_contacts_match_without_regard_to_case_and_accents_as_at_xero() -> None:
    looks = looking(customer(name="Café Zürich"), customer(id="c2", name="None such"))

    looked = provider().look_answer(looks, [answer({"Contacts": [{"ContactID": "a", "Name": "CAFE ZURICH"}]})])

    assert looked.found[0] is not None
    assert looked.found[1] is None


def test_an_archived_contact_leaves_its_name_free() -> None:
    listed = {"Contacts": [{"ContactID": "a", "Name": "Harbour Joinery Ltd", "ContactStatus": "ARCHIVED"}]}

    assert provider().look_answer(looking(customer()), [answer(listed)]).found == [None]


# ----------------------------------------------------------------------------------------------------------- settling


def test_what_a_lost_create_made_is_found_by_its_mark() -> None:
    of = wish("customers", FULL)
    sent = {"ContactNumber": "ab12cd-c1", **FULL_ELEMENT}
    mark = provider().mark(of, sent, "ab12cd")
    there = {"ContactID": "x", "ContactNumber": "ab12cd-c1", "AccountNumber": "C100", "Name": "Harbour Joinery Ltd"}

    request = provider().look_request([planned(of, mark)])
    looked = provider().look_answer([planned(of, mark)], [answer({"Contacts": [there]})])
    known = provider().recognise(of, sent, looked.found[0], "ab12cd")

    assert dict(request.query)["where"] == 'ContactNumber=="ab12cd-c1"'
    assert dict(request.query)["includeArchived"] == "true"
    assert isinstance(known, Done)
    assert known.remote_id == "x"
    # The summary shows no address: it counts as unknown, and the mark is no field that could be emptied later.
    assert known.answered == {"fields": {"AccountNumber": "C100", "Name": "Harbour Joinery Ltd"}}


def test_as_many_marks_as_travel_together_fit_an_address() -> None:
    wishes = [wish("customers", customer(id=f"{number:032}")) for number in range(MARKS_IN_A_CALL)]
    looks = [provider().mark(of, {}, "ab12cd") for of in wishes]

    where = dict(provider().look_request([planned(*one) for one in zip(wishes, looks, strict=True)]).query)["where"]
    assert where.count("ContactNumber") == MARKS_IN_A_CALL == looks[0].most


def test_what_is_not_there_or_bears_another_mark_is_not_ours() -> None:
    of = wish("customers", FULL)

    assert provider().recognise(of, {}, None, "ab12cd") is None
    assert provider().recognise(of, {}, {"ContactID": "x", "ContactNumber": "ab12cd-c2"}, "ab12cd") is None
