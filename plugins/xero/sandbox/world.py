"""Everything a sandbox is made of, put together once."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from uuid import uuid4

from plugins.xero.sandbox import organisations
from plugins.xero.sandbox.clock import Clock
from plugins.xero.sandbox.connections import Connections
from plugins.xero.sandbox.faults import Faults
from plugins.xero.sandbox.identity import CUSTOM_SCOPES, SCOPES, Identity
from plugins.xero.sandbox.jwt import Signer
from plugins.xero.sandbox.limits import NO_LIMITS, Limiter, Limits
from plugins.xero.sandbox.store import KINDS, Store
from plugins.xero.sandbox.switches import Switches

WEB_APP = "sandbox-app"
SECOND_APP = "sandbox-second"  # whose tokens POST /_sandbox/tokens gives: another client, or a Xero user at work
USER = "6f0c3f0e-6a55-4b7e-9b53-8a7d4a1c0001"
EMPTIED_BY_RESET = (*KINDS, "counter", "idempotency", "egress", "call")


@dataclass(frozen=True)
class OrganisationOption:
    name: str = "Demo Company (UK)"
    country: str = "GB"
    currency: str = "GBP"

    @classmethod
    def read(cls, text: str) -> "OrganisationOption":
        """From NAME:COUNTRY:CURRENCY; raises ValueError saying what is accepted."""
        parts = [part.strip() for part in text.split(":")]
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{text!r} must be NAME:COUNTRY:CURRENCY, for example Demo Company (UK):GB:GBP")
        return cls.checked(*parts)

    @classmethod
    def checked(cls, name: str, country: str, currency: str) -> "OrganisationOption":
        country, currency = country.upper(), currency.upper()
        if len(country) != 2 or not country.isalpha():
            raise ValueError(f"country {country!r} must be a two-letter code such as GB, NZ, AU or US")
        if len(currency) != 3 or not currency.isalpha():
            raise ValueError(f"currency {currency!r} must be a three-letter code such as GBP")
        return cls(name, country, currency)


@dataclass(frozen=True)
class Options:
    """How a sandbox starts. Without `state` nothing outlives the process."""

    organisations: Sequence[OrganisationOption] = field(default_factory=lambda: (OrganisationOption(),))
    state: Path | None = None
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
        self.limiter = Limiter(options.limits)
        with self.store.transaction():
            self.identity = Identity(self.store, self.clock, self.switches, Signer(self._signing_key()))
            self.connections = Connections(self.store, self.clock)
            self._begin()

    def close(self) -> None:
        self.store.close()

    def _signing_key(self) -> str:
        pem = self.store.setting("signing key")
        if pem is None:
            pem = Signer.new_pem()
            self.store.keep_setting("signing key", pem)
        return str(pem)

    def _begin(self) -> None:
        """A state that exists already is taken as it is."""
        self.identity.register(WEB_APP, "Sandbox App", SCOPES)
        self.identity.register(SECOND_APP, "Second App", SCOPES)
        if self.store.setting("begun"):
            return
        for wanted in self.options.organisations:
            self.add_organisation(wanted)
        self.store.keep_setting("begun", [astuple(wanted) for wanted in self.options.organisations])

    def add_organisation(self, wanted: OrganisationOption, tenant_id: str | None = None) -> tuple[str, str]:
        """An organisation and its custom connection; gives the tenant's id and the client's."""
        now = self.clock.milliseconds()
        org = organisations.create(self.store, wanted.name, wanted.country, wanted.currency, now, tenant_id)
        number = self.store.next_number(0, "custom connection")
        client_id = "sandbox-custom" if number == 1 else f"sandbox-custom-{number}"
        self.identity.register(client_id, f"Custom Connection {number}", CUSTOM_SCOPES, org)
        self.connections.connect(client_id, client_id, org, str(uuid4()))
        return self.store.organisation(org)["OrganisationID"], client_id

    def reset(self) -> None:
        """As at the start, but for what outside programs hold on to: tenant ids, apps, connections and tokens of the
        organisations that were there at the start."""
        self.clock.reset()
        kept = self.store.sql.execute("SELECT org, tenant_id FROM organisation ORDER BY org").fetchall()
        for table in EMPTIED_BY_RESET:
            self.store.sql.execute(f"DELETE FROM {table}")  # noqa: S608 our own names
        self.store.forget()
        begun_with = [OrganisationOption(*wanted) for wanted in self.store.setting("begun")]
        for row in kept[len(begun_with) :]:
            self._remove(row["org"])
        self.store.sql.execute("DELETE FROM organisation")
        self.store.sql.execute("UPDATE connection SET removed = 0")
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
        self.store.sql.execute(
            "INSERT INTO counter (org, name, value) VALUES (0, 'custom connection', ?)",
            (len(begun_with),),
        )
        self.switches.reset()
        self.faults.clear()
        self.latency = self.options.latency
        self.limiter.reset(self.options.limits)

    def _remove(self, org: int) -> None:
        self.store.sql.execute("DELETE FROM connection WHERE org = ?", (org,))
        self.store.sql.execute("DELETE FROM app WHERE org = ?", (org,))
