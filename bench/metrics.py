"""How long `/metrics` takes while very much waits: it is asked every few seconds, and must not be what the host is busy with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert

from bench.figures import Figure, at_most
from bench.stage import keep_house
from host import clock
from host.ids import new_id
from host.sync.tables import calls, rows
from host.testing.place import Place
from host.testing.tiny_remote import TinyRemote

if TYPE_CHECKING:
    from bench.stage import Stages
    from host.app import Host

WAITING: Final = 100_000
CALLS: Final = 4_000
TIMES: Final = 25
GOAL_MS: Final = 20.0
KINDS: Final = ("customers", "invoices")


def run(stages: Stages) -> Iterator[Figure]:
    for name in ("SQLite", "PostgreSQL"):
        stages.say(f"/metrics on {name}, {WAITING:,} records waiting")
        folder = stages.new_folder("metrics")
        url = f"sqlite:///{folder}/counterfoil.db" if name == "SQLite" else stages.postgresql_url()
        with Place(folder, url) as place:
            place.tiny_provider(*KINDS)
            host = place.open("core_billing", transport=TinyRemote().transport())
            assert host.engine
            host.engine.connect("acme", provider="tiny", auth="custom")
            fill(host)
            taken = median(times(place))
        yield at_most(f"{name}: GET /metrics, median", taken * 1000, GOAL_MS, "ms")


def fill(host: Host) -> None:
    with host.database.write() as session:
        session.connection().execute(insert(rows), waiting())
        session.connection().execute(insert(calls), made())
    keep_house(host.database)


def waiting() -> Sequence[dict[str, Any]]:
    now = clock.now()
    fixed = {"provider": "tiny", "connection": "acme", "wanted": "send", "generation": 1, "priority": 1}
    return [
        {**fixed, "kind": KINDS[n % 2], "record_id": new_id(), "ref": f"r{n}", "state": "waiting", "due_at": now, "changed_at": now}
        for n in range(WAITING)
    ]  # fmt: skip


def made() -> Sequence[dict[str, Any]]:
    """The calls of a busy day."""
    now = clock.now()
    fixed = {"connection": "acme", "speaker": "", "purpose": "send", "method": "PUT", "address": "/invoices"}
    return [
        {**fixed, "id": new_id(), "body": b"x" * 1000, "sent_at": now - timedelta(seconds=20 * n), "closed_at": now}
        for n in range(CALLS)
    ]


def times(place: Place) -> Sequence[float]:
    """How long each took in the server, from the request's arrival to the answer's end: a client in this process has work of its own."""
    taken: list[float] = []
    api = place.api

    def note(what: str, seconds: float, /, **_labels: str) -> None:
        if what == "request":
            taken.append(seconds)

    place.host.measures.listen(note)
    for _ in range(TIMES):
        answer = api.at_root("/metrics")
        assert f"{WAITING // 2}.0" in answer.text, answer.text
    return taken
