"""What the log says of calls and of records that do not arrive: a line each, with the identities that lead to the rest (``counterfoil errors --show``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from host.logs import fields
from host.sync.provider import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from host.sync.provider import Request, Trouble, Verdict
    from host.sync.results import Carried, Result
    from host.sync.rows import Waiting

log: Final = logging.getLogger(__name__)

STUCK: Final = {"failed": logging.WARNING, "conflict": logging.WARNING, "blocked": logging.INFO}
"""The states that need a person, and how loudly the log says so."""


def tell_call(
    connection: str,
    call_id: str,
    purpose: str,
    request: Request,
    outcome: Response | Trouble,
    verdict: Verdict,
    *,
    correlation_ids: Iterable[str] = (),
) -> None:
    """One line for a call that has ended. It bears a correlation id where all that it carried was saved for one and the same."""
    named = set(correlation_ids)
    told = fields(
        correlation_id=named.pop() if len(named) == 1 else "",
        call_id=call_id,
        remote_correlation_id=outcome.correlation_id if isinstance(outcome, Response) else "",
        connection=connection,
        purpose=purpose,
        method=request.method,
        path=request.path,
        status=outcome.status if isinstance(outcome, Response) else None,
        fate=verdict.fate.value,
        reason=verdict.reason,
    )
    log.info("%s: %s %s: %s", connection, request.method, request.path, _outcome(outcome, verdict), extra=told)


def _outcome(outcome: Response | Trouble, verdict: Verdict) -> str:
    if not isinstance(outcome, Response):
        return outcome.value
    return f"{outcome.status}: {verdict.reason}" if verdict.reason else str(outcome.status)


def tell_record(connection: str, one: Carried | Waiting, result: Result, *, call_id: str = "") -> None:
    """One line for a record that does not go on by itself; one that only waits for another is none."""
    if result.state not in STUCK:
        return
    said = result.error or result.reason
    told = fields(
        correlation_id=one.correlation_id,
        call_id=call_id,
        connection=connection,
        kind=one.kind,
        ref=one.ref,
        state=result.state,
        reason=said,
    )
    level = logging.DEBUG if result.goes_on else STUCK[result.state]
    log.log(level, "%s: %s %s: %s: %s", connection, one.kind, one.ref, result.state, said, extra=told)
