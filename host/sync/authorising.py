"""Consents: asked for at the remote, answered at our own address, and kept apart from the connection until somebody saves them.

What runs with a connection as it is goes on while another consent for it is asked for; one that nobody saves never becomes a connection.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from host import clock
from host.errors import AskPerson
from host.sync.connections import get_connection
from host.sync.grants import forget_unused
from host.sync.provider import Authorises, Consent, Organisation
from host.sync.tables import authorisations

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from host.crypto import Vault
    from host.db import Database
    from host.sync.grants import Grants
    from host.sync.provider import Ask, Connection, Provider

BY_CONSENT: Final = "app"
"""The ``auth`` of a connection that a person lets in on a page of the remote's."""
GOOD_FOR: Final = timedelta(hours=1)
"""So long may somebody take between asking and consenting."""
_VERIFIER_BYTES: Final = 64

AskWith = Callable[["Connection", str], "Ask"]
"""Makes what asks the remote for a connection with a grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A consent that came back: for which connection, which organisations it opened, and which of them is chosen already."""

    connection: str
    organisations: Sequence[Organisation]
    organisation: str


class Authorising:
    """Asks people for their consent for one provider's connections."""

    def __init__(self, database: Database, vault: Vault, grants: Grants, ask_with: AskWith) -> None:
        self._database = database
        self._vault = vault
        self._grants = grants
        self._ask_with = ask_with

    def begin(self, provider: Provider, connection: Connection, redirect: str) -> str:
        """The address at which a person consents. Whoever was asked before for this connection, and has not answered, is not expected any more."""
        authorises = by_consent(provider)
        consent = Consent(
            state=secrets.token_urlsafe(32), redirect=redirect, verifier=secrets.token_urlsafe(_VERIFIER_BYTES)
        )
        address = authorises.consent_address(connection, consent)
        with self._database.write() as session:
            discard(session, connection.key)
            session.execute(
                insert(authorisations).values(
                    connection=connection.key,
                    state_hash=_hash(consent.state),
                    verifier=self._vault.seal(consent.verifier),
                    redirect=redirect,
                    begun_at=clock.now(),
                )
            )
        return address

    def answered(self, provider_of: Callable[[Connection], Provider], state: str, code: str, error: str) -> Answered:
        """What the remote sent a person back with: exchanged at once, once. Raises ``AskPerson`` where it was not expected, or not granted."""
        connection, consent = self._expected(state)
        try:
            if error or not code:
                raise AskPerson(_refused(error))
            return self._exchange(provider_of(connection), connection, consent, code)
        except AskPerson as refusal:
            self._note(connection.key, consent.state, error=str(refusal))
            raise

    def _expected(self, state: str) -> tuple[Connection, Consent]:
        """The consent that this answers; from now on no other answer to it is taken."""
        now = clock.now()
        with self._database.write() as session:
            row = session.execute(
                select(authorisations).where(authorisations.c.state_hash == _hash(state)).with_for_update()
            ).one_or_none()
            if row is None:
                raise AskPerson("nobody here asked for this consent, or somebody asked anew since: begin again")
            if row.answered_at is not None:
                raise AskPerson(f"this consent for {row.connection} was answered already: begin again")
            if row.begun_at + GOOD_FOR < now:
                raise AskPerson(f"this consent for {row.connection} was asked for too long ago: begin again")
            session.execute(
                update(authorisations).where(authorisations.c.connection == row.connection).values(answered_at=now)
            )
            connection = get_connection(session, row.connection)
        return connection, Consent(state=state, redirect=row.redirect, verifier=self._vault.open(row.verifier))

    def _exchange(self, provider: Provider, connection: Connection, consent: Consent, code: str) -> Answered:
        authorises = by_consent(provider)
        grant_id, granted = self._grants.exchange(provider, authorises, connection, consent, code)
        # Noted before anything is asked with it: a grant that nobody knows of would stay for ever.
        self._note(connection.key, consent.state, grant_id=grant_id, person=granted.person)
        found = authorises.organisations(self._ask_with(connection, grant_id), granted)
        chosen = _obvious(connection, found)
        if not found:
            raise AskPerson("the consent opened no organisation: begin again, and choose one on the remote's page")
        self._note(
            connection.key, consent.state, organisations=[_kept(one) for one in found], organisation=chosen, error=""
        )
        return Answered(connection=connection.key, organisations=found, organisation=chosen)

    def _note(self, key: str, state: str, **values: Any) -> None:
        """Unless somebody asked anew meanwhile."""
        with self._database.write() as session:
            session.execute(
                update(authorisations)
                .where(authorisations.c.connection == key, authorisations.c.state_hash == _hash(state))
                .values(**values)
            )


def by_consent(provider: Provider) -> Authorises:
    """The provider as one that is let in by consent. Raises ``AskPerson`` where it is not such a one."""
    if not isinstance(provider, Authorises):
        raise AskPerson(f"{provider.name} is not connected by consent: connect it with the credentials of the settings")
    return provider


def _hash(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _refused(error: str) -> str:
    if error in {"", "access_denied"}:
        return "not connected: access was not allowed; begin again to allow it"
    return f"not connected: the remote answered {error[:100]!r}"


def _obvious(connection: Connection, found: Sequence[Organisation]) -> str:
    """The one that the connection is bound to, or the only one; else a person chooses."""
    ids = [one.id for one in found]
    if connection.organisation in ids:
        return connection.organisation
    return ids[0] if len(ids) == 1 else ""


def _kept(organisation: Organisation) -> dict[str, Any]:
    return {**asdict(organisation), "details": dict(organisation.details)}


# ------------------------------------------------------------------------------------------------- until somebody saves it


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A consent that is ready to be saved."""

    grant_id: str
    organisation: Organisation
    person: str


def choose(session: Session, key: str, organisation: str) -> None:
    """Choose one of the organisations that the consent opened, by its id or its name. Raises ``AskPerson`` naming them."""
    row = _answered_row(session, key)
    there = {one["id"]: one["name"] for one in row.organisations}
    meant = [one for one, name in there.items() if organisation in {one, name}]
    if len(meant) != 1:
        listed = ", ".join(f"{name} ({one})" for one, name in there.items())
        raise AskPerson(f"the consent for {key} opened no organisation {organisation!r}: it opened {listed}")
    session.execute(update(authorisations).where(authorisations.c.connection == key).values(organisation=meant[0]))


def chosen(session: Session, key: str) -> Chosen:
    """What is to be saved. Raises ``AskPerson`` where nobody consented or chose."""
    row = _answered_row(session, key)
    if not row.organisation:
        listed = ", ".join(one["name"] for one in row.organisations)
        raise AskPerson(f"no organisation is chosen for {key}: choose one of {listed}")
    [found] = [Organisation(**one) for one in row.organisations if one["id"] == row.organisation]
    return Chosen(grant_id=row.grant_id, organisation=found, person=row.person)


def _answered_row(session: Session, key: str) -> Row[Any]:
    row = session.execute(select(authorisations).where(authorisations.c.connection == key)).one_or_none()
    if row is None or row.answered_at is None:
        raise AskPerson(f"nobody has consented for {key} yet: authorise it first")
    if row.error or not row.organisations:
        raise AskPerson(row.error or f"the consent for {key} could not be read to its end: authorise it again")
    return row


def discard(session: Session, key: str) -> None:
    """Forget a consent, and what it brought unless something goes by it."""
    grants = session.execute(select(authorisations.c.grant_id).where(authorisations.c.connection == key)).scalars()
    grant_ids = [grant for grant in grants if grant]
    session.execute(delete(authorisations).where(authorisations.c.connection == key))
    forget_unused(session, grant_ids)


def show_authorisations(session: Session) -> Mapping[str, dict[str, Any]]:
    """The consents that are not saved yet, by connection: asked for, refused (and why), or which organisations they opened."""
    return {row.connection: _shown(row) for row in session.execute(select(authorisations))}


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "begun_at": row.begun_at.isoformat(),
        "answered_at": row.answered_at.isoformat() if row.answered_at else None,
        "error": row.error,
        "person": row.person,
        "organisations": [{"id": one["id"], "name": one["name"]} for one in row.organisations],
        "organisation": row.organisation,
    }
