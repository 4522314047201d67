"""Rates, accounts and defaults as documents look them up: those of the document's connection first, then those without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from hookspecs import Defaults
from plugins.core_billing import tables
from plugins.core_billing.lookup import among, in_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

NO_DEFAULTS: Final = Defaults()


_RATES: Final = select(tables.tax_rates.c.code, tables.tax_rates.c.connection, tables.tax_rates.c.rate).where(
    among(tables.tax_rates.c.code)
)
_ACCOUNTS: Final = select(tables.accounts.c.code, tables.accounts.c.connection, tables.accounts.c.id).where(
    among(tables.accounts.c.code)
)
_connections = tables.connections.c
_CONNECTIONS: Final = select(
    _connections.key,
    _connections.sales_account,
    _connections.purchase_account,
    _connections.sales_tax,
    _connections.purchase_tax,
    _connections.tracking,
)


class Codes:
    """The entries of one list, by code. Two that a code could mean are no answer."""

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._found: dict[str, dict[str, list[Any]]] = {}

    def load(self, session: Session, codes: Iterable[str]) -> None:
        """Have these codes at hand; those that are already are not asked for again."""
        for chunk in in_chunks(code for code in codes if code and code not in self._found):
            self._found.update((code, {}) for code in chunk)
            for code, connection, value in session.execute(self._query, {"values": chunk}):
                self._found[code].setdefault(connection, []).append(value)

    def matches(self, connection: str, code: str) -> list[Any]:
        found = self._found.get(code, {})
        return found.get(connection) or found.get("") or []


class Rates(Codes):
    def __init__(self) -> None:
        super().__init__(_RATES)

    def percent(self, connection: str, code: str) -> Decimal | None:
        matches = self.matches(connection, code)
        return matches[0] if len(matches) == 1 else None


class AccountCodes(Codes):
    def __init__(self) -> None:
        super().__init__(_ACCOUNTS)


def known_connections(session: Session) -> Mapping[str, Defaults]:
    """What each connection's settings fill in, for every connection that brought reference data."""
    return {
        key: Defaults(
            sales_account=sales_account,
            purchase_account=purchase_account,
            sales_tax=sales_tax,
            purchase_tax=purchase_tax,
            tracking={name: one["category"] for name, one in tracking.items()},
        )
        for key, sales_account, purchase_account, sales_tax, purchase_tax, tracking in session.execute(_CONNECTIONS)
    }
