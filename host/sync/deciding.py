"""From rows that are due to steps: read today's records, let the provider prepare and plan, guard each record. No network, no writes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from host.sync.guarded import own_fault
from host.sync.provider import (
    NOT_LOOKED,
    Adopt,
    Blocked,
    Connection,
    Excluded,
    Finish,
    Link,
    Linked,
    Prepared,
    Provider,
    Refuse,
    Step,
    Wanted,
    Wish,
)
from host.sync.rows import Waiting, equal_to_agreed, linked, links, owner_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import BillingStore
    from host.db import Database

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is what was last agreed, or it is gone and was never there: there is nothing to do."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Our own code failed over this record; the others are not held up by it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    row: Waiting
    wish: Wish
    prepared: Prepared | None
    step: Step | Excluded | Nothing | Broken


@dataclass(frozen=True, slots=True)
class DeskOf:
    """What a provider's ``prepare`` may ask, within one read transaction."""

    session: Session
    store: BillingStore
    connection: Connection
    prefix: str

    def links(self, kind: str, record_ids: Iterable[str]) -> Mapping[str, Link]:
        return links(self.session, self.connection.provider, kind, record_ids)

    def linked(self, kind: str, remote_ids: Iterable[str]) -> Mapping[str, Linked]:
        return linked(self.session, self.connection.key, kind, remote_ids)


@dataclass(slots=True)
class Decider:
    """Plans rows for one connection. ``claims`` are remote ids that a record planned before, and not yet written, is about to take."""

    database: Database
    store: BillingStore
    provider: Provider
    connection: Connection
    prefix: str
    claims: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def decide(self, waiting: Sequence[Waiting], found: Mapping[int, Any]) -> list[Decision]:
        """What to do about each row, in their order. ``found`` is what reading the remote brought, by row id."""
        self.claims.clear()  # those of the last time are written by now
        with self.database.read() as session:
            desk = DeskOf(session, self.store, self.connection, self.prefix)
            decided = {
                decision.row.row_id: decision
                for kind, some in groupby(sorted(waiting, key=lambda row: row.kind), key=lambda row: row.kind)
                for decision in self._decide_kind(desk, kind, list(some), found)
            }
        return [decided[row.row_id] for row in waiting]

    def _decide_kind(
        self, desk: DeskOf, kind: str, waiting: Sequence[Waiting], found: Mapping[int, Any]
    ) -> Iterable[Decision]:
        records = self.store.read(desk.session, kind, [row.record_id for row in waiting])
        wishes = [_wish(row, records.get(row.record_id)) for row in waiting]
        present = [wish for wish in wishes if wish.record is not None]
        prepared = dict(zip([wish.row_id for wish in present], self._prepare(desk, kind, present), strict=True))
        for row, wish in zip(waiting, wishes, strict=True):
            yield self._decide_one(desk, row, wish, prepared.get(wish.row_id), found.get(wish.row_id, NOT_LOOKED))

    def _prepare(
        self, desk: DeskOf, kind: str, wishes: Sequence[Wish]
    ) -> Sequence[Prepared | Blocked | Excluded | Broken]:
        """All at once; when that raises, one by one, so that one record's fault stays its own."""
        if not wishes:
            return []
        try:
            return list(self.provider.prepare(desk, kind, wishes))
        except Exception:  # noqa: BLE001 - a provider's bug over one record must not stop the others; it is logged below, per record
            return [self._prepare_alone(desk, kind, wish) for wish in wishes]

    def _prepare_alone(self, desk: DeskOf, kind: str, wish: Wish) -> Prepared | Blocked | Excluded | Broken:
        try:
            return self.provider.prepare(desk, kind, [wish])[0]
        except Exception as error:
            log.exception("preparing %s %s failed", kind, wish.record_id)
            return Broken(reason=own_fault("preparing it", error))

    def _decide_one(
        self,
        desk: DeskOf,
        row: Waiting,
        wish: Wish,
        prepared: Prepared | Blocked | Excluded | Broken | None,
        remote: Any,
    ) -> Decision:
        if prepared is not None and not isinstance(prepared, Prepared):
            return Decision(row=row, wish=wish, prepared=None, step=_not_prepared(wish, prepared))
        step = self._step(desk, wish, prepared, remote)
        if isinstance(step, Adopt) and step.remote_id == wish.remote_id:
            step = Broken(reason="the provider wants to link it with what it is linked with: please report it")
        if isinstance(step, Adopt):
            self.claims[wish.kind, step.remote_id] = (row.row_id, row.ref)
        return Decision(row=row, wish=wish, prepared=prepared, step=step)

    def _step(self, desk: DeskOf, wish: Wish, prepared: Prepared | None, remote: Any) -> Step | Nothing | Broken:
        if wish.wanted is Wanted.DELETE and not wish.remote_id:
            return Finish()  # it never got there: calls without a known end are settled before a row comes here
        if prepared is None and not wish.remote_id:
            return Nothing("the record is gone")
        if prepared is None and wish.wanted is Wanted.SEND:
            return Nothing("the record is gone here; what was sent before stays there")
        if prepared and wish.wanted is Wanted.SEND and wish.remote_id and _is_as_agreed(prepared, wish):
            return Nothing()
        try:
            return self.provider.plan(wish, prepared, remote, self._owner(desk, wish))
        except Exception as error:
            log.exception("planning %s %s failed", wish.kind, wish.record_id)
            return Broken(reason=own_fault("planning it", error))

    def _owner(self, desk: DeskOf, wish: Wish) -> Callable[[str], str | None]:
        def owner(remote_id: str) -> str | None:
            claimed = self.claims.get((wish.kind, remote_id))
            if claimed and claimed[0] != wish.row_id:
                return claimed[1]
            return owner_of(desk.session, self.connection.key, remote_id, wish.row_id)

        return owner


def _is_as_agreed(prepared: Prepared, wish: Wish) -> bool:
    return not prepared.differs and equal_to_agreed(prepared.inputs, wish.agreed)


def _not_prepared(wish: Wish, why: Blocked | Excluded | Broken) -> Blocked | Excluded | Broken | Refuse:
    """A document that is to be deleted, and is not meant to go any more, is not deleted: it would be ``deleting`` for ever."""
    if isinstance(why, Excluded) and wish.wanted is Wanted.DELETE and wish.remote_id:
        return Refuse(reason=why.reason)
    return why


def _wish(row: Waiting, record: Any) -> Wish:
    return Wish(
        row_id=row.row_id,
        kind=row.kind,
        record_id=row.record_id,
        record=record,
        wanted=row.wanted,
        generation=row.generation,
        remote_id=row.remote_id,
        agreed=row.agreed,
        correlation_id=row.correlation_id,
    )
