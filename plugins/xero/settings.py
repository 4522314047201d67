"""``[plugins.xero]`` of the configuration: its schema, and the settings as the plugin uses them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, validate, validates_schema
from marshmallow import fields as wire

from host.config import Secret, SecretField

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTITIES: Final = ("customers", "suppliers", "products", "invoices")
TRACKING: Final = "tracking-categories"
LISTS: Final = ("tax-rates", "accounts", "currencies", "branding-themes", TRACKING)
"""The lists of an organisation that records refer to, in the order in which an import takes them."""
RECORDS: Final = ("customers", "suppliers", "products")
"""The kinds of records that an import brings."""
DAILY: Final = (*LISTS, *RECORDS)
MOST_TRACKED: Final = 2
"""Active tracking categories of an organisation, and so of a line (API facts 4.5)."""
LONGEST_LIMIT: Final = 1_000_000
KEY: Final = validate.Regexp(
    r"[a-z0-9][a-z0-9_-]{0,49}\Z",
    error="{input!r} is not a connection key: 1 to 50 of a-z, 0-9, - and _ are accepted, beginning with a letter or digit",
)


def _about(text: str, default: str = "") -> dict[str, str]:
    """What a key is for, and what holds without it: the schema itself fills in nothing, so that a connection's own table says only what differs there."""
    return {"description": text, **({"default": default} if default else {})}


def _entity(value: str) -> None:
    if value not in ENTITIES:
        raise ValidationError(f"{value!r} can't be sent to Xero: accepted are {', '.join(ENTITIES)}")


def _daily(value: str) -> None:
    if value not in DAILY:
        raise ValidationError(f"{value!r} can't be imported daily: accepted are {', '.join(DAILY)}")


def _address(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValidationError(f"{value!r} is not an address: it must begin with https:// or http://")
    if any(map(str.isspace, value)):
        raise ValidationError(f"{value!r} is not an address: it has a space in it")


def _link_address(value: str) -> None:
    _address(value)
    if "xero" in value.lower():
        raise ValidationError(f'{value!r} contains "xero", which Xero refuses in a document\'s link')


def _tracking_name(value: str) -> None:
    if not value.strip() or value != value.strip() or len(value) > 100:
        raise ValidationError(f"{value!r} is not accepted: a name has 1 to 100 characters, and no spaces around them")


def _few_and_different(names: list[str]) -> None:
    if len(names) > MOST_TRACKED:
        raise ValidationError(f"has {len(names)} names: Xero has up to {MOST_TRACKED} tracking categories in use")
    if len({name.casefold() for name in names}) < len(names):
        raise ValidationError(f"the same name stands there twice: {', '.join(names)}")


class LimitsSchema(Schema):
    minute = wire.Integer(
        strict=True,
        validate=validate.Range(0, LONGEST_LIMIT),
        metadata=_about("calls in 60 seconds for one organisation; 0 is none", "60"),
    )
    concurrent = wire.Integer(
        strict=True, validate=validate.Range(1, 100), metadata=_about("calls at once for one organisation", "5")
    )
    day = wire.Integer(
        strict=True,
        validate=validate.Range(0, LONGEST_LIMIT),
        metadata=_about("calls in a day for one organisation; 0 is none", "5000"),
    )
    patience = wire.Integer(
        strict=True, validate=validate.Range(1, 600), metadata=_about("the seconds that Xero may take to answer", "30")
    )


class EndpointsSchema(Schema):
    login = wire.String(validate=_address, metadata=_about("where people log in", "https://login.xero.com"))
    identity = wire.String(validate=_address, metadata=_about("where tokens come from", "https://identity.xero.com"))
    api = wire.String(validate=_address, metadata=_about("where the accounting API is", "https://api.xero.com"))


class CustomSchema(Schema):
    client_id = wire.String(
        validate=validate.Length(1, error="must not be empty"),
        metadata=_about("of the custom connection's app at Xero"),
    )
    client_secret = SecretField(metadata=_about("of the custom connection's app at Xero"))


class AppSchema(Schema):
    client_id = wire.String(
        validate=validate.Length(1, error="must not be empty"),
        metadata=_about("of the app at Xero that people let in"),
    )
    client_secret = SecretField(metadata=_about("of the app at Xero that people let in"))
    pkce = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about(
            "prove with each consent that who asked is who goes on (PKCE); an app without a secret needs it", "false"
        ),
    )
    broad_scopes = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about("ask for the broad scopes, which only apps from before March 2026 have", "false"),
    )


class DefaultsSchema(Schema):
    """What may be said for all connections, and otherwise for one."""

    default_invoice_item = wire.String(
        validate=validate.Length(max=30, error="must have at most {max} characters"),
        metadata=_about(
            "code of the Xero item for invoice lines whose product is not in Xero; a miscellaneous item is advised"
        ),
    )
    default_sales_account = wire.String(metadata=_about("account code for lines for which nothing else names one"))
    default_purchase_account = wire.String(
        metadata=_about("account code for lines of bills and orders for which nothing else names one")
    )
    default_sales_tax = wire.String(metadata=_about("tax rate code for lines for which nothing else names one"))
    default_purchase_tax = wire.String(
        metadata=_about("tax rate code for lines of bills and orders for which nothing else names one")
    )
    default_branding_theme = wire.String(
        metadata=_about("branding theme (name or id) of documents for which neither they nor their customer name one")
    )
    automatic_sales_tax = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about(
            "the organisation works with automatic sales tax (Avalara): a tax rate stands for Xero's AVALARA, and others need no link",
            "false",
        ),
    )


class ConnectionSchema(DefaultsSchema, CustomSchema):
    """What one connection has of its own."""

    tracking = wire.Dict(
        keys=wire.String(),
        values=wire.String(validate=_tracking_name),
        metadata={
            **_about(
                "the tracking category that each name of `tracking` means in this organisation", "the one so named"
            ),
            "accepts": 'a table such as { Region = "Area" }',
        },
    )


class SettingsSchema(DefaultsSchema):
    entities_to_sync = wire.List(
        wire.String(validate=_entity),
        metadata={
            **_about(f"the kinds of records that are sent: {', '.join(ENTITIES)}", "none"),
            "accepts": f"a list of {', '.join(ENTITIES)}",
        },
    )
    import_daily = wire.List(
        wire.String(validate=_daily),
        metadata={
            **_about("the lists and kinds of records that are imported again each day: what changed there", "none"),
            "accepts": f"a list of {', '.join(DAILY)}",
        },
    )
    default_connection = wire.String(
        validate=KEY,
        metadata=_about(
            'key of the connection of records that name none; "none" for no such connection; left out: the only connected one'
        ),
    )
    tracking = wire.List(
        wire.String(validate=_tracking_name),
        validate=_few_and_different,
        metadata={
            **_about(
                "what product groups and lines are tracked by, a name for each of Xero's tracking categories (up to two); none switches tracking off",
                "none",
            ),
            "accepts": 'a list of names such as ["Region", "Department"]',
        },
    )
    create_missing_contacts = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about(
            "an invoice may create the contact that it is for, although the customer itself is not sent", "false"
        ),
    )
    only_invoiced_customers = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about("an import brings only customers that have been invoiced in Xero", "false"),
    )
    require_contact_details = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about("customers and suppliers need first name, last name and e-mail to be sent", "false"),
    )
    archive_inactive = wire.Boolean(
        truthy={True},
        falsy={False},
        metadata=_about("the contact of a customer or supplier that is made inactive is archived at Xero", "false"),
    )
    document_link = wire.String(
        validate=_link_address,
        metadata=_about(
            "address that documents at Xero link back to; the installation's prefix and the record's id follow it",
            "https://counterfoil.invalid",
        ),
    )
    app = wire.Nested(AppSchema, metadata=_about("the app that people let in on Xero's own page"))
    custom = wire.Nested(CustomSchema, metadata=_about("credentials of custom connections that have none of their own"))
    connections = wire.Dict(
        keys=wire.String(validate=KEY),
        values=wire.Nested(ConnectionSchema),
        metadata=_about("what differs for one connection"),
    )
    endpoints = wire.Nested(EndpointsSchema, metadata=_about("where Xero is; a sandbox is somewhere else"))
    limits = wire.Nested(LimitsSchema, metadata=_about("how many calls Xero takes"))

    @validates_schema
    def _tracking_agrees(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        names = data.get("tracking", [])
        if TRACKING in data.get("import_daily", ()) and not names:
            raise ValidationError(f"{TRACKING} can't be imported daily while tracking is off: name some", "tracking")
        faults = {
            key: {"value": {"tracking": [fault]}}
            for key, own in data.get("connections", {}).items()
            if (fault := _tracking_fault(names, own.get("tracking", {})))
        }
        if faults:
            raise ValidationError({"connections": faults})


def _tracking_fault(names: Sequence[str], own: Mapping[str, str]) -> str:
    """What is wrong with a connection's own meanings; empty where nothing is."""
    unknown = sorted(set(own) - set(names))
    if unknown:
        accepted = ", ".join(names) or "nothing, because tracking is off"
        return f"{', '.join(map(repr, unknown))} is not in tracking of [plugins.xero]: accepted is {accepted}"
    meant = [own.get(name, name) for name in names]
    if len({category.casefold() for category in meant}) < len(meant):
        return f"{' and '.join(names)} would both mean the category {meant[0]}: each needs one of its own"
    return ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    login: str = "https://login.xero.com"
    identity: str = "https://identity.xero.com"
    api: str = "https://api.xero.com"


@dataclass(frozen=True, slots=True)
class CallLimits:
    minute: int = 60
    concurrent: int = 5
    day: int = 5000
    patience: int = 30


@dataclass(frozen=True, slots=True)
class Custom:
    client_id: str = ""
    client_secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class App:
    client_id: str = ""
    client_secret: Secret | None = None
    pkce: bool = False
    broad_scopes: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """What the settings say for the records of one connection: codes, each possibly empty, and how its tax comes about."""

    default_invoice_item: str = ""
    default_sales_account: str = ""
    default_purchase_account: str = ""
    default_sales_tax: str = ""
    default_purchase_tax: str = ""
    default_branding_theme: str = ""
    automatic_sales_tax: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    entities_to_sync: frozenset[str] = frozenset()
    import_daily: tuple[str, ...] = ()
    default_connection: str | None = None
    tracking: tuple[str, ...] = ()
    """The names that lines are tracked by; none where tracking is off."""
    create_missing_contacts: bool = False
    require_contact_details: bool = False
    only_invoiced_customers: bool = False
    archive_inactive: bool = False
    # A top-level domain that never leads anywhere (RFC 6761): links made before an address of one's own is set do no harm.
    document_link: str = "https://counterfoil.invalid"
    preset: Preset = field(default_factory=Preset)
    app: App = field(default_factory=App)
    custom: Custom = field(default_factory=Custom)
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    endpoints: Endpoints = field(default_factory=Endpoints)
    limits: CallLimits = field(default_factory=CallLimits)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """From what ``SettingsSchema`` read."""
        plain = (
            "default_connection",
            "create_missing_contacts",
            "require_contact_details",
            "only_invoiced_customers",
            "archive_inactive",
            "document_link",
        )
        return cls(
            entities_to_sync=frozenset(values.get("entities_to_sync", ())),
            import_daily=tuple(dict.fromkeys(values.get("import_daily", ()))),
            tracking=tuple(values.get("tracking", ())),
            preset=Preset(**_named(Preset, values)),
            app=App(**values.get("app", {})),
            custom=Custom(**values.get("custom", {})),
            connections=values.get("connections", {}),
            endpoints=Endpoints(**values.get("endpoints", {})),
            limits=CallLimits(**values.get("limits", {})),
            **{name: values[name] for name in plain if name in values},
        )

    def preset_of(self, connection: str) -> Preset:
        return replace(self.preset, **_named(Preset, self.connections.get(connection, {})))

    def tracking_of(self, connection: str) -> dict[str, str]:
        """The name of the category that each tracking name means in a connection's organisation."""
        own = self.connections.get(connection, {}).get("tracking", {})
        return {name: own.get(name, name) for name in self.tracking}

    def custom_of(self, connection: str) -> Custom:
        """A connection's own credentials where it has any: never the id of one app with the secret of another."""
        own = _named(Custom, self.connections.get(connection, {}))
        return Custom(**own) if own else self.custom


def _named(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: values[one.name] for one in fields(kind) if one.name in values}
