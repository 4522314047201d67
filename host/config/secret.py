"""Secrets in the configuration: named there, kept elsewhere, never shown."""

from __future__ import annotations

import hmac
import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from marshmallow import ValidationError, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCEPTED: Final = (
    'a secret: "env:NAME" (environment variable), "file:PATH" (a file with nothing else in it) or the secret itself'
)


class Secret:
    """A secret that does not slip into logs, messages or ``repr``; ``reveal()`` where it is used."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a field may know of the file that is being read, and what it noticed there."""

    folder: Path
    warnings: list[str] = field(default_factory=list)


_reading: ContextVar[Reading | None] = ContextVar("counterfoil_config_reading", default=None)


@contextmanager
def reading(folder: Path) -> Iterator[Reading]:
    """Paths count from ``folder`` while fields are deserialised inside."""
    now = Reading(folder)
    token = _reading.set(now)
    try:
        yield now
    finally:
        _reading.reset(token)


def current_reading() -> Reading:
    return _reading.get() or Reading(Path.cwd())


class SecretField(fields.Field[Secret]):
    """A marshmallow field for a secret: plain, ``env:NAME`` or ``file:PATH`` (counted from the configuration file). Its value is a ``Secret``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Secret:
        return secret_of(value)


def secret_of(value: Any) -> Secret:
    if not isinstance(value, str):
        raise ValidationError(f"this value is not accepted; it takes {ACCEPTED}")
    return Secret(resolve(value))


def resolve(value: str) -> str:
    """The secret that a text in the configuration stands for."""
    if value in {"env:", "file:"}:
        raise ValidationError(f"{value!r} names nothing; it takes {ACCEPTED}")
    if value.startswith("env:"):
        return _from_environment(value.removeprefix("env:"))
    if value.startswith("file:"):
        return _from_file(value.removeprefix("file:"))
    if not value:
        raise ValidationError(f"it is empty; it takes {ACCEPTED}")
    return value


def _from_environment(name: str) -> str:
    found = os.environ.get(name, "")
    if not found:
        state = "is empty" if name in os.environ else "is not set"
        raise ValidationError(f"the environment variable {name} {state}: set it, or name another")
    return found


def _from_file(name: str) -> str:
    now = current_reading()
    path = now.folder / Path(name).expanduser()
    try:
        found = path.read_text().strip("\r\n")
    except FileNotFoundError:
        raise ValidationError(f"the file {path} does not exist: put the secret there, or name another file") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ValidationError(f"the file {path} cannot be read: {reason}") from error
    if not found:
        raise ValidationError(f"the file {path} is empty: put the secret there, or name another file")
    now.warnings.extend(too_open(path))
    return found


def too_open(path: Path) -> list[str]:
    """A warning where others than the owner can read a file that holds secrets."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077 == 0:
        return []
    return [f"{path} has mode {mode:04o}, so that others can read it: chmod 600 {path}"]
