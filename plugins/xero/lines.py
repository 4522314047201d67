"""The lines of a document in Xero's terms: item, account and tax rate of each, resolved from what is linked and imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from host.sync.provider import Blocked
from plugins.xero.catalogue import Books, Missing, Tracked
from plugins.xero.repairs import LONG_TEXT, Workshop, shorten, tidy_text
from plugins.xero.wire.invoice import LineSchema
from plugins.xero.wire.numbers import number

if TYPE_CHECKING:
    from hookspecs import Document, Line, Product
    from host.sync.provider import JSON, Link
    from plugins.xero.settings import Preset

BY_ID: Final = "id:"

_schema: Final = LineSchema()


class NotYet(Exception):
    """A line can't go now."""

    def __init__(self, blocked: Blocked) -> None:
        super().__init__(blocked.reason)
        self.blocked = blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDesk:
    """What lines are resolved with: the connection's reference data and settings, the items' links, and the products that lines without a text name or
    whose items are not linked.

    ``tracking``: the category that each tracking name means; nothing where tracking is off.
    """

    books: Books
    preset: Preset
    tracking: Mapping[str, str]
    connection: str
    links: Mapping[str, Link]
    products: Mapping[str, Product]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyLine:
    """A line of ours and what goes out for it. ``inputs``: what its equality is about. ``item_id``: Xero's id of the item it was resolved to, if by link.

    ``tracked`` is what it is tracked by; ``None`` while tracking is off, when nothing is said of it and Xero leaves it as it is.
    """

    id: str
    element: JSON
    inputs: list[Any]
    item_id: str = ""
    tracked: Sequence[Tracked] | None = None


def ready_lines(document: Document, desk: LineDesk, shop: Workshop) -> list[ReadyLine]:
    """Raises ``NotYet`` for the first line that can't go."""
    return [_ready(line, place, document, desk, shop) for place, line in enumerate(document.lines, start=1)]


def _ready(line: Line, place: int, document: Document, desk: LineDesk, shop: Workshop) -> ReadyLine:
    name = f"line {place}"
    try:
        item_code, item_identity = _item(line, name, desk)
        account = _account(line, desk)
        tax = _tax(line, document, desk)
        tracked = _tracked(line, desk)
        description = _description(line, name, desk, shop)
    except Missing as missing:
        raise NotYet(Blocked(reason=f"{name}: {missing}", waits_for=_inherits_from(line, document))) from missing
    element: JSON = _schema.dump(
        {
            "description": description,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "discount_percent": line.discount_percent or None,
            "item_code": item_code or None,
            "account": account,
            "tax": tax or None,
            "tracking": None if tracked is None else [ids_of(one) for one in tracked],
        }
    )
    amounts = [str(number(value)) for value in (line.quantity, line.unit_price, line.discount_percent)]
    return ReadyLine(
        id=line.id,
        element=element,
        inputs=[line.id, line.description, *amounts, item_identity, account, tax, *_identities(tracked)],
        item_id=item_identity.removeprefix(BY_ID) if item_identity.startswith(BY_ID) else "",
        tracked=tracked,
    )


def _inherits_from(line: Line, document: Document) -> tuple[str, str]:
    """Whose next save may bring what a line lacks, or mend what it has."""
    return ("products", line.product) if line.product else (document.contact_kind, document.contact)


def _item(line: Line, name: str, desk: LineDesk) -> tuple[str, str]:
    """The item's code as Xero has it now, and what tells the item apart whatever its code: a renamed item does not change the document."""
    if line.item_code:
        return line.item_code, f"code:{line.item_code}"
    if not line.item:
        return "", ""
    link = desk.links.get(line.item)
    if is_linked(link, desk.connection):
        return link.remote_number, f"{BY_ID}{link.remote_id}"
    known = desk.products.get(line.item)
    product, waits_for = (
        f"{name}: its product {known.ref}" if known else f"{name}: its product",
        ("products", line.item),
    )
    if link and link.connection == desk.connection and link.on_its_way:
        said = _why_unlinked(link, desk) if link.state == "blocked" else "is on its way to Xero"
        raise NotYet(Blocked(reason=f"{product} {said}", waits_for=waits_for))
    default = desk.preset.default_invoice_item
    if default:
        return default, f"code:{default}"
    said = f"{_why_unlinked(link, desk)}, or set default_invoice_item in [plugins.xero]"
    raise NotYet(Blocked(reason=f"{product} {said}", waits_for=waits_for))


def is_linked(link: Link | None, connection: str) -> TypeGuard[Link]:
    """The organisation has the item, under a code that lines can name."""
    return link is not None and link.connection == connection and bool(link.remote_id and link.remote_number)


def _why_unlinked(link: Link | None, desk: LineDesk) -> str:
    if link and link.connection and link.connection != desk.connection:
        return f"belongs to connection {link.connection}, the document to {desk.connection}: name another"
    why = (link.reason or link.state) if link else "it was never sent"
    return f"is not in Xero ({why}): check its code, link it with its Xero item or sync it"


def _account(line: Line, desk: LineDesk) -> str:
    code = line.effective_account or desk.preset.default_sales_account
    if not code:
        raise Missing(
            "it has no account: give one to the line, its product or the product's group, or set default_sales_account in [plugins.xero]"
        )
    return desk.books.account(code)


def _tax(line: Line, document: Document, desk: LineDesk) -> str:
    """Never left to Xero, which would take the account's own rate. A document without tax needs none."""
    code = line.effective_tax_rate or desk.preset.default_sales_tax
    if document.line_amounts == "no_tax":
        return ""
    if not code:
        raise Missing(
            "it has no tax rate: give one to the line, its product or the customer, or set default_sales_tax in [plugins.xero]"
        )
    return desk.books.tax_type(code)


def _tracked(line: Line, desk: LineDesk) -> list[Tracked] | None:
    """In the order of the settings. A name that they gave up is not passed over: the next change would take it from the line in Xero."""
    if not desk.tracking:
        return None
    unknown = sorted(set(line.tracking) - set(desk.tracking))
    if unknown:
        raise Missing(
            f"it is tracked by {unknown[0]}, which tracking in [plugins.xero] does not name: name it again, or take it from the line"
        )
    named = [(name, category) for name, category in desk.tracking.items() if name in line.tracking]
    return [desk.books.tracked(name, line.tracking[name], category) for name, category in named]


def require_in_use(lines: Sequence[ReadyLine]) -> None:
    """Raises ``NotYet`` where a line is tracked by something archived, which Xero leaves only to lines that have it already."""
    for place, line in enumerate(lines, start=1):
        for one in line.tracked or ():
            if one.archived:
                raise NotYet(
                    Blocked(
                        reason=f"line {place}: {one.option.name} of {one.category.name} is archived in Xero: choose another option"
                    )
                )


def ids_of(one: Tracked) -> dict[str, str]:
    """By ids: a name may have been changed in Xero since the last import."""
    return {"category_id": one.category.remote_id, "option_id": one.option.remote_id}


def _identities(tracked: Sequence[Tracked] | None) -> list[Any]:
    """Nothing for a line that is tracked by nothing: switching tracking on changes no other."""
    return [[list(ids_of(one).values()) for one in tracked]] if tracked else []


def _description(line: Line, name: str, desk: LineDesk, shop: Workshop) -> str:
    """Xero wants at least one character: a line without a text shows its product's."""
    text = line.description if line.description.strip() else _product_text(desk.products.get(line.product))
    if not text:
        raise Missing("it has no description, which Xero needs")
    clean = shop.do(tidy_text, text, f"{name}: description")
    return shop.do(lambda value, called: shorten(value, called, LONG_TEXT), clean, f"{name}: description")


def _product_text(product: Product | None) -> str:
    if product is None:
        return ""
    return product.description.strip() or product.name.strip()


def same_content(element: JSON, line: Line) -> bool:
    """Whether an element that was sent is this line, by what people typed."""
    return (
        element.get("Quantity") == number(line.quantity)
        and element.get("UnitAmount") == number(line.unit_price)
        and (not line.description.strip() or element.get("Description") == line.description)
    )


def line_ids(elements: list[JSON], lines: tuple[Line, ...]) -> list[str]:
    """Which of our lines each element sent stands for; empty where it is none of today's.

    The lines of the record may have changed since they were sent, when an answer is only booked now: equal content first, then position (DESIGN, section 5).
    """
    left = dict(enumerate(lines))
    ids = [""] * len(elements)
    for place, element in enumerate(elements):
        if place in left and same_content(element, left[place]):
            ids[place] = left.pop(place).id
    for place, element in enumerate(elements):
        if not ids[place]:
            equal = next((other for other, line in left.items() if same_content(element, line)), None)
            ids[place] = left.pop(equal).id if equal is not None else ""
    for place in range(len(elements)):
        if not ids[place] and place in left:
            ids[place] = left.pop(place).id
    return ids
