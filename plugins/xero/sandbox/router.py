"""Which resource answers which address, with which scopes (API facts 1.5), and what is not implemented (3.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from plugins.xero.sandbox import (
    accounts,
    contacts,
    invoice_views,
    invoices,
    items,
    organisations,
    payments,
    reference,
    tax_rates,
    tracking,
)
from plugins.xero.sandbox.call import Call
from plugins.xero.sandbox.consent import Access
from plugins.xero.sandbox.errors import ApiException, NotFound, Problem
from plugins.xero.sandbox.messages import Answer
from plugins.xero.sandbox.scopes import opening
from plugins.xero.sandbox.switches import Switches

Handler = Callable[[Call], Answer]
ONE = "{id}"


@dataclass(frozen=True)
class Resource:
    """`handlers` by what follows the resource's name: nothing, an id, a word of its own, or an id and what it has."""

    scope: str
    handlers: Mapping[str, Mapping[str, Handler]]


def _one_invoice(call: Call) -> Answer:
    return invoice_views.one(call, invoices.addressed(call))


ORGANISATION = Resource(
    "accounting.settings", {"": {"GET": organisations.listed}, "actions": {"GET": organisations.actions}}
)
RESOURCES = {
    "organisation": ORGANISATION,
    "organisations": ORGANISATION,
    "contacts": Resource(
        "accounting.contacts",
        {
            "": {"GET": contacts.listed, "PUT": contacts.put, "POST": contacts.post},
            ONE: {"GET": contacts.one, "POST": contacts.post},
        },
    ),
    "accounts": Resource(
        "accounting.settings",
        {
            "": {"GET": accounts.listed, "PUT": accounts.put, "POST": accounts.post},
            ONE: {"GET": accounts.one, "POST": accounts.post, "DELETE": accounts.delete},
        },
    ),
    "taxrates": Resource(
        "accounting.settings",
        {
            "": {"GET": tax_rates.listed, "PUT": tax_rates.put, "POST": tax_rates.post},
            ONE: {"GET": tax_rates.one, "POST": tax_rates.post},
        },
    ),
    "currencies": Resource(
        "accounting.settings", {"": {"GET": reference.list_currencies, "PUT": reference.put_currency}}
    ),
    "brandingthemes": Resource(
        "accounting.settings", {"": {"GET": reference.list_themes}, ONE: {"GET": reference.one_theme}}
    ),
    "trackingcategories": Resource(
        "accounting.settings",
        {
            "": {"GET": tracking.listed, "PUT": tracking.put},
            ONE: {"GET": tracking.one, "POST": tracking.post, "DELETE": tracking.delete},
            f"{ONE}/options": {"PUT": tracking.put_options},
            f"{ONE}/options/{ONE}": {"POST": tracking.post_option, "DELETE": tracking.delete_option},
        },
    ),
    "items": Resource(
        "accounting.settings",
        {
            "": {"GET": items.listed, "PUT": items.put, "POST": items.post},
            ONE: {"GET": items.one, "POST": items.post, "DELETE": items.delete},
        },
    ),
    "invoices": Resource(
        "accounting.invoices",
        {
            "": {"GET": invoice_views.listed, "PUT": invoices.put, "POST": invoices.post},
            ONE: {"GET": _one_invoice, "POST": invoices.post},
        },
    ),
    "payments": Resource(
        "accounting.payments",
        {
            "": {"GET": payments.listed, "PUT": payments.put, "POST": payments.post},
            ONE: {"GET": payments.one, "POST": payments.post},
        },
    ),
}


def check_scope(access: Access, resource: str, method: str, switches: Switches, now: datetime) -> None:
    """Raises the refusal of a token that lacks the scope (API facts 1.6)."""
    if resource not in RESOURCES:
        return
    wanted = {RESOURCES[resource].scope}
    if resource == "items" and switches["items_invoices_scope"]:
        wanted.add("accounting.invoices")
    accepted = opening(wanted, method, now)
    if access.scopes.isdisjoint(accepted):
        status = int(switches["scope_refusal_status"])
        title = "Unauthorized" if status == 401 else "Forbidden"
        named = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(sorted(accepted))}"'}
        raise Problem(status, title, "AuthorizationUnsuccessful", named)


def handle(resource: str, call: Call) -> Answer:
    known = RESOURCES.get(resource)
    if known is None:
        raise NotFound
    handlers = _handlers(known, call.segments)
    if handlers is None:
        raise NotFound
    handler = handlers.get(call.incoming.method)
    if handler is None:
        raise ApiException.not_implemented()
    return handler(call)


def _handlers(resource: Resource, segments: tuple[str, ...]) -> Mapping[str, Handler] | None:
    """A word of the resource's own goes before an id; after an id, words and ids take turns."""
    place = "/".join(segment.lower() for segment in segments)
    turns = "/".join(ONE if number % 2 == 0 else segment.lower() for number, segment in enumerate(segments))
    return resource.handlers.get(place) or resource.handlers.get(turns)
