"""One identity leads from a line of the log to what was asked for, the record, and each call with its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from hookspecs import Action, EntityEvent, Record
from host.cli.base.runner import run
from host.dispatch import keep_failure
from host.roles import Role
from tests.integration.web.test_syncing import drain

if TYPE_CHECKING:
    from pathlib import Path

    from host.testing.tiny_remote import TinyRemote
    from tests.integration.web.conftest import Office

Lines = list[dict[str, Any]]


def test_the_askers_own_name_for_a_request_is_kept(sqlite_office: Office, written: Lines) -> None:
    answer = sqlite_office.ask("GET", "/customers", headers={"X-Correlation-Id": "shop-4711"})
    assert answer.headers["x-correlation-id"] == "shop-4711"
    assert [(line["correlation_id"], line["path"], line["status"]) for line in written] == [
        ("shop-4711", "/api/v1/customers", 200)
    ]


@pytest.mark.parametrize("path", ["/customers/nobody", "/nothing/at/all"])
def test_every_answer_has_a_name_whatever_was_asked(sqlite_office: Office, path: str) -> None:
    answer = sqlite_office.ask("GET", path, headers={"X-Correlation-Id": "no name\t"})
    assert len(answer.headers["x-correlation-id"]) == 32


def fail(office: Office, written: Lines) -> Mapping[str, Any]:
    """A record that the remote refuses; answers the line of the log that says so."""
    office.ask("PUT", "/customers/fine", json={"name": "Ada"})
    office.ask("PUT", "/customers/ada", json={"name": "reject"})
    drain(office)
    [line] = [line for line in written if line.get("state") == "failed"]
    return line


def trace(office: Office, wanted: str) -> Any:
    engine = office.host.engine
    assert engine
    with engine.reading() as session:
        return engine.trace(session, wanted)


@pytest.mark.parametrize("by", ["correlation id", "call", "remote", "record"])
def test_any_identity_of_a_failure_leads_to_all_about_it(
    linked_office: Office, remote: TinyRemote, written: Lines, by: str
) -> None:
    line = fail(linked_office, written)
    [of_call] = [one for one in written if one.get("call_id") == line["call_id"] and "status" in one]
    identity = {
        "correlation id": line["correlation_id"],
        "call": line["call_id"],
        "remote": of_call["remote_correlation_id"],
        "record": "customers/ada",
    }[by]
    found = trace(linked_office, identity)
    assert "PUT /api/v1/customers/ada" in [one["what"] for one in found["requests"]]
    assert {one["who"] for one in found["requests"]} == {linked_office.tokens[Role.ADMIN][:9]}
    [record] = [one for one in found["records"] if one["ref"] == "ada"]
    assert (record["state"], record["correlation_id"]) == ("failed", line["correlation_id"])
    [call] = found["calls"]
    assert (call["id"], call["status"], call["remote_correlation_id"]) == (
        line["call_id"],
        200,
        of_call["remote_correlation_id"],
    )
    assert call["request_body"].encode() == remote.calls[-1].body
    assert "this text is not allowed" in call["response_body"]
    [outcome] = [one for one in call["records"] if one["ref"] == "ada"]
    assert (outcome["outcome"], outcome["reason"]) == ("rejected", "this text is not allowed")
    assert (len(call["records"]), call["others"]) == ((2, 0) if by in {"call", "remote"} else (1, 1))


def test_the_earlier_save_still_leads_to_its_call_when_the_record_was_saved_again(
    linked_office: Office, written: Lines
) -> None:
    line = fail(linked_office, written)
    linked_office.put("/customers/ada", {"name": "Ada Lovelace"})
    drain(linked_office)
    assert [call["id"] for call in trace(linked_office, line["correlation_id"])["calls"]] == [line["call_id"]]
    assert len(trace(linked_office, "customers/ada")["calls"]) == 2


def test_nothing_leads_nowhere(linked_office: Office) -> None:
    assert [trace(linked_office, wanted) for wanted in ("", "x", "customers/", "/", "customers/nobody")] == [None] * 5


def test_a_hook_that_failed_is_among_what_is_found(linked_office: Office) -> None:
    event = EntityEvent(
        kind="customers", record=Record(id="1", ref="ada"), action=Action.CREATED, correlation_id="shop-1"
    )
    with linked_office.host.database.write() as session:
        keep_failure(session, "bad", "on_entity_saved", event, ValueError("on purpose"))
    [failure] = trace(linked_office, "shop-1")["hook_failures"]
    assert (failure["plugin"], failure["error"]) == ("bad", "ValueError: on purpose")


def test_the_command_shows_it_to_people_and_to_programs(
    linked_office: Office, written: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    line = fail(linked_office, written)
    config = str(linked_office.host.config.path)
    capsys.readouterr()
    assert run(["-c", config, "errors", "--show", line["correlation_id"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"][0]["ref"] == "ada"
    assert run(["-c", config, "errors", "--show", line["correlation_id"]]) == 0
    shown = capsys.readouterr().out
    for part in (
        "PUT /api/v1/customers/ada",
        "customers ada at acme: failed",
        line["call_id"],
        "this text is not allowed",
    ):
        assert part in shown
    assert run(["-c", config, "errors"]) == 0
    assert capsys.readouterr().out.startswith("1 customers failed, acme: this text is not allowed\n")
    assert run(["-c", config, "errors", "--show", "nothing"]) == 1
    assert capsys.readouterr().err.startswith("error: nothing is known of 'nothing': it takes a correlation id")
    assert run(["-c", config, "errors", "--show", "x", "--list"]) == 2


def test_a_command_is_an_occasion_too(
    linked_office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = str(linked_office.host.config.path), tmp_path / "c.jsonl"
    file.write_text('{"ref": "ada", "name": "Ada"}\n')
    assert run(["-c", config, "load", "customers", str(file)]) == 0
    [asked] = trace(linked_office, "customers/ada")["requests"]
    assert asked["what"] == f"counterfoil -c {config} load customers {file}"
