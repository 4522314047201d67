"""What connections are called: by a key for life, and by a name that no other bears, whichever way they are made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plugins.xero.demo import settings_with

if TYPE_CHECKING:
    from tests.integration.connecting.conftest import Office

SECOND = '[plugins.xero.connections.two]\nclient_id = "sandbox-custom-2"\nclient_secret = "sandbox-secret"\n'


@pytest.fixture
def office(office: Office) -> Office:
    """With one connection, and the credentials for another."""
    office.reopen(SECOND)
    assert office.place.run("xero", "connect", "one", "--name", "Books").code == 0
    return office


def names(office: Office) -> dict[str, str]:
    return {one["key"]: one["name"] for one in office.api.get("/connections")["items"]}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("BOOKS", "the connection 'one' is named 'BOOKS' already: choose another name"),
        ("two\nlines", "the name of a connection must be 1 to 255 characters on one line, without spaces around them"),
        ("x" * 256, "the name of a connection must be 1 to 255 characters on one line"),
    ],
)
def test_a_name_on_the_command_line_has_to_be_one_that_the_api_takes(office: Office, name: str, says: str) -> None:
    ran = office.place.run("xero", "connect", "two", "--name", name)
    assert (ran.code, ran.err[: len(says) + 7]) == (1, f"error: {says}")
    assert names(office) == {"one": "Books"}


def test_an_organisation_that_is_called_like_another_connection_is_told_apart_by_its_key(office: Office) -> None:
    office.api.ask("PATCH", "/connections/one", json={"name": "Two Ltd"})
    assert office.place.run("xero", "connect", "two").code == 0
    assert names(office) == {"one": "Two Ltd", "two": "Two Ltd (two)"}


def test_no_connection_is_called_none(office: Office) -> None:
    ran = office.place.run("xero", "connect", "none")
    assert ran.err == "error: 'none' can't be a connection's key: it stands for no connection where settings name one\n"


def test_an_organisation_is_not_chosen_where_there_is_one_only(office: Office) -> None:
    ran = office.place.run("xero", "connect", "two", "--organisation", "Three Ltd")
    said = "--organisation goes with --auth app: a custom connection leads to one organisation"
    assert (ran.code, ran.err) == (1, f"error: {said}\n")
    assert names(office) == {"one": "Books"}


def notes(office: Office) -> dict[str, tuple[str, str]]:
    found = json.loads(office.place.run("check", "--json", "--offline").out)["checks"]
    return {one["what"]: (one["state"], one["says"]) for one in found if one["what"].endswith(("connection", "ons"))}


def test_connections_that_only_the_settings_name_are_told(office: Office) -> None:
    assert notes(office) == {
        "connections": (
            "note",
            "[plugins.xero.connections.two] has no effect: there is no such connection (there are one): correct the key, or connect one under it",
        )
    }
    wrong = settings_with(office.sandbox.url, {}).replace(
        "[plugins.xero]", '[plugins.xero]\ndefault_connection = "oen"'
    )
    office.place.open(tables=wrong)
    assert notes(office) == {
        "default connection": (
            "to do",
            "default_connection of [plugins.xero] is 'oen', and there is no such connection (there are one): correct it, or connect one under that key",
        )
    }
    office.save_customer("ada")
    assert office.state("ada")["reason"] == "there is no connection 'oen': connect it, or let the record name another"
