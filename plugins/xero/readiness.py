"""What Xero needs before records can go: rates that are linked, defaults that exist, an item to fall back on, and somebody who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from host.sync.provider import Point, Standing, Unreadable
from plugins.xero import looking
from plugins.xero.catalogue import Books, Missing
from plugins.xero.imports import AUTOMATIC, BASE
from plugins.xero.replies import envelope
from plugins.xero.wire.reference import OrganisationSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hookspecs import Catalogue, TaxRate
    from host.sync.provider import JSON, Ask, Connection
    from plugins.xero.settings import Preset, Settings

EXAMPLES: Final = 3
MAY: Final = {"CreateDraftInvoice": Standing.BLOCKING, "CreateApprovedInvoice": Standing.MISSING}
"""What the person who let us in has to be allowed (API facts 4.1); drafts can be approved in Xero by somebody else."""


def requirements(settings: Settings, connection: Connection, catalogue: Catalogue) -> Iterator[Point]:
    preset = settings.preset_of(connection.key)
    if catalogue.rates:
        yield _linked(preset, connection, [rate for rate in catalogue.rates if not rate.remote_id])
    if preset.automatic_sales_tax:
        yield _automatic(connection, catalogue)
    books = Books.of(catalogue, connection)
    yield from _defaults(preset, books)
    for tracked_by, called in settings.tracking_of(connection.key).items():
        yield _tracked(tracked_by, called, books)


def _linked(preset: Preset, connection: Connection, unlinked: Sequence[TaxRate]) -> Point:
    name = "tax rates linked"
    if not unlinked:
        return Point(name=name, says="each stands for one of Xero's")
    refs = ", ".join(rate.ref for rate in unlinked[:EXAMPLES])
    more = len(unlinked) - EXAMPLES
    says = f"{refs}{f' and {more} more' if more > 0 else ''}: not linked to a rate of Xero's"
    if preset.automatic_sales_tax:
        return Point(name=name, says=f"{says}, which automatic sales tax does without")
    to_do = f"give each its connection and linked_to (GET /api/v1/connections/{connection.key}/remote/tax-rates lists them), or delete it"
    return Point(name=name, standing=Standing.BLOCKING, says=says, to_do=to_do)


def _automatic(connection: Connection, catalogue: Catalogue) -> Point:
    name = "automatic sales tax"
    rate = next((one for one in catalogue.rates if one.remote_id in AUTOMATIC), None)
    if rate:
        return Point(name=name, says=f"tax rate {rate.ref} stands for Xero's {rate.remote_id}")
    return Point(
        name=name,
        standing=Standing.BLOCKING,
        says="automatic_sales_tax is on, and no tax rate stands for Xero's AVALARA",
        to_do=f"counterfoil import tax-rates --connection {connection.key}; where the organisation has no such rate, switch automatic_sales_tax off",
    )


def _defaults(preset: Preset, books: Books) -> Iterator[Point]:
    wanted: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("default_sales_account", preset.default_sales_account, books.account),
        ("default_purchase_account", preset.default_purchase_account, books.account),
        ("default_sales_tax", preset.default_sales_tax, books.tax_type),
        ("default_purchase_tax", preset.default_purchase_tax, books.tax_type),
        ("default_branding_theme", preset.default_branding_theme, books.theme),
    )
    for key, value, find in wanted:
        if value:
            yield _default(key, value, find)


def _default(key: str, value: str, find: Callable[[str], str]) -> Point:
    try:
        find(value)
    except Missing as missing:
        to_do = f"correct {key} in [plugins.xero] or in the connection's own table"
        return Point(name=key, standing=Standing.BLOCKING, says=str(missing), to_do=to_do)
    return Point(name=key, says=value)


def _tracked(tracked_by: str, called: str, books: Books) -> Point:
    """Only what is tracked by it waits for it."""
    name = f"tracked by {tracked_by}"
    try:
        category = books.category(tracked_by, called)
    except Missing as missing:
        says, _, to_do = str(missing).partition(": ")
        return Point(name=name, standing=Standing.MISSING, says=says, to_do=to_do)
    options = [one.name for one in category.options if one.active]
    if category.active and options:
        more = ", ..." if len(options) > EXAMPLES else ""
        return Point(name=name, says=f"category {category.name}: {', '.join(options[:EXAMPLES])}{more}")
    says = f"category {category.name} {'has no options in use' if category.active else 'is archived in Xero'}"
    to_do = "mend that in Xero and import it again, or correct tracking in [plugins.xero]"
    return Point(name=name, standing=Standing.MISSING, says=says, to_do=to_do)


# ----------------------------------------------------------------------------------------------- asked of the organisation


def try_out(settings: Settings, ask: Ask, connection: Connection) -> Iterator[Point]:
    yield _locks(_read(ask, "Organisation", "Organisations")[0])
    yield from _allowed(_read(ask, "Organisation/Actions", "Actions"))
    item = settings.preset_of(connection.key).default_invoice_item
    if item:
        yield _item(ask, item)


def _read(ask: Ask, path: str, key: str, *query: tuple[str, str]) -> Sequence[JSON]:
    return envelope(ask(looking.get(BASE + path, *query)), key)


def _locks(organisation: JSON) -> Point:
    """Documents up to there are refused, one by one, when they come: it is told beforehand."""
    read = OrganisationSchema().load(organisation)
    locked = max((day for day in (read["period_lock_date"], read["end_of_year_lock_date"]) if day), default=None)
    says = f"locked up to {locked}: documents of before are refused" if locked else "no period is locked"
    return Point(name="lock dates", says=says)


def _allowed(actions: Sequence[JSON]) -> Iterator[Point]:
    said = {one.get("Name"): one.get("Status") for one in actions}
    for action, standing in MAY.items():
        if said.get(action) == "NOT-ALLOWED":
            says = f"the person who let us in, or the plan of the organisation, does not allow {action}"
            to_do = "give that person a role in Xero that may, or connect as somebody else"
            yield Point(name=action, standing=standing, says=says, to_do=to_do)
        else:
            yield Point(name=action, says="allowed")


def _item(ask: Ask, code: str) -> Point:
    where = looking.any_of([("Code", code)])
    try:
        there = where is not None and _read(ask, "Items", "Items", ("where", where))
    except Unreadable:
        there = []
    if there:
        return Point(name="default_invoice_item", says=code)
    return Point(
        name="default_invoice_item",
        standing=Standing.BLOCKING,
        says=f"Xero has no item with the code {code}",
        to_do="add it in Xero, or correct default_invoice_item in [plugins.xero]",
    )
