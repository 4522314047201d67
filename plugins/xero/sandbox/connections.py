"""api.xero.com/connections: which organisations a user has connected to an app (API facts 1.4)."""

from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox.apps import App
from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.consent import Access, Owner
from plugins.xero.sandbox.errors import Problem
from plugins.xero.sandbox.messages import Answer, json_answer, not_found
from plugins.xero.sandbox.scopes import OWN_CONNECTIONS
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.switches import Switches

MOST_UNCERTIFIED = 2


class Connections:
    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self.store = store
        self.clock = clock
        self.switches = switches

    def connect(self, client_id: str, user: str, org: int, auth_event: str) -> None:
        """A connection made again keeps its id, and as far as anybody knows the event of the first time."""
        now = self.clock.seconds()
        event = self._first_event(client_id, user, org) or auth_event
        row = self.store.sql.execute(
            "SELECT id FROM connection WHERE client_id = ? AND user = ? AND org = ?", (client_id, user, org)
        ).fetchone()
        if row is not None:
            self.store.sql.execute(
                "UPDATE connection SET removed = 0, updated = ?, auth_event = ? WHERE id = ?", (now, event, row["id"])
            )
            return
        self.store.sql.execute(
            "INSERT INTO connection (id, client_id, user, org, auth_event, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (str(uuid4()), client_id, user, org, event, now, now),
        )

    def _first_event(self, client_id: str, user: str, org: int) -> str | None:
        whose = self.switches["reconnect_auth_event"]
        if whose == "new":
            return None
        row = self.store.sql.execute(
            "SELECT auth_event FROM connection WHERE client_id = ? AND org = ? AND user = coalesce(?, user)"
            " ORDER BY created LIMIT 1",
            (client_id, org, user if whose == "original" else None),
        ).fetchone()
        return None if row is None else str(row["auth_event"])

    def has_room_for(self, app: App, org: int) -> bool:
        """At most two uncertified apps for an organisation; custom connections do not count (API facts 1.4)."""
        if app.certified:
            return True
        others = self.store.sql.execute(
            "SELECT count(DISTINCT client_id) FROM connection JOIN app USING (client_id)"
            " WHERE connection.org = ? AND removed = 0 AND app.org IS NULL AND NOT certified AND client_id <> ?",
            (org, app.client_id),
        ).fetchone()[0]
        return int(others) < MOST_UNCERTIFIED

    def is_live(self, client_id: str, user: str, org: int) -> bool:
        found = self.store.sql.execute(
            "SELECT 1 FROM connection WHERE client_id = ? AND user = ? AND org = ? AND removed = 0",
            (client_id, user, org),
        ).fetchone()
        return found is not None

    def remove(self, owner: Owner, org: int | None = None) -> None:
        """An app's or a user's, to this organisation or to every one."""
        text, values = owner.condition()
        live = "UPDATE connection SET removed = 1 WHERE removed = 0 AND org = coalesce(:org, org)"
        self.store.sql.execute(live + text, values | {"org": org})

    def disconnect(self, org: int, client_id: str | None = None) -> int:
        """What a user does in Xero itself: every app's connection to the organisation ends, or that of one."""
        ended = self.store.sql.execute(
            "UPDATE connection SET removed = 1 WHERE org = ? AND removed = 0 AND client_id = coalesce(?, client_id)",
            (org, client_id),
        )
        return ended.rowcount

    def listed(self, access: Access, auth_event: str | None) -> Answer:
        text, values = _whose(access).condition()
        rows = self.store.sql.execute(
            "SELECT connection.*, tenant_id FROM connection JOIN organisation USING (org)"  # noqa: S608
            f" WHERE removed = 0 AND auth_event = coalesce(:auth_event, auth_event) {text} ORDER BY created, id",
            values | {"auth_event": auth_event},
        ).fetchall()
        return json_answer(200, [self._shown(row) for row in rows])

    def delete(self, access: Access, connection_id: str) -> Answer:
        text, values = _whose(access).condition()
        ended = self.store.sql.execute(
            "UPDATE connection SET removed = 1 WHERE removed = 0 AND id = :id" + text,  # noqa: S608
            values | {"id": connection_id.lower()},
        )
        if ended.rowcount == 0:
            self._refuse_other_ids(connection_id.lower())
            return not_found()
        return Answer(204)

    def _refuse_other_ids(self, given: str) -> None:
        """Xero: a tenant's or an authorisation event's id in place of the connection's is 403 (API facts 1.4)."""
        other = self.store.sql.execute(
            "SELECT 1 FROM connection JOIN organisation USING (org) WHERE tenant_id = ? OR auth_event = ?",
            (given, given),
        ).fetchone()
        if other is not None:
            raise Problem(403, "Forbidden", "AuthenticationUnsuccessful")

    def organisation(self, access: Access, tenant_header: str | None) -> int:
        """The organisation a call is for. A custom connection needs no header (API facts 1.2)."""
        given = (tenant_header or "").strip()
        org = access.app.org if not given else self.store.organisation_of(given)
        if org is None or not self.is_live(access.app.client_id, access.user, org):
            raise Problem(403, "Forbidden", "AuthenticationUnsuccessful")
        return org

    def _shown(self, row: Row) -> dict[str, Any]:
        return {
            "id": row["id"],
            "authEventId": row["auth_event"],
            "tenantId": row["tenant_id"],
            "tenantType": "ORGANISATION",
            "tenantName": self.store.organisation(row["org"])["Name"],
            "createdDateUtc": _seven_digits(row["created"]),
            "updatedDateUtc": _seven_digits(row["updated"]),
        }


def _whose(access: Access) -> Owner:
    """A user's, or with the scope for it all of the app's (API facts 1.2)."""
    return Owner(access.app.client_id, None if OWN_CONNECTIONS in access.scopes else access.user)


def _seven_digits(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"
