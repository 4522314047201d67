"""docs/sandbox.md tells what the sandbox has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from plugins.xero.sandbox.control import control_routes
from plugins.xero.sandbox.faults import KINDS
from plugins.xero.sandbox.gateway import Gateway
from plugins.xero.sandbox.switches import SWITCHES
from plugins.xero.sandbox.world import Options, World

PAGE = (Path(__file__).parents[3] / "docs/sandbox.md").read_text()
LISTED = {
    name: (default, paragraph)
    for name, default, paragraph in re.findall(r"^\| `(\w+)` \| `([^`]*)` \| .* \| ([\d.]+) \|$", PAGE, re.MULTILINE)
}


def test_every_switch_is_listed_with_its_default_and_its_doubt() -> None:
    told = {
        name: (
            str(switch.default).lower() if isinstance(switch.default, bool) else str(switch.default),
            switch.paragraph,
        )
        for name, switch in SWITCHES.items()
    }
    assert told == LISTED


def test_every_doubt_is_a_paragraph_of_the_facts(reference: Path) -> None:
    headings = set(re.findall(r"^##+ (\d+(?:\.\d+)?)", (reference / "xero/API-FACTS.md").read_text(), re.MULTILINE))
    assert {switch.paragraph for switch in SWITCHES.values()} <= headings


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_is_told(kind: str) -> None:
    assert f"| `{kind}` |" in PAGE


def test_every_address_of_the_control_interface_is_told() -> None:
    world = World(Options())
    paths = {route.path.partition("/{")[0] for route in control_routes(Gateway(world)) if isinstance(route, Route)}
    world.close()
    assert {path for path in paths if f"/_sandbox{path}" not in PAGE} == set()
