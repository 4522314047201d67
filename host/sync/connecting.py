"""From a name to a connection that works, and to its end."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from host.db.watch import announce
from host.errors import AskPerson, CounterfoilError
from host.sync import authorising
from host.sync.asking import Asking
from host.sync.authorising import BY_CONSENT, Answered, Authorising
from host.sync.connections import (
    DELETED,
    DISCONNECTED,
    DRAFT,
    NO_CONNECTION,
    create_draft,
    get_connection,
    mark_ended,
    save_connection,
)
from host.sync.grants import forget_unused, share_by_account
from host.sync.provider import Authorises, Connection, Organisation
from host.sync.tables import connections

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from host.crypto import Vault
    from host.db import Database
    from host.sync.clients import Clients
    from host.sync.grants import Grants
    from host.sync.provider import Provider

KEY_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_log: Final = logging.getLogger(__name__)


class Connecting:
    """Makes, renews and ends the connections of one host."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        grants: Grants,
        clients: Clients,
        provider: Callable[[str], Provider],
        connected: Callable[[Connection], None],
    ) -> None:
        self._database = database
        self._grants = grants
        self._clients = clients
        self._provider = provider
        self._connected = connected
        self._authorising = Authorising(
            database, vault, grants, lambda connection, grant_id: self.asking(connection, grant_id, "connect")
        )

    def asking(self, connection: Connection, grant_id: str, purpose: str) -> Asking:
        return Asking(
            database=self._database,
            provider=self._provider(connection.provider),
            connection=connection,
            grant_id=grant_id,
            clients=self._clients,
            grants=self._grants,
            purpose=purpose,
        )

    # With a person's consent ---------------------------------------------------------------------------------------

    def create(self, key: str, *, provider: str, auth: str, name: str) -> Connection:
        """A draft: it has a name, and leads nowhere yet. Raises ``AskPerson`` where key or name cannot be taken."""
        _require_key(key)
        if auth == BY_CONSENT:
            authorising.by_consent(self._provider(provider))
        with self._database.write() as session:
            return create_draft(session, key=key, provider=provider, name=name, auth=auth)

    def authorise(self, key: str, redirect: str) -> str:
        """The address where a person consents; the answer comes to ``redirect``. What runs with the connection goes on as it is."""
        with self._database.read() as session:
            connection = get_connection(session, key)
        return self._authorising.begin(
            self._provider(connection.provider), replace(connection, auth=BY_CONSENT), redirect
        )

    def answered(self, state: str, *, code: str, error: str) -> Answered:
        """A person came back. Raises ``AskPerson`` where that was not expected, or access was not allowed."""
        return self._authorising.answered(lambda one: self._provider(one.provider), state, code, error)

    def choose(self, key: str, organisation: str) -> None:
        """Choose one of the organisations that the consent opened, by id or name."""
        with self._database.write() as session:
            authorising.choose(session, get_connection(session, key).key, organisation)

    def save(self, key: str) -> Connection:
        """From now on the connection goes by the consent, which has to lead to where it is bound. Raises ``AskPerson`` or ``Retry``."""
        with self._database.read() as session:
            connection, chosen = get_connection(session, key), authorising.chosen(session, key)
        draft = replace(connection, auth=BY_CONSENT, organisation=chosen.organisation.id, details={})
        asked = self._provider(connection.provider).organisation(self.asking(draft, chosen.grant_id, "connect"), draft)
        details = {**asked.details, **chosen.organisation.details, "person": chosen.person}
        organisation = Organisation(id=chosen.organisation.id, name=asked.name, details=details)
        return self._save(draft, organisation, chosen.grant_id)

    # With the credentials of the settings --------------------------------------------------------------------------

    def connect(self, key: str, *, provider: str, auth: str, name: str = "") -> Connection:
        """Connect an organisation with the credentials of the settings, or connect it again. Raises ``AskPerson`` with what to do, or ``Retry``.

        Always with a grant of its own: where it fails, or leads to another organisation, what runs with the former one is not touched.
        """
        _require_key(key)
        chosen = self._provider(provider)
        grant_id = self._grants.create(provider)
        # Without the details of the connection as it was: whatever the credentials lead to now, it is found out anew.
        draft = Connection(key=key, provider=provider, name=name, organisation="", auth=auth, status="connecting")
        try:
            organisation = chosen.organisation(self.asking(draft, grant_id, "connect"), draft)
            return self._save(draft, organisation, grant_id)
        except BaseException:
            self._grants.discard(grant_id)
            raise

    def _save(self, draft: Connection, organisation: Organisation, grant_id: str) -> Connection:
        with self._database.write() as session:
            former = _grant_ids(session, draft.key)
            lives_on = share_by_account(session, grant_id)
            connection = save_connection(
                session,
                key=draft.key,
                provider=draft.provider,
                name=draft.name,
                auth=draft.auth,
                organisation=organisation,
                grant_id=lives_on,
            )
            authorising.discard(session, draft.key)
            forget_unused(session, [*former, grant_id])
            announce(session)
        self._connected(connection)
        return connection

    # Its end -------------------------------------------------------------------------------------------------------

    def disconnect(self, key: str, because: str) -> str:
        """End it here, then at the remote. Answers what there is still to do, where the remote could not be told; empty where all is done.

        Nothing of it leaves from the first moment on; what waits for it waits until it is connected again.
        """
        with self._database.read() as session:
            connection = get_connection(session, key)
        if connection.status == DRAFT:
            raise AskPerson(f"{key} was never connected: delete it, or save it first")
        return self._end(connection, DISCONNECTED, because)

    def delete(self, key: str, because: str) -> str:
        """The same, and shown to nobody any more. Its links stay: connected anew under this key, nothing is made twice."""
        with self._database.read() as session:
            connection = get_connection(session, key)
        return self._end(connection, DELETED, because)

    def _end(self, connection: Connection, status: str, because: str) -> str:
        with self._database.write() as session:
            grant_ids = _grant_ids(session, connection.key)
            mark_ended(session, connection.key, status, because)
            authorising.discard(session, connection.key)
            announce(session)
        left = self._leave(connection, grant_ids[0]) if grant_ids else ""
        with self._database.write() as session:
            forget_unused(session, grant_ids)
        return left

    def _leave(self, connection: Connection, grant_id: str) -> str:
        provider = self._provider(connection.provider)
        request = provider.leave_request(connection) if isinstance(provider, Authorises) else None
        if request is None:
            return ""
        try:
            self.asking(connection, grant_id, "disconnect")(request)
        except CounterfoilError as error:
            _log.warning("%s is disconnected here, and the remote could not be told: %s", connection.key, error)
            return f"{connection.key} is ended here, and the remote could not be told ({error}): remove the app in the organisation's own settings"
        return ""


def _require_key(key: str) -> None:
    if not KEY_PATTERN.fullmatch(key):
        raise AskPerson(
            f"{key!r} can't be a connection's key: use 1 to 50 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
        )
    if key == NO_CONNECTION:
        raise AskPerson(f"{key!r} can't be a connection's key: it stands for no connection where settings name one")


def _grant_ids(session: Session, key: str) -> list[str]:
    found = session.execute(select(connections.c.grant_id).where(connections.c.key == key)).scalars()
    return [one for one in found if one]
