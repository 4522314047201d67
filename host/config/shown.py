"""The configuration in force, as people are shown it: with its defaults, and without its secrets."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url

from host.config.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.config.settings import HostSettings

MASKED: Final = "***"
# For the settings of plugins that keep a secret as a plain text.
_SECRET_NAME: Final = re.compile(r"secret|password|passphrase|token|api_?key|private_?key|credential", re.IGNORECASE)


def shown_host(settings: HostSettings) -> dict[str, Any]:
    """``[host]`` in the names of the file."""
    shown: dict[str, Any] = {one.name: shown_value(getattr(settings, one.name)) for one in fields(settings)}
    shown["secret_key"] = shown.pop("secret_keys")
    shown["database_url"] = _without_password(settings.database_url)
    return dict(sorted(shown.items()))


def _without_password(address: str) -> str:
    """Where the database is. Neither its user's password nor what stands after a question mark, where a password may stand as well."""
    url = make_url(address)
    return url.set(query={}).render_as_string()


def shown_table(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin's settings."""
    return {name: _shown_named(name, value) for name, value in sorted(settings.items())}


def _shown_named(name: str, value: Any) -> Any:
    return MASKED if isinstance(value, str) and value and _SECRET_NAME.search(name) else shown_value(value)


def shown_value(value: Any) -> Any:
    """A setting as JSON has it."""
    if isinstance(value, Secret):
        return MASKED
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return shown_table({one.name: getattr(value, one.name) for one in fields(value)})
    if isinstance(value, dict):
        return shown_table({str(name): one for name, one in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [shown_value(one) for one in value]
    return str(value)
