"""``counterfoil serve``: says when it is ready, in one line why it cannot be, and ends when it is told to."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from host.cli.base.runner import run
from host.cli.serve import listening, url_of
from host.db import Database
from host.errors import Stop
from tests.e2e.processes import wait_until
from tests.integration.web.conftest import COMMAND, config_of, migrated


@contextmanager
def serving(config: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a process, and its address once it says that it is ready."""
    command = [*COMMAND, "-c", str(config), "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        ready = process.stdout.readline()
        found = re.fullmatch(r"Counterfoil is ready at (http://127\.0\.0\.1:\d+) \(Ctrl-C stops it\)\n", ready)
        assert found, ready + "".join(process.communicate())
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_well_when_told(
    tmp_path: Path, database_from: Callable[..., str], stop: signal.Signals
) -> None:
    with serving(config_of(tmp_path, database_from(migrated))) as (process, url):
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


def test_a_request_that_is_being_answered_is_answered_before_it_ends(
    tmp_path: Path, sqlite_from: Callable[..., str]
) -> None:
    config = config_of(tmp_path, sqlite_from(migrated))
    token = _token(config)
    database = Database.at(f"sqlite:///{tmp_path / 'counterfoil.db'}")
    answers: list[httpx.Response] = []

    def save(url: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answers.append(httpx.put(f"{url}/api/v1/customers/ada", json={"name": "Ada"}, headers=headers, timeout=20))

    with serving(config) as (process, url):
        with database.write() as session:  # keeps the save waiting
            session.execute(text("DELETE FROM host_runs"))
            saving = threading.Thread(target=save, args=(url,))
            saving.start()
            wait_until(lambda: _has_connection(process.pid), what="the request to arrive", seconds=10)
            process.terminate()
            wait_until(lambda: not _accepts(url), what="the server to stop listening", seconds=10)
        process.communicate(timeout=20)
        saving.join()
    database.close()
    assert [answer.status_code for answer in answers] == [201]
    assert process.returncode == 0


def _token(config: Path) -> str:
    command = [*COMMAND, "-c", str(config), "token", "create", "--role", "admin"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _has_connection(pid: int) -> bool:
    import psutil

    return any(one.status == psutil.CONN_ESTABLISHED for one in psutil.Process(pid).net_connections(kind="tcp"))


def _accepts(url: str) -> bool:
    address, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((address, int(port))) == 0


def test_a_taken_port_is_one_line_and_nothing_has_begun(
    tmp_path: Path, sqlite_from: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(tmp_path, sqlite_from(migrated))
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert run(["-c", str(config), "serve", "--port", str(port)]) == 1
    out, err = capsys.readouterr()
    why = f"port {port} on 127.0.0.1 is taken: stop what uses it, or choose another with --port"
    assert (out, err) == ("", f"error: {why}\n")


def test_a_database_that_is_not_migrated_is_one_line(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(config_of(tmp_path, database_url)), "serve", "--port", "0"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        "error: the database (must be migrated|file .* does not exist).*run `counterfoil migrate`.*\n", err
    )


def test_a_database_newer_than_the_code_is_one_line(
    tmp_path: Path, sqlite_from: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = sqlite_from(migrated)
    database = Database.at(url)
    with database.write() as session:
        session.execute(text("UPDATE host_migrations SET version_num = '9999'"))
    database.close()
    assert run(["-c", str(config_of(tmp_path, url)), "serve", "--port", "0"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the database is newer than this program (at revision 9999, it knows ")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("192.0.2.1", "192.0.2.1 is not an address of this machine: choose another with --host"),
        ("no.such.name.invalid", "no.such.name.invalid is no address to listen on: "),
    ],
)
def test_an_address_that_is_not_ours_is_told_so(address: str, message: str) -> None:
    with pytest.raises(Stop) as raised, listening(address, 0):
        pass
    assert str(raised.value).startswith(message)


def test_a_port_that_was_just_let_go_can_be_taken_at_once() -> None:
    with listening("127.0.0.1", 0) as first, socket.create_connection(first.getsockname()) as client:
        accepted, _ = first.accept()
        accepted.close()  # this end closes first: the port stays in TIME_WAIT
        port = first.getsockname()[1]
        client.recv(1)
    with listening("127.0.0.1", port) as second:
        assert url_of(second) == f"http://127.0.0.1:{port}"


def test_safe_mode_serves_without_any_plugin(tmp_path: Path, sqlite_from: Callable[..., str]) -> None:
    config = config_of(tmp_path, sqlite_from(migrated), plugins='["core_billing", "gone"]')
    with serving(config, "--safe-mode") as (_, url):
        headers = {"Authorization": f"Bearer {_token(config)}"}
        assert httpx.get(f"{url}/api/v1/plugins", headers=headers).json() == {"items": []}


def test_a_plugin_that_fails_does_not_keep_the_host_from_serving(
    tmp_path: Path, sqlite_from: Callable[..., str]
) -> None:
    config = config_of(tmp_path, sqlite_from(migrated), plugins='["core_billing", "gone"]')
    with serving(config) as (_, url):
        headers = {"Authorization": f"Bearer {_token(config)}"}
        plugins = httpx.get(f"{url}/api/v1/plugins", headers=headers).json()["items"]
        saved = httpx.put(f"{url}/api/v1/customers/ada", json={"name": "Ada"}, headers=headers)
    states = [(plugin["name"], plugin["state"]) for plugin in plugins]
    assert states[:2] == [("core_billing", "active"), ("gone", "failed")]
    assert {state for _, state in states[2:]} == {"available"}
    assert saved.status_code == 201
