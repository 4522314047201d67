"""Asking the provider where a fault of its own must not stop the drain: it stays with the one call or record that it is over."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from host.errors import CounterfoilError, Retry
from host.sync.provider import (
    JSON,
    Adopt,
    Answer,
    Connection,
    Done,
    Fate,
    Look,
    Looked,
    Planned,
    Provider,
    Refuse,
    Request,
    Response,
    Token,
    Trouble,
    Unreadable,
    Verdict,
    Wish,
    judge_by_status,
)

log: Final = logging.getLogger(__name__)

UNREADABLE: Final = Verdict(fate=Fate.UNKNOWN, reason="the answer could not be read to its end")


def own_fault(doing: str, error: Exception) -> str:
    return f"Counterfoil failed {doing} ({type(error).__name__}: {error}): this is our fault, please report it"


def judge(provider: Provider, outcome: Response | Trouble) -> Verdict:
    try:
        return provider.judge(outcome)
    except Exception:
        log.exception("an answer could not be judged; going by its status")
        return judge_by_status(outcome)


def minute_left(provider: Provider, response: Response) -> int | None:
    try:
        return provider.calls_left(response)[0]
    except Exception:
        log.exception("what an answer's headers say is left could not be read")
        return None


def read_token(provider: Provider, connection: Connection, response: Response, now: datetime) -> Token:
    """The new token. An answer that makes no sense is one that failed in passing; what the provider says about it stands."""
    try:
        return provider.read_token(connection, response, now)
    except CounterfoilError:
        raise
    except Exception as error:  # noqa: BLE001 - logged without its own text, which may quote the answer: a secret
        log.warning("%s: the answer with a token could not be read (%s)", connection.key, type(error).__name__)
        raise Retry(f"{connection.key}: the remote's answer with a token could not be read; try again") from None


def answers(provider: Provider, planned: Sequence[Planned], response: Response) -> Sequence[Answer] | None:
    """One answer for each record; ``None`` where the reply does not give that."""
    try:
        found = provider.answers(planned, response)
    except Unreadable:
        return None
    except Exception:
        log.exception("an answer could not be read")
        return None
    return found if len(found) == len(planned) else None


def looked(provider: Provider, planned: Sequence[Planned], responses: Sequence[Response]) -> Looked | Verdict:
    """What was read, one for each record; or what it means that it could not be taken in."""
    try:
        found = provider.look_answer(planned, responses)
        if not found.more and len(found.found) != len(planned):
            raise ValueError(f"{len(found.found)} found for {len(planned)} looks")
    except Unreadable:
        return UNREADABLE
    except Exception as error:
        log.exception("what was read of %s could not be understood", planned[0].wish.kind)
        return Verdict(fate=Fate.REFUSED, reason=own_fault("reading it", error))
    return found


def elements(provider: Provider, bodies: Mapping[str, bytes]) -> Mapping[str, Sequence[JSON]]:
    """The elements of these calls' bodies, by call; one that can't be taken apart has none."""
    found: dict[str, Sequence[JSON]] = {}
    for call_id, body in bodies.items():
        try:
            found[call_id] = provider.elements(body)
        except Exception:
            log.exception("the body of call %s could not be taken apart", call_id)
            found[call_id] = ()
    return found


def mark(provider: Provider, wish: Wish, sent: JSON, prefix: str) -> Look | str:
    """How to find what a lost call may have made; or why that can't be said."""
    try:
        return provider.mark(wish, sent, prefix)
    except Exception as error:
        log.exception("the mark of %s %s could not be told", wish.kind, wish.record_id)
        return own_fault("telling its mark", error)


def look_request(provider: Provider, planned: Sequence[Planned]) -> Request | str:
    """The call that reads these; or why there is none."""
    try:
        return provider.look_request(planned)
    except Exception as error:
        log.exception("a call that reads %s could not be built", planned[0].wish.kind)
        return own_fault("building the call that asks for it", error)


def recognise(
    provider: Provider, wish: Wish, sent: JSON, found: Any, prefix: str
) -> Done | Adopt | Refuse | str | None:
    """Whether what was found is what was sent; or, as text, why that can't be said."""
    try:
        return provider.recognise(wish, sent, found, prefix)
    except Exception as error:
        log.exception("what was found for %s %s could not be recognised", wish.kind, wish.record_id)
        return own_fault("recognising it", error)
