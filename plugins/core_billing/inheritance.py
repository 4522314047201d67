"""Where accounts and tax rates come from when a record does not say them itself (DESIGN, "How values resolve"). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hookspecs import Defaults


class Side(StrEnum):
    SALES = "sales"
    PURCHASE = "purchase"


class Inherited(NamedTuple):
    """A code and where it comes from: ``line``, ``product``, ``parent``, ``group``, ``customer``, ``supplier`` or ``connection``."""

    value: str
    source: str


NOWHERE: Final = Inherited("", "")


def first_said(*candidates: tuple[str, str]) -> Inherited:
    for value, source in candidates:
        if value:
            return Inherited(value, source)
    return NOWHERE


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What a line needs to know of a product. ``row`` is the product's, with what it inherits beside."""

    id: str
    ref: str
    connection: str
    item: str
    row: Mapping[str, Any]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ProductFacts:
        return cls(row["id"], row["ref"], row["connection"], row["parent"] or row["id"], row)


ACCOUNT: Final = {Side.SALES: "sales_account", Side.PURCHASE: "purchase_account"}
TAX: Final = {Side.SALES: "sales_tax", Side.PURCHASE: "purchase_tax"}


def product_account(row: Mapping[str, Any], side: Side) -> Inherited:
    """``row`` is a product's with ``parent_…`` and ``group_…`` beside; a child without a group of its own is in its parent's."""
    name = ACCOUNT[side]
    return first_said((row[name], "product"), (row[f"parent_{name}"], "parent"), (row[f"group_{name}"], "group"))


def product_tax(row: Mapping[str, Any], side: Side) -> Inherited:
    name = TAX[side]
    return first_said((row[name], "product"), (row[f"parent_{name}"], "parent"))


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What a document needs to know of its customer or supplier."""

    id: str
    ref: str
    kind: str
    connection: str
    currency: str
    sales_tax: str
    purchase_tax: str

    def tax(self, side: Side) -> str:
        return self.sales_tax if side is Side.SALES else self.purchase_tax


def line_account(own: str, product: ProductFacts | None, defaults: Defaults, side: Side) -> Inherited:
    if own:
        return Inherited(own, "line")
    if product and (inherited := product_account(product.row, side)).value:
        return inherited
    return first_said((defaults.sales_account if side is Side.SALES else defaults.purchase_account, "connection"))


def line_tax(
    own: str, product: ProductFacts | None, contact: ContactFacts, defaults: Defaults, side: Side
) -> Inherited:
    if own:
        return Inherited(own, "line")
    if product and (inherited := product_tax(product.row, side)).value:
        return inherited
    return first_said(
        (contact.tax(side), contact.kind.removesuffix("s")),
        (defaults.sales_tax if side is Side.SALES else defaults.purchase_tax, "connection"),
    )
