from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.canonical_json import decoded, encoded, encoded_anyhow
from plugins.xero.wire.numbers import Number

TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(VALUES)
def test_it_is_the_standard_librarys_in_its_most_compact_form(value: Any) -> None:
    text = encoded(value)
    assert text == json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert decoded(text) == value


def test_texts_of_a_class_of_their_own_are_texts() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert encoded({"price": Number("1.50"), "colour": Colour.RED}) == '{"colour":"red","price":"1.50"}'


def test_what_json_has_no_form_for_is_refused_where_it_is_kept() -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        encoded({"of": object})


def test_what_is_only_compared_may_be_anything() -> None:
    assert encoded_anyhow([date(2026, 3, 2), Decimal("1.50")]) == b'["2026-03-02","1.50"]'
    assert encoded_anyhow([1 + 2j]) == b'["(1+2j)"]'
