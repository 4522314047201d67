"""Which connection a record belongs to."""

from __future__ import annotations

from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, or_, select

from hookspecs import Document, Payment
from host import clock
from host.sync.connections import CONNECTED, NO_CONNECTION, connection_states
from host.sync.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import EntityEvent, Record
    from host.sync.provider import Provider

AT_ONCE: Final = 250

# Built once, and one question for a save of one record: the row of its own, and that of the record which it follows. Each half names the whole key: with
# the provider before both, SQLite reads every row of it.
_ROWS: Final = select(
    rows.c.kind, rows.c.record_id, rows.c.connection, rows.c.remote_id, rows.c.call_id, rows.c.lost_until
).where(
    or_(
        *(
            and_(
                rows.c.provider == bindparam("provider"),
                rows.c.kind == bindparam(kind),
                rows.c.record_id.in_(bindparam(ids, expanding=True)),
            )
            for kind, ids in (("one", "ids_of_one"), ("other", "ids_of_other"))
        )
    ),
)


class Belonging:
    """Where the records of some events belong, looked up for all of them at once.

    It is the connection that holds the record or may hold it; else the one it names, that of the record it follows, or the default one.
    """

    def __init__(self, provider: Provider, events: Sequence[EntityEvent], session: Session) -> None:
        self._provider = provider
        self._session = session
        named = {(event.kind, event.id) for event in events} | {_followed(event.record) for event in events}
        self._rows = {(row.kind, row.record_id): row for row in self._read(named - {_NOBODY})}
        self._settled: dict[tuple[str, str], str] = {}

    def of(self, event: EntityEvent) -> str:
        """The key of its connection; empty where it has none. A record that follows it later in the same transaction goes there too."""
        key = self._of(event)
        self._settled[event.kind, event.id] = key
        return key

    def _of(self, event: EntityEvent) -> str:
        own = self._rows.get((event.kind, event.id))
        if own and (own.remote_id or own.call_id or (own.lost_until and own.lost_until > clock.now())):
            return str(own.connection)
        return event.record.connection or self._of_followed(_followed(event.record)) or self._default

    def _of_followed(self, followed: tuple[str, str]) -> str:
        if followed in self._settled:
            return self._settled[followed]
        row = self._rows.get(followed)
        return str(row.connection) if row else ""

    @cached_property
    def _default(self) -> str:
        return default_connection(self._provider, self._session)

    def _read(self, named: Iterable[tuple[str, str]]) -> Iterable[Any]:
        by_kind: dict[str, list[str]] = {}
        for kind, id in sorted(named):
            by_kind.setdefault(kind, []).append(id)
        pieces = [
            (kind, ids[start : start + AT_ONCE])
            for kind, ids in by_kind.items()
            for start in range(0, len(ids), AT_ONCE)
        ]
        for (one, ids), (other, ids_of_other) in zip_longest(pieces[::2], pieces[1::2], fillvalue=("", [])):
            asked = {"one": one, "ids_of_one": ids, "other": other, "ids_of_other": ids_of_other}
            yield from self._session.connection().execute(_ROWS, {"provider": self._provider.name, **asked})


_NOBODY: Final = ("", "")


def _followed(record: Record) -> tuple[str, str]:
    """A document goes where its contact goes, and a payment where its document goes."""
    if isinstance(record, Document):
        return record.contact_kind, record.contact
    return (record.document_kind, record.document) if isinstance(record, Payment) else _NOBODY


def default_connection(provider: Provider, session: Session) -> str:
    """The key of the connection for records that name none; empty where there is none.

    Absent in the settings: the only connected one; while none is connected, the only one that there is: what is saved meanwhile waits for it.
    """
    if provider.default_connection == NO_CONNECTION:
        return ""
    if provider.default_connection:
        return provider.default_connection
    known = connection_states(session, provider.name)
    candidates = [key for key, status in known if status == CONNECTED] or [key for key, _ in known]
    return candidates[0] if len(candidates) == 1 else ""
