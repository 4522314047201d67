"""What is still missing before syncing with an organisation can work, each with what to do (H-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select

from hookspecs import TellsUse
from host.sync.belonging import default_connection
from host.sync.connections import CONNECTED, DRAFT, NO_CONNECTION
from host.sync.provider import NamesConnections, Point, Standing, TellsReadiness
from host.sync.tables import rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import BillingStore, Catalogue, Use
    from host.sync.provider import Ask, Connection, Provider

NEEDED: Final = {"rates": "tax-rates", "accounts": "accounts"}
"""Without an entry of these lists no line can go."""
CHOSEN: Final = {"currencies": "currencies", "themes": "branding-themes"}
"""Lists that records may name an entry of."""
REMOTE_MADE: Final = ("products", "suppliers")
"""What has to be at the remote before documents that name it go there."""
STUCK: Final = ("failed", "conflict", "blocked", "parked")
EXAMPLES: Final = 3


def points(session: Session, store: BillingStore, provider: Provider, connection: Connection) -> Sequence[Point]:
    """How everything stands that can be known without a call."""
    catalogue = store.catalogue(session, connection.key)
    uses = store.uses(session, _whose(session, provider, connection)) if isinstance(store, TellsUse) else ()
    found = [connected(connection), *_lists(provider, connection, catalogue, uses)]
    kinds = {rule.kind for rule in provider.kinds}
    found += _records(session, connection, [kind for kind in REMOTE_MADE if kind in kinds])
    if isinstance(provider, TellsReadiness):
        found += provider.requirements(connection, catalogue)
    return found


def _whose(session: Session, provider: Provider, connection: Connection) -> Sequence[str]:
    """Its own records; those that name no connection too, where they go here, or would once this draft is the only connection."""
    default = default_connection(provider, session)
    takes_the_rest = default == connection.key or (not default and connection.status == DRAFT)
    return [connection.key, ""] if takes_the_rest else [connection.key]


def misnamed(provider: Provider, keys: Sequence[str]) -> Iterator[Point]:
    """What the settings say of connections that are none of these. Before the first one is made that is nothing to worry about."""
    table, there = (
        f"[plugins.{provider.name}]",
        f"there is no such connection (there are {', '.join(keys) or 'none yet'})",
    )
    default = provider.default_connection
    if default and default not in {NO_CONNECTION, *keys}:
        yield Point(
            name="default connection",
            standing=Standing.BLOCKING if keys else Standing.MISSING,
            says=f"default_connection of {table} is {default!r}, and {there}",
            to_do="correct it, or connect one under that key",
        )
    named = provider.named_connections if isinstance(provider, NamesConnections) else ()
    for key in named:
        if key not in keys:
            yield Point(
                name="connections",
                standing=Standing.MISSING,
                says=f"{table[:-1]}.connections.{key}] has no effect: {there}",
                to_do="correct the key, or connect one under it",
            )


def tried_out(provider: Provider, ask: Ask, connection: Connection) -> Sequence[Point]:
    """What the organisation itself says, asked now; nothing is written there."""
    return provider.try_out(ask, connection) if isinstance(provider, TellsReadiness) else ()


def connected(connection: Connection) -> Point:
    if connection.status == CONNECTED:
        return Point(name="connection", says=f"connected to {_name(connection)}")
    if connection.status == DRAFT:
        says, to_do = "a draft", "authorise and save it"
    else:
        says, to_do = connection.status.replace("_", " "), "connect it again"
    return Point(name="connection", standing=Standing.BLOCKING, says=says, to_do=to_do)


# ------------------------------------------------------------------------------------------------------------------ lists


def _lists(provider: Provider, connection: Connection, catalogue: Catalogue, uses: Sequence[Use]) -> Iterator[Point]:
    for field, kind in (NEEDED | CHOSEN).items():
        if kind in provider.importable:
            yield _list(field, kind, connection, catalogue, [use for use in uses if use.list == field])


def _list(field: str, kind: str, connection: Connection, catalogue: Catalogue, uses: Sequence[Use]) -> Point:
    own = [one for one in getattr(catalogue, field) if one.connection == connection.key]
    importing = f"counterfoil import {kind} --connection {connection.key}"
    if not own and field in NEEDED:
        return Point(name=kind, standing=Standing.BLOCKING, says="none is imported yet", to_do=importing)
    unknown = [use for use in uses if use.code not in _known(field, connection, catalogue)]
    if unknown:
        to_do = f"correct those records, or, if it is new at the remote: {importing}"
        return Point(name=kind, standing=Standing.MISSING, says=_told(unknown, _name(connection)), to_do=to_do)
    return Point(
        name=kind,
        says=f"{len(own)}, and every one that records name is among them" if own else "none, and none is named",
    )


def _known(field: str, connection: Connection, catalogue: Catalogue) -> Collection[str]:
    entries = getattr(catalogue, field)
    names = {one.name for one in entries} if field == "themes" else set()
    return {one.code for one in entries} | names | {connection.details.get("base_currency", "")}


def _told(unknown: Sequence[Use], organisation: str) -> str:
    shown = [_use(one) for one in unknown[:EXAMPLES]]
    more = len(unknown) - len(shown)
    return f"not in {organisation}: {'; '.join(shown)}{f'; and {more} more' if more else ''}"


def _use(use: Use) -> str:
    others = use.count - 1
    return f"{use.code}, named by {use.kind} {use.ref}{f' and {others} more' if others else ''}"


# ---------------------------------------------------------------------------------------------------------------- records


def _records(session: Session, connection: Connection, kinds: Sequence[str]) -> Iterable[Point]:
    linked, stuck = _counted(session, connection.key, kinds)
    return [_kind(kind, connection, linked.get(kind, 0), stuck.get(kind, 0)) for kind in kinds]


def _kind(kind: str, connection: Connection, linked: int, stuck: int) -> Point:
    if stuck:
        says = f"{linked} linked, and {stuck} that cannot go by themselves"
        to_do = f"counterfoil errors --connection {connection.key}"
        return Point(name=kind, standing=Standing.MISSING, says=says, to_do=to_do)
    if not linked:
        to_do = f"counterfoil import {kind} --connection {connection.key}, or save some that are sent there"
        return Point(name=kind, standing=Standing.MISSING, says=f"none is linked with {_name(connection)}", to_do=to_do)
    return Point(name=kind, says=f"{linked} linked")


def _counted(session: Session, key: str, kinds: Sequence[str]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many records of each kind are linked, and how many are not and have no way there by themselves."""
    linked = func.count(case((rows.c.remote_id != "", 1)))
    stuck = func.count(case((rows.c.state.in_(STUCK) & (rows.c.remote_id == ""), 1)))
    query = select(rows.c.kind, linked, stuck).where(rows.c.connection == key, rows.c.kind.in_(kinds))
    found = session.execute(query.group_by(rows.c.kind)).all()
    return {kind: count for kind, count, _ in found}, {kind: count for kind, _, count in found}


def _name(connection: Connection) -> str:
    return connection.name or connection.key
