"""The host's own part of the configuration: ``[host]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import Schema, ValidationError, fields, validates_schema
from marshmallow.validate import OneOf, Range
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from host.config.secret import ACCEPTED, Secret, current_reading, resolve, secret_of
from host.logs import FORMATS, LEVELS, TEXT
from host.words import did_you_mean

OPENABLE: Final = ("metrics", "openapi")
KEEP_REQUESTS_DAYS: Final = 400
KEEP_BODIES_DAYS: Final = 90
LONGEST_DAYS: Final = 36_500
DATABASES: Final = '"sqlite:///counterfoil.db" or "postgresql://user@host/name" (or env:NAME, file:PATH)'


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """``[host]``, with every path and secret resolved."""

    database_url: str = field(repr=False)
    public_url: str
    timezone: ZoneInfo
    daily_at: time
    secret_keys: tuple[Secret, ...]
    scheduler: bool
    keep_requests_days: int = KEEP_REQUESTS_DAYS
    """0 is for ever."""
    keep_bodies_days: int = KEEP_BODIES_DAYS
    """0 is as long as the request."""
    log_format: str = TEXT
    log_level: str = "info"
    plugins: tuple[str, ...] | None
    plugin_dir: Path | None
    trace_hooks: bool = False
    without_token: tuple[str, ...] = ()
    """What of ``OPENABLE`` may be read by anybody who reaches the host."""


class _DatabaseUrl(fields.Field[str]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(f"this value is not accepted; it takes {DATABASES}")
        return database_url(resolve(value), current_reading().folder)


def database_url(text: str, folder: Path) -> str:
    """The address with an SQLite file's path counted from ``folder``. What is refused is not shown: it may hold a password."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValidationError(f"it is not a database address; it takes {DATABASES}") from None
    if url.get_backend_name() == "postgresql":
        return url.render_as_string(hide_password=False)
    if url.get_backend_name() != "sqlite":
        raise ValidationError(f"{url.get_backend_name()!r} is not a database that works here; it takes {DATABASES}")
    if not url.database or url.database == ":memory:":
        raise ValidationError(f"a database in memory is not shared by processes; it takes {DATABASES}")
    return url.set(database=str(folder / url.database)).render_as_string(hide_password=False)


class _PublicUrl(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        parts = urlsplit(text)
        spaced = any(map(str.isspace, text))
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment or spaced:
            raise ValidationError(f"{text!r} is not accepted; it takes {self.metadata['accepts']}")
        return text.rstrip("/")


class _TimeZone(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        names = available_timezones()
        if text not in names:
            meant = did_you_mean(text, sorted(names))
            raise ValidationError(f"{text!r} is not a time zone{meant}; it takes {self.metadata['accepts']}")
        return ZoneInfo(text)


class _TimeOfDay(fields.Field[time]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        try:
            found = value if isinstance(value, time) else time.fromisoformat(value)
        except (TypeError, ValueError):
            found = None
        if found is None or found.tzinfo is not None:
            raise ValidationError(f"{value!r} is not accepted; it takes {self.metadata['accepts']}")
        return found


class _SecretKeys(fields.Field[tuple[Secret, ...]]):
    """One key or a list of them, each checked: a wrong one would show only when the first secret is stored."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Secret, ...]:
        from host.crypto import Vault
        from host.errors import Stop

        given = value if isinstance(value, list) else [value]
        keys = tuple(secret_of(one) for one in given)
        try:
            Vault([key.reveal() for key in keys])
        except Stop:
            raise ValidationError(
                "what it leads to is not a key: a key is 32 random bytes in URL-safe base64, as `counterfoil init` writes them; it takes "
                f"{self.metadata['accepts']}"
            ) from None
        return keys


class _Folder(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        folder = current_reading().folder / Path(super()._deserialize(value, attr, data, **kwargs)).expanduser()
        if not folder.is_dir():
            raise ValidationError(f"the folder {folder} does not exist")
        return folder


def _each_once(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValidationError(f"{', '.join(map(repr, twice))} stands there twice")


def _openable(names: list[str]) -> None:
    _each_once(names)
    wrong = [name for name in names if name not in OPENABLE]
    if wrong:
        raise ValidationError(f"{wrong[0]!r} is not accepted; it takes a list of {', '.join(OPENABLE)}")


def _about(text: str, accepts: str = "", default: str = "", *, secret: bool = False) -> dict[str, Any]:
    """What a key is for; ``default`` says what holds without it, where the schema's own value does not say it well."""
    said = {"description": text, "accepts": accepts, "default": default, "secret": secret}
    return {name: value for name, value in said.items() if value}


class HostSchema(Schema):
    """``[host]``: the only table that the host itself reads."""

    database_url = _DatabaseUrl(
        required=True,
        metadata=_about(
            "where everything is kept; SQLite needs nothing else and serves one machine", DATABASES, secret=True
        ),
    )
    public_url = _PublicUrl(
        load_default="http://localhost:8000",
        metadata=_about(
            "the address under which others reach this host",
            'the address under which others reach this host, such as "https://billing.example.com"',
        ),
    )
    timezone = _TimeZone(
        load_default=ZoneInfo("UTC"),
        metadata=_about("documents are dated, and the daily run begins, by this clock", 'a name like "Europe/London"'),
    )
    daily_at = _TimeOfDay(
        load_default=time(2, 30),
        metadata=_about("when the daily run begins, by that clock", 'a time of day like "02:30"', "02:30"),
    )
    secret_key = _SecretKeys(
        required=True,
        metadata=_about(
            "seals what must stay secret in the database; of several the first seals and all open, so that a key can be changed",
            f"{ACCEPTED}; or a list of these, the newest first",
            secret=True,
        ),
    )
    scheduler = fields.Boolean(
        load_default=True,
        metadata=_about("ticks: retries and the daily run; a saved record goes out at once with or without them"),
    )
    keep_requests_days = fields.Integer(
        strict=True,
        load_default=KEEP_REQUESTS_DAYS,
        validate=Range(0, LONGEST_DAYS),
        metadata=_about("for how many days each call to a remote stays in the request log; 0 is for ever"),
    )
    keep_bodies_days = fields.Integer(
        strict=True,
        load_default=None,
        validate=Range(0, LONGEST_DAYS),
        metadata=_about(
            "for how many days of these with what was sent and answered, word for word; 0 is as long as the call itself",
            default=f"{KEEP_BODIES_DAYS}, or keep_requests_days where that is less",
        ),
    )
    log_format = fields.String(
        load_default=TEXT,
        validate=OneOf(FORMATS),
        metadata=_about("the form of the log, which goes to standard error: text for people, json for programs"),
    )
    log_level = fields.String(
        load_default="info",
        validate=OneOf(LEVELS),
        metadata=_about("from which level on the host and its plugins log"),
    )
    plugins = fields.List(
        fields.String(),
        load_default=None,
        validate=_each_once,
        metadata=_about(
            "which plugins run, in the order in which they are called",
            "a list of names, in call order",
            "every plugin that is installed",
        ),
    )
    plugin_dir = _Folder(
        load_default=None,
        metadata=_about(
            "a folder with plugins of your own, each a single .py file", "the path of a folder", "no folder"
        ),
    )
    trace_hooks = fields.Boolean(
        load_default=False,
        metadata=_about("every call of a hook is a line in the log: plugin, record, how long, and how it ended"),
    )
    without_token = fields.List(
        fields.String(),
        load_default=list,
        validate=_openable,
        metadata=_about(
            "what anybody who reaches this host may read",
            f"a list of what anybody may read: {', '.join(OPENABLE)}",
            "nothing",
        ),
    )

    @validates_schema
    def _bodies_go_first(self, data: dict[str, Any], **_kwargs: Any) -> None:
        requests, bodies = data.get("keep_requests_days"), data.get("keep_bodies_days")
        if requests and bodies and bodies > requests:
            raise ValidationError(
                f"{bodies} is more than the {requests} days that keep_requests_days keeps the calls themselves; it takes at most as many, or 0",
                "keep_bodies_days",
            )


def host_settings(loaded: dict[str, Any]) -> HostSettings:
    plugins = loaded.pop("plugins")
    return HostSettings(
        secret_keys=loaded.pop("secret_key"),
        keep_bodies_days=_bodies_days(loaded.pop("keep_bodies_days"), loaded["keep_requests_days"]),
        plugins=None if plugins is None else tuple(plugins),
        without_token=tuple(loaded.pop("without_token")),
        **loaded,
    )


def _bodies_days(said: int | None, requests: int) -> int:
    if said is not None:
        return said
    return min(KEEP_BODIES_DAYS, requests) if requests else KEEP_BODIES_DAYS
