"""What is wrong with the lines of a document that has been worked out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookspecs import Problem
from plugins.core_billing.totals import LARGEST_LINE, LARGEST_TOTAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from plugins.core_billing.inheritance import Inherited
    from plugins.core_billing.working_out import Surroundings, Worked, WorkedLine


def wrong_lines(worked: Worked, around: Surroundings, contact_field: str) -> Iterator[Problem]:
    too_large = False
    for position, line in enumerate(worked.lines):
        path = f"lines.{position}"
        yield from _of_another_connection(path, line, worked.contact.connection, contact_field)
        rates = around.rates.matches(worked.home, line.tax_rate.value)
        accounts = around.accounts.matches(worked.home, line.account.value)
        yield from _ambiguous(f"{path}.tax_rate", line.tax_rate, rates)
        yield from _ambiguous(f"{path}.account", line.account, accounts)
        if abs(line.amounts.net) > LARGEST_LINE:
            too_large = True
            yield Problem(path, f"its amount {line.amounts.net:,.2f} is too large: accepted is up to {LARGEST_LINE:,f}")
    if abs(worked.totals.total) > LARGEST_TOTAL and not too_large:
        yield Problem("lines", f"their total is too large: accepted is up to {LARGEST_TOTAL:,f}")


def _of_another_connection(path: str, line: WorkedLine, ours: str, contact_field: str) -> Iterator[Problem]:
    theirs = line.product.connection if line.product else ""
    if line.product and ours and theirs and ours != theirs:
        yield Problem(f"{path}.product", f"{line.product.ref} belongs to {theirs}, the {contact_field} to {ours}")


def _ambiguous(path: str, code: Inherited, matches: Sequence[Any]) -> Iterator[Problem]:
    if len(matches) > 1:
        origin = "" if code.source == "line" else f" (from the {code.source})"
        yield Problem(path, f"{code.value}{origin} could be any of {len(matches)}: their codes must differ")
