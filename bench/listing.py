"""How long the server works on a page of a list of many invoices, filtered and sorted: from the request's arrival to the answer's last byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import shop
from bench.figures import Figure, at_most, reported
from bench.stage import DATABASE, Stages, keep_house
from host.app import Host, open_host
from host.loading import Line, Loader
from host.roles import Role
from host.tokens import create_token
from host.web.app import build
from tests.integration.web.conftest import config_of, migrated

if TYPE_CHECKING:
    from starlette.applications import Starlette

INVOICES: Final = 20_000
INVOICES_FULL: Final = 100_000
REPEATS: Final = 15
MOST_MILLISECONDS: Final = 15.0
PAGES: Final = (
    "",
    "sort=-issue_date,number",
    "sort=-total",
    "sort=status",
    "customer=customer-7&sort=-issue_date",
    "customer=customer-7&sort=total",
    "status=authorised&sort=-issue_date",
    "status=authorised&sort=number",
    "accounting_status=authorised&sort=due_date",
    "currency=GBP&sort=-total",
    "due_date_to=2026-03-01&sort=due_date",
    "number=INV-000500",
)
SEARCH: Final = "q=INV-0005"
"""A part of a text: every document is read for it."""


def run(stages: Stages) -> Iterator[Figure]:
    count = INVOICES_FULL if stages.full else INVOICES
    for name in ("SQLite", "PostgreSQL"):
        stages.say(f"listing {count:,} invoices on {name}")
        folder = stages.new_folder("listing")
        url = f"sqlite:///{folder / DATABASE}" if name == "SQLite" else stages.postgresql_url()
        migrated(url)
        with open_host(config_of(folder, url, plugins='["core_billing"]')) as host:
            _fill(host, count)
            keep_house(host.database)
            taken = asyncio.run(_measure(host))
            slowest = max(PAGES, key=lambda page: taken[page])
            yield reported(f"{name}: the plain first page", taken[""], "ms")
            yield at_most(f"{name}: the slowest page ({slowest})", taken[slowest], MOST_MILLISECONDS, "ms")
            yield reported(f"{name}: a search in the texts", taken[SEARCH], "ms")


def _fill(host: Host, count: int) -> None:
    _load(host, "tax-rates", [{"ref": "standard", "code": "OUTPUT2", "name": "Standard", "rate": "20"}])
    _load(host, "accounts", [{"ref": "sales", "code": "200", "name": "Sales"}])
    _load(host, "customers", shop.customers())
    _load(host, "products", shop.products())
    _load(host, "invoices", shop.invoices(count))


def _load(host: Host, kind: str, records: Any) -> None:
    assert host.engine is not None
    loader = Loader(kind=host.kinds[kind], saver=host.saver, sync=host.engine)
    lines = (Line(number, shop.as_line(record)) for number, record in enumerate(records, 1))
    bad = [one for one in loader.load(lines) if one.saved.problems]
    assert not bad, bad[0]


async def _measure(host: Host) -> dict[str, float]:
    """The median milliseconds of each page. In this process: a client beside it would take the processor that the server needs."""
    with host.database.write() as session:
        token = create_token(session, Role.ADMIN).text
    application = build(host)
    pages = [*PAGES, SEARCH]
    for page in pages:
        await _milliseconds(application, page, token)
    return {page: median([await _milliseconds(application, page, token) for _ in range(REPEATS)]) for page in pages}


async def _milliseconds(application: Starlette, query: str, token: str) -> float:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": "/api/v1/invoices",
        "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    begun = time.perf_counter()
    await application(scope, receive, send)
    taken = time.perf_counter() - begun
    assert sent[0]["status"] == 200, sent
    return taken * 1000
