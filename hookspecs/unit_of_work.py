"""The transaction a hook runs in, as a plugin sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from hookspecs.events import Action
    from hookspecs.records import Record

T = TypeVar("T")


class UnitOfWork(Protocol):
    """One saving transaction. It belongs to whoever opened it: a plugin flushes, and never commits or rolls back."""

    @property
    def session(self) -> Session:
        """The SQLAlchemy session. In a hook it stands inside a savepoint of the plugin's own: what a raising hook wrote is undone, nothing else."""

    @property
    def origin(self) -> str:
        """``LOCAL`` for our own changes, else the key of the connection these changes came from."""

    @property
    def correlation_id(self) -> str:
        """Names the request or job that this transaction serves, in logs and in the request log."""

    @property
    def batch(self) -> str | None:
        """The batch that these changes belong to; ``None`` for a person's save, which is sent at once."""

    def save(self, kind: str, record: Record, *, action: Action, changed: frozenset[str]) -> None:
        """Tell the host that a record changed. Services call this for every record they wrote, as often as they like: hooks get one event per record.

        What a hook saves itself is dispatched in a further round; after five rounds the host stops and raises ``EndlessSaving``.
        """

    def ask_deletion(self, kind: str, record: Record) -> None:
        """Tell the host that deletion of a document was asked for: ``on_invoice_deleted`` fires instead of ``on_entity_saved``."""

    def together(self, call: Callable[[Session, Sequence[T]], None], item: T) -> None:
        """In a hook: have ``call(session, items)`` do what is to be done for all items of this round at once, instead of one by one.

        It is called once after the plugin's last event of the round, still in its savepoint, with the items in the order in which they were given; raising is
        the plugin's raising. The same ``call`` must be given each time (a function of a module). For what takes a statement for each record: 200 invoices
        that are loaded together then take one.
        """

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run ``call`` once this transaction is committed, in the thread of whoever saved: be quick. Raising is logged and undoes nothing. It is lost when the
        process dies in between: never the only way that work is found."""
