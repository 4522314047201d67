"""How PostgreSQL is connected to."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from host.db.engine import open_engine
from host.db.sessions import own_session


@pytest.mark.parametrize("how", ["from the pool", "a session of its own"])
def test_nobody_waits_for_long_for_a_machine_that_is_gone_unless_the_address_says_so(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    asked: dict[str, Any] = {}

    def connect(*_arguments: Any, **named: Any) -> Any:
        asked.update(named)
        raise psycopg.OperationalError("nobody answers")

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr(psycopg.Connection, "connect", connect)
    for query, seconds in (("", 10), ("?connect_timeout=3", 3)):
        engine = open_engine(f"postgresql://me@192.0.2.1/books{query}")
        with pytest.raises(OperationalError):
            engine.connect() if how == "from the pool" else own_session(engine)
        assert int(asked["connect_timeout"]) == seconds
        assert asked["tcp_user_timeout"] == 9000
