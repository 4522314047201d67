"""What a remote record means for ours: a table of cases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hookspecs import Address, Customer, Product
from host.sync import Key, Mirrored, RemoteRecord
from host.sync.imports.candidates import Candidates
from host.sync.imports.deciding import Action, Decision, Ours, Standing, decide, is_equal, plain

NAME = Key(field="name", value="Acme")
CODE = Key(field="accounts_code", value="C1")


def remote(**more: Any) -> RemoteRecord:
    fields = {"name": "Acme", "email": "", **more.pop("fields", {})}
    return RemoteRecord(kind="customers", id="r1", name=fields["name"], fields=fields, keys=(CODE, NAME), **more)


def standing(remote_id: str = "r1", **more: Any) -> Standing:
    known: dict[str, Any] = {"row_id": 1, "connection": "uk", "pending": False, "busy": False, "inputs": {"name": "x"}}
    return Standing(remote_id=remote_id, **{**known, **more})


def ours(ref: str = "a", *, belongs: str = "uk", active: bool = True, **more: Any) -> Ours:
    of_ours = {name: more.pop(name) for name in ("standing", "mirrored", "changed_here") if name in more}
    record = Customer(id=f"id-{ref}", ref=ref, active=active, **{"name": "Acme", **more})
    fields = {"name": record.name, "email": record.email}
    return Ours(record=record, belongs=belongs, **{"mirrored": Mirrored(inputs=fields, fields=fields), **of_ours})


def decided(of: RemoteRecord, *candidates: Ours, by: Key = NAME, **more: Any) -> Decision:
    known: dict[str, Any] = {"linked": None, "successor": None, "chosen": False}
    return decide(of, candidates=[Candidates(by, candidates, "uk")], **{**known, **more})


def test_what_nobody_is_yet_is_made() -> None:
    assert decided(remote()).action is Action.CREATE


@pytest.mark.parametrize(
    "somebody_else",
    [
        ours(belongs="nz"),
        ours(standing=standing("r2")),
    ],
    ids=["of another connection", "linked with another"],
)
def test_somebody_else_is_never_linked(somebody_else: Ours) -> None:
    assert decided(remote(), somebody_else).action is Action.CREATE


def test_who_has_the_key_is_linked_and_takes_what_has_a_value() -> None:
    found = decided(remote(fields={"email": ""}), ours(email="ours@example.com", name="ACME"))
    assert (found.action, dict(found.changes), found.reason) == (Action.LINK, {"name": "Acme"}, "same name")


def test_one_that_is_on_its_way_there_may_be_it() -> None:
    found = decided(remote(), ours(standing=standing("", busy=True)))
    assert (found.action, found.reason) == (Action.SKIP, "a is on its way there, and may be it: import it again later")


def test_several_of_one_name_are_for_a_person_but_the_only_active_one_is_it() -> None:
    found = decided(remote(), ours("a"), ours("b"))
    assert found.action is Action.CONFLICT
    assert "2 records here have this name (a, b)" in found.reason
    found = decided(remote(), ours("a", active=False), ours("b"))
    assert found.ours is not None
    assert found.ours.record.ref == "b"


def test_several_of_one_code_are_told_apart_by_name() -> None:
    found = decided(remote(), ours("a", name="Other"), ours("b", name="ACME "), by=CODE)
    assert found.ours is not None
    assert found.ours.record.ref == "b"


@pytest.mark.parametrize(("code", "action"), [("", Action.LINK), ("p1", Action.LINK), ("P2", Action.CREATE)])
def test_a_name_is_not_enough_where_the_codes_differ(code: str, action: Action) -> None:
    fields = {"name": "Pen", "code": "P1"}
    pen = RemoteRecord(kind="products", id="r1", name="Pen", fields=fields)
    known = Ours(record=Product(id="p", ref="p", name="Pen", code=code), belongs="")
    key = Key(field="name", value="Pen", unless_differs=("code",))
    assert decided(pen, known, by=key).action is action


@pytest.mark.parametrize(("name", "action"), [("PEN", Action.LINK), ("Pencil", Action.CREATE)])
def test_a_code_that_was_generated_here_tells_nobody_apart(name: str, action: Action) -> None:
    known = Ours(record=Product(id="p", ref="p", name="Pen", code="P1", generated=("code",)), belongs="")
    theirs = RemoteRecord(kind="products", id="r1", name=name, fields={"name": name, "code": "P1"})
    assert decided(theirs, known, by=Key(field="code", value="P1")).action is action
    other = RemoteRecord(kind="products", id="r1", name="Pen", fields={"name": "Pen", "code": "BIRO"})
    by_name = Key(field="name", value="Pen", unless_differs=("code",))
    assert decided(other, known, by=by_name).changes == {"code": "BIRO"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"unusable": "it is archived"}, "it is archived"),
        ({"merged_into": "r2"}, "it was merged into another at the remote"),
        ({"aside": "only a supplier"}, "only a supplier"),
    ],
)
def test_what_is_not_to_be_brought_is_left_alone(more: dict[str, str], reason: str) -> None:
    found = decided(remote(**more), ours())
    assert (found.action, found.reason) == (Action.SKIP, reason)


def test_what_is_aside_comes_where_it_is_chosen_or_linked() -> None:
    assert decided(remote(aside="only a supplier"), chosen=True).action is Action.CREATE
    linked = ours(standing=standing())
    assert decided(remote(aside="only a supplier"), linked=linked).action is Action.UNCHANGED


def test_what_was_merged_brings_its_record_along() -> None:
    linked = ours(standing=standing())
    found = decided(remote(merged_into="r2"), linked=linked)
    assert (found.action, found.ours) == (Action.LINK, linked)
    found = decided(remote(merged_into="r2"), linked=linked, successor=ours("b", standing=standing("r2")))
    assert found.action is Action.CONFLICT
    assert "a and b are one there now" in found.reason


# ------------------------------------------------------------------------------------------------------ who changed what


def changes(of: RemoteRecord, linked: Ours) -> tuple[dict[str, Any], tuple[str, ...]]:
    found = decided(of, linked=linked)
    return dict(found.changes), found.kept


def test_a_field_that_they_changed_is_taken() -> None:
    assert changes(remote(fields={"email": "t@example.com"}), ours(standing=standing())) == (
        {"email": "t@example.com"},
        (),
    )


def test_a_field_that_they_emptied_is_emptied_only_where_it_was_there() -> None:
    agreed = ours(email="o@example.com", standing=standing())
    assert changes(remote(), agreed) == ({"email": ""}, ())
    not_agreed = ours(email="o@example.com", standing=standing(inputs={}))
    assert changes(remote(), not_agreed) == ({}, ())


def test_a_repair_is_no_change() -> None:
    sent = Mirrored(inputs={}, fields={"name": "Acme‹1›", "email": ""})
    assert changes(remote(fields={"name": "Acme‹1›"}), ours(name="Acme<1>", mirrored=sent, standing=standing())) == (
        {},
        (),
    )


def test_what_the_ledger_filled_in_by_itself_is_no_change() -> None:
    mirrored = Mirrored(inputs={}, fields={"name": "Acme", "email": ""}, before={"email": "filled@example.com"})
    linked = ours(mirrored=mirrored, standing=standing())
    assert changes(remote(fields={"email": "filled@example.com"}), linked) == ({}, ())


def test_where_both_changed_a_field_ours_stays() -> None:
    linked = ours(
        email="o@example.com",
        standing=standing(pending=True, inputs={"name": "1", "email": "2"}),
        changed_here=frozenset({"email"}),
    )
    both = remote(fields={"email": "t@example.com", "name": "New"})
    assert changes(both, linked) == ({"name": "New"}, ("email",))


def test_an_input_that_is_no_field_may_be_about_any() -> None:
    linked = ours(standing=standing(pending=True, inputs={"tax": "1"}), changed_here=frozenset({"tax"}))
    assert changes(remote(fields={"name": "New"}), linked) == ({}, ("name",))


def test_what_was_linked_by_hand_goes_there_and_is_not_taken_back() -> None:
    linked = ours(email="o@example.com", standing=standing(pending=True, inputs={}))
    assert changes(remote(fields={"email": "t@example.com"}), linked) == ({}, ("email",))


def test_a_field_that_is_never_sent_only_fills_what_is_empty() -> None:
    mirrored = Mirrored(inputs={}, fields={"name": "Acme"})
    theirs = remote(fields={"email": "t@example.com"})
    empty = ours(mirrored=mirrored, standing=standing())
    assert changes(theirs, empty) == ({"email": "t@example.com"}, ())
    full = ours(email="o@example.com", mirrored=mirrored, standing=standing())
    assert changes(theirs, full) == ({}, ())


def test_nothing_is_taken_while_a_call_is_out() -> None:
    found = decided(remote(fields={"name": "New"}), linked=ours(standing=standing(busy=True)))
    assert found.action is Action.SKIP


# ---------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (Decimal("12.5000"), "12.5"), (Decimal(100), "100"), (Decimal("0.0000"), "0"), ("x", "x")],
)
def test_values_are_as_the_api_writes_them(value: Any, text: str) -> None:
    assert plain(value) == text


def test_equal_is_what_would_change_nothing_there() -> None:
    empty = {"line1": "", "line2": "", "city": "", "region": "", "postal_code": "", "country": ""}
    assert plain(Address()) == empty
    theirs = remote(fields={"billing_address": empty, "more": "x"})
    same = Mirrored(inputs={}, fields={"name": "Acme", "email": "", "billing_address": empty})
    assert is_equal(theirs, same)
    assert not is_equal(theirs, Mirrored(inputs={}, fields={"email": "only@ours.example"}))
    assert not is_equal(theirs, None)
