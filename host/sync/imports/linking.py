"""Sync rows as an import or a person links them: what came from a connection is agreed there, and not sent back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from host import clock
from host.sync.imports.deciding import is_equal
from host.sync.outbox import BULK, PARKED
from host.sync.rows import digests, wake_dependents
from host.sync.tables import rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from hookspecs import Record
    from host.sync.provider import Mirrored, RemoteRecord

ON_ITS_WAY: Final = ("waiting", "blocked", "failed", "conflict", "unknown")
"""A record in one of these states was to go there: linked, it goes on as an update where it differs."""
DIFFERS: Final = "not all of it is there yet: it goes with its next save"
UNLINKED: Final = "it was unlinked by hand: it is sent, or matched anew, with its next save"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A record of ours that is from now on that one there. ``send``: what differs goes there at once, as a person's own save."""

    kind: str
    record: Record
    remote: RemoteRecord
    mirrored: Mirrored | None
    send: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Linker:
    """Writes the links of one connection, whose rows nobody else changes until the transaction ends."""

    session: Session
    provider: str
    connection: str
    correlation_id: str
    batch: str | None = None
    now: datetime = field(default_factory=clock.now)

    def link(self, links: Sequence[NewLink]) -> None:
        """One that equals what is there is agreed; of one that does not, nothing is, so that all of it goes when it goes."""
        known = self._known(links)
        made = [self._made(one) for one in links if (one.kind, one.record.id) not in known]
        changed = [
            self._changed(one, known[one.kind, one.record.id]) for one in links if (one.kind, one.record.id) in known
        ]
        if made:
            self.session.connection().execute(insert(rows), made)
        if changed:
            self.session.connection().execute(_LINK, changed)
            wake_dependents(self.session, [one["row"] for one in changed], self.now)

    def _known(self, links: Sequence[NewLink]) -> Mapping[tuple[str, str], Any]:
        query = select(
            rows.c.kind, rows.c.record_id, rows.c.id, rows.c.state, rows.c.generation, rows.c.agreed_generation
        ).where(
            rows.c.provider == self.provider,
            rows.c.kind.in_({one.kind for one in links}),
            rows.c.record_id.in_(sorted({one.record.id for one in links})),
        )
        return {(row.kind, row.record_id): row for row in self.session.execute(query)}

    def _made(self, one: NewLink) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "kind": one.kind,
            "record_id": one.record.id,
            "ref": one.record.ref,
            "wanted": "send",
            "generation": 1,
            "agreed_generation": 0 if one.send else 1,
            "priority": BULK,
            "changed_at": self.now,
            **self._linked(one),
            **(_GOING if one.send else _RESTING),
            "due_at": self.now if one.send else None,
        }

    def _changed(self, one: NewLink, row: Any) -> dict[str, Any]:
        equal = is_equal(one.remote, one.mirrored)
        goes = one.send or (row.state in ON_ITS_WAY and not equal)
        new = {
            **self._linked(one),
            **(_GOING if goes else _RESTING),
            "due_at": self.now if goes else None,
            "agreed_generation": row.agreed_generation if goes else row.generation,
        }
        if row.state == PARKED:
            new |= {"state": PARKED, "due_at": None}
        return {"row": row.id, **{f"new_{name}": value for name, value in new.items()}}

    def _linked(self, one: NewLink) -> dict[str, Any]:
        equal = is_equal(one.remote, one.mirrored) and not one.send
        return {
            "connection": self.connection,
            "inputs": digests(one.mirrored.inputs) if one.mirrored and equal else {},
            "sent": {},
            "answered": one.mirrored.answered if one.mirrored and equal else {},
            "remote_id": one.remote.id,
            "remote_number": one.remote.number,
            "remote_url": one.remote.url,
            "batch": self.batch,
            "correlation_id": self.correlation_id,
            "reason": "",
            "error": "",
            "attempts": 0,
            "warnings": [] if equal or one.send else [DIFFERS],
            "synced_at": self.now,
        }

    def unlink(self, row_id: int) -> None:
        """Forget what a record is linked with. Nothing is sent by that."""
        nothing: dict[str, Any] = {"inputs": {}, "sent": {}, "answered": {}, "warnings": [], "synced_at": None}
        at_remote = {"remote_id": "", "remote_number": "", "remote_url": ""}
        said = {"state": "not_sent", "reason": UNLINKED, "error": "", "due_at": None, "waits_for": None}
        self.session.execute(
            update(rows)
            .where(rows.c.id == row_id)
            .values(agreed_generation=0, changed_at=self.now, **nothing, **at_remote, **said)
        )


_GOING: Final = {"state": "waiting"}
_RESTING: Final = {"state": "synced"}
_NAMES: Final = (
    "connection", "inputs", "sent", "answered", "remote_id", "remote_number", "remote_url", "batch", "correlation_id", "reason",
    "error", "attempts", "warnings", "synced_at", "state", "due_at", "agreed_generation",
)  # fmt: skip
_LINK: Final = (
    update(rows)
    .where(rows.c.id == bindparam("row"))
    .values({name: bindparam(f"new_{name}", type_=rows.c[name].type) for name in _NAMES} | {"waits_for": None})
)
