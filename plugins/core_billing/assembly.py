"""The plugin's parts, put together once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.core_billing.documents import Invoices
from plugins.core_billing.kinds import (
    Accounts,
    Customers,
    ProductGroups,
    Products,
    Suppliers,
    TaxRates,
)
from plugins.core_billing.store import Store
from plugins.core_billing.tracking_categories import TrackingCategories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hookspecs import Kind
    from plugins.core_billing.records import Holders
    from plugins.core_billing.settings import Settings


class Billing:
    def __init__(self, holders: Holders, settings: Settings) -> None:
        self.customers = Customers(holders, settings)
        self.suppliers = Suppliers(holders, settings)
        self.product_groups = ProductGroups(holders)
        self.products = Products(holders, settings)
        self.tax_rates = TaxRates(holders)
        self.accounts = Accounts(holders)
        self.tracking_categories = TrackingCategories(holders)
        self.invoices = Invoices(holders, settings)
        self.all = (
            self.customers,
            self.suppliers,
            self.product_groups,
            self.products,
            self.tax_rates,
            self.accounts,
            self.tracking_categories,
            self.invoices,
        )
        self.store = Store(self.all, (self.invoices,))
        self.tax_rates.on_saved = self.store.retotal

    def kinds(self) -> Sequence[Kind]:
        return [one.kind() for one in self.all]
