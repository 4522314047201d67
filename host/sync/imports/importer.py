"""An import, carried out: read all, then decide and do some hundred at a time, each with its link in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Incoming, Saved
from host import clock
from host.db.anew import made_anew
from host.db.trouble import is_unusable
from host.db.watch import announce
from host.errors import CounterfoilError, Wait
from host.sync.batches import close_batch, touch_batch
from host.sync.imports import staging
from host.sync.imports.bookmarks import digest, known_bookmarks, put_bookmarks, since_when
from host.sync.imports.deciding import Action, Decision, Ours, decide
from host.sync.imports.knowing import Knowledge, Known, linked_with_none_of
from host.sync.imports.linking import Linker, NewLink
from host.sync.imports.pages import pages
from host.sync.imports.staging import Outcome, Staged, Wish
from host.sync.outbox import look_again_at_blocked
from host.sync.provider import ImportsRecords, Provider, Reading, ReadsChanges, RemoteRecord
from host.words import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Record
    from host.db import Database
    from host.sync.provider import Ask, Connection, Request, Response
    from host.unit_of_work import Saver, Saving

log: Final = logging.getLogger(__name__)

AT_ONCE: Final = 200
"""Records in one transaction: enough to share its cost, few enough that a person's save beside it waits only a moment."""
BREATH_SECONDS: Final = 0.004
"""Between two transactions, twice as long as a waiting writer looks away: on SQLite people's saves come in here."""
LINKS: Final = frozenset({Action.CREATE, Action.LINK, Action.UPDATE})


class Clocked:
    """An ``Ask`` that remembers when the remote gave the first answer, by its own clock."""

    def __init__(self, ask: Ask, importer: object) -> None:
        self._ask = ask
        self._importer = importer
        self._asked = False
        self.began_at: datetime | None = None

    def __call__(self, request: Request) -> Response:
        response = self._ask(request)
        if not self._asked and isinstance(self._importer, ReadsChanges):
            self.began_at = self._importer.answered_at(response)
        self._asked = True
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Carries out the imports of one connection. ``stopping`` is asked between two steps; what is left then goes on later. ``watched``: whoever waits for it
    reads how it ended, and tells it."""

    database: Database
    saver: Saver
    store: BillingStore
    provider: Provider
    importer: ImportsRecords
    connection: Connection
    prefix: str
    ask: Ask
    stopping: Callable[[], bool] = lambda: False
    progress: Callable[[Wish], None] = lambda _wish: None
    watched: bool = False

    def run(self, wish: Wish) -> None:
        """One import to its end, or from where it was left. What keeps it from going on is written down, with what to do."""
        try:
            if wish.stage == "reading":
                wish = self._read(wish)
            if not self.stopping():
                self._decide_all(wish)
        except Wait as wait:
            self._tell("waits", wait)
            with self.database.write() as session:
                staging.wait(session, wish.batch, str(wait), wait.until)
        except CounterfoilError as error:
            self._tell("stopped", error)
            self._end(wish, "failed", str(error))
        except Exception as error:
            if is_unusable(error):
                raise
            log.exception("%s: an import stopped over a bug: please report it", self.connection.key)
            self._end(wish, "failed", f"it stopped over a bug ({one_line(error)})")

    def _tell(self, what: str, why: CounterfoilError) -> None:
        if not self.watched:
            log.warning("%s: an import %s: %s", self.connection.key, what, why)

    # Reading -------------------------------------------------------------------------------------------------------

    def _read(self, wish: Wish) -> Wish:
        """Answers the wish with what became known of it."""
        wish, begun_at = self._begin(wish), clock.now()
        clocked = Clocked(self.ask, self.importer)
        reading = self.reading(wish.kinds, ids=wish.chosen, since=wish.since)
        for page in pages(self.provider.name, self.importer, reading, clocked):
            with self.database.write() as session:
                touch_batch(session, wish.batch)
                staging.stage(session, wish.batch, page)
            del page  # let go before the next one is asked for
            self.progress(wish)
            if self.stopping():
                return wish
        with self.database.write() as session:
            staging.stage(session, wish.batch, _missing(session, wish))
            if wish.since is None and not wish.chosen:
                staging.stage(session, wish.batch, linked_with_none_of(session, wish, begun_at))
            staging.end_reading(session, wish.batch, clocked.began_at)
        return replace(wish, stage="deciding", read_at=clocked.began_at)

    def _begin(self, wish: Wish) -> Wish:
        """Decide from when on it is read. Where only what changed is, what the former import left open is looked at again."""
        basis = digest(self._basis(wish))
        with self.database.write() as session:
            known = known_bookmarks(session, self.connection.key, wish.kinds)
            since = None if wish.whole or not wish.of_all else since_when(wish.kinds, known, basis, clock.now())
            wish = replace(wish, since=since, basis=basis)
            staging.begin_reading(session, wish)
            if since:
                for kind, bookmark in known.items():
                    staging.stage_left_open(session, wish.batch, bookmark.batch or "", kind)
        return wish

    def _basis(self, wish: Wish) -> str:
        return self.importer.import_basis(self.reading(wish.kinds)) if isinstance(self.importer, ReadsChanges) else ""

    def reading(
        self, kinds: Sequence[str], *, ids: Sequence[str] = (), search: str = "", since: datetime | None = None
    ) -> Reading:
        """What is asked of the remote, with what the provider needs to know to read it."""
        with self.database.read() as session:
            catalogue = self.store.catalogue(session, self.connection.key)
        return Reading(
            connection=self.connection,
            catalogue=catalogue,
            prefix=self.prefix,
            kinds=kinds,
            ids=ids,
            search=search,
            since=since,
        )

    def pages(self, reading: Reading) -> Iterator[Sequence[RemoteRecord]]:
        return pages(self.provider.name, self.importer, reading, self.ask)

    # Deciding and doing --------------------------------------------------------------------------------------------

    def _decide_all(self, wish: Wish) -> None:
        while not self.stopping():
            with self.database.read() as session:
                some = staging.next_staged(session, wish.batch, AT_ONCE)
            if not some:
                self._end(wish, "done")
                return
            self._decide_guarded(wish, some)
            self.progress(wish)
            time.sleep(BREATH_SECONDS)

    def _end(self, wish: Wish, stage: str, reason: str = "") -> None:
        with self.database.write() as session:
            staging.go_to(session, wish.batch, stage, reason)
            close_batch(session, wish.batch)
            if stage == "done" and wish.of_all and wish.read_at:
                self._put_bookmarks(session, wish, wish.read_at)
            if not wish.preview:
                look_again_at_blocked(session, wish.connection)
            announce(session)

    def _put_bookmarks(self, session: Session, wish: Wish, read_at: datetime) -> None:
        """Only at the end: one that was killed or failed has not come so far."""
        put_bookmarks(
            session,
            self.connection.key,
            wish.kinds,
            read_at=read_at,
            basis=wish.basis,
            whole=wish.since is None,
            batch=wish.batch,
        )

    def _decide_guarded(self, wish: Wish, some: Sequence[Staged]) -> None:
        """These together; where that fails, one by one, so that a record's fault stays its own."""
        try:
            self._decide(wish, some)
        except Exception as error:
            if is_unusable(error):
                raise
            if len(some) > 1:
                log.exception("importing %d records at once failed; going on one by one", len(some))
                for one in some:
                    self._decide_guarded(wish, [one])
                return
            [one] = some
            log.exception("importing %s %s failed", one.remote.kind, one.remote.name)
            failed = Outcome(staged=one, action=Action.FAILED, changes={}, reason=one_line(error))
            with self.database.write() as session:
                staging.note(session, [failed])

    @made_anew
    def _decide(self, wish: Wish, some: Sequence[Staged]) -> None:
        with self.saver(origin=self.connection.key, batch=wish.batch, correlation_id=wish.correlation_id) as work:
            touch_batch(work.session, wish.batch)
            for kind, of_kind in groupby(
                sorted(some, key=lambda one: one.remote.kind), key=lambda one: one.remote.kind
            ):
                self._decide_kind(work, wish, kind, list(of_kind))

    def _decide_kind(self, work: Saving, wish: Wish, kind: str, some: Sequence[Staged]) -> None:
        knowledge = self.knowledge(work.session, lock=not wish.preview)
        known = knowledge.of(kind, [one.remote for one in some], frozenset(wish.chosen))
        if wish.preview:
            known = self._with_moved(knowledge, wish, kind, known)
        decided = list(zip(some, self._decisions(work.session, wish, kind, some, known), strict=True))
        if wish.preview:
            outcomes: Sequence[Outcome] = [Outcome.of(one, decision) for one, decision in decided]
        else:
            outcomes = Doing(self, work, wish, kind, knowledge).do(decided)
        staging.note(work.session, outcomes)

    def _with_moved(self, knowledge: Knowledge, wish: Wish, kind: str, known: Known) -> Known:
        """A preview links nothing: what was merged would have brought its record along."""
        moved = staging.moved(knowledge.session, wish.batch, kind)
        ours = knowledge.ours(kind, moved.values())
        linked = {remote_id: ours[id] for remote_id, id in moved.items() if id in ours}
        return replace(known, by_remote={**known.by_remote, **linked})

    def knowledge(self, session: Session, *, lock: bool) -> Knowledge:
        return Knowledge(
            session=session,
            store=self.store,
            provider=self.provider,
            importer=self.importer,
            connection=self.connection,
            prefix=self.prefix,
            lock=lock,
        )

    def _decisions(
        self, session: Session, wish: Wish, kind: str, some: Sequence[Staged], known: Known
    ) -> Iterable[Decision]:
        chosen = frozenset(wish.chosen)
        known.take(staging.taken(session, wish.batch, kind, known.by_record))
        for one in some:
            decision = decide(
                one.remote,
                linked=known.by_remote.get(one.remote.id),
                successor=known.by_remote.get(one.remote.merged_into),
                candidates=known.candidates(one.remote),
                chosen=one.remote.id in chosen,
            )
            if decision.action is Action.LINK and decision.ours:
                known.take([decision.ours.record.id])
            yield decision


@dataclass(frozen=True, slots=True)
class Doing:
    """What was decided, done: the records through the store, then their links."""

    importer: Importer
    work: Saving
    wish: Wish
    kind: str
    knowledge: Knowledge

    def do(self, decided: Sequence[tuple[Staged, Decision]]) -> Sequence[Outcome]:
        to_do = [(one, decision) for one, decision in decided if decision.action in LINKS]
        saved = self.importer.store.take_records(
            self.work, self.kind, [self._incoming(one.remote, decision) for one, decision in to_do]
        )
        done = [
            (one, decision, answer) for (one, decision), answer in zip(to_do, saved, strict=True) if not answer.problems
        ]
        self._link(done)
        answers = {one.id: answer for (one, _), answer in zip(to_do, saved, strict=True)}
        return [_outcome(one, decision, answers.get(one.id)) for one, decision in decided]

    def _incoming(self, remote: RemoteRecord, decision: Decision) -> Incoming:
        if decision.ours is None:
            given = {name: value for name, value in remote.fields.items() if value != ""}
            return Incoming(fields={**self._besides, **given, "connection": self.importer.connection.key})
        fields = dict(decision.changes)
        if decision.action is Action.LINK:
            fields |= {
                name: value for name, value in self._besides.items() if not getattr(decision.ours.record, name, "")
            }
            fields["connection"] = self.importer.connection.key
        return Incoming(id=decision.ours.record.id, fields=fields)

    @property
    def _besides(self) -> Mapping[str, Any]:
        return self.wish.fields.get(self.kind, {})

    def _link(self, done: Sequence[tuple[Staged, Decision, Saved]]) -> None:
        """Of one that was saved here since both sides agreed, the rest still goes: its row stays as it is."""
        new = [(one, decision, answer.id) for one, decision, answer in done if not _is_pending(decision)]
        records = self._records([id for _, _, id in new])
        mirrored = self.knowledge.mirrored(self.kind, list(records.values()), {})
        links = [self._new_link(one.remote, decision, records[id], mirrored.get(id)) for one, decision, id in new]
        Linker(
            session=self.work.session,
            provider=self.importer.provider.name,
            connection=self.importer.connection.key,
            correlation_id=self.work.correlation_id,
            batch=self.wish.batch,
        ).link(links)

    def _records(self, ids: Sequence[str]) -> Mapping[str, Record]:
        saved = self.work.saved(self.kind, ids)
        return {
            **saved,
            **self.importer.store.read(self.work.session, self.kind, [id for id in ids if id not in saved]),
        }

    def _new_link(self, remote: RemoteRecord, decision: Decision, record: Record, mirrored: Any) -> NewLink:
        if remote.merged_into:
            successor = RemoteRecord(kind=self.kind, id=remote.merged_into, name="", fields={})
            return NewLink(kind=self.kind, record=record, remote=successor, mirrored=None)
        return NewLink(kind=self.kind, record=record, remote=remote, mirrored=mirrored)


def _is_pending(decision: Decision) -> bool:
    standing = decision.ours.standing if decision.ours else None
    return bool(decision.action is Action.UPDATE and standing and standing.pending)


def _outcome(one: Staged, decision: Decision, answer: Saved | None) -> Outcome:
    if answer is None:
        return Outcome.of(one, decision)
    if answer.problems:
        reason = "; ".join(map(str, answer.problems))
        return Outcome(
            staged=one, action=Action.FAILED, changes=decision.changes, reason=reason, ref=_ref(decision.ours)
        )
    return Outcome(
        staged=one,
        action=decision.action,
        record_id=answer.id,
        ref=answer.ref,
        changes=decision.changes,
        reason=decision.reason,
    )


def _ref(ours: Ours | None) -> str:
    return ours.record.ref if ours else ""


def _missing(session: Session, wish: Wish) -> Sequence[RemoteRecord]:
    """What was chosen and is not there."""
    there = staging.staged_ids(session, wish.batch, wish.chosen) if wish.chosen else set()
    reason = "the remote has no record with this id"
    return [
        RemoteRecord(kind=wish.kinds[0], id=id, name="", fields={}, unusable=reason)
        for id in dict.fromkeys(wish.chosen)
        if id not in there
    ]
