"""Several changes of one record in one transaction are one event."""

from __future__ import annotations

import pytest

from hookspecs import Action, Customer, EntityEvent
from host.unit_of_work import merge

CREATED, UPDATED, ARCHIVED, DELETED = Action.CREATED, Action.UPDATED, Action.ARCHIVED, Action.DELETED


def _event(action: Action, name: str, *changed: str) -> EntityEvent:
    return EntityEvent(
        kind="customers", record=Customer(id="1", ref="c1", name=name), action=action, changed=frozenset(changed)
    )


@pytest.mark.parametrize(
    ("earlier", "later", "merged"),
    [
        (CREATED, UPDATED, CREATED),
        (CREATED, ARCHIVED, CREATED),
        (UPDATED, UPDATED, UPDATED),
        (UPDATED, ARCHIVED, ARCHIVED),
        (ARCHIVED, UPDATED, UPDATED),
        (UPDATED, DELETED, DELETED),
        (CREATED, DELETED, None),
    ],
)
def test_actions(earlier: Action, later: Action, merged: Action | None) -> None:
    event = merge(_event(earlier, "before", "name"), _event(later, "after", "email"))
    assert (event.action if event else None) is merged


def test_the_last_state_with_all_that_changed() -> None:
    event = merge(_event(UPDATED, "before", "name", "phone"), _event(UPDATED, "after", "email"))
    assert event
    assert isinstance(event.record, Customer)
    assert event.record.name == "after"
    assert event.changed == {"name", "phone", "email"}
