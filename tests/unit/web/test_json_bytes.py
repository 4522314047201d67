from __future__ import annotations

import pytest

from host.web.exchange import json_bytes


@pytest.mark.parametrize("sort_keys", [False, True])
def test_half_of_a_surrogate_pair_that_a_request_held_is_answered_as_a_question_mark(sort_keys: bool) -> None:
    assert json_bytes({"field": "\ud800é"}, sort_keys=sort_keys) == '{"field":"?é"}'.encode()


def test_fields_stay_in_their_order_unless_they_are_to_be_sorted() -> None:
    assert json_bytes({"ref": "a", "id": "b"}) == b'{"ref":"a","id":"b"}'
    assert json_bytes({"ref": "a", "id": "b"}, sort_keys=True) == b'{"id":"b","ref":"a"}'


def test_what_has_no_form_in_json_is_our_mistake() -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        json_bytes({"a": object()})
