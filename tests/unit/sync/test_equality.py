"""Whether a record is what was last agreed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.sync.provider import Agreed
from host.sync.rows import digests, equal_to_agreed

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)

BEFORE = {"name": "Ada", "lines": [{"price": "1.50"}]}


@pytest.mark.parametrize(
    ("now", "equal"),
    [
        (BEFORE, True),
        ({"lines": [{"price": "1.50"}], "name": "Ada"}, True),
        ({**BEFORE, "name": "Bob"}, False),
        ({**BEFORE, "lines": [{"price": "1.5"}]}, False),
        ({**BEFORE, "lines": []}, False),
        ({**BEFORE, "a field of a later version": "x"}, True),
        ({"name": "Ada"}, True),
        ({**BEFORE, "name": None}, False),
        ({**BEFORE, "name": ""}, False),
    ],
)
def test_equal_field_by_field(now: dict[str, Any], equal: bool) -> None:
    assert equal_to_agreed(now, Agreed(inputs=digests(BEFORE))) is equal


def test_nothing_equals_what_was_never_agreed() -> None:
    assert not equal_to_agreed({}, Agreed())
    assert not equal_to_agreed(BEFORE, Agreed())


def test_decimals_are_told_apart_as_they_are_written() -> None:
    assert digests({"a": Decimal("1.50")}) != digests({"a": Decimal("1.5")})


@given(st.dictionaries(st.text(), JSON_VALUES, min_size=1), JSON_VALUES)
def test_a_change_of_any_value_is_seen(inputs: dict[str, Any], value: Any) -> None:
    agreed = Agreed(inputs=digests(inputs))
    assert equal_to_agreed(inputs, agreed)
    field = next(iter(inputs))
    changed = {**inputs, field: value}
    assert equal_to_agreed(changed, agreed) is (_written(value) == _written(inputs[field]))


def _written(value: Any) -> str:
    import json

    return json.dumps(value, sort_keys=True)
