"""The saving transaction: collects what services changed, and has the hooks called before it commits."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from hookspecs import LOCAL, Action, EntityEvent, Record, UnitOfWork
from host.correlation import correlation_id as current_correlation_id
from host.db.watch import announce
from host.errors import CounterfoilError
from host.ids import new_id
from host.measures import Measures
from host.occasions import keep_occasion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from host.db import Database

T = TypeVar("T")

MOST_ROUNDS: Final = 5
_log: Final = logging.getLogger(__name__)


class EndlessSaving(CounterfoilError):
    """Hooks kept saving records in answer to each other. Nothing of the transaction was kept."""


class Dispatch(Protocol):
    """Calls the hooks of every plugin for one round of events, each plugin guarded."""

    def __call__(self, hook: str, events: list[EntityEvent], unit_of_work: Saving) -> None: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """What a unit of work had collected at one moment."""

    saved: Mapping[tuple[str, str], EntityEvent]
    asked: Mapping[tuple[str, str], EntityEvent]
    calls: int


class Saving(UnitOfWork):
    """The host's unit of work. See ``hookspecs.UnitOfWork`` for what plugins may do with it."""

    def __init__(self, session: Session, *, origin: str, correlation_id: str, batch: str | None) -> None:
        self._session = session
        self._origin = origin
        self._correlation_id = correlation_id
        self._batch = batch
        self._saved: dict[tuple[str, str], EntityEvent] = {}
        self._asked: dict[tuple[str, str], EntityEvent] = {}
        self._together: dict[Callable[[Session, Sequence[Any]], None], list[Any]] = {}
        self.told = False
        """Whether any record was saved or asked to be deleted in this transaction."""
        self.calls_before_commit: list[Callable[[], None]] = []
        """For the host: made when every hook has run. What one raises undoes the whole transaction."""
        self.calls_after_commit: list[Callable[[], None]] = []

    @property
    def session(self) -> Session:
        return self._session

    @property
    def origin(self) -> str:
        return self._origin

    @property
    def correlation_id(self) -> str:
        return self._correlation_id

    @property
    def batch(self) -> str | None:
        return self._batch

    def saved(self, kind: str, ids: Iterable[str]) -> Mapping[str, Record]:
        """Those of these records that were saved in this transaction and of which no hook was told yet, as they are now."""
        events = ((id, self._saved.get((kind, id))) for id in ids)
        return {id: event.record for id, event in events if event}

    def save(self, kind: str, record: Record, *, action: Action, changed: frozenset[str]) -> None:
        self.told = True
        event = self._event(kind, record, action, changed)
        earlier = self._saved.pop((kind, record.id), None)
        merged = merge(earlier, event) if earlier else event
        if merged:
            self._saved[kind, record.id] = merged

    def ask_deletion(self, kind: str, record: Record) -> None:
        self.told = True
        self._saved.pop((kind, record.id), None)
        self._asked[kind, record.id] = self._event(kind, record, Action.DELETED, frozenset())

    def after_commit(self, call: Callable[[], None]) -> None:
        self.calls_after_commit.append(call)

    def together(self, call: Callable[[Session, Sequence[T]], None], item: T) -> None:
        self._together.setdefault(call, []).append(item)

    def do_together(self) -> None:
        """Do what the plugin's hooks left to be done for all of a round at once."""
        while self._together:
            call = next(iter(self._together))
            call(self._session, self._together.pop(call))

    def mark(self) -> Mark:
        """How far the collecting is: taken before a hook is called in a savepoint."""
        return Mark(dict(self._saved), dict(self._asked), len(self.calls_after_commit))

    def back_to(self, mark: Mark) -> None:
        """Forget what was collected since: the savepoint that it was written in was rolled back."""
        self._saved, self._asked = dict(mark.saved), dict(mark.asked)
        del self.calls_after_commit[mark.calls :]
        self._together.clear()

    def _event(self, kind: str, record: Record, action: Action, changed: frozenset[str]) -> EntityEvent:
        return EntityEvent(
            kind=kind,
            record=record,
            action=action,
            changed=changed,
            origin=self._origin,
            correlation_id=self._correlation_id,
            batch=self._batch,
        )

    def fire_hooks(self, dispatch: Dispatch) -> None:
        """Call the hooks for everything that changed, and for what they change themselves, in rounds."""
        for _ in range(MOST_ROUNDS):
            self.do_together()  # of whoever asked for it outside a hook: no plugin's savepoint may undo that
            saved, self._saved = list(self._saved.values()), {}
            asked, self._asked = list(self._asked.values()), {}
            if not saved and not asked:
                return
            dispatch("on_entity_saved", saved, self)
            dispatch("on_invoice_deleted", asked, self)
        if self._saved or self._asked:
            names = ", ".join(sorted({f"{event.kind} {event.record.ref}" for event in self._saved.values()}))
            raise EndlessSaving(f"hooks still saved records after {MOST_ROUNDS} rounds ({names}): nothing was saved")


def merge(earlier: EntityEvent, later: EntityEvent) -> EntityEvent | None:
    """One event for two changes of one record in one transaction; ``None`` where they cancel out (made and deleted again)."""
    if earlier.action is Action.CREATED and later.action is Action.DELETED:
        return None
    return EntityEvent(
        kind=later.kind,
        record=later.record,
        action=_merged_action(earlier.action, later.action),
        changed=earlier.changed | later.changed,
        origin=later.origin,
        correlation_id=later.correlation_id,
        batch=later.batch,
    )


def _merged_action(earlier: Action, later: Action) -> Action:
    if earlier is Action.CREATED:
        return Action.CREATED
    return later


class Saver:
    """Opens units of work. The one edge at which billing records are committed.

    ``on_commit`` is called after each commit that changed something: it wakes whoever has work now.
    """

    def __init__(
        self,
        database: Database,
        dispatch: Dispatch,
        on_commit: Callable[[], None] = lambda: None,
        measures: Measures | None = None,
    ) -> None:
        self._measures = measures or Measures()
        self._database = database
        self._dispatch = dispatch
        self._on_commit = on_commit

    @contextmanager
    def __call__(self, *, origin: str = LOCAL, correlation_id: str = "", batch: str | None = None) -> Iterator[Saving]:
        """One saving transaction. Committed at the end with everything the hooks wrote, or not at all."""
        named = correlation_id or current_correlation_id() or new_id()
        with self._measures.timed("save", origin=origin or "here"), self._database.write() as session:
            work = Saving(session, origin=origin, correlation_id=named, batch=batch)
            yield work
            work.fire_hooks(self._dispatch)
            for call in work.calls_before_commit:
                call()
            if work.told:
                keep_occasion(session)
                announce(session)
        if work.told:
            self._on_commit()
        for call in work.calls_after_commit:
            _make(call)


def _make(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001 - it is saved: whoever saved it must not be told that it was not
        _log.exception("what a plugin wanted to do after a commit failed")
