"""The container's recipe: every instruction is carried out but the fetching of the base image, and what it starts serves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import yaml
from packaging.specifiers import SpecifierSet

from host.cli.serve import GRACE_SECONDS
from host.crypto import Vault, generate_key
from tests.deploy.machine import PROJECT, Machine
from tests.deploy.recipes import DEPLOY, Instruction, ignored_by, stages
from tests.e2e.processes import COUNTERFOIL, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT: Final = (DEPLOY / "container/Containerfile").read_text()
(_, BUILD), (_, FINAL) = stages(TEXT)
IGNORE: Final = (DEPLOY / "container/Containerfile.dockerignore").read_text().splitlines()[1:]


def last(name: str) -> Instruction:
    return [one for one in FINAL if one.name == name][-1]


# ------------------------------------------------------------------------------------------------------------- the image


def build(machine: Machine, instructions: list[Instruction], other: Machine | None = None) -> dict[str, Any]:
    """Carry out a stage's instructions on a machine, which stands for the base image. Answers how a container of it is run."""
    made: dict[str, Any] = {"env": {}, "cwd": "/", "user": "0:0"}
    for one in instructions:
        match one.name:
            case "RUN":
                machine.run("sh", "-ec", f"cd {made['cwd']}\n{one.value}")
            case "COPY":
                copy(machine, one, made["cwd"], other)
            case "WORKDIR":
                machine.run("mkdir", "-p", one.value)
                made["cwd"] = one.value
            case "ENV":
                made["env"].update(pair.split("=", 1) for pair in one.words)
            case "USER":
                made["user"] = one.value
            case "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                pass
            case other_name:
                raise AssertionError(f"what becomes of {other_name}?")
    return made


def copy(machine: Machine, one: Instruction, cwd: str, other: Machine | None) -> None:
    *sources, target = [word for word in one.words if not word.startswith("--")]
    root = PROJECT
    if "--from=build" in one.words:
        assert other is not None
        root = other.root
    for source in sources:
        there = (
            (machine.root / cwd.lstrip("/") / target)
            if not target.startswith("/")
            else machine.root / target.lstrip("/")
        )
        place = root / source.lstrip("/")
        if place.is_dir():
            shutil.copytree(
                place, there, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
            )
        else:
            shutil.copy(place, there)


def inside(made: Mapping[str, Any], *command: str) -> list[str]:
    """As Docker runs a command in a container that may do nothing that it need not."""
    user, group = made["user"].split(":")
    account = [
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
    ]
    return ["env", f"--chdir={made['cwd']}", *account, *command]


def test_it_is_built_and_serves_and_ends_when_it_is_stopped(tmp_path: Path) -> None:
    with (
        Machine(tmp_path / "build", systemd=False) as first,
        Machine(tmp_path / "final", systemd=False) as machine,
    ):
        build(first, BUILD)
        machine.write("/usr/local/bin/apt-get", "#!/bin/sh\n")  # there is no registry here
        machine.run("chmod", "755", "/usr/local/bin/apt-get")
        made = build(machine, FINAL, first)
        user = made["user"].split(":")[0]
        assert user.isdigit()
        assert user != "0"
        machine.write(
            "/etc/counterfoil/counterfoil.toml",
            f'[host]\ndatabase_url = "env:COUNTERFOIL_DATABASE_URL"\nsecret_key = "{generate_key()}"\n',
        )
        machine.shell(f"chown {user} /etc/counterfoil/counterfoil.toml; chmod 600 /etc/counterfoil/counterfoil.toml")
        environment = {**made["env"], "COUNTERFOIL_DATABASE_URL": "sqlite:////var/lib/counterfoil/counterfoil.db"}
        entry = last("ENTRYPOINT").words
        machine.run(*inside(made, *entry, "migrate"), **environment)
        token = machine.run(*inside(made, *entry, "token", "create", "--role", "admin"), **environment).strip()

        machine.start("server", *inside(made, *entry, *last("CMD").words), **environment)
        health = inside(made, *Instruction("", last("HEALTHCHECK").value.partition(" CMD ")[2]).words)
        wait_until(lambda: machine.done(*health, **environment).returncode == 0, what="the health check")
        with machine.network():
            address = f"http://127.0.0.1:{last('EXPOSE').value}/api/v1/customers/ada"
            saved = httpx.put(address, json={"name": "Ada"}, headers={"Authorization": f"Bearer {token}"})
        assert saved.status_code == 201
        assert machine.stop("server", last("STOPSIGNAL").value.removeprefix("SIG")) == 0
        assert machine.done(*health, **environment).returncode != 0


def test_what_it_copies_is_there_and_comes_to_the_build() -> None:
    sources = [word for one in BUILD if one.name == "COPY" for word in one.words[:-1]]
    assert [one for one in sources if not (PROJECT / one).exists()] == []
    assert [one for one in sources if ignored_by(IGNORE, one)] == []
    assert [one for one in (".git", ".venv/bin/python", "secret.key", "counterfoil.db", "host/__pycache__/app.pyc")
            if not ignored_by(IGNORE, one)] == []  # fmt: skip


def test_it_has_a_python_that_counterfoil_works_with() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    [version] = re.findall(r"^ARG PYTHON=(.*)$", TEXT, re.MULTILINE)
    assert version in SpecifierSet(project["requires-python"])
    assert re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE) == ["python:${PYTHON}-slim-trixie"] * 2


# ------------------------------------------------------------------------------------------------------------ the compose


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())


def test_two_servers_that_may_do_little_and_have_time_to_end(compose: Any) -> None:
    servers = [one for name, one in compose["services"].items() if name.startswith("server-")]
    assert len(servers) == 2
    for server in servers:
        assert server["cap_drop"] == ["ALL"]
        assert server["read_only"] is True
        assert "ports" not in server, "what is outside goes through the proxy"
        assert int(server["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS
        assert server["depends_on"]["postgresql"]["condition"] == "service_healthy"
    assert "ports" not in compose["services"]["postgresql"]


def test_every_file_and_volume_that_it_names_is_there(compose: Any) -> None:
    folder = DEPLOY / "container"
    build = compose["services"]["server-a"]["build"]
    assert (folder / build["context"] / build["dockerfile"]).is_file()
    named = [volume.split(":")[0] for one in compose["services"].values() for volume in one.get("volumes", [])]
    files = [name for name in named if name.startswith(".")]
    assert [name for name in files if not (folder / name).is_file()] == []
    assert {name for name in named if not name.startswith(".")} == set(compose["volumes"])


def test_what_its_first_lines_write_is_what_it_reads(tmp_path: Path, compose: Any) -> None:
    """The commands of its comment, typed; then the configuration, read with what they wrote."""
    text = (DEPLOY / "container/compose.yaml").read_text()
    script = re.search(r"(?s)#   umask 077\n(#   \{.*?#   \} > \.env)", text)
    assert script
    typed = re.sub(r"(?m)^#   ", "", script[1])
    subprocess.run(["bash", "-euc", f"umask 077\n{typed}"], cwd=tmp_path, check=True)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    written = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    asked = set(re.findall(r"\$\{(\w+)", text))
    assert asked == set(written)
    Vault([written["COUNTERFOIL_SECRET_KEY"]])

    given = {name: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: written[found[1]], value)
             for name, value in compose["services"]["server-a"]["environment"].items()}  # fmt: skip
    shutil.copy(DEPLOY / "container/counterfoil.toml", tmp_path)
    (tmp_path / "counterfoil.toml").chmod(0o600)
    checked = subprocess.run(
        [*COUNTERFOIL, "check", "--offline", "--json"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {one["what"]: one for one in json.loads(checked.stdout)["checks"]}
    assert [one for one in found.values() if one["what"].startswith("plugin") and one["state"] != "ok"] == []
    assert "postgresql://counterfoil:***@postgresql/counterfoil" in found["database"]["says"]
