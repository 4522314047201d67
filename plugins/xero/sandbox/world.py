"""Everything a sandbox is made of, put together once."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from plugins.xero.sandbox import organisations
from plugins.xero.sandbox.apps import CUSTOM, App, Apps
from plugins.xero.sandbox.authorise import Authorisation
from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.codes import Codes
from plugins.xero.sandbox.connections import Connections
from plugins.xero.sandbox.consent import Consents
from plugins.xero.sandbox.faults import Faults
from plugins.xero.sandbox.identity import Identity
from plugins.xero.sandbox.jwt import Signer
from plugins.xero.sandbox.limits import NO_LIMITS, Limiter, Limits
from plugins.xero.sandbox.meanwhile import Meanwhile
from plugins.xero.sandbox.scopes import CUSTOM_SCOPES, SCOPES
from plugins.xero.sandbox.seeds import CURRENCY_OF
from plugins.xero.sandbox.store import KINDS, Store
from plugins.xero.sandbox.switches import Switches
from plugins.xero.sandbox.tokens import Tokens
from plugins.xero.sandbox.users import ADA, Users

USER = ADA.user_id
SECOND_APP = "sandbox-second"  # whose tokens POST /_sandbox/tokens gives: another client, or a Xero user at work
CALLBACK = "http://localhost:8000/connections/callback"  # where a host that runs as it comes takes people back
APPS = (
    App("sandbox-app", "Sandbox App", frozenset(SCOPES), redirects=(CALLBACK,)),
    App("sandbox-pkce", "Sandbox PKCE App", frozenset(SCOPES), public=True, redirects=(CALLBACK,)),
    App(SECOND_APP, "Second App", frozenset(SCOPES), certified=True),
)
EMPTIED_BY_RESET = (*KINDS, "counter", "idempotency", "egress", "call", "consented")


@dataclass(frozen=True)
class OrganisationOption:
    name: str = "Demo Company (UK)"
    country: str = "GB"
    currency: str = "GBP"

    @classmethod
    def read(cls, text: str) -> "OrganisationOption":
        """From NAME:COUNTRY:CURRENCY; raises ValueError saying what is accepted."""
        parts = [part.strip() for part in text.split(":")]
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"{text!r} must be NAME:COUNTRY:CURRENCY, for example Demo Company (UK):GB:GBP")
        return cls.checked(*parts)

    @classmethod
    def checked(cls, name: str, country: str, currency: str | None = None) -> "OrganisationOption":
        """Without a currency the country's own."""
        country = country.upper()
        if len(country) != 2 or not country.isalpha():
            raise ValueError(f"country {country!r} must be a two-letter code such as GB, NZ, AU or US")
        currency = currency or CURRENCY_OF.get(country)
        if currency is None:
            raise ValueError(f"the currency of {country} is not known here: name one, such as USD")
        currency = str(currency).upper()
        if len(currency) != 3 or not currency.isalpha():
            raise ValueError(f"currency {currency!r} must be a three-letter code such as GBP")
        return cls(name, country, currency)


@dataclass(frozen=True)
class Options:
    """How a sandbox starts. Without `state` nothing outlives the process. `apps` have the fields of apps.FIELDS."""

    organisations: Sequence[OrganisationOption] = field(default_factory=lambda: (OrganisationOption(),))
    state: Path | None = None
    apps: Sequence[Mapping[str, Any]] = ()
    no_limits: bool = False
    latency: float = 0.0

    @property
    def limits(self) -> Limits:
        return NO_LIMITS if self.no_limits else Limits()


class World:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.latency = options.latency
        self.store = Store(options.state)
        self.clock = Clock()
        self.switches = Switches()
        self.faults = Faults()
        self.meanwhile = Meanwhile()
        self.limiter = Limiter(options.limits)
        with self.store.transaction():
            self._log_in()
            self._begin()

    def _log_in(self) -> None:
        """What knows apps and users, their consents and tokens."""
        store, clock, switches = self.store, self.clock, self.switches
        self.signer = Signer(self._signing_key())
        self.apps = Apps(store)
        self.users = Users(store)
        self.consents = Consents(store)
        self.codes = Codes(store, clock)
        self.connections = Connections(store, clock, switches)
        self.tokens = Tokens(store, clock, switches, self.signer, self.users)
        self.identity = Identity(self.apps, self.consents, self.codes, self.tokens, self.connections, switches)
        self.authorisation = Authorisation(
            store, switches, self.apps, self.users, self.consents, self.codes, self.connections
        )

    def close(self) -> None:
        self.store.close()

    def _signing_key(self) -> str:
        pem = self.store.setting("signing key")
        if pem is None:
            pem = Signer.new_pem()
            self.store.keep_setting("signing key", pem)
        return str(pem)

    def _begin(self) -> None:
        """A state that exists already is taken as it is, but for the apps that this start names."""
        self._begin_apps()
        self.users.begin()
        if self.store.setting("begun"):
            return
        for wanted in self.options.organisations:
            self.add_organisation(wanted)
        self.store.keep_setting("begun", [astuple(wanted) for wanted in self.options.organisations])

    def _begin_apps(self) -> None:
        for app in APPS:
            self.apps.add(app)
        self.apps.change(self.options.apps)

    def add_organisation(self, wanted: OrganisationOption, tenant_id: str | None = None) -> tuple[str, str]:
        """An organisation and its custom connection; gives the tenant's id and the client's."""
        now = self.clock.milliseconds()
        org = organisations.create(self.store, wanted.name, wanted.country, wanted.currency, now, tenant_id)
        number = self.store.next_number(0, "custom connection")
        client_id = CUSTOM if number == 1 else f"{CUSTOM}-{number}"
        self.apps.add(App(client_id, f"Custom Connection {number}", frozenset(CUSTOM_SCOPES), org=org))
        self.connections.connect(client_id, client_id, org, str(uuid4()))
        return self.store.organisation(org)["OrganisationID"], client_id

    # ------------------------------------------------------------------------------------------------ organisations

    def orgs(self) -> list[int]:
        return [row["org"] for row in self.store.sql.execute("SELECT org FROM organisation ORDER BY org")]

    def org(self, tenant_id: object) -> int:
        org = self.store.organisation_of(str(tenant_id))
        if org is None:
            raise LookupError(f"no organisation {tenant_id}")
        return org

    def org_meant(self, tenant_id: object) -> int:
        """The organisation named, or the only one."""
        if tenant_id is not None:
            return self.org(tenant_id)
        orgs = self.orgs()
        if len(orgs) != 1:
            raise ValueError("tenant_id is needed, there are several organisations")
        return orgs[0]

    def renew_organisation(self, org: int, *, keep_connections: bool) -> str:
        """As Xero does with its demo company every month: empty, with a new tenant id, which it gives. Tokens go on, but
        nobody is connected to it any more unless told so."""
        before = self.store.organisation(org)
        for table in KINDS:
            self.store.sql.execute(f"DELETE FROM {table} WHERE org = ?", (org,))  # noqa: S608 our own names
        self.store.sql.execute("DELETE FROM counter WHERE org = ?", (org,))
        self.store.sql.execute("DELETE FROM organisation WHERE org = ?", (org,))
        if not keep_connections:
            self.store.sql.execute("DELETE FROM connection WHERE org = ?", (org,))
        self.store.forget()
        now = self.clock.milliseconds()
        organisations.create(
            self.store, before["Name"], before["CountryCode"], before["BaseCurrency"], now, str(uuid4()), org=org
        )
        return str(self.store.organisation(org)["OrganisationID"])

    # ------------------------------------------------------------------------------------------------------- starting

    def reset(self) -> None:
        """As at the start, but for what outside programs hold on to: tenant ids, and the custom connections with their
        tokens, of the organisations that were there at the start."""
        self.clock.reset()
        kept = self.store.sql.execute("SELECT org, tenant_id FROM organisation ORDER BY org").fetchall()
        for table in EMPTIED_BY_RESET:
            self.store.sql.execute(f"DELETE FROM {table}")  # noqa: S608 our own names
        self.store.forget()
        begun_with = [OrganisationOption(*wanted) for wanted in self.store.setting("begun")]
        for row in kept[len(begun_with) :]:
            self._remove(row["org"])
        self.store.sql.execute("DELETE FROM organisation")
        self._log_everybody_out()
        for row, wanted in zip(kept, begun_with, strict=False):
            organisations.create(
                self.store,
                wanted.name,
                wanted.country,
                wanted.currency,
                self.clock.milliseconds(),
                row["tenant_id"],
                org=row["org"],
            )
        for app in self.apps.all():
            if app.org is not None:
                self.connections.connect(app.client_id, app.client_id, app.org, str(uuid4()))
        self.store.sql.execute(
            "INSERT INTO counter (org, name, value) VALUES (0, 'custom connection', ?)",
            (len(begun_with),),
        )
        self.switches.reset()
        self.faults.clear()
        self.meanwhile.clear()
        self.latency = self.options.latency
        self.limiter.reset(self.options.limits)

    def _log_everybody_out(self) -> None:
        """What users consented to is gone, with its history; what was issued stays listed among the secrets."""
        self.apps.remove_all_but_custom()
        of_users = "client_id NOT IN (SELECT client_id FROM app)"
        self.store.sql.execute(f"DELETE FROM connection WHERE {of_users}")  # noqa: S608 our own text
        self.store.sql.execute(f"UPDATE token SET expires = 0 WHERE {of_users}")  # noqa: S608
        self.store.sql.execute("UPDATE grant_token SET revoked = 1")
        self.store.sql.execute("UPDATE authorisation_code SET used = 1")
        self._begin_apps()
        self.users.reset()

    def _remove(self, org: int) -> None:
        self.store.sql.execute("DELETE FROM connection WHERE org = ?", (org,))
        self.store.sql.execute("DELETE FROM app WHERE org = ?", (org,))
