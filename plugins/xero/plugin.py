"""The Xero plugin as the host sees it. Importing it imports nothing heavy; what does the work is imported when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookspecs import CommandGroup, Demo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hookspecs import DailyTick, EntityEvent, UnitOfWork
    from plugins.xero.provider import XeroProvider


class Xero:
    """One per host."""

    contract_version = 1

    def __init__(self) -> None:
        self._provider: XeroProvider | None = None

    @property
    def provider(self) -> XeroProvider:
        assert self._provider is not None, "the plugin was not configured"
        return self._provider

    @hookimpl
    def config_schema(self) -> type[Any]:
        from plugins.xero.settings import SettingsSchema

        return SettingsSchema

    @hookimpl
    def configured(self, settings: Mapping[str, Any]) -> None:
        from plugins.xero.provider import XeroProvider
        from plugins.xero.settings import Settings

        self._provider = XeroProvider(Settings.of(settings))

    @hookimpl
    def register_provider(self) -> XeroProvider:
        return self.provider

    @hookimpl
    def on_entity_saved(self, event: EntityEvent, unit_of_work: UnitOfWork) -> None:
        from host.sync import note

        note(self.provider, event, unit_of_work)

    @hookimpl
    def on_invoice_deleted(self, event: EntityEvent, unit_of_work: UnitOfWork) -> None:
        from host.sync import note_deletion

        note_deletion(self.provider, event, unit_of_work)

    @hookimpl
    def on_daily_schedule(self, tick: DailyTick) -> None:
        if self.provider.settings.import_daily:
            tick.import_again(self.provider.name, self.provider.settings.import_daily)

    @hookimpl
    def register_commands(self) -> Sequence[CommandGroup]:
        return [
            CommandGroup(
                name="xero",
                help="Connect Xero organisations, and run a Xero to rehearse on.",
                target="plugins.xero.commands:app",
            )
        ]

    @hookimpl
    def provide_demo(self) -> Demo:
        from plugins.xero.demo import demo

        return demo()
