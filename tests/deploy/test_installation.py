"""docs/operation.md from its very text, under a systemd: install, run, crash, back up, upgrade, and the way back."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.deploy.machine import CHECKOUT, PROJECT, Machine
from tests.docs.pages import DOCS, Block, blocks, changed
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = DOCS / "operation.md"
URL: Final = "http://127.0.0.1:8000"
LATER: Final = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {after!r}


def upgrade() -> None:
    op.add_column("host_settings", sa.Column("later", sa.String(10)))
"""


def section(heading: str) -> list[Block]:
    """The blocks below a heading of the page."""
    lines = PAGE.read_text().splitlines()
    first = lines.index(f"## {heading}") + 1
    last = next((n for n, line in enumerate(lines[first:], first) if line.startswith("## ")), len(lines))
    return [block for block in blocks(PAGE) if first < block.line <= last]


def do(machine: Machine, blocks: list[Block], checkout: str = CHECKOUT) -> None:
    """What a reader does with them, in a checkout."""
    for block in blocks:
        if block.language == "toml":
            path = machine.root / block.file.lstrip("/")
            path.write_text(changed(path.read_text(), block.text))
        elif block.language == "sh":
            machine.shell(f"cd {checkout}\n{block.text}")


def later_version(machine: Machine) -> str:
    """A checkout of version 0.2.0, whose database has a column more."""
    there = machine.root / "root/later"
    for name in ("hookspecs", "host", "plugins", "deploy"):
        shutil.copytree(PROJECT / name, there / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, there)
    project = (PROJECT / "pyproject.toml").read_text()
    (there / "pyproject.toml").write_text(re.sub(r'(?m)^version = ".*"$', 'version = "0.2.0"', project))
    versions = there / "host/migrations/versions"
    (versions / "9999_later.py").write_text(LATER.format(after=max(one.name[:4] for one in versions.glob("*.py"))))
    return "/root/later"


class Office:
    """Whoever uses the API of a machine's server."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        token = machine.run("counterfoil", "token", "create", "--role", "admin").strip()
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        with self._machine.network():
            return httpx.request(method, f"{URL}{path}", headers=self._headers, timeout=30, **more)

    def save(self, ref: str) -> None:
        answer = self.ask("PUT", f"/api/v1/customers/{ref}", json={"name": ref.title()})
        assert answer.status_code == 201, answer.text

    def customers(self) -> list[str]:
        return sorted(one["ref"] for one in self.ask("GET", "/api/v1/customers").json()["items"])

    def state(self, ref: str) -> str:
        [sync] = self.ask("GET", f"/api/v1/customers/{ref}").json()["sync"]
        return str(sync["state"])

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait(self) -> None:
        wait_until(self.is_up, what="the server")


def property_of(machine: Machine, unit: str, name: str) -> str:
    return machine.run("systemctl", "show", "--property", name, "--value", unit).strip()


def test_a_life(tmp_path: Path) -> None:
    """On one machine, because installing is what takes time."""
    with Machine(tmp_path / "machine") as machine:
        do(machine, section("Install"))
        office = Office(machine)
        office.wait()
        it_is_shut_in(machine)
        it_reaches_the_remote(machine, office)
        it_comes_back_when_it_is_killed(machine, office)
        it_is_backed_up_and_put_back(machine, office)
        it_ends_well_when_it_is_stopped(machine)
        machine.run("systemctl", "start", "counterfoil")
        it_is_upgraded_and_brought_back(machine, office)


def it_is_shut_in(machine: Machine) -> None:
    """What the kernel says of the process itself."""
    pid = property_of(machine, "counterfoil", "MainPID")
    status = machine.run("cat", f"/proc/{pid}/status")
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    account = machine.run("id", "-u", "counterfoil").strip()
    assert account != "0"
    assert told["Uid"].split() == [account] * 4
    assert (told["NoNewPrivs"], told["Seccomp"], int(told["CapBnd"], 16)) == ("1", "2", 0)
    inside = ["nsenter", f"--target={pid}", "--mount", "runuser", "-u", "counterfoil", "--"]
    for place in ("/etc/counterfoil", "/opt/counterfoil", "/var/lib", "/usr/local/bin"):
        refused = machine.done(*inside, "touch", f"{place}/x")
        assert refused.returncode != 0, place
    for home in ("/root", "/home"):
        assert machine.done(*inside, "ls", home).returncode != 0, home
    machine.run(*inside, "touch", "/var/lib/counterfoil/x")
    assert machine.run("stat", "--format=%a %U", "/var/lib/counterfoil/counterfoil.db") == "600 counterfoil\n"


def it_reaches_the_remote(machine: Machine, office: Office) -> None:
    """By name, from inside all that shuts it in."""
    program = "/opt/counterfoil/current/bin/counterfoil"
    machine.start("sandbox", program, "xero", "sandbox", "--port", "9300")
    wait_until(lambda: machine.listens(9300), what="the sandbox")
    machine.run(program, "init", "/root/rehearsal", "--sandbox", "http://localhost:9300")
    ours, theirs = (
        machine.root / path for path in ("etc/counterfoil/counterfoil.toml", "root/rehearsal/counterfoil.toml")
    )
    part = "[plugins.xero]"
    ours.write_text(ours.read_text().partition(part)[0] + "".join(theirs.read_text().partition(part)[1:]))
    machine.run("systemctl", "restart", "counterfoil")
    machine.run("counterfoil", "xero", "connect", "acme")
    machine.run("counterfoil", "import", "all", "--connection", "acme")
    office.wait()
    office.save("ada")
    wait_until(lambda: office.state("ada") == "synced", what="the record to arrive")


def it_comes_back_when_it_is_killed(machine: Machine, office: Office) -> None:
    machine.shell("systemctl kill --signal=KILL counterfoil")
    wait_until(lambda: property_of(machine, "counterfoil", "NRestarts") == "1", what="systemd to start it again")
    office.wait()
    assert office.customers() == ["ada"]


def it_ends_well_when_it_is_stopped(machine: Machine) -> None:
    machine.run("systemctl", "stop", "counterfoil")
    assert property_of(machine, "counterfoil", "Result") == "success"
    assert property_of(machine, "counterfoil", "ExecMainStatus") == "0"


def it_is_backed_up_and_put_back(machine: Machine, office: Office) -> None:
    back_up, put_back = section("Backup and restore")
    machine.shell("cd /var/backups/counterfoil && touch -d '31 days ago' counterfoil-former.zip before-upgrade.zip")
    do(machine, [back_up])
    made, by_hand = machine.shell(
        "cd /var/backups/counterfoil && stat --format='%n %a %U' *.zip | sort -r"
    ).splitlines()
    assert re.fullmatch(r"counterfoil-2.*Z\.zip 600 counterfoil", made)
    assert by_hand.startswith("before-upgrade.zip")
    office.save("bea")
    do(machine, [put_back])
    office.wait()
    assert office.customers() == ["ada"]


def it_is_upgraded_and_brought_back(machine: Machine, office: Office) -> None:
    prepare, upgrade, bring_back = section("Upgrade, and the way back")
    checkout = later_version(machine)
    do(machine, [prepare], checkout)
    office.wait()
    office.save("bea")
    do(machine, [upgrade], checkout)
    office.wait()
    assert machine.run("counterfoil", "--version") == "counterfoil 0.2.0\n"
    assert office.customers() == ["ada", "bea"]
    office.save("cid")

    machine.run("ln", "-sfn", "0.1.0", "/opt/counterfoil/current")
    refused = machine.done("counterfoil", "status")
    assert refused.stderr.startswith("error: the database is newer than this program (at revision 9999, it knows ")
    do(machine, [bring_back])
    office.wait()
    assert machine.run("counterfoil", "--version") == f"counterfoil {version('counterfoil')}\n"
    assert office.customers() == ["ada", "bea"]
