"""PostgreSQL sessions of one's own, outside the pool: for what lives as long as its session does (locks, LISTEN)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from psycopg import Connection
    from sqlalchemy import Engine

# A session whose network is cut must be known as lost, on both ends, within seconds: the server then lets another process have its locks, and nobody here
# waits for a machine that is gone.
WITHIN_SECONDS: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 9_000,
}
_SERVER_KEEPALIVE: Final = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2"


def own_session(engine: Engine) -> Connection[Any]:
    """A new session, in no transaction (autocommit). Whoever asked for it closes it."""
    import psycopg

    named = connect_arguments(engine)
    arguments: dict[str, Any] = {**WITHIN_SECONDS, **named}
    arguments["options"] = f"{named.get('options', '')} {_SERVER_KEEPALIVE}".strip()
    try:
        return psycopg.connect(**arguments, autocommit=True)
    except psycopg.Error as error:
        # As from the pool: whoever has to live with a database that is away knows one kind of error.
        raise OperationalError("connecting", None, error) from error


def connect_arguments(engine: Engine) -> dict[str, Any]:
    """Where the database is and who asks, by libpq's own names; the password among them."""
    _, named = engine.dialect.create_connect_args(engine.url)
    return dict(named)
