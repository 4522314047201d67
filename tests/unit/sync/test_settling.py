"""What to do about a record whose last call has no known outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from host.sync.calls import Unsettled
from host.sync.provider import Verb
from host.sync.settling import Way, held_until, may_send_anew, way_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RUNNING = NOW + timedelta(seconds=1)
OVER = NOW
LATER = NOW + timedelta(minutes=5)


def _lost(**values: Any) -> Unsettled:
    defaults = {
        "row_id": 1,
        "kind": "invoices",
        "call_id": "a",
        "position": 0,
        "generation": 3,
        "verb": Verb.CREATE,
        "findable": True,
        "inputs": {},
        "warnings": [],
        "outcome": "",
        "running_until": RUNNING,
        "look_at": None,
    }
    return Unsettled(**{**defaults, **values})


@pytest.mark.parametrize(
    ("verb", "findable", "outcome", "running_until", "look_at", "way"),
    [
        (Verb.CREATE, True, "", RUNNING, None, Way.LOOK),
        (Verb.CREATE, True, "", OVER, None, Way.LOOK),
        (Verb.CREATE, False, "", RUNNING, None, Way.HOLD),
        (Verb.CREATE, False, "", OVER, None, Way.LOOK),
        (Verb.CREATE, True, "taken", OVER, None, Way.LOOK),
        (Verb.CREATE, True, "", OVER, LATER, Way.HOLD),
        (Verb.CREATE, True, "", OVER, NOW, Way.LOOK),
        (Verb.UPDATE, False, "", RUNNING, None, Way.HOLD),
        (Verb.UPDATE, True, "", RUNNING, None, Way.HOLD),
        (Verb.UPDATE, False, "", OVER, None, Way.RELEASE),
        (Verb.UPDATE, False, "unclear", RUNNING, None, Way.RELEASE),
        (Verb.DELETE, False, "", RUNNING, None, Way.HOLD),
        (Verb.DELETE, False, "", OVER, None, Way.RELEASE),
    ],
)
def test_way(
    verb: Verb, findable: bool, outcome: str, running_until: datetime, look_at: datetime | None, way: Way
) -> None:
    lost = _lost(verb=verb, findable=findable, outcome=outcome, running_until=running_until, look_at=look_at)
    assert way_of(lost, NOW) is way


@pytest.mark.parametrize(("look_at", "until"), [(None, RUNNING), (NOW, RUNNING), (LATER, LATER)])
def test_held_until(look_at: datetime | None, until: datetime) -> None:
    assert held_until(_lost(look_at=look_at), NOW) == until


@pytest.mark.parametrize(
    ("generation", "running_until", "anew"), [(3, RUNNING, True), (4, RUNNING, False), (4, OVER, True), (3, OVER, True)]
)
def test_a_record_saved_since_is_not_sent_anew_while_the_lost_call_may_land(
    generation: int, running_until: datetime, anew: bool
) -> None:
    assert may_send_anew(_lost(running_until=running_until), generation, NOW) is anew
