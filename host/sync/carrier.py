"""Sending: a call is counted and committed, then leaves; its answer comes back to the drain as a finished future."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from host import clock
from host.db.anew import made_anew
from host.sync.calls import Unsettled, carry, open_call
from host.sync.limiter import free_at, lock_connection, measure
from host.sync.provider import Trouble
from host.sync.talk import Silenced

if TYPE_CHECKING:
    from host.sync.clients import Clients
    from host.sync.grants import Grants
    from host.sync.provider import Planned, Request, Response, Token
    from host.sync.talk import Talk

log: Final = logging.getLogger(__name__)

LARGEST_BODY: Final = 3_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one call is to carry. ``settles`` names, by row id, the lost calls that a look is to settle; ``so_far`` are the answers to earlier pages of it."""

    purpose: str
    kind: str
    lane: str
    priority: int
    planned: Sequence[Planned]
    request: Request
    settles: Mapping[int, Unsettled] = field(default_factory=dict)
    so_far: tuple[Response, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """A call that is out."""

    call_id: str
    load: Load
    token: Token
    sent_at: datetime


class Stale(Exception):
    """A record was saved between planning and sending: the call is not made, and planned anew."""


class NotYet(Exception):
    """The limits let no such call leave before ``at``."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"not before {at.isoformat()}")
        self.at = at


class Carrier:
    """Sends the calls of one connection, a few at once. Only its pool's threads touch the network, and they touch no database."""

    def __init__(self, talk: Talk, clients: Clients, grants: Grants, grant_id: str) -> None:
        self._talk = talk
        self._client = clients.of(talk.provider, talk.connection)
        self._grants = grants
        self._grant_id = grant_id
        self.limits = talk.provider.limits(talk.connection)
        self._pool = ThreadPoolExecutor(
            max_workers=max(1, self.limits.concurrent), thread_name_prefix=f"call-{talk.key}"
        )
        self._follow_ups: list[Load] = []
        self.out: dict[Future[Response | Trouble], Out] = {}

    def free_at(self, priority: int) -> datetime:
        """When a call of this priority may leave."""
        now = clock.now()
        with self._talk.database.read() as session:
            return free_at(measure(session, self._talk.key, self.limits, now), self.limits, priority, now)

    def send(self, load: Load, when_done: Callable[[], None]) -> None:
        """Count the call, commit it with what it carries, and let it go.

        Raises ``Stale``, ``NotYet``, what getting a token raises, or ``Silenced``: then whoever speaks now finds the call without an answer, and settles it.
        """
        provider, connection = self._talk.provider, self._talk.connection
        token = self._grants.token(provider, connection, self._grant_id)
        base_url = provider.base_url(connection)
        call_id, sent_at = self._write_down(load, address_of(base_url, load.request))
        if not self._talk.still_speaking():
            raise Silenced
        headers = provider.headers(connection, token, call_id if load.request.writes else None)
        future = self._pool.submit(self._carry, base_url, load.request, headers)
        self.out[future] = Out(call_id=call_id, load=load, token=token, sent_at=sent_at)
        future.add_done_callback(lambda _future: when_done())

    @made_anew
    def _write_down(self, load: Load, address: str) -> tuple[str, datetime]:
        """The call, counted and committed with what it carries, before it leaves: its id, and when that was."""
        now = clock.now()
        with self._talk.database.write() as session:
            lock_connection(session, self._talk.key)
            use = measure(session, self._talk.key, self.limits, now)
            at = free_at(use, self.limits, load.priority, now)
            if at > now:
                raise NotYet(at)
            call_id = open_call(
                session,
                connection=self._talk.key,
                speaker=self._talk.speaker,
                purpose=load.purpose,
                request=load.request,
                address=address,
                now=now,
                kind=load.kind,
                lane=load.lane,
            )
            if load.purpose == "send" and not carry(session, call_id, load.planned):
                raise Stale
        return call_id, now

    def _carry(self, base_url: str, request: Request, headers: Mapping[str, str]) -> Response | Trouble:
        try:
            return self._client.send(base_url, request, headers)
        except Exception:
            # How far it came is not known: settled like any lost answer.
            log.exception("sending %s %s failed", request.method, request.path)
            return Trouble.LOST

    def follow_up(self, load: Load) -> None:
        """Read the next page of a look, as soon as the limits let it."""
        self._follow_ups.append(load)

    @property
    def has_follow_ups(self) -> bool:
        return bool(self._follow_ups)

    def send_follow_ups(self, when_done: Callable[[], None]) -> None:
        """Raises ``NotYet`` like ``send``; what could not leave is kept."""
        while self._follow_ups:
            self.send(self._follow_ups[0], when_done)
            del self._follow_ups[0]

    def answered(self) -> list[tuple[Out, Response | Trouble]]:
        """The calls whose answers have come; each is told once."""
        done = [future for future in self.out if future.done()]
        return [(self.out.pop(future), future.result()) for future in done]

    @property
    def full(self) -> bool:
        """Whether as many calls are out as may be at once."""
        return len(self.out) >= self.limits.concurrent

    def busy_rows(self) -> set[int]:
        """The rows that a look of ours is out for."""
        loads = [*(out.load for out in self.out.values()), *self._follow_ups]
        return {one.wish.row_id for load in loads for one in load.planned}

    def expire(self, token: Token) -> None:
        self._grants.expire(self._grant_id, token)

    def close(self) -> None:
        """Wait for what is out to come back, without booking it."""
        self._pool.shutdown(wait=True)


def address_of(base_url: str, request: Request) -> str:
    """The whole address, for the request log."""
    query = "&".join(f"{name}={value}" for name, value in request.query)
    return base_url.rstrip("/") + request.path + (f"?{query}" if query else "")
