"""What ``check`` looks at: one finding for each thing, with what is fine about it or what to do."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from host import clock
from host.config.secret import too_open
from host.errors import CounterfoilError, Stop
from host.plugins.describing import describe
from host.sync.connections import DRAFT
from host.sync.provider import Standing
from host.sync.tables import calls, connections, grants
from host.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from host.app import Host, Installation
    from host.db.migrate import LineStatus
    from host.plugins import Plugin
    from host.sync.engine import Engine
    from host.sync.probing import Probed
    from host.sync.provider import Point

OFF: Final = timedelta(seconds=60)
"""A clock may differ so much: the limits of a minute and the age of a token are kept with less to spare."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``fine`` where nothing has to be done, with ``wanting`` where something may be; ``says`` is one line either way."""

    what: str
    fine: bool
    says: str = ""
    wanting: bool = False

    @property
    def state(self) -> str:
        if not self.fine:
            return "to do"
        return "note" if self.wanting else "ok"


def findings(found: Installation, *, offline: bool) -> Iterator[Finding]:
    """Everything that can be looked at; what needs a database that is not in order is left out. ``offline``: no remote is called."""
    from host.app import assemble

    yield Finding("configuration", fine=True, says=str(found.config.path))
    yield from _modes(found)
    try:
        host_line, *lines = found.standing()
    except Stop as error:
        yield Finding("database", fine=False, says=str(error))
        yield from _plugins(found, ready=False)
        return
    yield _database(found, host_line)
    yield from (
        Finding(f"tables of {line.name}", fine=line.usable, says=line.reason or f"at {line.at}") for line in lines
    )
    if not host_line.usable:
        yield from _plugins(found, ready=False)
        return
    with assemble(found) as host:
        yield from _plugins(found, ready=True)
        yield _secret_key(host)
        yield _own_clock(host)
        if host.engine is not None:
            yield from _connections(host.engine, offline=offline)


def _modes(found: Installation) -> Iterator[Finding]:
    """Files that hold secrets or records: for their owner alone."""
    path = Path(found.database.engine.url.database or "")
    database = too_open(path) if found.database.is_sqlite and path.exists() else []
    warnings = [*found.config.warnings, *database]
    for warning in warnings:
        yield Finding("file modes", fine=False, says=warning)
    if not warnings:
        yield Finding("file modes", fine=True, says="nobody but their owner can read what holds secrets")


def _database(found: Installation, line: LineStatus) -> Finding:
    address = found.database.engine.url.render_as_string(hide_password=True)
    return Finding("database", fine=line.usable, says=line.reason or f"{address}, at {line.at}")


# ----------------------------------------------------------------------------------------------------------------- plugins


def _plugins(found: Installation, *, ready: bool) -> Iterator[Finding]:
    owed = {one["name"]: one for one in describe(found.plugins, found.database if ready else None)}
    for plugin in found.plugins.all:
        yield _plugin(plugin, owed[plugin.name])


def _plugin(plugin: Plugin, described: Mapping[str, Any]) -> Finding:
    what = f"plugin {plugin.name}"
    if not plugin.active:
        return Finding(what, fine=False, says=plugin.reason)
    broken = list(_not_importable(plugin))
    if broken:
        return Finding(what, fine=False, says="; ".join(broken))
    if described["failed_hooks"]:
        return Finding(what, fine=False, says=_owed(described))
    return Finding(what, fine=True, says=f"{plugin.version or 'no version'}, contract version {plugin.contract}")


def _owed(described: Mapping[str, Any]) -> str:
    count, newest = described["failed_hooks"], described["failures"][0]
    records = "1 record" if count == 1 else f"{count} records"
    return f"it failed over {records}, which it is owed again; the newest is {newest['kind']} {newest['ref']}: {newest['error']}"


def _not_importable(plugin: Plugin) -> Iterator[str]:
    """What it offers by name, which is imported only when it is used: by then it is too late to mend."""
    offers = [(f"its command {one.name!r}", one.target) for one in plugin.commands]
    offers += [(f"its route {one.path!r}", one.target) for one in plugin.routes]
    for what, target in offers:
        module, _, attribute = target.partition(":")
        try:
            getattr(importlib.import_module(module), attribute)
        except Exception as error:  # noqa: BLE001 - whatever the plugin's module raises is what has to be mended
            yield f"{what} cannot be imported: {one_line(error)}"


# ------------------------------------------------------------------------------------------------------ secrets and clocks


def _secret_key(host: Host) -> Finding:
    with host.database.read() as session:
        # Those that are used: a connection that was made again left its former one, perhaps sealed with a key that is lost.
        used = select(connections.c.grant_id)
        kept = select(grants.c.token).where(grants.c.token.is_not(None), grants.c.id.in_(used))
        sealed = session.execute(kept).scalars().all()
    try:
        for one in sealed:
            host.vault.open(one)
    except CounterfoilError as error:
        return Finding("secret key", fine=False, says=str(error))
    return Finding("secret key", fine=True, says=f"opens every secret that is kept ({len(sealed)})")


def _own_clock(host: Host) -> Finding:
    now = clock.now()
    with host.database.read() as session:
        newest = session.scalar(select(func.max(calls.c.sent_at)))
        told = None if host.database.is_sqlite else session.scalar(select(func.now()))  # its clock, not ours
    if newest is not None and newest - now > OFF:
        return Finding(
            "clock", fine=False, says=f"{_moment(now)}, but a call was sent at {_moment(newest)}: correct it, or wait"
        )
    if told is not None and abs(told - now) > OFF:
        return Finding(
            "clock", fine=False, says=f"{_moment(now)}, but the database has {_moment(told)}: correct one of the two"
        )
    return Finding(
        "clock", fine=True, says=f"{_moment(now)}, {_moment(now.astimezone(host.settings.timezone))} on documents"
    )


def _moment(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


# ------------------------------------------------------------------------------------------------------------- connections


def _connections(engine: Engine, *, offline: bool) -> Iterator[Finding]:
    with engine.reading() as session:
        shown: Sequence[Mapping[str, Any]] = engine.show_connections(session)
    if not shown:
        says = "; ".join(["none yet", *engine.without_effect()])
        yield Finding("connections", fine=True, says=says, wanting=True)
    yield from (_finding(point.name, point) for point in engine.misnamed())
    for one in shown:
        found = _connection(engine, one, offline=offline)
        yield found
        if found.fine:
            yield from _readiness(engine, one["key"], ask=not offline)


def _readiness(engine: Engine, key: str, *, ask: bool) -> Iterator[Finding]:
    """What the organisation still lacks; that it is connected was said."""
    try:
        found = engine.readiness(key, ask=ask)
    except CounterfoilError as error:
        yield Finding(f"{key}, readiness", fine=False, says=str(error))
        return
    yield from (_finding(f"{key}, {point.name}", point) for point in found[1:])


def _finding(what: str, point: Point) -> Finding:
    says = f"{point.says}: {point.to_do}" if point.to_do else point.says
    return Finding(
        what, fine=point.standing is not Standing.BLOCKING, says=says, wanting=point.standing is not Standing.READY
    )


def _connection(engine: Engine, shown: Mapping[str, Any], *, offline: bool) -> Finding:
    what, name = f"connection {shown['key']}", shown["organisation_name"]
    if shown["status"] != "connected":
        return Finding(what, fine=False, says=_not_connected(shown))
    if offline:
        return Finding(what, fine=True, says=f"connected to {name}; not asked")
    try:
        return answered(what, engine.probe(shown["key"]), name)
    except CounterfoilError as error:
        return Finding(what, fine=False, says=str(error))


def _not_connected(shown: Mapping[str, Any]) -> str:
    if shown["status"] == DRAFT:
        return "a draft: authorise and save it, or delete it"
    return f"{shown['status'].replace('_', ' ')}: {shown['reason']}"


def answered(what: str, probed: Probed, name: str) -> Finding:
    """What an organisation's answer tells; ``name`` is the organisation's that the connection is bound to."""
    if probed.organisation.id != probed.connection.organisation:
        other = f"its credentials lead to {probed.organisation.name}, and it is bound to {name}"
        return Finding(
            what, fine=False, says=f"{other}: put the former credentials back, or connect anew under another key"
        )
    if probed.ahead is not None and abs(probed.ahead) > OFF:
        seconds = round(probed.ahead.total_seconds())
        way = "ahead of" if seconds > 0 else "behind"
        return Finding(
            what,
            fine=False,
            says=f"{name} answers, but this machine's clock is {abs(seconds)} s {way} the remote's: correct it",
        )
    return Finding(what, fine=True, says=f"{name} answers, and the token is good")
