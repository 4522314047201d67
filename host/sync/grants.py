"""Credentials: one token per grant, refreshed by one process at a time, sealed at rest.

A refresh is claimed by a short transaction, made outside it, and stored by comparing and swapping the version: whoever loses waits for the winner's token.
Two refreshes of one token that both succeed would leave the one stored last to die at the remote (Xero: API facts 1.3).
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, or_, select, update

from host import clock
from host.errors import AskPerson, Retry
from host.ids import new_id
from host.sync import guarded
from host.sync.calls import close_call, open_call
from host.sync.clients import patience_of
from host.sync.provider import Connection, Fate, Provider, Response, Token, Verdict
from host.sync.tables import authorisations, connections, grants
from host.sync.telling import tell_call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from host.crypto import Vault
    from host.db import Database
    from host.sync.clients import Clients
    from host.sync.provider import Authorises, Consent, Granted, Request

EARLY: Final = timedelta(seconds=60)
CLAIM: Final = timedelta(seconds=15)
"""How much longer than an answer may take a renewal is left to whoever began it: two at once would leave the one stored last to die."""
LOOK_AGAIN_SECONDS: Final = 0.1


class Grants:
    """Tokens for connections: asked for when needed, shared by all processes through the database."""

    def __init__(self, database: Database, vault: Vault, clients: Clients) -> None:
        self._database = database
        self._vault = vault
        self._clients = clients

    def create(self, provider: str) -> str:
        """An empty grant, for a connection that is about to be made."""
        grant_id = new_id()
        with self._database.write() as session:
            session.execute(insert(grants).values(id=grant_id, provider=provider, version=0))
        return grant_id

    def token(self, provider: Provider, connection: Connection, grant_id: str) -> Token:
        """A token that is good for at least a minute. Raises ``AskPerson`` where the remote refuses, ``Retry`` where it can't be reached."""
        while True:
            token, claimed = self._good_or_claim(provider, grant_id, patience_of(provider, connection) + CLAIM)
            if claimed is not None:
                token = self._renew(provider, connection, grant_id, token, claimed)
            if token:
                return token
            time.sleep(LOOK_AGAIN_SECONDS)

    def expire(self, grant_id: str, spent: Token) -> None:
        """The remote did not accept this token: ask for a new one next time, unless somebody did already."""
        with self._database.write() as session:
            row = session.execute(select(grants.c.token).where(grants.c.id == grant_id)).one_or_none()
            if row and row.token and self._open(row.token).access == spent.access:
                session.execute(update(grants).where(grants.c.id == grant_id).values(expires_at=clock.now()))

    def discard(self, grant_id: str) -> None:
        """The connection that it was made for did not come about."""
        with self._database.write() as session:
            session.execute(delete(grants).where(grants.c.id == grant_id))

    def exchange(
        self, provider: Provider, authorises: Authorises, connection: Connection, consent: Consent, code: str
    ) -> tuple[str, Granted]:
        """A grant of its own for what a consent brought, its tokens stored before anything else is done with them."""
        address, request = authorises.code_request(connection, consent, code)
        granted = authorises.read_granted(connection, self._answer(provider, connection, address, request), clock.now())
        grant_id, now = new_id(), clock.now()
        with self._database.write() as session:
            session.execute(
                insert(grants).values(
                    id=grant_id,
                    provider=provider.name,
                    account=granted.account,
                    token=self._seal(granted.token),
                    expires_at=granted.token.expires_at,
                    renewed_at=now,
                    version=1,
                )
            )
        return grant_id, granted

    def stored(self, grant_id: str) -> Token:
        """The token as it was stored, however old."""
        with self._database.read() as session:
            return self._open(session.execute(select(grants.c.token).where(grants.c.id == grant_id)).scalar_one())

    def _good_or_claim(self, provider: Provider, grant_id: str, claim: timedelta) -> tuple[Token | None, int | None]:
        """The stored token while it is good; else a claim to renew it: the version to renew, with the old token if there is one; else nothing: somebody
        is at it."""
        now = clock.now()
        with self._database.read() as session:
            row = session.execute(select(grants).where(grants.c.id == grant_id)).one_or_none()
        if row is None:
            raise AskPerson("the connection was ended: connect it again")
        token = self._open(row.token) if row.token else None
        if token and row.expires_at > now + EARLY and provider.serves(token):
            return token, None
        if row.claimed_until and row.claimed_until >= now:
            return None, None
        with self._database.write() as session:
            won = session.execute(
                update(grants)
                .where(
                    grants.c.id == grant_id,
                    grants.c.version == row.version,
                    or_(grants.c.claimed_until.is_(None), grants.c.claimed_until < now),
                )
                .values(claimed_until=now + claim)
            )
        return (token, int(row.version)) if won.rowcount else (None, None)  # type: ignore[attr-defined]

    def _renew(
        self, provider: Provider, connection: Connection, grant_id: str, old: Token | None, version: int
    ) -> Token | None:
        """A new token, stored; ``None`` where this took longer than the claim, and somebody else stored one meanwhile: theirs is the one that lives."""
        try:
            token = self._ask(provider, connection, old)
        except BaseException:
            self._give_up_claim(grant_id, version)
            raise
        with self._database.write() as session:
            stored = session.execute(
                update(grants)
                .where(grants.c.id == grant_id, grants.c.version == version)
                .values(
                    token=self._seal(token),
                    expires_at=token.expires_at,
                    renewed_at=clock.now(),
                    version=version + 1,
                    claimed_until=None,
                )
            )
        return token if stored.rowcount else None  # type: ignore[attr-defined]

    def _give_up_claim(self, grant_id: str, version: int) -> None:
        with self._database.write() as session:
            session.execute(
                update(grants).where(grants.c.id == grant_id, grants.c.version == version).values(claimed_until=None)
            )

    def _ask(self, provider: Provider, connection: Connection, old: Token | None) -> Token:
        address, request = provider.token_request(connection, old)
        answer = self._answer(provider, connection, address, request)
        return guarded.read_token(provider, connection, answer, clock.now())

    def _answer(self, provider: Provider, connection: Connection, address: str, request: Request) -> Response:
        """One call to where tokens come from. Raises ``Retry`` where it cannot be reached."""
        now = clock.now()
        with self._database.write() as session:
            call_id = open_call(
                session,
                connection=connection.key,
                speaker="",
                purpose="token",
                request=request,
                address=address.rstrip("/") + request.path,
                now=now,
            )
        outcome = self._clients.of(provider, connection).send(address, request, {})
        reason = "" if isinstance(outcome, Response) else outcome.value
        verdict = Verdict(fate=Fate.NOT_DONE if reason else Fate.ANSWERED, reason=reason)
        with self._database.write() as session:
            # The answer holds nothing but secrets: only its status is kept.
            close_call(
                session,
                call_id,
                replace(outcome, body=b"", headers={}) if isinstance(outcome, Response) else outcome,
                fate=verdict.fate,
                reason=verdict.reason,
                patience=patience_of(provider, connection),
                now=clock.now(),
            )
        tell_call(connection.key, call_id, "token", request, outcome, verdict)
        if not isinstance(outcome, Response):
            raise Retry(f"{address} can't be reached to get a token ({outcome.value}): try again later")
        return outcome

    def _seal(self, token: Token) -> bytes:
        text = json.dumps(
            {
                "access": token.access,
                "refresh": token.refresh,
                "scope": token.scope,
                "expires_at": token.expires_at.isoformat(),
            }
        )
        return self._vault.seal(text)

    def _open(self, sealed: bytes) -> Token:
        values = json.loads(self._vault.open(sealed))  # type: ignore[arg-type]
        return Token(
            access=values["access"],
            refresh=values["refresh"],
            scope=values["scope"],
            expires_at=datetime.fromisoformat(values["expires_at"]),
        )


def share_by_account(session: Session, grant_id: str) -> str:
    """Put a new grant's token into the one that the same person made with the same app, where there is one; answers the grant that lives on.

    Tokens belong to a person and an app (API facts 1.3): of two sets that were refreshed apart, one would die.
    """
    new = session.execute(select(grants).where(grants.c.id == grant_id)).one()
    if not new.account:
        return grant_id
    same = select(grants.c.id).where(
        grants.c.provider == new.provider, grants.c.account == new.account, grants.c.id != grant_id
    )
    kept = session.execute(same.order_by(grants.c.id).with_for_update()).scalars().first()
    if kept is None:
        return grant_id
    fresh = {"token": new.token, "expires_at": new.expires_at, "renewed_at": new.renewed_at, "claimed_until": None}
    session.execute(update(grants).where(grants.c.id == kept).values(version=grants.c.version + 1, **fresh))
    return str(kept)


def forget_unused(session: Session, grant_ids: Iterable[str]) -> None:
    """Delete those of these grants that no connection, and no consent that is not saved yet, goes by any more."""
    used = select(connections.c.grant_id).where(connections.c.grant_id.is_not(None))
    waiting = select(authorisations.c.grant_id).where(authorisations.c.grant_id.is_not(None))
    session.execute(
        delete(grants).where(grants.c.id.in_(set(grant_ids)), grants.c.id.not_in(used), grants.c.id.not_in(waiting))
    )


def grant_of(database: Database, connection: str) -> str:
    """The grant of a connection."""
    with database.read() as session:
        found = session.execute(select(connections.c.grant_id).where(connections.c.key == connection)).scalar_one()
    return str(found)
