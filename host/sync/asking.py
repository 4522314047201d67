"""Reading calls outside the drain: connecting and importing. Counted and logged like any other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from host import clock
from host.errors import AskPerson, Retry, Wait
from host.ids import new_id
from host.occasions import keep_occasion
from host.sync.calls import close_call, open_call
from host.sync.carrier import address_of
from host.sync.clients import patience_of
from host.sync.connections import hold
from host.sync.limiter import free_at, lock_connection, measure, throttled_until
from host.sync.outbox import PERSON
from host.sync.provider import Connection, Fate, Provider, Request, Response, Token, Trouble, Verdict
from host.sync.telling import tell_call

if TYPE_CHECKING:
    from datetime import datetime

    from host.db import Database
    from host.sync.clients import Clients
    from host.sync.grants import Grants

LONGEST_WAIT_SECONDS: Final = 65.0


class Asking:
    """Asks one connection. An instance is the ``Ask`` that providers get."""

    def __init__(
        self,
        *,
        database: Database,
        provider: Provider,
        connection: Connection,
        grant_id: str,
        clients: Clients,
        grants: Grants,
        purpose: str,
    ) -> None:
        self._database = database
        self._provider = provider
        self._connection = connection
        self._grant_id = grant_id
        self._clients = clients
        self._grants = grants
        self._purpose = purpose
        self._speaker = new_id()

    def __call__(self, request: Request) -> Response:
        """One reading call. Raises ``Wait`` when the limits won't let it within a minute, ``Retry`` or ``AskPerson`` instead of a bad answer."""
        token = self._token()
        outcome, verdict = self._send(request, token)
        if verdict.fate is Fate.TOKEN_EXPIRED:
            self._grants.expire(self._grant_id, token)
            outcome, verdict = self._send(request, self._token())
        if verdict.fate is Fate.THROTTLED:
            self._hold(verdict)
            outcome, verdict = self._send(request, self._token())
        if verdict.fate is Fate.THROTTLED:
            raise Wait(f"{self._connection.key}: {verdict.reason}", self._hold(verdict))
        if verdict.fate is not Fate.ANSWERED:
            raise self._as_error(verdict)
        assert isinstance(outcome, Response)
        return outcome

    def _hold(self, verdict: Verdict) -> datetime:
        """Somebody else is calling as well: nobody of ours calls until the remote takes calls again."""
        until = throttled_until(verdict, clock.now())
        with self._database.write() as session:
            hold(session, self._connection.key, until=until, reason=verdict.reason)
        return until

    def _token(self) -> Token:
        return self._grants.token(self._provider, self._connection, self._grant_id)

    def _send(self, request: Request, token: Token) -> tuple[Response | Trouble, Verdict]:
        base_url = self._provider.base_url(self._connection)
        call_id = self._open(request, address_of(base_url, request))
        headers = self._provider.headers(self._connection, token, None)
        outcome = self._clients.of(self._provider, self._connection).send(base_url, request, headers)
        verdict = self._provider.judge(outcome)
        with self._database.write() as session:
            close_call(
                session,
                call_id,
                outcome,
                fate=verdict.fate,
                reason=verdict.reason,
                patience=patience_of(self._provider, self._connection),
                now=clock.now(),
            )
        tell_call(self._connection.key, call_id, self._purpose, request, outcome, verdict)
        return outcome, verdict

    def _open(self, request: Request, address: str) -> str:
        """Count the call in, waiting for a free place."""
        waited = 0.0
        while True:
            call_id, at = self._try_open(request, address)
            if call_id:
                return call_id
            left = max(0.05, (at - clock.now()).total_seconds())
            if waited + left > LONGEST_WAIT_SECONDS:
                raise Wait(f"the limits of {self._connection.key} are used up until {at:%Y-%m-%d %H:%M:%S} UTC", at)
            seconds = min(1.0, left)
            threading.Event().wait(seconds)
            waited += seconds

    def _try_open(self, request: Request, address: str) -> tuple[str, datetime]:
        now = clock.now()
        limits = self._provider.limits(self._connection)
        with self._database.write() as session:
            lock_connection(session, self._connection.key)
            at = free_at(measure(session, self._connection.key, limits, now), limits, PERSON, now)
            if at > now:
                return "", at
            keep_occasion(session)
            opened = open_call(
                session,
                connection=self._connection.key,
                speaker=self._speaker,
                purpose=self._purpose,
                request=request,
                address=address,
                now=now,
            )
        return opened, at

    def _as_error(self, verdict: Verdict) -> Exception:
        if verdict.fate in {Fate.DISCONNECTED, Fate.TOKEN_EXPIRED, Fate.REFUSED}:
            return AskPerson(f"{self._connection.key}: {verdict.reason}")
        address = self._provider.base_url(self._connection)
        return Retry(f"{self._connection.key}: {address} gave no answer that helps ({verdict.reason}): try again later")
