"""Whether the process lives (``/healthz``), and whether requests should come to it (``/readyz``).

Not ready is only what sending requests elsewhere, or later, helps against: no database, tables of another version, no plugin that keeps the
records, an end that has begun. A failed plugin or a connection in trouble is told, and no reason to take the server away: saving goes on, and
nothing is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

from host.db.migrate import HOST, head_of, revision_of
from host.web.answers import Health, Readiness
from host.web.exchange import Answer, Asked
from host.web.operations import operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from host.web.served import Served

OK: Final = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``needed``: while it is not ok, the server is not ready. Names and states only: reasons may name people, and nobody here had to show a token."""

    what: str
    state: str
    needed: bool


@operation(Health)
def get_health(_asked: Asked) -> Answer:
    """Whether the process lives.

    Says nothing of the database or of any connection: a restart would mend neither.
    """
    return Answer({"status": OK})


@operation(Readiness, otherwise={503: Readiness})
def get_readiness(asked: Asked) -> Answer:
    """Whether requests should come to this server, and what was looked at."""
    asked.parameters()
    checks = [*_own(asked.host), *_of_database(asked.host), *_plugins(asked.host)]
    ready = all(one.state == OK for one in checks if one.needed)
    return Answer({"ready": ready, "checks": [asdict(one) for one in checks]}, 200 if ready else 503)


def _own(host: Served) -> Sequence[Check]:
    keeping = "no plugin that keeps records is running" if host.engine is None and not host.safe_mode else OK
    return [
        Check(what="server", state="stopping" if host.stopping else OK, needed=True),
        Check(what="records", state=keeping, needed=True),
    ]


def _of_database(host: Served) -> Sequence[Check]:
    try:
        with host.database.read() as session:
            return [*_tables(session), *_connections(session, host)]
    except SQLAlchemyError:
        return [Check(what="database", state="cannot be used", needed=True)]


def _tables(session: Session) -> Sequence[Check]:
    """Another program may have migrated the database while this one serves."""
    at, head = revision_of(session, HOST), head_of(HOST)
    tables = OK if at == head else f"at revision {at or 'none'}, this program works with {head}"
    return [Check(what="database", state=OK, needed=True), Check(what="migrations", state=tables, needed=True)]


def _connections(session: Session, host: Served) -> Sequence[Check]:
    shown: Any = host.engine.show_connections(session) if host.engine else ()
    return [
        Check(
            what=f"connection {one['key']}", state=OK if one["status"] == "connected" else one["status"], needed=False
        )
        for one in shown
    ]


def _plugins(host: Served) -> Sequence[Check]:
    return [
        Check(what=f"plugin {one.name}", state=OK if one.active else one.state.value, needed=False)
        for one in host.plugins.all
    ]
