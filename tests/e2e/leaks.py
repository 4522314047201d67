"""Looking for secrets where none may be: in whatever form, in the database, its log, the program's logs and what it printed."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from sqlalchemy import MetaData, create_engine, make_url, select

if TYPE_CHECKING:
    from tests.e2e.processes import Host

KEPT_BY_PEOPLE = {"counterfoil.toml", "secret.key"}
"""The configuration is where the operator wrote the secret down."""
SHORTEST = 8


def assert_no_secret_leaked(host: Host, *, write_ahead_log: bool = False) -> None:
    """No secret that the sandbox knows or gave out is found in anything that this installation wrote."""
    wanted = {form: secret for secret in host.sandbox.secrets() for form in forms_of(secret)}
    for name, content in written_by(host, write_ahead_log=write_ahead_log):
        found = [secret for form, secret in wanted.items() if form in content]
        assert not found, f"{name} holds the secret {found[0]!r}"


def forms_of(secret: str) -> set[bytes]:
    """Plain, percent-encoded, and in base64 wherever it may stand in what was encoded."""
    plain = secret.encode()
    assert len(plain) >= SHORTEST, f"{secret!r} is too short to be looked for"
    encoded = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {plain, *(one.encode() for one in encoded), *_in_base64(plain)}


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """Three bytes make four characters: what stands before shifts the text by 0, 1 or 2 bytes. The characters that neighbours share are left out."""
    for shift in range(3):
        padded = b"\0" * shift + plain
        whole = len(padded) // 3 * 3
        first = 4 if shift else 0
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded[:whole])[first:]


def written_by(host: Host, *, write_ahead_log: bool) -> Iterator[tuple[str, bytes]]:
    for path in sorted(host.folder.rglob("*")):
        if path.is_file() and path.name not in KEPT_BY_PEOPLE:
            yield str(path), path.read_bytes()
    yield from _values(host.database_url)
    for path in database_files(host.database_url, write_ahead_log=write_ahead_log):
        yield str(path), path.read_bytes()


def _values(url: str) -> Iterable[tuple[str, bytes]]:
    """Every table as one text: what a dump of the database would show."""
    engine = create_engine(url)
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            rows = connection.execute(select(table)).all()
            yield f"table {table.name}", b"\n".join(_as_bytes(value) for row in rows for value in row)
    engine.dispose()


def _as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def database_files(url: str, *, write_ahead_log: bool) -> Sequence[Path]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(parsed.database or "")
        return [path for path in (file, file.with_name(f"{file.name}-wal")) if path.exists()]
    socket_folder = str(parsed.query.get("host", ""))
    return sorted(Path(socket_folder).glob("data/pg_wal/0*")) if write_ahead_log and socket_folder else []
