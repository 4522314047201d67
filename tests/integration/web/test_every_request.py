"""Whatever a client sends that the description of the API allows, and whatever it forbids: no error of ours, no answer that is not described.

schemathesis makes the requests from the description, in this process. FULL=1 makes many more, also sequences of them, on PostgreSQL as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from host.roles import Role
from host.web.app import build
from tests.integration.web.conftest import linked, migrated

if TYPE_CHECKING:
    from schemathesis.engine.recorder import ScenarioRecorder

    from host.testing import TinyRemote
    from tests.integration.web.conftest import Office, OfficeAt

FULL: Final = bool(os.environ.get("FULL"))
EXAMPLES: Final = 100 if FULL else 3
PHASES: Final = ("examples", "coverage", "fuzzing", *(["stateful"] if FULL else []))
FEWEST: Final = 1500
"""Requests: fewer would mean that the description was not read."""
SUCCESS: Final = ["2xx", "304"]
# What a description cannot say: that a record, a kind or a connection has to be there, or that something has to be named.
NOT_NOW: Final = ["404", "409", "412", "422", "503"]
OPERATIONS: Final = [
    {
        # Lines that are no JSON are answered line by line; and "bulk" is a ref like any other, for every method but POST.
        "include-path-regex": "/bulk$",
        "checks": {
            "allow_header_conformance": {"enabled": False},
            "unsupported_method": {"enabled": False},
            "negative_data_rejection": {"enabled": False},
        },
    },
    {
        "include-path-regex": "/(outbox|outbox/.*|requests|errors|[a-z-]+/{ref}(/generate-code)?)$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*SUCCESS, "400", *NOT_NOW]}},
    },
]


@schemathesis.serializer("application/jsonl")
def _as_it_is(_context: object, value: Any) -> bytes:
    return str(value).encode()


def config(token: str) -> SchemathesisConfig:
    checks = {
        "positive_data_acceptance": {"expected-statuses": [*SUCCESS, *NOT_NOW]},
        "negative_data_rejection": {"expected-statuses": ["4xx"]},
    }
    return SchemathesisConfig.from_dict(
        {
            "seed": 20261122,
            "headers": {"Authorization": f"Bearer {token}"},
            "generation": {
                "deterministic": not FULL,
                "max-examples": EXAMPLES,
                "database": "none",
                "allow-x00": False,  # what no database holds is refused by tests of its own
            },
            "phases": {name: {"enabled": name in PHASES} for name in ("examples", "coverage", "fuzzing", "stateful")},
            "checks": checks,
            "operations": OPERATIONS,
        }
    )


def stocked(office: Office, remote: TinyRemote) -> Office:
    """With something of everything to be found."""
    assert linked(office, remote).host.engine is not None
    office.put("/customers/0", {"name": "Ada"})
    office.put("/customers/bad", {"name": "reject"})
    office.put("/products/0", {"name": "Engine", "code": "E"})
    line = {"description": "Engine", "product": "0", "unit_price": "1.50"}
    office.put("/invoices/0", {"customer": "0", "issue_date": "2026-03-02", "lines": [line]})
    office.host.engine.drain("acme")  # type: ignore[union-attr]
    return office


@pytest.fixture(params=["sqlite", *(["postgresql"] if FULL else [])])
def office(request: pytest.FixtureRequest, remote: TinyRemote, office_at: OfficeAt) -> Office:
    url_from: Callable[..., str] = request.getfixturevalue(f"{request.param}_from")
    return stocked(office_at(url_from(migrated), plugins='["core_billing", "tiny"]'), remote)


@pytest.mark.timeout(3600 if FULL else 300)
# schemathesis reads responses with a client of its own, which warns of what it closes late.
@pytest.mark.filterwarnings("ignore")
def test_no_request_meets_an_error_of_ours_or_an_answer_that_is_not_described(office: Office) -> None:
    token = office.tokens[Role.ADMIN]
    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", build(office.host), config=config(token), headers={"Authorization": f"Bearer {token}"}
    )
    asked, wrong = 0, []
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            asked += len(event.recorder.cases)
            wrong += list(failures(event.recorder))
    assert not wrong, "\n\n".join(wrong[:10])
    assert asked > FEWEST


def failures(recorder: ScenarioRecorder) -> Iterator[str]:
    """Each with the request and the answer."""
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE:
                case, interaction = recorder.cases[case_id].value, recorder.interactions.get(case_id)
                answer = interaction.response if interaction else None
                shown = f"{answer.status_code} {answer.content[:500]!r}" if answer else "no answer"
                asked = f"{case.method} {case.formatted_path} {case.query} {case.headers} {case.body!r}"
                yield f"{check.name}: {check.failure_info and check.failure_info.failure}\n{asked[:1000]}\n{shown}"
