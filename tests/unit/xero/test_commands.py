"""``counterfoil xero``."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from host.errors import Stop
from plugins.xero import commands
from tests.unit.xero.making import UK

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTED = replace(UK, details={"organisation_name": "Acme (UK) Ltd"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the engine of the opened host was asked to connect."""
    asked: list[Any] = []

    def connect(key: str, **how: str) -> Any:
        asked.append((key, how))
        return CONNECTED

    _open(monkeypatch, SimpleNamespace(connect=connect))
    return asked


def _open(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    @contextmanager
    def host() -> Iterator[Any]:
        yield SimpleNamespace(engine=engine)

    monkeypatch.setattr(commands, "host", host)


def test_connect_names_the_organisation_and_what_comes_next(asked: list[Any]) -> None:
    ended = CliRunner().invoke(commands.app, ["connect", "acme", "--auth", "custom"])

    assert asked == [("acme", {"provider": "xero", "auth": "custom", "name": ""})]
    assert ended.exit_code == 0
    assert ended.stdout == "acme is connected to Acme (UK) Ltd; next: counterfoil import all --connection acme\n"


def test_connect_prints_json(asked: list[Any]) -> None:
    ended = CliRunner().invoke(commands.app, ["connect", "acme", "--json"])

    assert json.loads(ended.stdout) == {
        "key": "acme",
        "name": "Acme UK",
        "organisation": "Acme (UK) Ltd",
        "organisation_id": UK.organisation,
        "status": "connected",
    }


def test_connect_offers_no_way_that_does_not_exist(asked: list[Any]) -> None:
    ended = CliRunner().invoke(commands.app, ["connect", "acme", "--auth", "magic"])

    assert ended.exit_code == 2
    assert asked == []


def test_connect_needs_somebody_who_keeps_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    _open(monkeypatch, None)

    ended = CliRunner().invoke(commands.app, ["connect", "acme"])

    assert isinstance(ended.exception, Stop)
    assert "no active plugin offers a store" in str(ended.exception)


def test_everything_after_sandbox_is_the_sandboxs(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(f"{commands.SANDBOX}.main", given.extend)

    CliRunner().invoke(
        commands.app, ["sandbox", "--port", "0", "--org", "A:GB:GBP", "--org", "B:NZ:NZD", "--no-limits", "--help"]
    )

    assert given == ["--port", "0", "--org", "A:GB:GBP", "--org", "B:NZ:NZD", "--no-limits", "--help"]
