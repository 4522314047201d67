"""3,000 invoices, without limits, against a plain loop of Xero's own Python client: one by one, and in batches of 50, one call at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import httpx
from xero_python.accounting import AccountingApi, Contact, Invoice, Invoices, LineAmountTypes, LineItem
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token

from bench import shop
from bench.figures import Figure, at_least, reported

if TYPE_CHECKING:
    from bench.stage import Stage, Stages

INVOICES: Final = 3000
SAMPLE: Final = 200
A_CALL: Final = 50
LATENCY: Final = 0.3
GOAL_ONE_BY_ONE: Final = 15.0
GOAL_IN_BATCHES: Final = 3.0
CLIENT: Final = ("sandbox-custom", "sandbox-secret")


def run(stages: Stages) -> Iterator[Figure]:
    ours, singly, batched = _seconds(stages, LATENCY)
    yield reported(f"latency {LATENCY} s: Counterfoil", ours, "s")
    yield reported(f"latency {LATENCY} s: one by one (a sample, scaled)", singly, "s")
    yield reported(f"latency {LATENCY} s: in batches of {A_CALL}", batched, "s")
    yield at_least(f"latency {LATENCY} s: one by one against Counterfoil", singly / ours, GOAL_ONE_BY_ONE, "times")
    yield at_least(f"latency {LATENCY} s: in batches against Counterfoil", batched / ours, GOAL_IN_BATCHES, "times")
    ours, singly, batched = _seconds(stages, 0)
    yield reported("no latency: one by one against Counterfoil", singly / ours, "times")
    yield reported("no latency: in batches against Counterfoil", batched / ours, "times")


def _seconds(stages: Stages, latency: float) -> tuple[float, float, float]:
    """Counterfoil, the plain loop, the plain loop in batches: each on a sandbox of its own, in the same state."""
    stages.say(f"sending {INVOICES:,} invoices with a latency of {latency} s: Counterfoil, one by one, in batches")
    options = ("--no-limits", "--latency", str(latency))
    with stages.with_invoices_waiting(INVOICES, *options) as stage:
        stage.host.serve()
        ours = stage.wait_until_sent(seconds=600) - stage.begun()
    with stages.with_invoices_waiting(INVOICES, *options) as stage:
        singly = _plain_loop(stage, SAMPLE, 1) * INVOICES / SAMPLE
    with stages.with_invoices_waiting(INVOICES, *options) as stage:
        batched = _plain_loop(stage, INVOICES, A_CALL)
    return ours, singly, batched


def _plain_loop(stage: Stage, count: int, a_call: int) -> float:
    """What a careful person would write in an hour. Its contacts are read before the clock starts."""
    plain = Plain(stage.sandbox.url)
    records = iter(shop.invoices(count))
    begun = time.perf_counter()
    while some := list(islice(records, a_call)):
        plain.send(some)
    return time.perf_counter() - begun


class Plain:
    """The official client, told only where to call."""

    def __init__(self, url: str) -> None:
        answer = httpx.post(f"{url}/connect/token", data={"grant_type": "client_credentials"}, auth=CLIENT)
        token: dict[str, Any] = answer.raise_for_status().json()
        client = ApiClient(
            Configuration(oauth2_token=OAuth2Token(client_id=CLIENT[0], client_secret=CLIENT[1])),
            oauth2_token_getter=lambda: token,
            oauth2_token_saver=lambda _token: None,
        )
        self._api = AccountingApi(client, base_url=f"{url}/api.xro/2.0")
        contacts = self._api.get_contacts("", page=1, page_size=1000).contacts
        self._contacts = {contact.name: contact.contact_id for contact in contacts}

    def send(self, records: Sequence[Mapping[str, Any]]) -> None:
        invoices = Invoices(invoices=[self._invoice(record) for record in records])
        answer = self._api.create_invoices("", invoices, summarize_errors=False, unitdp=4)
        refused = [one.validation_errors for one in answer.invoices if one.has_errors or one.validation_errors]
        assert not refused, refused[0]

    def _invoice(self, record: Mapping[str, Any]) -> Invoice:
        n = int(record["customer"].removeprefix("customer-"))
        return Invoice(
            type="ACCREC",
            invoice_number=record["number"],
            contact=Contact(contact_id=self._contacts[shop.customer(n)["name"]]),
            date=date.fromisoformat(record["issue_date"]),
            due_date=date.fromisoformat(record["due_date"]),
            status="AUTHORISED",
            line_amount_types=LineAmountTypes.EXCLUSIVE,
            line_items=[self._line(line) for line in record["lines"]],
        )

    def _line(self, line: Mapping[str, Any]) -> LineItem:
        product = shop.product(int(line["product"].removeprefix("product-")))
        return LineItem(
            item_code=product["code"],
            description=line["description"],
            quantity=Decimal(line["quantity"]),
            unit_amount=Decimal(line["unit_price"]),
            account_code=product["sales_account"],
            tax_type=product["sales_tax"],
        )
