"""The plugin: what core_billing offers to the host."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Demo, Migrations, hookimpl

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Kind
    from plugins.core_billing.assembly import Billing
    from plugins.core_billing.settings import SettingsSchema

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"


class CoreBilling:
    """Keeps the billing records. One instance serves one host."""

    contract_version = 1

    def __init__(self) -> None:
        self._values: Mapping[str, Any] = {}

    @cached_property
    def _billing(self) -> Billing:
        from plugins.core_billing.assembly import Billing
        from plugins.core_billing.settings import Settings

        return Billing(holders_of_sync, Settings.of(self._values))

    @hookimpl
    def config_schema(self) -> type[SettingsSchema]:
        from plugins.core_billing.settings import SettingsSchema

        return SettingsSchema

    @hookimpl
    def configured(self, settings: Mapping[str, Any]) -> None:
        self._values = settings

    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations(versions=VERSIONS)

    @hookimpl
    def provide_billing_store(self) -> BillingStore:
        return self._billing.store

    @hookimpl
    def register_kinds(self) -> Sequence[Kind]:
        return self._billing.kinds()

    @hookimpl
    def provide_demo(self) -> Demo:
        from plugins.core_billing.demo import records

        return Demo(records=records)


def holders_of_sync(
    session: Session, kind: str, ids: Collection[str], *, lock: bool = False
) -> Mapping[str, frozenset[str]]:
    """Which connections hold these records, or may hold them: the sync engine knows."""
    from host.sync import holders

    return holders(session, kind, ids, lock=lock)
