"""Host and sandbox as processes of their own, driven over sockets and the command line, ended by SIGKILL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from host.cli.base.children import free_port
from tests.e2e.leaks import assert_no_secret_leaked

COUNTERFOIL = (str(Path(sys.executable).with_name("counterfoil")),)
PATIENCE_SECONDS = 60.0


def wait_until(
    fulfilled: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS, what: str = "", pause: float = 0.02
) -> Any:
    """What ``fulfilled`` answers once it answers something true."""
    deadline = time.monotonic() + seconds
    while True:
        answer = fulfilled()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what or fulfilled}")
        time.sleep(pause)


class Program:
    """A process in a group of its own, its output kept in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to the whole group: nothing of it can tidy up."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and wait for the end."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def output(self) -> str:
        return self.log.read_text()


@dataclass
class Sandbox:
    """A running sandbox, with its control interface."""

    folder: Path
    options: Sequence[str] = ()
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self._client = httpx.Client(base_url=self.url, timeout=30)
        self.program = self.start()

    def start(self) -> Program:
        state = self.folder / "sandbox.db"
        command = (sys.executable, "-m", "plugins.xero.sandbox", "--port", str(self.port), "--state", str(state))
        program = Program((*command, *self.options), self.folder / "sandbox.log")
        wait_until(lambda: self.is_up() or not program.alive, what="the sandbox")
        assert program.alive, program.output()
        return program

    def is_up(self) -> bool:
        try:
            return self._client.get("/_sandbox/limits").status_code == 200
        except httpx.TransportError:
            return False

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        answer = self._client.request(method, f"/_sandbox/{path}", json=body or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def calls(self, *, after: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"calls?after={after}")
        return found

    @property
    def last_call(self) -> int:
        """The number of the call that arrived last: what comes after it is ``calls(after=...)``."""
        calls = self.calls()
        return calls[-1]["id"] if calls else 0

    def call(self, number: int) -> dict[str, Any]:
        """A call with both bodies."""
        found: dict[str, Any] = self.control("GET", f"calls/{number}")
        return found

    def writes(self, resource: str = "", *, after: int = 0) -> list[dict[str, Any]]:
        """The calls that write records, in the order in which they arrived."""
        return [
            one
            for one in self.calls(after=after)
            if one["method"] in {"PUT", "POST", "DELETE"} and f"/api.xro/2.0/{resource}" in one["path"]
        ]

    def wait_for_writes(self, count: int, resource: str = "", *, after: int = 0) -> list[dict[str, Any]]:
        """The calls that write, once so many have arrived."""

        def arrived() -> list[dict[str, Any]] | None:
            found = self.writes(resource, after=after)
            return found if len(found) >= count else None

        found: list[dict[str, Any]] = wait_until(arrived, what=f"{count} writes of {resource or 'anything'}")
        return found

    def fault(self, method: str, path: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", method=method, path=path, kind=kind, **{"times": 1, **more})

    def faults_left(self) -> list[dict[str, Any]]:
        """Those that wait for a call that they match."""
        found: list[dict[str, Any]] = self.control("GET", "faults")
        return found

    def secrets(self) -> list[str]:
        """Every secret that this sandbox knows or gave out."""
        return [one["value"] for one in self.control("GET", "secrets")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.program.kill()


@dataclass
class Host:
    """One installation: a folder with a configuration, its servers, its command line."""

    folder: Path
    database_url: str
    sandbox: Sandbox
    environment: dict[str, str] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    admin: str = ""
    """A token of the role admin, where there is one already."""

    def __post_init__(self) -> None:
        self.environment.setdefault("COUNTERFOIL_CLOCK_FILE", str(self.folder / "clock"))

    @property
    def config(self) -> Path:
        return self.folder / "counterfoil.toml"

    def set_up(self, *, connect: bool = True) -> None:
        """A configuration that works with the sandbox, migrated tables, a connection with its reference data, and an admin's token."""
        self.run("init", str(self.folder), "--sandbox", self.sandbox.url, config=False)
        self.set(database_url=self.database_url)
        connected = [["xero", "connect", "demo", "--auth", "custom"], ["import", "all", "--connection", "demo"]]
        said = self.run_all(["migrate"], *(connected if connect else []), ["token", "create", "--role", "admin"])
        self.admin = said.split()[-1]

    def set(self, table: str = "host", /, **values: Any) -> None:
        """Change settings of a table of the configuration, or add them."""
        lines = self.config.read_text().splitlines()
        if f"[{table}]" not in lines:
            lines += ["", f"[{table}]"]
        start = lines.index(f"[{table}]") + 1
        end = next((place for place in range(start, len(lines)) if lines[place].startswith("[")), len(lines))
        kept = [line for line in lines[start:end] if line.partition(" =")[0] not in values]
        new = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        self.config.write_text("\n".join([*lines[:start], *new, *kept, *lines[end:]]) + "\n")

    def replace(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text, f"{old!r} is not in the configuration"
        self.config.write_text(text.replace(old, new))

    def advance(self, seconds: float) -> None:
        """Shift the clocks of the sandbox and of this installation's processes; the sandbox's first, so that nobody calls before Xero's minute is over."""
        self.sandbox.control("POST", "clock", advance_seconds=seconds)
        file = Path(self.environment["COUNTERFOIL_CLOCK_FILE"])
        shifted = float(file.read_text()) if file.exists() else 0.0
        new = file.with_suffix(".new")
        new.write_text(str(shifted + seconds))
        new.replace(file)

    def run(
        self, *arguments: str, config: bool = True, code: int | None = 0, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command; fails unless it ends with ``code`` (``None``: however it ends)."""
        chosen = ("-c", str(self.config)) if config else ()
        done = subprocess.run(
            [*COUNTERFOIL, *chosen, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env={**os.environ, **self.environment},
        )
        self._note(done)
        if code is not None and done.returncode != code:
            raise AssertionError(f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def _note(self, done: subprocess.CompletedProcess[str]) -> None:
        """What commands print is searched for secrets at the end, like everything else that they write."""
        if self.folder.is_dir():
            with (self.folder / "commands.log").open("a") as log:
                log.write(done.stdout + done.stderr)

    def run_all(self, *commands: Sequence[str]) -> str:
        """Several commands in one process, which starts only once. Answers what they printed."""
        code = (
            "import sys, json; from host.cli.base.runner import run; sys.exit(any(map(run, json.loads(sys.argv[1]))))"
        )
        with_config = [["-c", str(self.config), *command] for command in commands]
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(with_config)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env={**os.environ, **self.environment},
        )
        self._note(done)
        assert done.returncode == 0, f"{commands} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def start(self, *command: str) -> Program:
        """A command that goes on by itself; it is killed at the end at the latest."""
        log = self.folder / f"{command[0]}-{len(self.programs)}.log"
        program = Program([*COUNTERFOIL, "-c", str(self.config), *command], log, self.environment)
        self.programs.append(program)
        return program

    def serve(self, *, wait: bool = True) -> Server:
        server = Server(self)
        self.servers.append(server)
        if wait:
            server.wait_until_up()
        return server

    def token(self, role: str = "admin") -> str:
        return self.run("token", "create", "--role", role).stdout.strip()

    def admin_token(self) -> str:
        self.admin = self.admin or self.token()
        return self.admin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for server in self.servers:
            server.close()
        for program in self.programs:
            program.kill()
        if kind is None and self.sandbox.program.alive:
            assert_no_secret_leaked(self)


class Server:
    """A running ``counterfoil serve``."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = host.start("serve", "--port", str(self.port))
        self._client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=60)

    def wait_until_up(self) -> None:
        wait_until(lambda: self.is_up() or not self.program.alive, what="the server")
        assert self.program.alive, self.program.output()

    def is_up(self) -> bool:
        try:
            return self._client.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def api(self) -> httpx.Client:
        """A client with an admin's token."""
        if "Authorization" not in self._client.headers:
            self._client.headers["Authorization"] = f"Bearer {self.host.admin_token()}"
        return self._client

    def get(self, path: str) -> Any:
        answer = self.api.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, path: str, record: Mapping[str, Any]) -> Any:
        answer = self.api.put(path, json=record)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def state(self, path: str) -> str:
        [sync] = self.get(path)["sync"]
        state: str = sync["state"]
        return state

    def wait_for_state(self, path: str, *states: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The record once its sync state is one of these."""

        def reached() -> dict[str, Any] | None:
            record: dict[str, Any] = self.get(path)
            return record if record["sync"] and record["sync"][0]["state"] in states else None

        found: dict[str, Any] = wait_until(reached, seconds=seconds, what=f"{path} to be {' or '.join(states)}")
        return found

    def bulk(self, kind: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Load many records by the API, as one batch; all of them must be taken."""
        body = "".join(f"{json.dumps(record)}\n" for record in records)
        answer = self.api.post(f"/{kind}/bulk", content=body, headers={"Content-Type": "application/jsonl"})
        assert answer.status_code == 200, answer.text
        bad = [line for line in answer.text.splitlines() if json.loads(line)["result"] == "bad"]
        assert not bad

    def all(self, kind: str, **filters: str) -> list[dict[str, Any]]:
        """Every record of a kind, with its sync states."""
        found: list[dict[str, Any]] = []
        while True:
            page = str(len(found) // 500 + 1)
            answer = self.api.get(f"/{kind}", params={"page_size": "500", "page": page, **filters})
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if len(found) >= answer.json()["total"]:
                return found

    def past_pauses(self) -> bool:
        """Whether calls may leave; a pause after trouble is made shorter by shifting the clocks."""
        [connection] = self.get("/connections")["items"]
        if connection["held_until"]:
            self.host.advance(2)
        return not connection["held_until"]

    def kill(self) -> None:
        self.program.kill()

    def close(self) -> None:
        self.kill()
        self._client.close()
