"""Looking up codes among a connection's reference data. What is missing or ambiguous is said in a sentence that tells what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hookspecs import (
        Account,
        BrandingTheme,
        Catalogue,
        Currency,
        Record,
        TaxRate,
        TrackingCategory,
        TrackingOption,
    )
    from host.sync.provider import Connection

R = TypeVar("R", bound="Record")


class Missing(Exception):
    """A code leads nowhere, or to two places. The message is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What a line is tracked by under one name."""

    category: TrackingCategory
    option: TrackingOption

    @property
    def archived(self) -> bool:
        """Xero takes it for no line, and leaves it to those that have it."""
        return not (self.category.active and self.option.active)


@dataclass(frozen=True, slots=True)
class Books:
    """The reference data of one connection, indexed once for many records."""

    connection: Connection
    rates: Mapping[str, Sequence[TaxRate]]
    accounts: Mapping[str, Sequence[Account]]
    themes: Mapping[str, Sequence[BrandingTheme]]
    currencies: Mapping[str, Sequence[Currency]]
    tracking: Mapping[str, TrackingCategory]
    """By the tracking name that stands for it."""

    @classmethod
    def of(cls, catalogue: Catalogue, connection: Connection) -> Books:
        return cls(
            connection=connection,
            rates=_by(catalogue.rates, lambda rate: [rate.code]),
            accounts=_by(catalogue.accounts, lambda account: [account.code]),
            themes=_by(catalogue.themes, lambda theme: [theme.code, theme.name]),
            currencies=_by(catalogue.currencies, lambda currency: [currency.code]),
            tracking={category.stands_for: category for category in catalogue.tracking if category.stands_for},
        )

    @property
    def base_currency(self) -> str:
        return self.connection.details.get("base_currency", "")

    def tax_type(self, code: str) -> str:
        """Xero's TaxType for a rate of ours. A rate that a person linked by hand carries the TaxType of the rate it is linked to."""
        rate = self._one(self.rates, code, "tax rate", "tax-rates")
        if not rate.remote_id:
            raise Missing(
                f"tax rate {code} is not linked to one of {self.name}: choose the connection and linked_to of the tax rate {rate.ref}"
            )
        return rate.remote_id

    def account(self, code: str) -> str:
        return self._one(self.accounts, code, "account", "accounts").code

    def theme(self, name: str) -> str:
        """Xero's id of a branding theme, named by that id or by its name."""
        return self._one(self.themes, name, "branding theme", "branding-themes").code

    def currency(self, code: str) -> str:
        """The code, where the organisation has this currency. Its base currency needs no import."""
        if code == self.base_currency:
            return code
        if code in self.currencies:
            return code
        raise Missing(
            f"currency {code} is not among the currencies of {self.name}: add it in Xero, then run {self._import('currencies')}"
        )

    def category(self, name: str, called: str) -> TrackingCategory:
        """The category that a tracking name means; ``called`` is what the settings call it."""
        if name in self.tracking:
            return self.tracking[name]
        raise Missing(
            f"{name} means the tracking category {called}, which {self.name} does not have: "
            f"correct tracking in [plugins.xero], or make it in Xero and run {self._import('tracking-categories')}"
        )

    def tracked(self, name: str, option: str, called: str) -> Tracked:
        """The option of the category that a tracking name means."""
        found = self.category(name, called)
        for one in found.options:
            if one.name == option:
                return Tracked(category=found, option=one)
        offered = ", ".join(one.name for one in found.options if one.active) or "none"
        raise Missing(
            f"{name} has no option {option} in {self.name} (options: {offered}): "
            f"choose another, or, if it is new in Xero, run {self._import('tracking-categories')}"
        )

    @property
    def name(self) -> str:
        return self.connection.name or self.connection.key

    def _one(self, among: Mapping[str, Sequence[R]], code: str, what: str, importable: str) -> R:
        found = among.get(code, ())
        own = [record for record in found if record.connection == self.connection.key]
        fitting = own or [record for record in found if not record.connection]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise Missing(
                f"{what} {code} is not among the {what}s of {self.name}: correct it, or, if it is new in Xero, run {self._import(importable)}"
            )
        refs = ", ".join(record.ref for record in fitting)
        raise Missing(
            f"{what} {code} is ambiguous: {len(fitting)} {what}s of {self.name} bear it ({refs}); keep one of them"
        )

    def _import(self, importable: str) -> str:
        return f"counterfoil import {importable} --connection {self.connection.key}"


def _by(records: Iterable[R], names: Callable[[R], Sequence[str]]) -> Mapping[str, Sequence[R]]:
    found: dict[str, list[R]] = {}
    for record in records:
        for name in dict.fromkeys(names(record)):
            found.setdefault(name, []).append(record)
    return found
