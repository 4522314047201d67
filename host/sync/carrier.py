"""Sending: a call is counted and committed, then leaves; its answer comes back to the drain as a finished future."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from host import clock
from host.sync.calls import Unsettled, carry, open_call
from host.sync.limiter import free_at, lock_connection, measure

if TYPE_CHECKING:
    from host.db import Database
    from host.sync.client import Clients
    from host.sync.grants import Grants
    from host.sync.provider import Connection, Planned, Provider, Request, Response, Token, Trouble

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


class Stale(Exception):
    """A record was saved between planning and sending: the call is not made, and planned anew."""


class NotYet(Exception):
    """The limits let no such call leave before ``at``."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"not before {at.isoformat()}")
        self.at = at


class Carrier:
    """Sends the calls of one connection, a few at once. Only its pool's threads touch the network, and they touch no database."""

    def __init__(
        self,
        *,
        database: Database,
        provider: Provider,
        connection: Connection,
        clients: Clients,
        grants: Grants,
        grant_id: str,
        speaker: str,
        still_speaking: Callable[[], bool],
    ) -> None:
        self._database = database
        self._provider = provider
        self._connection = connection
        self._client = clients.of(connection.key)
        self._grants = grants
        self._grant_id = grant_id
        self._speaker = speaker
        self._still_speaking = still_speaking
        self.limits = provider.limits(connection)
        self._pool = ThreadPoolExecutor(
            max_workers=max(1, self.limits.concurrent), thread_name_prefix=f"call-{connection.key}"
        )
        self._follow_ups: list[Load] = []
        self.out: dict[Future[Response | Trouble], Out] = {}

    def free_at(self, priority: int) -> datetime:
        """When a call of this priority may leave."""
        now = clock.now()
        with self._database.read() as session:
            return free_at(measure(session, self._connection.key, now), self.limits, priority, now)

    def send(self, load: Load, when_done: Callable[[], None]) -> None:
        """Count the call, commit it with what it carries, and let it go. Raises ``Stale``, ``NotYet``, or what getting a token raises."""
        token = self._grants.token(self._provider, self._connection, self._grant_id)
        base_url = self._provider.base_url(self._connection)
        now = clock.now()
        with self._database.write() as session:
            lock_connection(session, self._connection.key)
            at = free_at(measure(session, self._connection.key, now), self.limits, load.priority, now)
            if at > now:
                raise NotYet(at)
            call_id = open_call(
                session,
                connection=self._connection.key,
                speaker=self._speaker,
                purpose=load.purpose,
                request=load.request,
                address=address_of(base_url, load.request),
                now=now,
                kind=load.kind,
                lane=load.lane,
            )
            if load.purpose == "send" and not carry(session, call_id, load.planned):
                raise Stale
        if not self._still_speaking():
            return  # the right is lost: whoever speaks now finds the call without an answer, and settles it
        headers = self._provider.headers(self._connection, token, call_id if load.request.writes else None)
        future = self._pool.submit(self._client.send, base_url, load.request, headers)
        self.out[future] = Out(call_id=call_id, load=load, token=token)
        future.add_done_callback(lambda _future: when_done())

    def follow_up(self, load: Load) -> None:
        """Read the next page of a look, as soon as the limits let it."""
        self._follow_ups.append(load)

    def send_follow_ups(self, when_done: Callable[[], None]) -> None:
        """Raises ``NotYet`` like ``send``; what could not leave is kept."""
        while self._follow_ups:
            self.send(self._follow_ups[0], when_done)
            del self._follow_ups[0]

    def answered(self) -> list[tuple[Out, Response | Trouble]]:
        """The calls whose answers have come."""
        done = [future for future in self.out if future.done()]
        return [(self.out.pop(future), future.result()) for future in done]

    def busy_rows(self) -> set[int]:
        """The rows that a look of ours is out for."""
        loads = [*(out.load for out in self.out.values()), *self._follow_ups]
        return {one.wish.row_id for load in loads for one in load.planned}

    def expire(self, token: Token) -> None:
        self._grants.expire(self._grant_id, token)

    def close(self) -> None:
        """Wait for what is out to come back, without booking it: used when the right to speak is lost or the process ends."""
        self._pool.shutdown(wait=True)


def address_of(base_url: str, request: Request) -> str:
    """The whole address, for the request log."""
    query = "&".join(f"{name}={value}" for name, value in request.query)
    return base_url.rstrip("/") + request.path + (f"?{query}" if query else "")
