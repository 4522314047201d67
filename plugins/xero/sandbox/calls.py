"""The log of calls: written when a call arrives, completed when it is answered. Bodies are kept compressed."""

import zlib
from typing import Any

from plugins.xero.sandbox.messages import Incoming
from plugins.xero.sandbox.store import Store

LISTED = "id, time, method, path, query, status, tenant, key, bytes_in, bytes_out"


def arrived(store: Store, incoming: Incoming, time: str, tenant: str | None, *, keep_body: bool) -> int:
    added = store.sql.execute(
        "INSERT INTO call (time, method, path, query, tenant, key, bytes_in, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            time,
            incoming.method,
            incoming.path,
            incoming.query_string,
            tenant,
            incoming.headers.get("idempotency-key"),
            len(incoming.body),
            zlib.compress(incoming.body if keep_body else b"", 1),
        ),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def answered(store: Store, call_id: int, status: int, body: bytes, *, sent: int, keep_body: bool) -> None:
    store.sql.execute(
        "UPDATE call SET status = ?, bytes_out = ?, response = ? WHERE id = ?",
        (status, sent, zlib.compress(body if keep_body else b"", 1), call_id),
    )


def listed(store: Store, after: int = 0) -> list[dict[str, Any]]:
    rows = store.sql.execute(f"SELECT {LISTED} FROM call WHERE id > ? ORDER BY id", (after,))  # noqa: S608
    return [dict(row) for row in rows]


def one(store: Store, call_id: int) -> dict[str, Any] | None:
    row = store.sql.execute(
        f"SELECT {LISTED}, request, response FROM call WHERE id = ?",  # noqa: S608
        (call_id,),
    ).fetchone()
    if row is None:
        return None
    shown = dict(row)
    shown["request_body"] = _text(shown.pop("request"))
    response = shown.pop("response")
    shown["response_body"] = None if response is None else _text(response)
    return shown


def _text(compressed: bytes) -> str:
    return zlib.decompress(compressed).decode("utf-8", "replace")
