"""The saving transaction without a host around it: for the services and the store of a plugin that keeps records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from host.db import Database
from host.db.migrate import migrate
from host.unit_of_work import Saver

if TYPE_CHECKING:
    from types import TracebackType

    from hookspecs import EntityEvent, UnitOfWork
    from host.db.migrate import Line


class Saves:
    """A database with the host's tables and those of these lines. ``with saves.saver() as work:`` is a saving transaction; ``events`` are the pairs of hook
    and event that plugins would have got."""

    def __init__(self, database_url: str, *lines: Line) -> None:
        self.database = Database.at(database_url)
        migrate(self.database, list(lines))
        self.events: list[tuple[str, EntityEvent]] = []
        self.saver = Saver(self.database, self._note)

    def _note(self, hook: str, events: list[EntityEvent], unit_of_work: UnitOfWork) -> None:
        self.events.extend((hook, event) for event in events)

    def told(self) -> list[tuple[str, str, str]]:
        """What the hooks were told since the last look: kind, ref and action (``asked`` for a deletion asked for)."""
        told = [
            (event.kind, event.record.ref, "asked" if hook == "on_invoice_deleted" else event.action.value)
            for hook, event in self.events
        ]
        self.events.clear()
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.database.close()
