"""The proxies' recipes, in front of a server: what should come through does, and nothing else."""

from __future__ import annotations

import http.client
import json
import shlex
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from host.crypto import generate_key
from host.web.records import LARGEST_BULK
from host.web.resource import LARGEST_BODY
from tests.deploy.certificates import certificate
from tests.deploy.machine import CHECKOUT, PROJECT, Machine, needs
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "billing.example.com"
PROXIES: Final = PROJECT / "deploy/proxy"
COUNTERFOIL: Final = (
    "env", f"PYTHONPATH=/usr/local/python-packages:{CHECKOUT}", "/usr/local/python/bin/python3",
    "-c", "from host.cli import main; main()", "-c", "/root/counterfoil.toml",
)  # fmt: skip
MB: Final = 1024 * 1024


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_problem(self, status: int) -> bool:
        return (
            (self.status, self.headers.get("content-type")) == (status, "application/problem+json")
            and self.json["status"] == status
            and bool(self.json["detail"])
        )


class Site:
    """A machine with a server and a proxy, from outside."""

    def __init__(self, machine: Machine, proxy: str) -> None:
        self.machine = machine
        self.proxy = proxy
        self.trusted, secret = certificate(NAME)
        machine.write("/etc/ssl/counterfoil/fullchain.pem", self.trusted)
        machine.write("/etc/ssl/counterfoil/privkey.pem", secret)
        machine.write(
            "/root/counterfoil.toml",
            f'[host]\ndatabase_url = "sqlite:///counterfoil.db"\nsecret_key = "{generate_key()}"\n'
            'plugins = ["core_billing"]\nwithout_token = ["metrics", "openapi"]\n',
        )
        machine.shell("chmod 600 /root/counterfoil.toml")
        machine.run(*COUNTERFOIL, "migrate")
        self.token = machine.run(*COUNTERFOIL, "token", "create", "--role", "admin").strip()
        self.serve()
        {"nginx": self._start_nginx, "caddy": self._start_caddy}[proxy]()
        wait_until(lambda: machine.listens(443), what=proxy)

    def serve(self) -> None:
        self.machine.start("server", *COUNTERFOIL, "serve", "--port", "8000")
        wait_until(lambda: self.machine.listens(8000), what="the server")

    def _start_nginx(self) -> None:
        self.machine.write("/etc/nginx/conf.d/counterfoil.conf", (PROXIES / "nginx.conf").read_text())
        self.machine.run("nginx", "-t")
        self.machine.start("nginx", "nginx", "-g", "daemon off;")

    def _start_caddy(self) -> None:
        recipe = (PROXIES / "Caddyfile").read_text()
        # No authority gives out certificates here: a line that the recipe tells how to write.
        line = "tls /etc/ssl/counterfoil/fullchain.pem /etc/ssl/counterfoil/privkey.pem"
        assert recipe.count(f"# {line}") == 1
        self.machine.write("/etc/caddy/Caddyfile", recipe.replace(f"# {line}", line))
        self.machine.run("caddy", "validate", "--config", "/etc/caddy/Caddyfile")
        self.machine.start("caddy", "caddy", "run", "--config", "/etc/caddy/Caddyfile")

    def ask(self, method: str, path: str, body: bytes | None = None, *, tls: bool = True, **headers: str) -> Answer:
        """A request with exactly this path, as no well-mannered client would send it."""
        with self.machine.network():
            connection = http.client.HTTPConnection(NAME, timeout=30)
            connection.sock = socket.create_connection(("127.0.0.1", 443 if tls else 80), timeout=30)
        if tls:
            context = ssl.create_default_context(cadata=self.trusted)
            connection.sock = context.wrap_socket(connection.sock, server_hostname=NAME)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", **given})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def upload(self, path: str, size: int, *, announced: bool) -> str:
        """The answer to a body of so many bytes, of which none means anything. By curl: whoever is refused must read while it sends."""
        curl = [
            "curl", "--silent", "--http1.1", "--cacert", "/etc/ssl/counterfoil/fullchain.pem", "--resolve", f"{NAME}:443:127.0.0.1",
            "--header", f"Authorization: Bearer {self.token}", "--header", "Content-Type: application/json",
            "--request", "POST" if path.endswith("bulk") else "PUT", "--upload-file", "-" if not announced else "/run/body",
            f"https://{NAME}/api/v1/{path}",
        ]  # fmt: skip
        make = f"head -c {size} /dev/zero | tr '\\0' x"
        into = f"{make} >/run/body; {shlex.join(curl)}" if announced else f"{make} | {shlex.join(curl)}"
        return self.machine.shell(f"set +o pipefail; {into}")

    def put(self, path: str, record: Any, **headers: str) -> Answer:
        return self.ask("PUT", path, json.dumps(record).encode(), tls=True, Content_Type="application/json", **headers)


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_proxy(proxy: str, tmp_path: Path) -> None:
    """All on one machine, because starting everything is what takes time."""
    needs(proxy, "curl")
    with Machine(tmp_path / "machine", systemd=False) as machine:
        site = Site(machine, proxy)
        a_save_goes_through_under_one_correlation_id(site)
        what_is_for_the_inside_stays_there(site)
        what_is_nowhere_is_told_as_the_server_tells_it(site)
        for announced in (True, False):
            bodies_go_up_to_the_servers_own_limit(site, "customers/ada", LARGEST_BODY // MB, announced=announced)
            bodies_go_up_to_the_servers_own_limit(site, "customers/bulk", LARGEST_BULK // MB, announced=announced)
        headers_have_a_limit(site)
        a_server_may_be_away_and_come_back(site)


def a_save_goes_through_under_one_correlation_id(site: Site) -> None:
    saved = site.put("/api/v1/customers/ada", {"name": "Ada"}, X_Correlation_Id="from-outside.1")
    assert (saved.status, saved.headers["x-correlation-id"]) == (201, "from-outside.1")
    assert site.ask("GET", "/api/v1/customers/ada").json["name"] == "Ada"
    named = site.put("/api/v1/customers/bea", {"name": "Bea"}, X_Correlation_Id="not well formed")
    assert named.status == 201
    assert named.headers["x-correlation-id"] not in {"", "not well formed"}
    assert "strict-transport-security" in saved.headers
    assert "server" not in saved.headers or saved.headers["server"] == "nginx"


INSIDE: Final = (
    "/metrics", "/readyz", "/healthz", "/", "//metrics", "/metrics/", "/api/v1/../../metrics", "/api/v1/%2e%2e/%2e%2e/metrics",
    "/api/v1/..%2f..%2fmetrics", "/api/v1/./../../readyz", "/webhooks/../metrics", "/connections/callback/../../metrics",
    "/%6detrics", "/metrics?x=/api/v1/", "/api/v1/..;/../metrics",
)  # fmt: skip


def what_is_for_the_inside_stays_there(site: Site) -> None:
    for path in INSIDE:
        answer = site.ask("GET", path)
        assert answer.status in {400, 404}, (path, answer)
        assert b"counterfoil_" not in answer.body, path
        assert b"ready" not in answer.body, path


def what_is_nowhere_is_told_as_the_server_tells_it(site: Site) -> None:
    assert site.ask("GET", "/metrics").is_problem(404)
    assert site.ask("GET", "/api/v1/widgets").is_problem(404)
    assert site.ask("GET", "/api/v1/customers/ada", tls=False).is_problem(403)
    assert site.ask("GET", "/api/v1/openapi.json").json["openapi"].startswith("3.1")


def bodies_go_up_to_the_servers_own_limit(site: Site, path: str, most: int, *, announced: bool) -> None:
    fits, too_large = (site.upload(path, most * MB + more, announced=announced) for more in (0, 1))
    assert ("is longer than 16 MB" if path.endswith("bulk") else "expecting value") in fits, "the server has read it"
    assert json.loads(too_large)["status"] == 413
    if announced:
        assert json.loads(too_large)["detail"] == f"the body is too large: accepted are up to {most} MB"


def headers_have_a_limit(site: Site) -> None:
    assert site.ask("GET", "/api/v1/customers", X_Padding="x" * 4096).status == 200
    assert site.ask("GET", "/api/v1/customers", X_Padding="x" * 70_000).status in {400, 431}


def a_server_may_be_away_and_come_back(site: Site) -> None:
    site.machine.stop("server")
    away = site.ask("GET", "/api/v1/customers")
    assert away.is_problem(503)
    assert away.headers["retry-after"]
    site.serve()
    wait_until(lambda: site.ask("GET", "/api/v1/customers").status == 200, what="the proxy to see it")
