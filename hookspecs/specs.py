"""The hooks. The docstrings are the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookspecs.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hookspecs.contributions import CommandGroup, Demo, Kind, Migrations, Route
    from hookspecs.events import DailyTick, EntityEvent, WebhookAnswer, WebhookRequest
    from hookspecs.store import BillingStore
    from hookspecs.unit_of_work import UnitOfWork


class Events:
    """Things that happen. The host calls one plugin at a time, in the configured order."""

    @hookspec
    def on_entity_saved(self, event: EntityEvent, unit_of_work: UnitOfWork) -> None:
        """A record was created, updated, archived or deleted.

        Called inside the saving transaction, before it commits, once per record that changed something, with the record's final state and the union of
        its changed fields. Write an intention through ``unit_of_work.session`` and return: no network, and well under 50 ms (a slower hook is named in
        the logs). The events of one transaction run in one savepoint of the plugin's own; when one raises, that savepoint is undone and they run again
        one by one, so an implementation is idempotent. Raising never undoes the save: the failure becomes a row that people see, and is repaired daily.
        """

    @hookspec
    def on_invoice_deleted(self, event: EntityEvent, unit_of_work: UnitOfWork) -> None:
        """Deletion of a document was asked for; every kind of document, named by ``event.kind``.

        Called like ``on_entity_saved``, which does not fire for the asking: it fires for the confirmation (``deleted``) or the refusal (``updated``,
        origin the connection). The document is kept, locked, until a provider confirms or refuses through the ``BillingStore``.
        """

    @hookspec
    def on_webhook(self, request: WebhookRequest) -> WebhookAnswer | None:
        """A request arrived at ``/webhooks/<plugin>``. Only that plugin is called; the raw body is stored and committed before.

        Check the signature, answer a status and return within a second; the work itself is queued. Raising answers 500, and the stored body stays for a
        later try.
        """

    @hookspec
    def on_daily_schedule(self, tick: DailyTick) -> None:
        """The daily run: once per deployment, plugin and local date, caught up once after downtime. May be slow: it runs as a job, in no transaction.

        Raising marks the run as failed with the reason; it is not run again that date unless a person asks.
        """


class Contributions:
    """Things a plugin offers. Called once, at start, in no transaction."""

    @hookspec
    def provide_billing_store(self) -> BillingStore | None:
        """The plugin that keeps the billing records answers its store. Exactly one plugin may."""

    @hookspec
    def register_provider(self) -> Any:
        """An accounting provider: an object that satisfies ``host.sync.Provider``. Called after ``configured``; ``None`` where there is none."""

    @hookspec
    def register_kinds(self) -> Sequence[Kind] | None:
        """Kinds of records for the API, ``load`` and help. Two plugins offering one name are both refused."""

    @hookspec
    def register_commands(self) -> Sequence[CommandGroup] | None:
        """Commands for the command line. Called without a configuration: answer data, import nothing heavy."""

    @hookspec
    def register_routes(self) -> Sequence[Route] | None:
        """HTTP routes of the plugin's own."""

    @hookspec
    def config_schema(self) -> type[Any] | None:
        """The marshmallow schema of ``[plugins.<name>]``; without one the section must be empty."""

    @hookspec
    def configured(self, settings: Mapping[str, Any]) -> None:
        """Called once with the plugin's validated settings, before any other hook but ``config_schema``, ``migrations`` and ``register_commands``."""

    @hookspec
    def migrations(self) -> Migrations | None:
        """Where the plugin's Alembic revisions are."""

    @hookspec
    def provide_demo(self) -> Demo | None:
        """What the plugin brings to ``counterfoil demo`` and ``init --sandbox``."""
