"""docs/configuration.md names every key, as the schemas have it."""

from __future__ import annotations

import re

import pytest

from host.config.settings import HostSchema
from plugins.xero.settings import Settings, SettingsSchema
from tests.docs.pages import DOCS
from tools.docs import outdated, schema_of, tables, written

PAGE = (DOCS / "configuration.md").read_text()
OURS = {"host": HostSchema(), **{name: schema_of(name) for name in ("plugins.core_billing", "plugins.xero")}}


def test_the_pages_say_what_the_code_says() -> None:
    assert outdated() == [], "run `make docs`"


def test_every_table_is_there() -> None:
    wanted = [table for name, schema in OURS.items() for table in tables(name, schema)]
    assert sorted(wanted) == sorted(re.findall(r"<!-- keys (\S+) -->", PAGE))
    assert [table for table in wanted if f"`[{table}]`" not in PAGE] == []


def test_every_key_says_what_it_is_for() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    assert [row[0] for row in rows if not all(cell.strip() for cell in row)] == []


@pytest.mark.parametrize("table", ["", "limits", "endpoints"])
def test_what_holds_without_a_key_is_what_the_plugin_takes(table: str) -> None:
    # The schema fills in nothing, so what it says of a default is compared with what the settings make of nothing.
    settings = getattr(Settings.of({}), table) if table else Settings.of({})
    schema = SettingsSchema().load_fields[table].schema if table else SettingsSchema()  # type: ignore[attr-defined]
    said = {key: field.metadata["default"] for key, field in schema.load_fields.items() if "default" in field.metadata}
    preset = Settings.of({}).preset
    taken = {key: getattr(settings if hasattr(settings, key) else preset, key) for key in said}
    shown = {key: "none" if value in (frozenset(), ()) else str(value).lower() for key, value in taken.items()}
    assert said == shown
    assert said


def test_a_part_that_is_old_is_written_anew() -> None:
    assert written("a\n<!-- keys plugins.xero.limits -->\nold\n<!-- end -->\nb").startswith(
        "a\n<!-- keys plugins.xero.limits -->\n| key | takes | without it | what it is for |"
    )
