"""Importing again what was imported before, each day: only what changed there, where the remote can be asked for that."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from host import clock
from host.errors import CounterfoilError, Retry
from host.sync.connections import CONNECTED, all_connections
from host.sync.imports.bookmarks import known_bookmarks, put_bookmarks, since_when
from host.sync.imports.importer import Clocked
from host.sync.provider import ReadsChanges

if TYPE_CHECKING:
    from hookspecs import BillingStore, Taken
    from host.db import Database
    from host.sync.imports.service import Imports
    from host.sync.provider import Ask, Connection, Provider
    from host.unit_of_work import Saver

log: Final = logging.getLogger(__name__)

LISTS: Final = "lists"
"""The basis of their bookmarks: nothing but the list decides what becomes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImport:
    """Imports the lists of one connection. They are taken over whole: what is not there any more is removed here."""

    database: Database
    saver: Saver
    store: BillingStore
    provider: Provider
    connection: Connection
    ask: Ask

    def take(self, kind: str) -> Mapping[str, Taken]:
        clocked = Clocked(self.ask, self.provider)
        data = self.provider.import_reference(kind, clocked, self.connection)
        with self.saver(origin=self.connection.key) as work:
            taken = self.store.put_reference(work, self.connection.key, data)
        self._remember(kind, clocked, whole=True)
        return taken

    def changed(self, kind: str) -> bool:
        """Whether it may have changed since it was imported last."""
        if not isinstance(self.provider, ReadsChanges):
            return True
        with self.database.read() as session:
            since = since_when([kind], known_bookmarks(session, self.connection.key, [kind]), LISTS, clock.now())
        if since is None:
            return True
        clocked = Clocked(self.ask, self.provider)
        changed = self.provider.list_changed(kind, clocked, self.connection, since)
        if not changed:
            self._remember(kind, clocked, whole=False)
        return changed

    def _remember(self, kind: str, clocked: Clocked, *, whole: bool) -> None:
        if clocked.began_at:
            with self.database.write() as session:
                key, read_at = self.connection.key, clocked.began_at
                put_bookmarks(session, key, [kind], read_at=read_at, basis=LISTS, whole=whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Imports lists and kinds of records from every connection of a provider. ``importable`` tells both apart, for a connection."""

    database: Database
    imports: Imports
    lists: Callable[[str], ListImport]
    importable: Callable[[str], tuple[Sequence[str], Sequence[str]]]
    look_again: Callable[[str], None]

    def run(self, provider: str, kinds: Sequence[str]) -> None:
        """Raises ``Retry`` when all were tried, with what those said that failed. Records that the limits do not let come now come when they do."""
        with self.database.read() as session:
            connected = [
                one.key for one in all_connections(session) if (one.provider, one.status) == (provider, CONNECTED)
            ]
        told = [trouble for key in connected for trouble in self._troubles(kinds, key)]
        if told:
            raise Retry("; ".join(told))

    def _troubles(self, kinds: Sequence[str], key: str) -> Sequence[str]:
        """What kept these from being imported; nothing where nothing did. One connection's trouble is no other's."""
        lists, records = self.importable(key)
        wanted = [one for one in lists if one in kinds], [one for one in records if one in kinds]
        found = [
            self._tried(key, call)
            for call in (lambda: self._lists(key, wanted[0]), lambda: self._records(key, wanted[1]))
        ]
        return list(dict.fromkeys(trouble for trouble in found if trouble))

    def _tried(self, key: str, call: Callable[[], str]) -> str:
        try:
            return call()
        except CounterfoilError as error:
            log.warning("%s: it could not be imported again: %s", key, error)
            return str(error)

    def _lists(self, key: str, kinds: Sequence[str]) -> str:
        if kinds:
            lists = self.lists(key)
            if [lists.take(kind) for kind in kinds if lists.changed(kind)]:
                self.look_again(key)
        return ""

    def _records(self, key: str, kinds: Sequence[str]) -> str:
        if not kinds:
            return ""
        imported = self.imports.see_through(key, self.imports.ask_again(key, kinds))
        if imported["due_at"]:
            log.warning("%s: an import waits: %s", key, imported["reason"])
        return f"{key}: {imported['reason']}" if imported["stage"] == "failed" else ""
