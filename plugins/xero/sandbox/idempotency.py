"""Idempotency-Key: for six minutes a key stands for one request of one app, and its answer is repeated (API facts 3.6)."""

import hashlib
import zlib

from plugins.xero.sandbox.messages import Answer, Incoming
from plugins.xero.sandbox.store import Store

REMEMBERED_SECONDS = 6 * 60
LONGEST_KEY = 128


class Conflict(Exception):
    """The key stands for another request."""


def fingerprint(incoming: Incoming) -> str:
    told = f"{incoming.method} {incoming.path.lower()}?{incoming.query_string}\n".encode()
    return hashlib.sha256(told + incoming.body).hexdigest()


def recall(store: Store, client_id: str, key: str, wanted: str, now: float) -> Answer | None:
    """The answer of the first call with this key, or None when the key is new (or new again)."""
    store.sql.execute("DELETE FROM idempotency WHERE first_used <= ?", (now - REMEMBERED_SECONDS,))
    row = store.sql.execute(
        "SELECT fingerprint, status, content_type, body FROM idempotency WHERE client_id = ? AND key = ?",
        (client_id, key),
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != wanted:
        raise Conflict(key)
    return Answer(row["status"], zlib.decompress(row["body"]), row["content_type"])


def remember(store: Store, client_id: str, key: str, wanted: str, answer: Answer, now: float) -> None:
    store.sql.execute(
        "INSERT INTO idempotency (client_id, key, fingerprint, first_used, status, content_type, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (client_id, key, wanted, now, answer.status, answer.content_type, zlib.compress(answer.body, 1)),
    )
