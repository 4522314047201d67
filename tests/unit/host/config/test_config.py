"""The configuration file: what it gives, and one clear line for everything that can be wrong with it."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from host.config import Config, ConfigFault, Secret, SecretField, load_config
from host.crypto import generate_key
from host.errors import Stop

if TYPE_CHECKING:
    from pathlib import Path

KEY = generate_key()


class Limits(Schema):
    minute = fields.Integer(load_default=60, validate=validate.Range(min=0))
    paced = fields.Boolean()


class Custom(Schema):
    client_id = fields.String(required=True)
    client_secret = SecretField(required=True)


def not_five(value: int) -> None:
    if value == 5:
        raise ValidationError("it must not be 5")


class Ledger(Schema):
    """A schema as a plugin has one."""

    entities_to_sync = fields.List(fields.String(validate=validate.OneOf(["customers", "products"])))
    limits = fields.Nested(Limits)
    custom = fields.Nested(Custom)
    connections = fields.Dict(keys=fields.String(), values=fields.Nested(Custom))
    rate = fields.Float()
    level = fields.Integer(validate=not_five)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "counterfoil.toml"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def host(text: str) -> str:
    return f'[host]\ndatabase_url = "sqlite:///a.db"\nsecret_key = "{KEY}"\n{text}'


def faults(path: Path, text: str) -> list[str]:
    """The lines of complaint, without the folder."""
    write(path, text)
    with pytest.raises(ConfigFault) as raised:
        load_config(path)
    return [line.replace(f"{path.parent}/", "") for line in str(raised.value).splitlines()]


def plugin_faults(path: Path, text: str) -> list[str]:
    config = load_config(write(path, host(text)))
    return [line.replace(f"{path.parent}/", "") for line in config.plugin_settings("ledger", Ledger)[1]]


def plugin_settings(path: Path, text: str) -> dict[str, object]:
    settings, complaints = load_config(write(path, host(text))).plugin_settings("ledger", Ledger)
    assert complaints == []
    return settings


# ------------------------------------------------------------------------------------------------------ what it gives


def test_the_least_that_works(path: Path) -> None:
    config = load_config(write(path, host("")))
    assert config.host.database_url == f"sqlite:///{path.parent}/a.db"
    assert config.host.secret_keys == (Secret(KEY),)
    assert config.host.timezone == ZoneInfo("UTC")
    assert config.host.daily_at == time(2, 30)
    assert config.host.public_url == "http://localhost:8000"
    assert config.host.scheduler is True
    assert config.host.plugins is None
    assert config.host.plugin_dir is None
    assert config.warnings == []


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        ("", (400, 90)),
        ("keep_requests_days = 0", (0, 90)),
        ("keep_requests_days = 30", (30, 30)),
        ("keep_bodies_days = 0", (400, 0)),
        ("keep_requests_days = 0\nkeep_bodies_days = 1000", (0, 1000)),
    ],
)
def test_how_long_the_request_log_is_kept(path: Path, lines: str, days: tuple[int, int]) -> None:
    settings = load_config(write(path, host(lines))).host
    assert (settings.keep_requests_days, settings.keep_bodies_days) == days


def test_everything_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = generate_key()
    monkeypatch.setenv("COUNTERFOIL_DB", "postgresql://me:pass@db/books")
    monkeypatch.setenv("OLD_KEY", second)
    write(path.parent / "secret.key", f"{KEY}\n")
    (path.parent / "mine").mkdir()
    config = load_config(
        write(
            path,
            """
            [host]
            database_url = "env:COUNTERFOIL_DB"
            public_url = "https://billing.example.com/books/"
            timezone = "Pacific/Auckland"
            daily_at = 05:15:00
            secret_key = ["file:secret.key", "env:OLD_KEY"]
            scheduler = false
            plugins = ["books", "ledger"]
            plugin_dir = "mine"
            """,
        )
    )
    assert config.host.database_url == "postgresql://me:pass@db/books"
    assert config.host.public_url == "https://billing.example.com/books"
    assert config.host.timezone == ZoneInfo("Pacific/Auckland")
    assert config.host.daily_at == time(5, 15)
    assert config.host.secret_keys == (Secret(KEY), Secret(second))
    assert config.host.scheduler is False
    assert config.host.plugins == ("books", "ledger")
    assert config.host.plugin_dir == path.parent / "mine"
    shown = repr(config)
    assert KEY not in shown
    assert second not in shown
    assert "pass" not in shown


def test_a_plugins_own_table(path: Path) -> None:
    settings = plugin_settings(
        path,
        """
        [plugins.ledger]
        entities_to_sync = ["customers"]
        [plugins.ledger.limits]
        minute = 3
        [plugins.ledger.connections.uk]
        client_id = "a"
        client_secret = "b"
        """,
    )
    assert settings["limits"] == {"minute": 3}
    assert settings["connections"] == {"uk": {"client_id": "a", "client_secret": Secret("b")}}


def test_paths_count_from_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path.parent / "secret.key", KEY)
    write(path, '[host]\ndatabase_url = "sqlite:///sub/a.db"\nsecret_key = "file:secret.key"\n')
    (path.parent / "elsewhere").mkdir()
    monkeypatch.chdir(path.parent / "elsewhere")
    config = load_config(type(path)("../counterfoil.toml"))
    assert config.host.database_url.endswith("/sub/a.db")
    assert config.host.secret_keys == (Secret(KEY),)


def test_files_that_others_can_read_are_named(path: Path) -> None:
    write(path.parent / "secret.key", KEY).chmod(0o640)
    write(path, '[host]\ndatabase_url = "sqlite:///a.db"\nsecret_key = "file:secret.key"\n').chmod(0o644)
    warnings = load_config(path).warnings
    assert warnings == [
        f"{path} has mode 0644, so that others can read it: chmod 600 {path}",
        f"{path.parent}/secret.key has mode 0640, so that others can read it: chmod 600 {path.parent}/secret.key",
    ]


def test_a_secret_does_not_show() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != Secret("hunter3")
    assert secret != "hunter2"


# ----------------------------------------------------------------------------------------------------- what is refused


def test_no_file(path: Path) -> None:
    with pytest.raises(Stop, match=r"counterfoil.toml does not exist: name the file with -c, or make one with"):
        load_config(path)


def test_not_text(path: Path) -> None:
    path.write_bytes(b"[host]\nx = '\xff'")
    with pytest.raises(Stop, match=r"counterfoil.toml is not a text in UTF-8 \(byte 12\)"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[host]\nscheduler = yes\n", "counterfoil.toml:2: this is not TOML: Invalid value"),
        (
            "[host]\nscheduler = true\nscheduler = true\n",
            "counterfoil.toml:3: host.scheduler: it stands there twice, for the first time in line 2: leave one of them",
        ),
        (
            "[host]\na = 1\n[plugins.x]\nb = 1\n\n[host]\nc = [\n",
            "counterfoil.toml:6: host: it stands there twice, for the first time in line 1: leave one of them",
        ),
        (
            "[host]\nx = 1\n[host.x]\n",
            "counterfoil.toml:3: host.x: it stands there twice, for the first time in line 2: leave one of them",
        ),
        ("[[x]]\n[[x]]\ny = \n", "counterfoil.toml:3: this is not TOML: Invalid value"),
        ("[host]\nx = '''\n\n", "counterfoil.toml:3: this is not TOML: Expected \"'''\""),
    ],
)
def test_not_toml(path: Path, text: str, line: str) -> None:
    assert faults(path, text) == [line]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "[hosts]\n",
            [
                "counterfoil.toml:1: hosts: unknown table (did you mean 'host'?); accepted: [host], [plugins.NAME]",
                'counterfoil.toml:1: host.database_url: missing; it takes "sqlite:///counterfoil.db" or '
                '"postgresql://user@host/name" (or env:NAME, file:PATH)',
                'counterfoil.toml:1: host.secret_key: missing; it takes a secret: "env:NAME" (environment variable), '
                '"file:PATH" (a file with nothing else in it) or the secret itself; or a list of these, the newest first',
            ],
        ),
        (
            host("\nscheduller = true\n"),
            [
                "counterfoil.toml:5: host.scheduller: unknown key (did you mean 'scheduler'?); "
                "accepted: daily_at, database_url, keep_bodies_days, keep_requests_days, log_format, log_level, plugin_dir, plugins, public_url, "
                "scheduler, secret_key, timezone, trace_hooks, without_token"
            ],
        ),
        (
            host('scheduler = "yes"\n'),
            ["counterfoil.toml:4: host.scheduler: 'yes' is not accepted; it takes true or false"],
        ),
        (
            host("plugins = 'xero'\n"),
            ["counterfoil.toml:4: host.plugins: 'xero' is not accepted; it takes a list of names, in call order"],
        ),
        (
            host("plugins = [\n  'a',\n  3\n]\nscheduler = 1"),
            [
                "counterfoil.toml:4: host.plugins.1: 3 is not accepted; it takes a text in quotes",
                "counterfoil.toml:8: host.scheduler: 1 is not accepted; it takes true or false",
            ],
        ),
        (
            host("keep_requests_days = -1\nkeep_bodies_days = 1.5\n"),
            [
                "counterfoil.toml:4: host.keep_requests_days: -1 is not accepted; it takes a whole number from 0 to 36500",
                "counterfoil.toml:5: host.keep_bodies_days: 1.5 is not accepted; it takes a whole number from 0 to 36500",
            ],
        ),
        (
            host("keep_requests_days = 30\nkeep_bodies_days = 31\n"),
            [
                "counterfoil.toml:5: host.keep_bodies_days: 31 is more than the 30 days that keep_requests_days keeps the calls themselves; "
                "it takes at most as many, or 0"
            ],
        ),
        (host("plugins = ['a', 'b', 'a']"), ["counterfoil.toml:4: host.plugins: 'a' stands there twice"]),
        (
            host("timezone = 'Europe/Londn'"),
            [
                "counterfoil.toml:4: host.timezone: 'Europe/Londn' is not a time zone (did you mean 'Europe/London'?); "
                'it takes a name like "Europe/London"'
            ],
        ),
        (
            host("daily_at = '25:00'"),
            ["counterfoil.toml:4: host.daily_at: '25:00' is not accepted; it takes a time of day like \"02:30\""],
        ),
        (
            host("public_url = 'billing.example.com'"),
            [
                "counterfoil.toml:4: host.public_url: 'billing.example.com' is not accepted; it takes the address "
                'under which others reach this host, such as "https://billing.example.com"'
            ],
        ),
        (
            host("public_url = 'https://billing example.com'"),
            [
                "counterfoil.toml:4: host.public_url: 'https://billing example.com' is not accepted; it takes the address "
                'under which others reach this host, such as "https://billing.example.com"'
            ],
        ),
        (host("plugin_dir = 'mine'"), ["counterfoil.toml:4: host.plugin_dir: the folder mine does not exist"]),
        (
            host("plugins = ['a']\n[plugins]\nledger = 1\n"),
            ["counterfoil.toml:6: plugins.ledger: this value is not accepted; it takes tables: [plugins.NAME]"],
        ),
        ("plugins = 1\nhost = 2\n", None),
    ],
)
def test_the_host_table(path: Path, text: str, lines: list[str] | None) -> None:
    found = faults(path, text)
    if lines is None:
        assert found[0].startswith("counterfoil.toml:1: plugins: this value is not accepted; it takes tables")
        assert found[1].startswith("counterfoil.toml:2: host: this value is not accepted; it takes a table")
    else:
        assert found == lines


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("mysql://me:hunter2@db/x", "'mysql' is not a database that works here"),
        ("hunter2", "it is not a database address"),
        ("sqlite://", "a database in memory is not shared by processes"),
        ("sqlite:///:memory:", "a database in memory is not shared by processes"),
    ],
)
def test_database_addresses(path: Path, address: str, complaint: str) -> None:
    assert faults(path, f'[host]\nsecret_key = "{KEY}"\n\ndatabase_url = "{address}"') == [
        f"counterfoil.toml:4: host.database_url: {complaint}; it takes "
        '"sqlite:///counterfoil.db" or "postgresql://user@host/name" (or env:NAME, file:PATH)'
    ]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ('"env:NO_SUCH_SECRET"', "the environment variable NO_SUCH_SECRET is not set: set it, or name another"),
        ('"env:EMPTY_SECRET"', "the environment variable EMPTY_SECRET is empty: set it, or name another"),
        ('"file:no.key"', "the file no.key does not exist: put the secret there, or name another file"),
        ('"file:empty.key"', "the file empty.key is empty: put the secret there, or name another file"),
        ('"file:."', "the file . cannot be read: Is a directory"),
        (
            '["hunter2"]',
            "what it leads to is not a key: a key is 32 random bytes in URL-safe base64, as `counterfoil init` writes them; it takes a secret: ",
        ),
        ('"env:"', "'env:' names nothing; it takes a secret: "),
        ('"file:"', "'file:' names nothing; it takes a secret: "),
        ('""', "it is empty; it takes a secret: "),
        ("5", "this value is not accepted; it takes a secret: "),
    ],
)
def test_secrets(path: Path, value: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY_SECRET", "")
    (path.parent / "empty.key").touch()
    [line] = faults(path, f'[host]\ndatabase_url = "sqlite:///a.db"\nsecret_key = {value}')
    assert line.replace(str(path.parent), ".").startswith(f"counterfoil.toml:3: host.secret_key: {complaint}")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "[plugins.ledger]\nentities_to_sinc = []",
            [
                "counterfoil.toml:5: plugins.ledger.entities_to_sinc: unknown key (did you mean 'entities_to_sync'?); "
                "accepted: connections, custom, entities_to_sync, level, limits, rate"
            ],
        ),
        (
            "[plugins.ledger]\nentities_to_sync = ['customers', 'produkts']",
            [
                "counterfoil.toml:5: plugins.ledger.entities_to_sync.1: 'produkts' is not accepted "
                "(did you mean 'products'?); accepted: customers, products"
            ],
        ),
        (
            "[plugins.ledger]\nlimits = {minute = '60', hour = 1}\nrate = true\nlevel = 5",
            [
                "counterfoil.toml:5: plugins.ledger.limits.hour: unknown key; accepted: minute, paced",
                "counterfoil.toml:5: plugins.ledger.limits.minute: '60' is not accepted; it takes a whole number",
                "counterfoil.toml:6: plugins.ledger.rate: true is not accepted; it takes a number",
                "counterfoil.toml:7: plugins.ledger.level: it must not be 5",
            ],
        ),
        (
            "[plugins.ledger.limits]\nminute = -1\n",
            ["counterfoil.toml:5: plugins.ledger.limits.minute: Must be greater than or equal to 0."],
        ),
        (
            '[plugins.ledger.connections.uk]\nclient_id = "a"\n\n[plugins.ledger.connections.us]\nclient_secret = 5',
            [
                "counterfoil.toml:4: plugins.ledger.connections.uk.client_secret: missing; it takes a secret: "
                '"env:NAME" (environment variable), "file:PATH" (a file with nothing else in it) or the secret itself',
                "counterfoil.toml:7: plugins.ledger.connections.us.client_id: missing; it takes a text in quotes",
                "counterfoil.toml:8: plugins.ledger.connections.us.client_secret: this value is not accepted; it takes "
                'a secret: "env:NAME" (environment variable), "file:PATH" (a file with nothing else in it) or the secret itself',
            ],
        ),
        (
            '[plugins.ledger.connections]\nuk = {client_id = "a", client_secret = "env:NO_SUCH_SECRET"}',
            [
                "counterfoil.toml:5: plugins.ledger.connections.uk.client_secret: the environment variable "
                "NO_SUCH_SECRET is not set: set it, or name another"
            ],
        ),
        (
            "[plugins.ledger]\ncustom = 5",
            ["counterfoil.toml:5: plugins.ledger.custom: 5 is not accepted; it takes a table"],
        ),
    ],
)
def test_a_plugins_table(path: Path, text: str, lines: list[str]) -> None:
    assert sorted(plugin_faults(path, text)) == sorted(lines)


def test_a_plugin_without_a_schema_takes_nothing(path: Path) -> None:
    config = load_config(write(path, host("[plugins.plain]\nx = 1")))
    assert config.plugin_settings("plain", None)[1] == [f"{path}:5: plugins.plain.x: unknown key; accepted: nothing"]
    assert config.plugin_settings("other", None) == ({}, [])


def test_a_plugin_that_is_not_installed(path: Path) -> None:
    config: Config = load_config(write(path, host("[plugins.zero]\n[plugins.ledger.x]\n")))
    assert config.unknown_plugins({"xero", "ledger"}) == [
        f"{path}:4: plugins.zero: unknown plugin (did you mean 'xero'?); installed: ledger, xero"
    ]
