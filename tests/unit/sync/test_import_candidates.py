"""Which of ours a remote record may be, where many are found by one key: decided like for a few, and worked out once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookspecs import Product
from host.sync import Key, RemoteRecord
from host.sync.imports import candidates
from host.sync.imports.candidates import Candidates
from host.sync.imports.deciding import Action, Ours, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 10_000
BY_NAME = Key(field="name", value="Shirt", unless_differs=("code",))
Record = dict[str, Any]


def there(id: str = "r", *, name: str = "Shirt", code: str = "") -> RemoteRecord:
    return RemoteRecord(kind="products", id=id, name=name, fields={"name": name, "code": code})


def here(number: int, *, name: str = "Shirt", **more: Any) -> Ours:
    return Ours(record=Product(id=f"p{number}", ref=f"p{number}", name=name, **more), belongs="")


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often one of ours was held against a remote record."""
    count: Counter[str] = Counter()
    agrees = candidates._agrees

    def counting(*arguments: Any) -> bool:
        count["times"] += 1
        return agrees(*arguments)

    monkeypatch.setattr(candidates, "_agrees", counting)
    return count


def decisions(found: Candidates, remotes: Sequence[RemoteRecord]) -> Counter[tuple[Action, str]]:
    decided = [decide(one, linked=None, successor=None, candidates=[found], chosen=False) for one in remotes]
    return Counter((one.action, one.reason) for one in decided)


def test_many_of_one_name_on_both_sides_are_compared_once(compared: Counter[str]) -> None:
    found = Candidates(BY_NAME, [here(number) for number in range(MANY)], "uk")
    reason = "10000 records here have this name (p0, p1, p2, p3, p4): link it with one of them by hand"
    assert decisions(found, [there(code=f"S{number}") for number in range(MANY)]) == {(Action.CONFLICT, reason): MANY}
    assert compared["times"] == MANY


def test_many_whose_codes_differ_are_compared_once(compared: Counter[str]) -> None:
    found = Candidates(BY_NAME, [here(number, code=f"H{number}") for number in range(MANY)], "uk")
    assert decisions(found, [there(code=f"S{number}") for number in range(MANY)]) == {(Action.CREATE, ""): MANY}
    assert compared["times"] == MANY


def test_each_that_is_taken_leaves_the_others_without_another_comparison(compared: Counter[str]) -> None:
    found = Candidates(BY_NAME, [here(number) for number in range(MANY)], "uk")
    for number in range(MANY - 2):
        assert len(found.fitting(there())) == MANY - number
        found.take(f"p{number}")
    assert compared["times"] == MANY
    found.take("p9998")
    [last] = found.fitting(there())
    assert last.record.ref == "p9999"
    found.take("p9999")
    assert decisions(found, [there()]) == {(Action.CREATE, ""): 1}


ours = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Shirt", "SHIRT", "Jeans"]),
        "code": st.sampled_from(["", "S1", "s1", "S2"]),
        "active": st.booleans(),
        "generated": st.sampled_from([(), ("code",)]),
    }
)
theirs = st.fixed_dictionaries(
    {"name": st.sampled_from(["Shirt", "Jeans", "Hat"]), "code": st.sampled_from(["", "S1", "S2", "S3"])}
)
keys = st.sampled_from([BY_NAME, Key(field="code", value="S1"), Key(field="name", value="Shirt")])


@given(
    st.lists(ours, max_size=6),
    st.lists(theirs | st.integers(0, 5), max_size=12),
    keys,
)
def test_it_is_decided_as_if_each_were_compared_with_each(
    records: list[Record], happens: list[Record | int], key: Key
) -> None:
    """A number: that record of ours is taken by then."""
    known = [here(number, **record) for number, record in enumerate(records)]
    found = Candidates(key, known, "uk")
    for one in happens:
        if isinstance(one, int):
            found.take(f"p{one}")
            known = [ours for ours in known if ours.record.id != f"p{one}"]
        else:
            assert list(found.fitting(there(**one))) == list(Candidates(key, known, "uk").fitting(there(**one)))
