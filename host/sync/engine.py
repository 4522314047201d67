"""The engine: what the host, its web side and its command line ask of the sync."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

from hookspecs import BillingStore, ReferenceData, Taken
from host import clock
from host.db.locks import NamedLock
from host.db.trouble import is_unusable
from host.db.watch import announce
from host.errors import AskPerson, Stop
from host.ids import new_id
from host.measures import Measures
from host.sync import queues, steering, tracing, views
from host.sync.applying import Applier
from host.sync.batches import close_batch, open_batch, show_batch, touch_batch
from host.sync.booking import Booker
from host.sync.carrier import Carrier
from host.sync.causes import Cause, causes
from host.sync.clients import Clients
from host.sync.connecting import Connecting
from host.sync.connections import (
    CONNECTED,
    DRAFT,
    all_connections,
    get_connected,
    get_connection,
    rename_connection,
)
from host.sync.deciding import Decider
from host.sync.drain import Drain, Wakeup
from host.sync.grants import Grants, grant_of
from host.sync.imports.again import Again, ListImport
from host.sync.imports.listed import choices
from host.sync.imports.service import Imports
from host.sync.limiter import free_at, measure
from host.sync.outbox import PERSON, look_again_at_blocked
from host.sync.probing import Probed, Timed
from host.sync.readiness import misnamed, points, tried_out
from host.sync.requesting import Requested, Requesting
from host.sync.rows import anything_due, connections_with_work
from host.sync.talk import Talk
from host.words import database_says

if TYPE_CHECKING:
    import httpx
    from sqlalchemy.orm import Session

    from host.crypto import Vault
    from host.db import Database
    from host.sync.provider import Ask, Connection, Point, Provider
    from host.sync.queues import CallsLeft
    from host.sync.steering import Chosen, Steered
    from host.unit_of_work import Saver

log: Final = logging.getLogger(__name__)

STOPPED_FOR: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How a drain ended. ``spoke`` is false where another process has the right to speak; ``again_at`` is when a row will be due next.

    ``trouble``: it had to stop over the database, which said this.
    """

    spoke: bool
    again_at: datetime | None = None
    trouble: str = ""


class Engine:
    """The sync of one host. Thread-safe. Knows providers by name, and no plugin."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        saver: Saver,
        store: BillingStore,
        providers: Sequence[Provider],
        prefix: str,
        transport: httpx.BaseTransport | None = None,
        measures: Measures | None = None,
    ) -> None:
        self._measures = measures or Measures()
        self._database = database
        self._saver = saver
        self._store = store
        self._providers = {provider.name: provider for provider in providers}
        self._prefix = prefix
        self._clients = Clients(transport=transport, measures=self._measures)
        self._grants = Grants(database, vault, self._clients)
        self.connecting = Connecting(
            database=database,
            vault=vault,
            grants=self._grants,
            clients=self._clients,
            provider=self.provider,
            connected=self._now_connected,
        )
        self._stopping = threading.Event()
        self._wakeups: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    # Work ----------------------------------------------------------------------------------------------------------

    def connections_with_work(self) -> Sequence[str]:
        """The keys of the connected connections for which a row is due now, or a call has no known end."""
        with self._database.read() as session:
            connected = {one.key for one in all_connections(session) if one.status == CONNECTED}
            return [key for key in connections_with_work(session, clock.now()) if key in connected]

    def wake(self) -> None:
        """Something was committed: drains that wait look again at once."""
        with self._lock:
            for event in self._wakeups.values():
                event.set()

    def drain(self, key: str) -> Drained:
        """Send what this connection has waiting, if nobody else speaks for it. Returns when nothing will be due soon, or on ``stop``.

        Having released the right to speak, it looks once more: a row that came in between is not left to the next sweep.
        """
        while True:
            try:
                drained = self._drain_with_the_right_to(key)
                if not drained.spoke or self._stopping.is_set() or not self._more_to_do(key):
                    return drained
            except SQLAlchemyError as error:
                trouble = database_says(error)
                if is_unusable(error):
                    log.error("%s: the drain stopped, because the database can't be used: %s", key, trouble)
                else:
                    log.exception("%s: the drain stopped over a statement that was refused: please report it", key)
                return Drained(spoke=True, again_at=clock.now() + STOPPED_FOR, trouble=trouble)

    def _drain_with_the_right_to(self, key: str) -> Drained:
        lock = NamedLock(self._database, f"speak-{key}")
        if not lock.acquire():
            return Drained(spoke=False)
        try:
            return Drained(spoke=True, again_at=self._drain_once(key, lock))
        finally:
            lock.release()

    def _drain_once(self, key: str, lock: NamedLock) -> datetime | None:
        with self._database.read() as session:
            connection = get_connection(session, key)
        if connection.status != CONNECTED:
            return None
        with self._measures.timed("drain", connection=key), self._wakeup(key) as wakeup:
            return self._make_drain(connection, lock, wakeup).run()

    def _make_drain(self, connection: Connection, lock: NamedLock, wakeup: Wakeup) -> Drain:
        talk = Talk(
            database=self._database,
            provider=self.provider(connection.provider),
            connection=connection,
            prefix=self._prefix,
            speaker=new_id(),
            still_speaking=lock.held,
        )
        decider = Decider(self._database, self._store, talk.provider, connection, self._prefix)
        booker = Booker(self._saver, self._store, connection.key)
        applier = Applier(self._saver, self._store, talk.provider, connection.key)
        carrier = Carrier(talk, self._clients, self._grants, grant_of(self._database, connection.key))
        return Drain(talk, decider, booker, applier, carrier, wakeup=wakeup, stopping=self._stopping.is_set)

    @contextmanager
    def _wakeup(self, key: str) -> Iterator[Wakeup]:
        event = threading.Event()
        with self._lock:
            self._wakeups[key] = event
        try:
            yield Wakeup(event)
        finally:
            with self._lock:
                self._wakeups.pop(key, None)

    def _more_to_do(self, key: str) -> bool:
        """Whether a row is due that could go now: one that the limits or a pause hold up was left on purpose."""
        now = clock.now()
        with self._database.read() as session:
            connection = get_connection(session, key)
            if connection.status != CONNECTED:
                return False
            provider = self.provider(connection.provider)
            limits = provider.limits(connection)
            if free_at(measure(session, key, limits, now), limits, PERSON, now) > now:
                return False
            return anything_due(session, key, now=now, kinds=[rule.kind for rule in provider.kinds])

    def stop(self) -> None:
        """Let running drains finish the calls that are out, and start no more."""
        self._stopping.set()
        self.wake()

    def close(self) -> None:
        """Stop, and close the connections to the remotes."""
        self.stop()
        self._clients.close()

    # Asking for work -----------------------------------------------------------------------------------------------

    def request_sync(
        self,
        *,
        connection: str | None = None,
        kind: str | None = None,
        refs: Sequence[str] | None = None,
        remap: bool = False,
    ) -> str:
        """Queue records to be looked at and sent where they differ; answers the batch. Records that were never sent are among them.

        ``remap``: send them even where nothing changed since they were agreed, because the mapping did.
        """
        asked = Requested(connection=connection, kind=kind, refs=refs, remap=remap)
        return Requesting(self._database, self._store, list(self._providers.values()), self.wake).request(asked)

    def retry(self, chosen: Chosen) -> Steered:
        """Try at once what failed, what is blocked, and what waits for a later time."""
        return self._steer(lambda session: steering.retry(session, chosen))

    def park(self, chosen: Chosen, reason: str) -> Steered:
        """Leave these records alone, also when they are saved again, until they are unparked; ``reason`` is shown with them."""
        return self._steer(lambda session: steering.park(session, chosen, reason))

    def unpark(self, chosen: Chosen) -> Steered:
        """Go on with records that were parked, as they are now."""
        return self._steer(lambda session: steering.unpark(session, chosen))

    def _steer(self, change: Callable[[Session], Steered]) -> Steered:
        with self._database.write() as session:
            steered = change(session)
            announce(session)
        self.wake()
        return steered

    def open_batch(self, purpose: str, kind: str = "") -> str:
        """Open a batch of records that belong together, such as one load; pass it to the unit of work that saves them."""
        with self._database.write() as session:
            return open_batch(session, purpose, kind)

    def touch_batch(self, batch: str) -> None:
        """Say that the batch is still being filled."""
        with self._database.write() as session:
            touch_batch(session, batch)

    def close_batch(self, batch: str) -> None:
        """Nothing more will come: what waits goes."""
        with self._database.write() as session:
            close_batch(session, batch)
            announce(session)
        self.wake()

    # Connections ---------------------------------------------------------------------------------------------------

    @property
    def provider_names(self) -> Sequence[str]:
        return list(self._providers)

    def provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise Stop(f"there is no accounting provider {name!r} (loaded: {', '.join(self._providers) or 'none'})")
        return self._providers[name]

    def connect(self, key: str, *, provider: str, auth: str, name: str = "") -> Connection:
        """Connect an organisation with the credentials of the settings, or connect it again. Raises ``AskPerson`` with what to do, or ``Retry``."""
        return self.connecting.connect(key, provider=provider, auth=auth, name=name)

    def _now_connected(self, connection: Connection) -> None:
        self._put_defaults(self.provider(connection.provider), connection)
        self.wake()

    def rename(self, key: str, name: str) -> None:
        """Change the shown name of a connection; its key and its organisation are for life."""
        with self._database.write() as session:
            rename_connection(session, get_connection(session, key).key, name)

    def probe(self, key: str) -> Probed:
        """Ask the remote which organisation a connection leads to now. Raises ``AskPerson``, ``Retry`` or ``Wait`` where that cannot be found out."""
        with self._database.read() as session:
            connection = get_connection(session, key)
        provider = self.provider(connection.provider)
        ask = Timed(self.connecting.asking(connection, grant_of(self._database, key), "check"))
        found = provider.organisation(ask, connection)
        return Probed(connection=connection, organisation=found, ahead=ask.ahead)

    def without_effect(self) -> Sequence[str]:
        """What is set and has no effect, because no organisation is connected."""
        with self._database.read() as session:
            used = {one.provider for one in all_connections(session) if one.status == CONNECTED}
        return [
            f"what [plugins.{name}] says has no effect until an organisation is connected (counterfoil {name} connect KEY)"
            for name in self._providers
            if name not in used
        ]

    def misnamed(self) -> Sequence[Point]:
        """The connections that settings name and that there are not."""
        with self._database.read() as session:
            keys = [one.key for one in all_connections(session)]
        return [point for provider in self._providers.values() for point in misnamed(provider, keys)]

    def readiness(self, key: str, *, ask: bool = False) -> Sequence[Point]:
        """What there is, and what is missing, before syncing with this organisation can work. ``ask``: also what the organisation itself says now, which
        writes nothing there and raises ``AskPerson``, ``Retry`` or ``Wait`` where it cannot be found out."""
        with self._database.read() as session:
            connection = get_connection(session, key)
            provider = self.provider(connection.provider)
            found = points(session, self._store, provider, connection)
        if not ask or connection.status != CONNECTED:
            return found
        asking = self.connecting.asking(connection, grant_of(self._database, key), "check")
        return [*found, *tried_out(provider, asking, connection)]

    def put_defaults(self) -> None:
        """Tell the billing records what each connection's settings fill in; asked once at start, as settings may have changed."""
        with self._database.read() as session:
            saved = [one for one in all_connections(session) if one.status != DRAFT]
        for connection in saved:
            if connection.provider in self._providers:
                self._put_defaults(self._providers[connection.provider], connection)

    def _put_defaults(self, provider: Provider, connection: Connection) -> None:
        with self._saver(origin=connection.key) as work:
            self._store.put_reference(work, connection.key, ReferenceData(defaults=provider.defaults(connection)))

    @property
    def imports(self) -> Imports:
        """Records that come from a remote, and links by hand."""
        return Imports(
            database=self._database,
            saver=self._saver,
            store=self._store,
            provider=self.provider,
            prefix=self._prefix,
            asking=lambda _provider, connection: self.connecting.asking(
                connection, grant_of(self._database, connection.key), "import"
            ),
            wake=self.wake,
            stopping=self._stopping.is_set,
        )

    def importable(self, key: str, kind: str) -> tuple[Sequence[str], Sequence[str]]:
        """The lists and the kinds of records that ``kind`` (or ``all``) means for this connection; both are empty where it means none."""
        with self._database.read() as session:
            lists = self.provider(get_connection(session, key).provider).importable
        records = self.imports.kinds(key)
        if kind == "all":
            return lists, records
        return [one for one in lists if one == kind], [one for one in records if one == kind]

    def all_importable(self, key: str) -> Sequence[str]:
        """Everything that ``import`` takes for this connection."""
        lists, records = self.importable(key, "all")
        return ["all", *lists, *records]

    def import_reference(self, kind: str, key: str) -> Mapping[str, Taken]:
        """Import a connection's reference data (``all``: every kind of it), and look again at the records that may have waited for it."""
        lists, taken = self._lists_of(key), dict[str, Taken]()
        importable = lists.provider.importable
        if kind not in {"all", *importable}:
            raise AskPerson(f"{kind!r} can't be imported (all, {', '.join(importable)})")
        for one in importable if kind == "all" else [kind]:
            taken.update(lists.take(one))
        self._look_again_at_blocked(key)
        return taken

    def import_again(self, provider: str, kinds: Sequence[str]) -> None:
        """Import these lists and kinds of records from each connection of a provider that is connected: only what changed there, where that can be asked for.

        Raises ``Retry`` when all were tried, with what those said that failed.
        """
        Again(
            database=self._database,
            imports=self.imports,
            lists=self._lists_of,
            importable=lambda key: self.importable(key, "all"),
            look_again=self._look_again_at_blocked,
        ).run(provider, kinds)

    def _lists_of(self, key: str) -> ListImport:
        with self._database.read() as session:
            connection = get_connected(session, key)
        return ListImport(
            database=self._database,
            saver=self._saver,
            store=self._store,
            provider=self.provider(connection.provider),
            connection=connection,
            ask=self._asking_for_lists(connection),
        )

    def _asking_for_lists(self, connection: Connection) -> Ask:
        return self.connecting.asking(connection, grant_of(self._database, connection.key), "import")

    def search_list(self, key: str, kind: str, text: str) -> Sequence[dict[str, Any]]:
        """What one of the remote's lists has now, for a person who chooses from it. Writes nothing."""
        lists = self._lists_of(key)
        with self._database.read() as session:
            known = self._store.catalogue(session, key)
        return choices(lists.provider.import_reference(kind, lists.ask, lists.connection), known, text)

    def _look_again_at_blocked(self, key: str) -> None:
        with self._database.write() as session:
            look_again_at_blocked(session, key)
            announce(session)
        self.wake()

    # Looking -------------------------------------------------------------------------------------------------------

    def reading(self) -> AbstractContextManager[Session]:
        """A read-only session, for the views below."""
        return self._database.read()

    def _shown_connections(self) -> Sequence[Mapping[str, str]]:
        with self._database.read() as session:
            return views.show_connections(session)

    def causes(self, session: Session, *, connection: str | None = None) -> Sequence[Cause]:
        """What does not go on by itself, by cause; what concerns most records comes first."""
        return causes(session, connection=connection, store=self._store)

    def calls_left(self, session: Session) -> Mapping[str, CallsLeft]:
        """How many calls the limits still let go, by connection that is connected."""
        connected = [one for one in all_connections(session) if one.status == CONNECTED]
        limits = {
            one.key: self._providers[one.provider].limits(one) for one in connected if one.provider in self._providers
        }
        return {key: queues.calls_left(session, key, of_it, clock.now()) for key, of_it in limits.items()}

    grant_ages = staticmethod(queues.grant_ages)
    queue = staticmethod(queues.queue)
    states = staticmethod(views.states)
    errors = staticmethod(views.errors)
    outbox = staticmethod(views.outbox)
    trace = staticmethod(tracing.trace)
    status = staticmethod(views.status)
    show_connections = staticmethod(views.show_connections)
    news = staticmethod(views.news)
    requests = staticmethod(views.requests)
    request = staticmethod(views.request)
    batch = staticmethod(show_batch)
