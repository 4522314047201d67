"""What a command works on: the configuration file that ``-c`` names, and what it leads to."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

from host.cli.base.output import warn
from host.logs import write_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.app import Host, Installation
    from host.config import Config

DEFAULT: Final = Path("counterfoil.toml")
_path: ContextVar[Path] = ContextVar("counterfoil_config_path", default=DEFAULT)


def config_path() -> Path:
    """The configuration file of this command."""
    return _path.get()


@contextmanager
def using_config(path: Path) -> Iterator[None]:
    token = _path.set(path)
    try:
        yield
    finally:
        _path.reset(token)


@contextmanager
def installation(*, safe_mode: bool = False) -> Iterator[Installation]:
    """Configuration, database and loaded plugins, for commands that must work before anything is migrated."""
    from host.app import open_installation

    found = open_installation(config_path(), safe_mode=safe_mode)
    try:
        _warn_about(found.config)
        yield found
    finally:
        found.close()


@contextmanager
def migrated_installation() -> Iterator[Installation]:
    """The configuration and its migrated database, without plugins: one that is broken does not keep anybody from revoking a token."""
    from host.db.migrate import HOST, require_current, status

    with installation(safe_mode=True) as found:
        [line] = status(found.database, [HOST])
        require_current(line)
        yield found


@contextmanager
def host(*, safe_mode: bool = False, trace_hooks: bool = False, serving: bool = False) -> Iterator[Host]:
    """The host, opened and not started: its records and its sync can be asked and written.

    The log is as ``[host]`` wants it from before the plugins are loaded; a command that does not serve tells only what goes wrong.
    """
    from host.app import open_host
    from host.config import load_config

    settings = load_config(config_path()).host
    level = settings.log_level if serving else "warning"
    write_log(form=settings.log_format, packages={"host": level})
    _collect_garbage_seldom()
    with open_host(config_path(), safe_mode=safe_mode, trace_hooks=trace_hooks) as opened:
        _warn_about(opened.config)
        # Their libraries stay as quiet as everybody's: what those tell of their work may hold a secret.
        write_log(form=settings.log_format, packages=dict.fromkeys(("host", *opened.plugins.packages), level))
        yield opened


def _collect_garbage_seldom() -> None:
    """Sending and loading make many small objects that live for one batch and hold no cycles: by its usual numbers the collector walks through all of
    them again and again, for an eighth of the time. What is loaded by now stays for good, and is not walked through at all."""
    import gc

    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _warn_about(config: Config) -> None:
    for warning in config.warnings:
        warn(warning)
