"""Which codes of a connection's lists records name: counted, with one of the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select, true

from hookspecs import Use
from plugins.core_billing import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Column, ColumnElement, Select
    from sqlalchemy.orm import Session

_parties, _products, _groups = tables.parties.c, tables.products.c, tables.product_groups.c


class Named(NamedTuple):
    """A column that holds codes of a list."""

    list: str
    kind: str
    column: Column[Any]


NAMED: Final = (
    *(
        Named(of, kind, _parties[column])
        for kind in ("customers", "suppliers")
        for of, column in (
            ("rates", "sales_tax"),
            ("rates", "purchase_tax"),
            ("currencies", "currency"),
            ("themes", "branding_theme"),
        )
    ),
    *(Named("rates", "products", _products[column]) for column in ("sales_tax", "purchase_tax")),
    *(Named("accounts", "products", _products[column]) for column in ("sales_account", "purchase_account")),
    *(Named("accounts", "product-groups", _groups[column]) for column in ("sales_account", "purchase_account")),
)


def uses(session: Session, connections: Sequence[str]) -> Sequence[Use]:
    found = [
        Use(list=named.list, kind=named.kind, code=code, ref=ref, count=count)
        for named in NAMED
        for code, ref, count in session.execute(_counted(named, connections))
    ]
    return sorted(found, key=lambda use: (-use.count, use.kind, use.code))


def _counted(named: Named, connections: Sequence[str]) -> Select[Any]:
    table = named.column.table
    query = select(named.column, func.min(table.c.ref), func.count()).where(named.column != "").group_by(named.column)
    return query.where(*_standing(named, connections))


def _standing(named: Named, connections: Sequence[str]) -> Sequence[ColumnElement[bool]]:
    table: Any = named.column.table.c
    own = table.connection.in_(connections) if "connection" in table else true()
    active = table.active if "active" in table else true()
    of_kind = table.kind == named.kind if "kind" in table else true()
    return [own, active, of_kind]
