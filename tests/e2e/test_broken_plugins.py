"""Plugins that are broken in every way: the host serves, the invoice is saved and sent, and the failure is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.official import Official
from tests.e2e.shop import customer, invoice

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import Host

pytestmark = pytest.mark.database("sqlite")  # it has no part in this; the tests within one process run on both

HEAD = "from hookspecs import hookimpl\n\ncontract_version = 1\n\n"
PLUGINS = {
    "cannot_be_imported": "import a_module_that_nobody_has\n",
    "raises_in_its_hook": HEAD
    + "@hookimpl\ndef on_entity_saved(event, unit_of_work):\n    raise ValueError('out of cheese')\n",
    "hangs_at_start": HEAD
    + "@hookimpl\ndef configured(settings):\n    import threading\n    threading.Event().wait()\n",
    "has_a_failing_migration": HEAD
    + "from pathlib import Path\nfrom hookspecs import Migrations\n\n"
    + "@hookimpl\ndef migrations():\n    return Migrations(versions=Path(__file__).with_name('versions'))\n",
    "made_for_another_contract": "contract_version = 99\n",
}
REVISION = """revision = "0001"
down_revision = None


def upgrade():
    raise RuntimeError("no such luck")
"""


def test_broken_plugins_hold_nothing_up_and_are_seen(host: Host) -> None:
    install(host)
    migrated = host.run("migrate", code=1)  # one plugin's fails, the others are migrated
    assert "no such luck" in migrated.stdout

    server = host.serve()
    server.put("/customers/b-c1", customer("b-c1"))
    server.put("/invoices/b-i1", invoice("b-i1", "b-c1"))
    server.wait_for_state("/invoices/b-i1", "synced")

    assert str(Official(host.sandbox.url).invoice("B-I1").total) == "10.0"
    plugins = {one["name"]: one for one in server.get("/plugins")["items"]}
    listed = {one["name"]: one for one in host.json("plugins", "list")}
    for shown in (plugins, listed):
        assert "No module named 'a_module_that_nobody_has'" in shown["cannot_be_imported"]["reason"]
        assert "10 s" in shown["hangs_at_start"]["reason"]
        assert shown["has_a_failing_migration"]["state"] == "failed"
        assert "99" in shown["made_for_another_contract"]["reason"]
        assert "out of cheese" in str(shown["raises_in_its_hook"])
        assert shown["xero"]["state"] == shown["core_billing"]["state"] == "active"


def install(host: Host) -> None:
    folder = host.folder / "plugins"
    (folder / "versions").mkdir(parents=True)
    (folder / "versions" / "0001.py").write_text(REVISION)
    for name, text in PLUGINS.items():
        (folder / f"{name}.py").write_text(text)
    write_setting(host.config, "plugin_dir", '"plugins"')
    names = ", ".join(f'"{name}"' for name in ("core_billing", "xero", *PLUGINS))
    write_setting(host.config, "plugins", f"[{names}]")


def write_setting(config: Path, key: str, value: str) -> None:
    lines = [line for line in config.read_text().splitlines() if not line.startswith(f"{key} =")]
    lines.insert(lines.index("[host]") + 1, f"{key} = {value}")
    config.write_text("\n".join(lines) + "\n")
