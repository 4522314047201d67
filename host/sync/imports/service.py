"""Importing records and linking them by hand: what the host, its web side and its command line ask of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from hookspecs import Incoming
from host import clock
from host.correlation import correlation_id
from host.db.anew import made_anew
from host.db.locks import NamedLock
from host.db.watch import announce
from host.errors import AskPerson, CounterfoilError
from host.occasions import keep_occasion
from host.sync.batches import close_batch, open_batch
from host.sync.connections import get_connected, get_connection
from host.sync.imports import staging
from host.sync.imports.bookmarks import forget_bookmarks
from host.sync.imports.importer import Importer
from host.sync.imports.linking import Linker, NewLink
from host.sync.imports.staging import Wish
from host.sync.outbox import look_again_at_blocked
from host.sync.provider import ImportsRecords
from host.sync.tables import IMPORT, IS_LINKED, PREVIEW, rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Record
    from host.db import Database
    from host.sync.provider import Ask, Connection, Provider, RemoteRecord
    from host.unit_of_work import Saver

MOST_CHOSEN: Final = 10_000
MOST_FOUND: Final = 100
WATCH_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """The imports of one host, whichever connection they are of."""

    database: Database
    saver: Saver
    store: BillingStore
    provider: Callable[[str], Provider]
    prefix: str
    asking: Callable[[Provider, Connection], Ask]
    wake: Callable[[], None]
    stopping: Callable[[], bool]

    def kinds(self, key: str) -> Sequence[str]:
        """The kinds of records that can be imported from this connection, in the order in which ``all`` takes them."""
        importer = self.provider(self._connection(key).provider)
        return importer.importable_records if isinstance(importer, ImportsRecords) else ()

    # Importing -----------------------------------------------------------------------------------------------------

    def ask(
        self,
        key: str,
        kinds: Sequence[str],
        *,
        chosen: Sequence[str] = (),
        fields: Mapping[str, Mapping[str, Any]] | None = None,
        preview: bool = False,
        whole: bool = False,
    ) -> str:
        """Ask for an import of these kinds, all of it or the records with the ``chosen`` remote ids; answers its batch. ``go_on`` carries it out.

        Where an import of these kinds came to its end before, only what changed there since is read, unless it is to be ``whole``, or some are chosen.
        ``fields`` are what new records get besides, by kind. A preview decides the same of everything, and writes nothing but what it decided.
        Where the same was asked for before and waits for the limits, it is that one, which tries again now, from the beginning.
        """
        self._importer_of(self._connected(key))
        wish = Wish(
            batch="",
            connection=key,
            kinds=kinds,
            chosen=list(chosen),
            fields=dict(fields or {}),
            preview=preview,
            whole=whole,
        )
        with self.database.write() as session:
            batch = staging.take_up(session, wish)
            if not batch:
                batch = open_batch(session, PREVIEW if preview else IMPORT, kinds[0] if len(kinds) == 1 else "")
                staging.begin(session, replace(wish, batch=batch))
            keep_occasion(session)
            announce(session)
        self.wake()
        return batch

    def ask_again(self, key: str, kinds: Sequence[str]) -> str:
        """Like ``ask`` for all of these kinds; one that was asked for before and is not at its end will do."""
        with self.database.read() as session:
            same = [one.batch for one in staging.unfinished(session, key) if one.of_all and list(one.kinds) == [*kinds]]
        return same[0] if same else self.ask(key, kinds)

    def waiting(self) -> Sequence[str]:
        """The keys of the connections with an import that is not at its end, and may go on."""
        with self.database.read() as session:
            return list(dict.fromkeys(wish.connection for wish in staging.unfinished(session, due=clock.now())))

    def see_through(
        self, key: str, batch: str, progress: Callable[[Wish], None] = lambda _wish: None
    ) -> Mapping[str, Any]:
        """Carry out an import, or watch another process that does, until it is at its end or has to wait; answers how it stands then, which is for the caller
        to tell."""
        while True:
            with self.database.read() as session:
                shown = staging.show(session, batch)
            assert shown is not None
            if shown["stage"] not in staging.UNFINISHED or _waits(shown) or self.stopping():
                return shown
            if not self.go_on(key, progress, watched=batch):
                threading.Event().wait(WATCH_SECONDS)

    def go_on(self, key: str, progress: Callable[[Wish], None] = lambda _wish: None, *, watched: str = "") -> bool:
        """Carry out what was asked for, and what a dead process left, of one connection. ``False``: another process is at it.

        What keeps one from going on is a line in the log, unless it is the batch that somebody has ``watched``.
        """
        lock = NamedLock(self.database, f"import-{key}")
        if not lock.acquire():
            return False
        try:
            while not self.stopping() and (wish := self._next(key)):
                self._carry_out(wish, progress, watched=wish.batch == watched)
                self.wake()
        finally:
            lock.release()
        return True

    def _carry_out(self, wish: Wish, progress: Callable[[Wish], None], *, watched: bool) -> None:
        """A connection that is gone, or whose provider is not running, ends it: nobody could go on with it."""
        try:
            self._connected(wish.connection)
            importer = self._importer(wish.connection, progress, watched=watched)
        except CounterfoilError as error:
            with self.database.write() as session:
                staging.go_to(session, wish.batch, "failed", str(error))
                close_batch(session, wish.batch)
            return
        importer.run(wish)

    def _next(self, key: str) -> Wish | None:
        with self.database.read() as session:
            return next(iter(staging.unfinished(session, key, due=clock.now())), None)

    def _importer(
        self, key: str, progress: Callable[[Wish], None] = lambda _wish: None, *, watched: bool = False
    ) -> Importer:
        connection = self._connection(key)
        provider = self.provider(connection.provider)
        return Importer(
            database=self.database,
            saver=self.saver,
            store=self.store,
            provider=provider,
            importer=self._importer_of(connection),
            connection=connection,
            prefix=self.prefix,
            ask=self.asking(provider, connection),
            stopping=self.stopping,
            progress=progress,
            watched=watched,
        )

    def _importer_of(self, connection: Connection) -> ImportsRecords:
        provider = self.provider(connection.provider)
        if not isinstance(provider, ImportsRecords):
            raise AskPerson(f"{connection.provider} brings no records: it has no importer")
        return provider

    def _connection(self, key: str) -> Connection:
        with self.database.read() as session:
            return get_connection(session, key)

    def _connected(self, key: str) -> Connection:
        with self.database.read() as session:
            return get_connected(session, key)

    @staticmethod
    def show(session: Session, batch: str) -> dict[str, Any] | None:
        """How far an import is; ``None`` where the batch is none."""
        return staging.show(session, batch)

    show_records = staticmethod(staging.show_records)
    not_well = staticmethod(staging.not_well)

    # Linking by hand -----------------------------------------------------------------------------------------------

    def search(self, key: str, kind: str, text: str) -> Sequence[dict[str, Any]]:
        """What the remote has for a person's search, each with the record of ours that is linked with it."""
        self._connected(key)
        importer, found = self._importer(key), list[Any]()
        for page in importer.pages(importer.reading([kind], search=text)):
            found += page
            if len(found) >= MOST_FOUND:
                break
        with self.database.read() as session:
            linked = {one.id: owner_of_kind(session, key, kind, one.id) for one in found[:MOST_FOUND]}
        return [show_remote(one, linked[one.id]) for one in found[:MOST_FOUND]]

    def link(self, key: str, kind: str, ref: str, remote_id: str, *, replace: bool = False) -> None:
        """Say by hand which remote record a record of ours is. Ours goes there next, where it differs.

        Raises ``LookupError`` for an unknown ref, and ``AskPerson`` where it cannot be, or would replace another link and ``replace`` does not say so.
        """
        self._connected(key)
        importer = self._importer(key)
        remote = self._remote(importer, kind, remote_id)
        self._link(importer, kind, ref, remote, replace=replace)
        self.wake()

    def _remote(self, importer: Importer, kind: str, remote_id: str) -> RemoteRecord:
        reading = importer.reading([kind], ids=[remote_id])
        for page in importer.pages(reading):
            for one in page:
                if one.id == remote_id and (one.unusable or one.merged_into):
                    raise AskPerson(f"{one.name} cannot be linked: {one.unusable or 'it was merged into another'}")
                if one.id == remote_id:
                    return one
        raise AskPerson(f"the remote has no {kind} with the id {remote_id}: search it anew")

    @made_anew
    def _link(self, importer: Importer, kind: str, ref: str, remote: RemoteRecord, *, replace: bool) -> None:
        key = importer.connection.key
        with self.saver(origin=key) as work:
            record = _named(self.store, work.session, kind, ref)
            knowledge = importer.knowledge(work.session, lock=True)
            ours = knowledge.ours(kind, [record.id])[record.id]
            standing = ours.standing
            if ours.belongs not in {"", key} and standing and standing.remote_id:
                raise AskPerson(f"{ref} is linked in {ours.belongs}: a record is of one connection for ever")
            if standing and standing.busy:
                raise AskPerson(f"a call that carries {ref} is out: try again in a moment")
            if standing and standing.remote_id == remote.id:
                return
            if standing and standing.remote_id and not replace:
                raise AskPerson(
                    f"{ref} is linked with {standing.remote_id} already: say replace to link it with {remote.id}"
                )
            if standing and standing.remote_id:
                forget_bookmarks(work.session, key, [kind])
            owner = owner_of_kind(work.session, key, kind, remote.id)
            if owner:
                raise AskPerson(f"{remote.name} is linked with {owner} already: unlink that one first")
            [saved] = self.store.take_records(work, kind, [Incoming(id=record.id, fields={"connection": key})])
            if saved.problems:
                raise AskPerson(f"{ref} cannot be linked: {'; '.join(map(str, saved.problems))}")
            new = NewLink(kind=kind, record=record, remote=remote, mirrored=ours.mirrored, send=True)
            Linker(
                session=work.session,
                provider=importer.provider.name,
                connection=key,
                correlation_id=work.correlation_id,
            ).link([new])
            look_again_at_blocked(work.session, key)
            announce(work.session)

    @made_anew
    def unlink(self, key: str, kind: str, ref: str) -> None:
        """Undo the link of a record. Nothing is sent by that; both records stay, and the next import of the kind looks at everything again.

        Raises ``LookupError`` and ``AskPerson`` like ``link``.
        """
        connection = self._connection(key)
        with self.saver(origin=key) as work:
            record = _named(self.store, work.session, kind, ref)
            query = select(rows).where(
                rows.c.provider == connection.provider,
                rows.c.connection == key,
                rows.c.kind == kind,
                rows.c.record_id == record.id,
            )
            row = work.session.execute(query.with_for_update()).one_or_none()
            if row is None or not row.remote_id:
                raise AskPerson(f"{ref} is not linked in {key}")
            if row.call_id is not None:
                raise AskPerson(f"a call that carries {ref} is out: try again in a moment")
            Linker(
                session=work.session, provider=connection.provider, connection=key, correlation_id=correlation_id()
            ).unlink(row.id)
            forget_bookmarks(work.session, key, [kind])


def _waits(shown: Mapping[str, Any]) -> bool:
    return bool(shown["due_at"]) and datetime.fromisoformat(shown["due_at"]) > clock.now()


def _named(store: BillingStore, session: Session, kind: str, ref: str) -> Record:
    for record in store.stream(session, kind, refs=[ref]):
        return record
    raise LookupError(f"there is no {kind} record with the ref {ref}")


def owner_of_kind(session: Session, connection: str, kind: str, remote_id: str) -> str:
    """The ref of our record that is linked with this remote one; empty where none is."""
    query = select(rows.c.ref).where(
        IS_LINKED, rows.c.connection == connection, rows.c.kind == kind, rows.c.remote_id == remote_id
    )
    return str(session.scalar(query) or "")


def show_remote(one: RemoteRecord, linked: str) -> dict[str, Any]:
    """A remote record as people choose it."""
    return {
        "remote_id": one.id,
        "name": one.name,
        "number": one.number,
        "remote_url": one.url,
        "values": dict(one.fields),
        "why_not": one.unusable or one.aside,
        "linked_with": linked,
    }
