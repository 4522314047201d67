"""Apps as they stand in Xero's developer portal: what they are called, how they prove who they are, where they may send
people back to and what they may ask for (API facts 1.2, 1.5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from sqlite3 import Row
from typing import Any
from urllib.parse import urlsplit

from plugins.xero.sandbox.scopes import BROAD, SCOPES
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.wire import dumps, loads

SECRET = "sandbox-secret"
CUSTOM = "sandbox-custom"
MOST_REDIRECTS = 50
KINDS = ("web", "pkce")
SCOPE_SETS = {"granular": SCOPES, "broad": (*SCOPES, *BROAD)}
FLAGS = ("bulk", "certified")
FIELDS = frozenset({"client_id", "name", "kind", "secret", "redirects", "scopes", *FLAGS})


@dataclass(frozen=True)
class App:
    """`bulk`: one consent may connect several organisations (an Advanced-tier feature). `certified`: it does not count
    among the two uncertified apps that an organisation may have."""

    client_id: str
    name: str
    scopes: frozenset[str]
    secret: str = SECRET
    public: bool = False
    org: int | None = None  # the organisation of a custom connection
    redirects: tuple[str, ...] = ()
    bulk: bool = False
    certified: bool = False

    @property
    def kind(self) -> str:
        if self.org is not None:
            return "custom"
        return "pkce" if self.public else "web"

    def shown(self) -> dict[str, Any]:
        secret = {} if self.public else {"secret": self.secret}
        return {
            "client_id": self.client_id,
            "name": self.name,
            "kind": self.kind,
            **secret,
            "redirects": list(self.redirects),
            "scopes": "broad" if self.scopes == frozenset(SCOPE_SETS["broad"]) else sorted(self.scopes),
            "bulk": self.bulk,
            "certified": self.certified,
        }


def new_app(client_id: str) -> App:
    if client_id.startswith(CUSTOM):
        raise ValueError(f"{client_id}: ids that begin with {CUSTOM} belong to the organisations' custom connections")
    return App(client_id, client_id, frozenset(SCOPES))


def changed(app: App, wanted: Mapping[str, Any]) -> App:
    """The app with these of its fields; raises ValueError saying what is wrong and what is accepted."""
    unknown = sorted(set(wanted) - FIELDS)
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)} (known: {', '.join(sorted(FIELDS))})")
    for name in ("name", "secret"):
        if name in wanted and not (isinstance(wanted[name], str) and wanted[name]):
            raise ValueError(f"{name} must be a text")
    for name in FLAGS:
        if name in wanted and not isinstance(wanted[name], bool):
            raise ValueError(f"{name} must be true or false")
    if "kind" in wanted and wanted["kind"] not in KINDS:
        raise ValueError(f"kind must be {' or '.join(KINDS)}; custom connections come with their organisations")
    return replace(
        app,
        name=wanted.get("name", app.name),
        secret=wanted.get("secret", app.secret),
        public=wanted["kind"] == "pkce" if "kind" in wanted else app.public,
        redirects=_redirects(wanted["redirects"]) if "redirects" in wanted else app.redirects,
        scopes=_scopes(wanted["scopes"]) if "scopes" in wanted else app.scopes,
        bulk=wanted.get("bulk", app.bulk),
        certified=wanted.get("certified", app.certified),
    )


def _redirects(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(address, str) for address in given):
        raise ValueError("redirects must be a list of addresses")
    if len(given) > MOST_REDIRECTS:
        raise ValueError(f"an app has at most {MOST_REDIRECTS} redirect addresses")
    for address in given:
        _check_redirect(address)
    return tuple(dict.fromkeys(given))


def _check_redirect(address: str) -> None:
    """What Xero's portal takes: https, and for development http on localhost by name (API facts 1.2)."""
    try:
        parts = urlsplit(address)
        accepted = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
        complete = bool(parts.hostname) and "*" not in address and not parts.fragment and parts.port != 0
    except ValueError:
        accepted = complete = False
    if not accepted or not complete:
        raise ValueError(
            f"redirect address {address!r} must be https://… or http://localhost[:port]/…, without * (127.0.0.1 is"
            " refused as it is at Xero)"
        )


def _scopes(given: object) -> frozenset[str]:
    if isinstance(given, str) and given in SCOPE_SETS:
        return frozenset(SCOPE_SETS[given])
    if not isinstance(given, list):
        raise ValueError("scopes must be granular, broad or a list of scopes")
    unknown = sorted(set(map(str, given)) - set(SCOPE_SETS["broad"]))
    if unknown:
        raise ValueError(f"unknown scopes {', '.join(unknown)} (known: {', '.join(SCOPE_SETS['broad'])})")
    return frozenset(given)


def read_option(text: str) -> dict[str, Any]:
    """Fields from NAME=VALUE,NAME=VALUE… as they stand on a command line; raises ValueError saying what is accepted."""
    fields: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or not value:
            raise ValueError(f"{text!r} must be NAME=VALUE,NAME=VALUE…, for example {EXAMPLE}")
        if name == "redirect":
            fields.setdefault("redirects", []).append(value)
        elif name in FLAGS:
            fields[name] = _yes(name, value)
        else:
            fields[name] = value
    if "client_id" not in fields:
        raise ValueError(f"{text!r} names no client_id; an app is told as in {EXAMPLE}")
    changed(new_app(fields["client_id"]), fields)
    return fields


EXAMPLE = "client_id=sandbox-app,redirect=http://localhost:8000/connections/callback"


def _yes(name: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError(f"{name} must be yes or no")
    return value == "yes"


class Apps:
    def __init__(self, store: Store) -> None:
        self.store = store

    def known(self, client_id: str) -> App | None:
        row = self.store.sql.execute("SELECT * FROM app WHERE client_id = ?", (client_id,)).fetchone()
        return None if row is None else _app(row)

    def all(self) -> list[App]:
        return [_app(row) for row in self.store.sql.execute("SELECT * FROM app ORDER BY rowid")]

    def add(self, app: App) -> None:
        """Unless there is one with this id, which then stays as it is."""
        if self.known(app.client_id) is None:
            self.save(app)

    def save(self, app: App) -> None:
        values = {
            "client_id": app.client_id,
            "secret": app.secret,
            "name": app.name,
            "org": app.org,
            "scopes": " ".join(sorted(app.scopes)),
            "public": app.public,
            "redirects": dumps(app.redirects),
            "bulk": app.bulk,
            "certified": app.certified,
        }
        marks, changes = ", ".join("?" * len(values)), ", ".join(f"{name} = excluded.{name}" for name in values)
        self.store.sql.execute(
            f"INSERT INTO app ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 our own names
            f" ON CONFLICT (client_id) DO UPDATE SET {changes}",
            tuple(values.values()),
        )

    def change(self, wanted: Iterable[Mapping[str, Any]]) -> None:
        """Each of these as told, one that is new with the usual scopes."""
        for fields in wanted:
            self.save(changed(self.known(fields["client_id"]) or new_app(fields["client_id"]), fields))

    def remove(self, client_id: str) -> None:
        self.store.sql.execute("DELETE FROM app WHERE client_id = ?", (client_id,))

    def remove_all_but_custom(self) -> None:
        self.store.sql.execute("DELETE FROM app WHERE org IS NULL")


def _app(row: Row) -> App:
    return App(
        row["client_id"],
        row["name"],
        frozenset(row["scopes"].split()),
        row["secret"],
        bool(row["public"]),
        row["org"],
        tuple(loads(row["redirects"])),
        bool(row["bulk"]),
        bool(row["certified"]),
    )
