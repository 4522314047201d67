"""The configuration as people are shown it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from host.config import HostSettings, Secret
from host.config.shown import shown_host, shown_table


@dataclass
class Account:
    name: str
    password: str


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("plain", "text", "text"),
        ("count", 3, 3),
        ("nothing", None, None),
        ("anything", Secret("hush"), "***"),
        ("client_secret", "hush", "***"),
        ("api_key", "hush", "***"),
        ("password", "", ""),  # that none is set is no secret
        ("rate", Decimal("1.5"), "1.5"),
        ("names", frozenset({"one"}), ["one"]),
        ("secrets", [Secret("hush")], ["***"]),
        ("table", {"b": {"Token": "hush"}, "a": 1}, {"a": 1, "b": {"Token": "***"}}),
        ("account", Account("me", "hush"), {"name": "me", "password": "***"}),
    ],
)
def test_a_plugins_settings_are_shown_without_secrets(name: str, value: Any, shown: Any) -> None:
    assert shown_table({name: value}) == {name: shown}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@db:5432/books", "postgresql://me:***@db:5432/books"),
        ("postgresql://me@/books?password=hush&host=/run", "postgresql://me@/books"),
        ("sqlite:////srv/books.db", "sqlite:////srv/books.db"),
    ],
)
def test_the_database_is_named_without_its_password(url: str, shown: str) -> None:
    settings = HostSettings(
        database_url=url,
        public_url="http://localhost:8000",
        timezone=ZoneInfo("UTC"),
        daily_at=time(2, 30),
        secret_keys=(Secret("hush"), Secret("old")),
        scheduler=True,
        plugins=None,
        plugin_dir=None,
    )
    found = shown_host(settings)
    assert (found["database_url"], found["secret_key"], found["timezone"]) == (shown, ["***", "***"], "UTC")
    assert "hush" not in str(found)
