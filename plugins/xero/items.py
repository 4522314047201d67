"""Products as Xero's items (API facts 4.7).

The code is mark and match key at once: a new product is sent straight away, and when Xero says that the code exists already, the item that bears it is adopted
unless another product holds it. An item is always sent whole, because what a partial update leaves alone within ``SalesDetails`` is not documented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Product
from host.sync.provider import (
    NOT_LOOKED,
    Adopt,
    Answer,
    Blocked,
    Done,
    Finish,
    Look,
    Looked,
    Planned,
    Prepared,
    Refuse,
    Request,
    Send,
    Verb,
    Wanted,
)
from plugins.xero import looking, replies
from plugins.xero.catalogue import Books, Missing
from plugins.xero.repairs import LONG_TEXT, Workshop, item_texts, shorten, tidy, tidy_text
from plugins.xero.wire.item import ItemSchema
from plugins.xero.wire.numbers import dumps, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from host.sync.provider import JSON, Desk, Response, Step, Wish
    from plugins.xero.settings import Preset, Settings

KEY: Final = "Items"
PATH: Final = "/api.xro/2.0/Items"
LONGEST_CODE: Final = 30
FOUR_DECIMALS: Final = (
    "unitdp",
    "4",
)  # without it Xero rounds prices to cents, in what it stores and in what it answers (API facts 3.5)

_schema: Final = ItemSchema()


@dataclass(frozen=True, slots=True)
class Items:
    settings: Settings

    # ---------------------------------------------------------------------------------------------------- preparing

    def prepare(self, desk: Desk, wishes: Sequence[Wish]) -> Sequence[Prepared | Blocked]:
        books = Books.of(desk.store.catalogue(desk.session, desk.connection.key), desk.connection)
        preset = self.settings.preset_of(desk.connection.key)
        return [_prepare_one(wish, books, preset) for wish in wishes]

    # ----------------------------------------------------------------------------------------------------- planning

    def plan(self, wish: Wish, prepared: Prepared | None, remote: Any, owner: Callable[[str], str | None]) -> Step:
        if wish.wanted is Wanted.DELETE or prepared is None:
            # An item at Xero may stand on documents that people made there: it stays.
            return Finish()
        element: JSON = prepared.data
        if wish.remote_id:
            return Send(lane="update", verb=Verb.UPDATE, body={"ItemID": wish.remote_id, **element})
        if remote is not NOT_LOOKED and remote is not None:
            return _strangers(remote) if _is_made_up(wish) else _adopt(remote, owner)
        return Send(
            lane="create", verb=Verb.CREATE, body={name: value for name, value in element.items() if value != ""}
        )

    # ------------------------------------------------------------------------------------------------------ sending

    def request(self, planned: Sequence[Planned]) -> Request:
        creating = isinstance(planned[0].step, Send) and planned[0].step.verb is Verb.CREATE
        return Request(
            method="PUT" if creating else "POST",
            path=PATH,
            query=(("summarizeErrors", "false"), FOUR_DECIMALS),
            body=dumps({KEY: [replies.body_of(one) for one in planned]}),
        )

    def answers(self, planned: Sequence[Planned], response: Response) -> Sequence[Answer]:
        return replies.read_answers(planned, response, KEY, ("ItemID", "Code"), _saved)

    # ------------------------------------------------------------------------------------------------------ looking

    def look_request(self, planned: Sequence[Planned]) -> Request:
        where = looking.any_of(("Code", _value(one)) for one in planned)
        # Items come in one list, unpaged: many at once are cheaper so.
        return looking.get(PATH, *([("where", where)] if where else []), FOUR_DECIMALS)

    def look_answer(self, planned: Sequence[Planned], responses: Sequence[Response]) -> Looked:
        listed = looking.pages(responses, KEY)
        exact = {element.get("Code", ""): element for element in listed}
        # Whether codes differ by case is not documented: the exact one is preferred, and any other is better than a refusal.
        folded = {code.casefold(): element for code, element in exact.items()}
        found = [exact.get(code) or folded.get(code.casefold()) for code in map(_value, planned)]
        return Looked(found=found, numbers=numbers(responses))

    # ----------------------------------------------------------------------------------------------------- settling

    def mark(self, wish: Wish, sent: JSON, prefix: str) -> Look:
        return Look(lane="code", value=sent["Code"], most=10_000)

    def recognise(self, wish: Wish, sent: JSON, found: JSON | None, prefix: str) -> Done | Adopt | Refuse | None:
        """An item with our code is linked whoever made it, unless the code was generated; where it is not what we sent, it is updated after that."""
        if found is None:
            return None
        if _is_as_sent(sent, found):
            return Done(remote_id=found["ItemID"], remote_number=found["Code"], answered=_agreed(found))
        if _is_made_up(wish):
            return _strangers(found)
        return Adopt(remote_id=found["ItemID"], remote_number=found["Code"], answered=_agreed(found))


def by_ids(item_ids: Sequence[str]) -> Request:
    """Read these items, whatever they are called now."""
    where = " OR ".join(f'ItemID==guid("{id}")' for id in item_ids)
    return looking.get(PATH, *([("where", where)] if len(where) <= looking.LONGEST_WHERE else []), FOUR_DECIMALS)


def numbers(responses: Sequence[Response]) -> dict[tuple[str, str], str]:
    """What Xero calls its items now, for their links."""
    listed = looking.pages(responses, KEY)
    return {("products", element["ItemID"]): element["Code"] for element in listed}


# ------------------------------------------------------------------------------------------------------------ mapping


def _prepare_one(wish: Wish, books: Books, preset: Preset) -> Prepared | Blocked:
    product = wish.record
    assert isinstance(product, Product)
    if wish.wanted is Wanted.DELETE:
        return Prepared(inputs={})
    lacking = why_not(product)
    if lacking:
        return Blocked(reason=lacking)
    try:
        element, warnings = element_of(product, books, preset)
    except Missing as missing:
        return Blocked(reason=str(missing))
    return Prepared(inputs=inputs_of(product, preset), data=element, warnings=tuple(warnings))


def why_not(product: Product) -> str:
    """Why a product can't go, in a sentence; empty where it can. A code is never cut: it is what the item is found by."""
    code = product.code.strip()
    if not code:
        return "it has no product code, which Xero needs: give it one"
    if len(code) > LONGEST_CODE:
        return f"its code {code} is longer than Xero's {LONGEST_CODE} characters"
    return ""


def inputs_of(product: Product, preset: Preset) -> dict[str, Any]:
    """What equality of an item is about, in our own terms."""
    return {
        "code": product.code,
        "name": product.name,
        "description": product.description,
        "purchase_description": product.purchase_description,
        "sales": [_plain(product.sales_price), _sales_account(product, preset), product.sales_tax],
        "purchase": [_plain(product.purchase_price), _purchase_account(product, preset), product.purchase_tax],
    }


def _plain(price: Decimal | None) -> str:
    return "" if price is None else str(number(price))


def _sales_account(product: Product, preset: Preset) -> str:
    return product.effective_sales_account or preset.default_sales_account


def _purchase_account(product: Product, preset: Preset) -> str:
    """What we buy it on is only said where we buy it: an item of ours that is only sold gets no purchase side of its own making."""
    account = product.effective_purchase_account
    return account or (preset.default_purchase_account if product.purchase_price is not None else "")


def element_of(product: Product, books: Books, preset: Preset) -> tuple[JSON, list[str]]:
    """The item in Xero's terms, and the warnings. Raises ``Missing``."""
    shop = Workshop()
    name, description, warning = item_texts(shop.do(tidy, product.name, "name"), product.description)
    if warning:
        shop.warnings.append(warning)
    fields: dict[str, Any] = {
        "code": shop.do(tidy, product.code, "code"),
        "name": name,
        "description": _text(shop, description, "description"),
        "purchase_description": _text(shop, product.purchase_description, "purchase_description"),
        "sales": _side(books, product.sales_price, _sales_account(product, preset), product.sales_tax),
        "purchase": _side(books, product.purchase_price, _purchase_account(product, preset), product.purchase_tax),
    }
    element: JSON = _schema.dump(fields)
    return element, shop.warnings


def _text(shop: Workshop, value: str, name: str) -> str:
    clean = shop.do(tidy_text, value, name)
    return shop.do(lambda text, called: shorten(text, called, LONG_TEXT), clean, name)


def _side(books: Books, price: Decimal | None, account: str, tax: str) -> dict[str, Any] | None:
    side = {
        "price": price,
        "account": books.account(account) if account else None,
        "tax": books.tax_type(tax) if tax else None,
    }
    return side if any(value is not None for value in side.values()) else None


# ----------------------------------------------------------------------------------------------------------- planning


def _is_made_up(wish: Wish) -> bool:
    return isinstance(wish.record, Product) and "code" in wish.record.generated


def _strangers(found: JSON) -> Refuse:
    return Refuse(
        reason=f"Xero's item {found.get('Name') or 'without a name'} has the code {found['Code']}, which was generated here: "
        "have another generated, or give it the one that is meant",
        conflict=True,
    )


def _adopt(found: JSON, owner: Callable[[str], str | None]) -> Step:
    holder = owner(found["ItemID"])
    if holder:
        return Refuse(
            reason=f"Xero's item {found['Code']} is linked to {holder} already: give one of the two another code",
            conflict=True,
        )
    return Adopt(remote_id=found["ItemID"], remote_number=found["Code"], answered=_agreed(found))


def _saved(_planned: Planned, element: JSON) -> Answer:
    item_id = element.get("ItemID", "")
    if replies.is_zero(item_id):
        return replies.no_id()
    return Done(
        remote_id=item_id,
        remote_number=element.get("Code", ""),
        answered=_agreed(element),
        warnings=replies.xero_warnings(element),
    )


def _agreed(element: JSON) -> JSON:
    """What we keep of an item of Xero's: our fields, as it has them."""
    agreed: JSON = _schema.dump(_schema.load(element))
    return agreed


def _is_as_sent(sent: JSON, found: JSON) -> bool:
    return _flat(_schema.load(sent)).items() <= _flat(_schema.load(found)).items()


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": one for inner, one in value.items()}
        elif name != "item_id":
            flat[name] = value
    return flat


def _value(planned: Planned) -> str:
    assert isinstance(planned.step, Look)
    return planned.step.value
